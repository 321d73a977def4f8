use std::fmt;

use driftstack_domain::{
    mail::{Mail, MailError},
    secret::LinkToken,
};

use crate::{PublicUrl, html::page, letter::Letter, wrap::wrap};

/// A mail as a person reads it.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// Plain text. Its lines end in `\n`; the link has one to itself.
    pub text: String,
    /// The same as a page.
    pub html: String,
    /// What the reader is to open: whoever has it may, so it is a secret. It ends in `?token=` and the token.
    pub link: Option<String>,
}

/// Without the text and the page, which have the link in them.
impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// Writes the mail, with its links below `base`. Fails for a mail that lost its token, which nobody could act on.
pub fn render(mail: &Mail, base: &PublicUrl) -> Result<Rendered, MailError> {
    let letter = Letter::of(mail);
    let link = letter.action.as_ref().map(|action| link(base, action.path, mail.token.as_ref())).transpose()?;
    let (opening, closing) = (wrap(&letter.opening), wrap(&letter.closing));
    let text = match &link {
        Some(link) => format!("{opening}\n\n{link}\n\n{closing}\n"),
        None => format!("{opening}\n\n{closing}\n"),
    };
    let html = page(&letter, link.as_deref())?;
    Ok(Rendered { subject: letter.subject, text, html, link })
}

fn link(base: &PublicUrl, path: &str, token: Option<&LinkToken>) -> Result<String, MailError> {
    let token = token.ok_or_else(|| MailError("its token is missing".to_owned()))?.expose();
    // Every token we make is base64url. Another one would end up as another link in the reader's browser.
    if !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        return Err(MailError("its token cannot stand in a link".to_owned()));
    }
    Ok(format!("{base}/{path}?token={token}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{BASE, TOKEN, invite, mail};
    use driftstack_domain::{
        mail::MailContent,
        policy::Role,
        testing::people::{LATER, name},
        tier::Tier,
    };

    fn rendered(mail: &Mail) -> Rendered {
        render(mail, &BASE.parse().unwrap()).unwrap()
    }

    fn plain(content: MailContent) -> Rendered {
        rendered(&mail(content))
    }

    #[test]
    fn a_verification() {
        let it = plain(MailContent::SignupVerification { expires_at: LATER });
        assert_eq!(it.subject, "Confirm your e-mail address");
        assert_eq!(it.link.as_deref(), Some(&*format!("https://example.com/verify-email?token={TOKEN}")));
        assert_eq!(
            it.text,
            format!(
                "Somebody, most likely you, has signed up for an account with the address\n\
                 ada@example.com. To confirm that the address is yours, open this link:\n\
                 \n\
                 https://example.com/verify-email?token={TOKEN}\n\
                 \n\
                 It works once, until 12 May 2026, 14:00 UTC. After that, ask for a new\n\
                 one where you sign in.\n\
                 \n\
                 If it was not you, do nothing: nobody can sign in to the account unless\n\
                 somebody opens this link.\n"
            )
        );
    }

    #[test]
    fn an_invite() {
        let it = plain(invite("Acme B.V.", Role::Admin));
        assert_eq!(it.subject, "You are invited to the team \"Acme B.V.\"");
        assert_eq!(it.link.as_deref(), Some(&*format!("https://example.com/team/accept?token={TOKEN}")));
        assert_eq!(
            it.text,
            format!(
                "The owner of the team \"Acme B.V.\" invites you to join it as an admin:\n\
                 you may see and change what belongs to the team.\n\
                 \n\
                 To accept, open this link and sign in as ada@example.com. If you have no\n\
                 account with this address yet, you can make one.\n\
                 \n\
                 https://example.com/team/accept?token={TOKEN}\n\
                 \n\
                 It works once, until 12 May 2026, 14:00 UTC. After that, ask the owner\n\
                 for a new invitation.\n\
                 \n\
                 If you do not know the team or did not expect to hear from it, do\n\
                 nothing: you join only if you accept.\n"
            )
        );
    }

    #[test]
    fn the_role_is_told() {
        assert!(plain(invite("Acme", Role::Member)).text.contains("as a member"));
    }

    #[test]
    fn a_welcome_and_a_tier_have_no_link() {
        let changed = MailContent::TierChanged { from: Tier::Free, to: Tier::ApiStarter };
        for (content, says) in [(MailContent::SignupWelcome, "is ready"), (changed, "on the API Starter tier now")] {
            let it = plain(content);
            assert_eq!(it.link, None);
            let text = it.text.replace('\n', " ");
            assert!(text.contains(says) && text.contains("decline"), "{text}");
        }
    }

    #[test]
    fn the_mails_of_signing_in() {
        let magic = plain(MailContent::MagicLink { expires_at: LATER });
        assert_eq!(magic.link.as_deref(), Some(&*format!("https://example.com/magic-link?token={TOKEN}")));
        assert!(magic.text.contains("until 12 May 2026, 14:00 UTC"));
        let reset = plain(MailContent::PasswordReset { expires_at: LATER });
        assert_eq!(reset.link.as_deref(), Some(&*format!("https://example.com/password-reset?token={TOKEN}")));
        let paused = plain(MailContent::MfaPaused { until: LATER });
        assert!(paused.text.replace('\n', " ").contains("until 12 May 2026, 14:00 UTC"), "{}", paused.text);
        assert_eq!((paused.link, plain(MailContent::MfaEnrolled).link), (None, None));
    }

    #[test]
    fn the_mails_of_another_address() {
        let change = plain(MailContent::EmailChange { expires_at: LATER });
        assert_eq!(change.link.as_deref(), Some(&*format!("https://example.com/email-change?token={TOKEN}")));
        assert!(change.text.contains("until 12 May 2026, 14:00 UTC"));
        let notice = plain(MailContent::EmailChangeNotice { expires_at: LATER });
        let text = notice.text.replace('\n', " ");
        assert!(text.contains("Nothing has changed yet") && text.contains("contact support"), "{text}");
        let changed = plain(MailContent::EmailChanged);
        assert!(changed.text.contains("contact support"), "{}", changed.text);
        assert_eq!((notice.link, changed.link), (None, None));
    }

    #[test]
    fn a_deletion_says_until_when_and_how_it_is_taken_back() {
        let it = plain(MailContent::AccountDeleted { purge_at: LATER });
        let text = it.text.replace('\n', " ");
        assert!(text.contains("Until 12 May 2026, 14:00 UTC nothing is lost: sign in"), "{text}");
        assert!(text.contains("do not come back") && text.contains("choose a new password"), "{text}");
        assert_eq!(it.link, None);
    }

    #[test]
    fn a_base_with_a_path_keeps_it() {
        let base = "https://example.com/accounts/".parse().unwrap();
        let it = render(&mail(invite("Acme", Role::Member)), &base).unwrap();
        assert_eq!(it.link, Some(format!("https://example.com/accounts/team/accept?token={TOKEN}")));
    }

    #[test]
    fn a_mail_without_its_token_is_not_written() {
        let mut mail = mail(MailContent::SignupVerification { expires_at: LATER });
        for token in [None, LinkToken::parse("https://evil.example/#&x"), LinkToken::parse("aaaaaaaaaa\r\naaaaaaaaaa")]
        {
            mail.token = token;
            assert!(render(&mail, &BASE.parse().unwrap()).is_err());
        }
    }

    #[test]
    fn every_line_is_short_except_for_what_cannot_be_broken() {
        let long = name(&"wörd ".repeat(24));
        let it = plain(MailContent::TeamInvite { team: long, role: Role::Member, expires_at: LATER });
        assert!(it.text.lines().all(|line| line.chars().count() <= 72 || Some(line) == it.link.as_deref()));
        assert!(!it.subject.contains('\n'));
    }

    #[test]
    fn a_rendered_mail_does_not_print_its_link() {
        let it = plain(invite("Acme", Role::Member));
        assert!(!format!("{it:?}").contains(TOKEN));
    }
}
