use chrono::DateTime;
use driftstack_domain::{
    email::Email,
    mail::{Mail, MailContent},
    name::Name,
    policy::Role,
    tier::Tier,
    time::Timestamp,
};

/// What a mail says, before its link and its line breaks: paragraphs as long lines.
pub(crate) struct Letter {
    pub(crate) subject: String,
    pub(crate) opening: String,
    /// What the reader is asked to do, for a mail that asks. It stands between the opening and the closing.
    pub(crate) action: Option<Action>,
    pub(crate) closing: String,
}

/// A link: where it leads, and what a button says that does the same.
pub(crate) struct Action {
    pub(crate) path: &'static str,
    pub(crate) label: &'static str,
}

impl Letter {
    pub(crate) fn of(mail: &Mail) -> Self {
        match &mail.content {
            MailContent::SignupVerification { expires_at } => signup_verification(&mail.to, *expires_at),
            MailContent::MagicLink { expires_at } => magic_link(&mail.to, *expires_at),
            MailContent::PasswordReset { expires_at } => password_reset(&mail.to, *expires_at),
            MailContent::EmailChange { expires_at } => email_change(&mail.to, *expires_at),
            MailContent::EmailChangeNotice { expires_at } => email_change_notice(&mail.to, *expires_at),
            MailContent::EmailChanged => email_changed(&mail.to),
            MailContent::AccountDeleted { purge_at } => account_deleted(&mail.to, *purge_at),
            MailContent::TeamInvite { team, role, expires_at } => team_invite(&mail.to, team, *role, *expires_at),
            MailContent::MfaEnrolled => mfa_enrolled(&mail.to),
            MailContent::MfaPaused { until } => mfa_paused(&mail.to, *until),
            MailContent::SignupWelcome => signup_welcome(&mail.to),
            MailContent::TierChanged { from, to } => tier_changed(&mail.to, *from, *to),
        }
    }
}

fn signup_verification(to: &Email, expires_at: Timestamp) -> Letter {
    let until = readable(expires_at);
    Letter {
        subject: "Confirm your e-mail address".to_owned(),
        opening: format!(
            "Somebody, most likely you, has signed up for an account with the address {to}. To confirm that the address is \
             yours, open this link:"
        ),
        action: Some(Action { path: "verify-email", label: "Confirm the address" }),
        closing: format!(
            "It works once, until {until}. After that, ask for a new one where you sign in.\n\nIf it was not you, do nothing: \
             nobody can sign in to the account unless somebody opens this link."
        ),
    }
}

fn magic_link(to: &Email, expires_at: Timestamp) -> Letter {
    let until = readable(expires_at);
    Letter {
        subject: "Your link to sign in".to_owned(),
        opening: format!(
            "Somebody, most likely you, wants to sign in to the account of {to} without a password. To do so, open this link:"
        ),
        action: Some(Action { path: "magic-link", label: "Sign in" }),
        closing: format!(
            "It works once, until {until}.\n\nIf it was not you, do nothing, and pass this mail on to nobody: whoever opens the \
             link is signed in."
        ),
    }
}

fn password_reset(to: &Email, expires_at: Timestamp) -> Letter {
    let until = readable(expires_at);
    Letter {
        subject: "Choose a new password".to_owned(),
        opening: format!(
            "Somebody, most likely you, has asked for a new password for the account of {to}. To choose one, open this link:"
        ),
        action: Some(Action { path: "password-reset", label: "Choose a password" }),
        closing: format!(
            "It works once, until {until}. With the new password every sign-in of the account ends, on every device.\n\nIf it was \
             not you, do nothing: the password stays as it is unless somebody opens this link."
        ),
    }
}

fn email_change(to: &Email, expires_at: Timestamp) -> Letter {
    let until = readable(expires_at);
    Letter {
        subject: "Confirm your new e-mail address".to_owned(),
        opening: format!(
            "Somebody, most likely you, wants {to} to be the address of their account. To confirm that the address is yours, \
             open this link:"
        ),
        action: Some(Action { path: "email-change", label: "Confirm the new address" }),
        closing: format!(
            "It works once, until {until}. From then on sign in with this address, and mails of the account go here.\n\nIf it was \
             not you, do nothing: nothing changes unless somebody opens this link."
        ),
    }
}

/// To a reader who may be the victim: it names no address but theirs, and no link that somebody could be lured to.
fn email_change_notice(to: &Email, expires_at: Timestamp) -> Letter {
    let until = readable(expires_at);
    Letter {
        subject: "Somebody wants to change the address of your account".to_owned(),
        opening: format!(
            "Somebody, most likely you, who is signed in to the account of {to} wants it to have another e-mail address. Nothing \
             has changed yet: the change waits until a link in a mail to the new address is opened, at the latest at {until}."
        ),
        action: None,
        closing: "If it was not you, somebody else is signed in to your account: ask for a new password where you sign in. That \
                  ends every sign-in and stops the change. Then contact support."
            .to_owned(),
    }
}

fn email_changed(to: &Email) -> Letter {
    Letter {
        subject: "Your account has another e-mail address now".to_owned(),
        opening: format!(
            "The account that had the address {to} has another one now, which was confirmed from there. Whoever signs in gives \
             the new address, and mails of the account go there. This is the last one to you."
        ),
        action: None,
        closing: "If it was not you, contact support at once, from this address.".to_owned(),
    }
}

/// To a reader who may be the victim: the way back is to sign in, as always, and no link to be lured to.
fn account_deleted(to: &Email, purge_at: Timestamp) -> Letter {
    let until = readable(purge_at);
    Letter {
        subject: "Your account is deleted".to_owned(),
        opening: format!(
            "The account of {to} was deleted by somebody, most likely you, who was signed in to it. Every sign-in and every API \
             key of it has ended, and it is on no team any more.\n\nUntil {until} nothing is lost: sign in, with your password or \
             with a link by mail, and the account is back with its team, its settings and its log. Its keys and sign-ins, its \
             open invitations and its places on the teams of others do not come back."
        ),
        action: None,
        closing:
            "After that, everything that says who you are is erased, and nobody can bring it back. The address is free \
                  again then.\n\nIf it was not you, sign in at once, choose a new password, and contact support."
                .to_owned(),
    }
}

fn mfa_enrolled(to: &Email) -> Letter {
    Letter {
        subject: "A second factor was added to your account".to_owned(),
        opening: format!(
            "From now on, whoever signs in to the account of {to} is asked for a code of an authenticator as well. Keep the \
             recovery codes in a safe place: they are the way in when the authenticator is lost."
        ),
        action: None,
        closing:
            "If it was not you, somebody else is signed in to your account: choose a new password, and contact support."
                .to_owned(),
    }
}

fn mfa_paused(to: &Email, until: Timestamp) -> Letter {
    let until = readable(until);
    Letter {
        subject: "Too many wrong codes".to_owned(),
        opening: format!(
            "Somebody has given so many wrong codes for the second factor of the account of {to} that no code is accepted until \
             {until}."
        ),
        action: None,
        closing: "Before one is asked for a code, one must have shown the password or opened a link in a mail to you. If it was \
                  not you, choose a new password."
            .to_owned(),
    }
}

fn team_invite(to: &Email, team: &Name, role: Role, expires_at: Timestamp) -> Letter {
    let (team, until) = (shown(team), readable(expires_at));
    let may = match role {
        Role::Member => "a member: you may see what belongs to the team, and change nothing",
        Role::Admin => "an admin: you may see and change what belongs to the team",
    };
    Letter {
        subject: format!("You are invited to the team \"{team}\""),
        opening: format!(
            "The owner of the team \"{team}\" invites you to join it as {may}.\n\nTo accept, open this link and sign in as {to}. \
             If you have no account with this address yet, you can make one."
        ),
        action: Some(Action { path: "team/accept", label: "Accept the invitation" }),
        closing: format!(
            "It works once, until {until}. After that, ask the owner for a new invitation.\n\nIf you do not know the team or did \
             not expect to hear from it, do nothing: you join only if you accept."
        ),
    }
}

fn signup_welcome(to: &Email) -> Letter {
    Letter {
        subject: "Welcome".to_owned(),
        opening: format!("The address {to} is confirmed, and your account is ready: you can sign in now."),
        action: None,
        closing: format!(
            "If you did not sign up, somebody else has opened the link in a mail to you. Change the password of your mailbox, \
             and tell us.\n\n{DECLINE}"
        ),
    }
}

fn tier_changed(to: &Email, from: Tier, tier: Tier) -> Letter {
    let (from, tier) = (title(from), title(tier));
    Letter {
        subject: format!("Your account is on the {tier} tier now"),
        opening: format!(
            "The account of {to} was on the {from} tier and is on the {tier} tier now. What you may use, and how much of it, \
             follows the new tier from this moment on."
        ),
        action: None,
        closing: format!("If you did not expect this, contact support.\n\n{DECLINE}"),
    }
}

/// For the mails that may be declined.
const DECLINE: &str = "You may decline mails of this kind in the mail preferences of your account.";

fn title(tier: Tier) -> &'static str {
    match tier {
        Tier::Free => "Free",
        Tier::SoloManual => "Solo Manual",
        Tier::TeamManual => "Team Manual",
        Tier::AgencyManual => "Agency Manual",
        Tier::ApiStarter => "API Starter",
        Tier::ApiBuilder => "API Builder",
        Tier::ApiScale => "API Scale",
        Tier::Enterprise => "Enterprise",
    }
}

/// Down to the minute, so it never promises more time than there is.
fn readable(time: Timestamp) -> String {
    let time = DateTime::from_timestamp_millis(time.millis()).unwrap_or_default();
    time.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// A name as part of our sentences. It is written by a stranger to the reader.
fn shown(name: &Name) -> String {
    let shown: String = name.as_str().chars().filter(|c| !turns_text(*c) && *c != '"').collect();
    // In a subject this would begin an encoded word, which may hold line breaks and whatever else.
    shown.replace("=?", "= ?")
}

/// Marks that break a line, turn the text after them around or cannot be seen. To Unicode they are no control characters, so
/// names may have them. The joiners stay: some scripts, and some emoji, cannot be written without.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_readable() {
        let time = |text: &str| readable(text.parse().unwrap());
        assert_eq!(time("2026-05-02T09:05:59.999Z"), "2 May 2026, 09:05 UTC");
        assert_eq!(time("2026-12-31T23:30:00-02:00"), "1 January 2027, 01:30 UTC");
    }

    #[test]
    fn a_name_cannot_turn_our_words_around() {
        let name: Name = "\u{202e}evil\u{202c}\u{2028}\u{2066}\" =?x Ærø 株式会社 👩\u{200d}🚀".parse().unwrap();
        assert_eq!(shown(&name), "evil = ?x Ærø 株式会社 👩\u{200d}🚀");
    }
}
