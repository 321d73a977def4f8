//! What the reader gets.

use driftstack_domain::{
    mail::{Mail, MailKind, Mailer},
    testing::people,
};
use driftstack_test_servers::{Received, Smtp};
use mailparse::{MailHeaderMap, ParsedMail, parse_mail};
use rstest::rstest;

use crate::mails::{
    TOKEN, account_deleted, email_change, email_change_notice, email_changed, invite, magic_link, mailer, mfa_enrolled,
    mfa_paused, password_reset, tier_changed, verification, welcome,
};

async fn sent(server: &Smtp, mail: &Mail) -> Received {
    mailer(&server.url()).await.send(mail).await.unwrap();
    server.received()
}

fn header(mail: &ParsedMail<'_>, name: &str) -> String {
    let values = mail.headers.get_all_values(name);
    assert_eq!(values.len(), 1, "{name}");
    values[0].clone()
}

fn part(mail: &ParsedMail<'_>, number: usize) -> String {
    mail.subparts[number].get_body().unwrap().replace("\r\n", "\n")
}

#[tokio::test]
async fn a_mail_of_every_kind_arrives_whole() {
    let server = Smtp::start(&[]);
    let cases = [
        (verification(), "Confirm your e-mail address", Some("verify-email")),
        (magic_link(), "Your link to sign in", Some("magic-link")),
        (password_reset(), "Choose a new password", Some("password-reset")),
        (email_change(), "Confirm your new e-mail address", Some("email-change")),
        (email_change_notice(), "Somebody wants to change the address of your account", None),
        (email_changed(), "Your account has another e-mail address now", None),
        (account_deleted(), "Your account is deleted", None),
        (invite("Ærø"), "You are invited to the team \"Ærø\"", Some("team/accept")),
        (mfa_enrolled(), "A second factor was added to your account", None),
        (mfa_paused(), "Too many wrong codes", None),
        (welcome(), "Welcome", None),
        (tier_changed(), "Your account is on the API Starter tier now", None),
    ];
    let kinds: Vec<_> = cases.iter().map(|(mail, ..)| mail.content.kind()).collect();
    assert_eq!(kinds, MailKind::ALL);
    for (mail, subject, path) in cases {
        let received = sent(&server, &mail).await;
        assert_eq!(received.text("sender"), "no-reply@example.org");
        assert_eq!(received.list("recipients"), ["ada@example.com"]);
        let bytes = received.bytes();
        let it = parse_mail(&bytes).unwrap();
        for (name, value) in [
            ("Subject", subject),
            ("From", "Driftståck <no-reply@example.org>"),
            ("To", "ada@example.com"),
            ("Date", "Tue, 12 May 2026 13:00:00 +0000"),
            ("Message-ID", &*format!("<{}@example.org>", mail.id)),
        ] {
            assert_eq!(header(&it, name), value);
        }
        let (text, page) = (part(&it, 0), part(&it, 1));
        assert_eq!((&*it.ctype.mimetype, it.subparts.len()), ("multipart/alternative", 2));
        match path.map(|path| format!("https://example.com/{path}?token={TOKEN}")) {
            Some(link) => {
                assert!(text.lines().any(|line| line == link), "{text}");
                assert!(
                    page.contains(&format!("<a href=\"{link}\"")) && page.lines().any(|line| line == link),
                    "{page}"
                );
            }
            None => assert!(!text.contains("token=") && !page.contains("token=")),
        }
    }
}

#[rstest]
#[case::eight_bit(&[], "Ærø", "8bit", &["BODY=8BITMIME"])]
#[case::ascii(&[], "Acme", "7bit", &[])]
#[case::ascii_on_an_old_server(&["--seven-bit"], "Acme", "7bit", &[])]
#[case::more_on_an_old_server(&["--seven-bit"], "Ærø", "quoted-printable", &[])]
#[tokio::test]
async fn a_server_gets_no_more_than_it_can_carry(
    #[case] arguments: &[&str],
    #[case] team: &str,
    #[case] encoding: &str,
    #[case] options: &[&str],
) {
    let server = Smtp::start(arguments);
    let received = sent(&server, &invite(team)).await;
    assert_eq!(received.list("options"), options);
    let bytes = received.bytes();
    assert_eq!(bytes.is_ascii(), encoding != "8bit");
    let it = parse_mail(&bytes).unwrap();
    for number in [0, 1] {
        assert_eq!(header(&it.subparts[number], "Content-Transfer-Encoding"), encoding);
        assert!(part(&it, number).contains(team));
    }
    let link = format!("https://example.com/team/accept?token={TOKEN}");
    assert!(part(&it, 0).lines().any(|line| line == link));
}

#[tokio::test]
async fn an_address_beyond_ascii_needs_a_server_that_knows_them() {
    let mail = Mail { to: people::email("аня@example.com"), ..welcome() };
    let server = Smtp::start(&["--utf8"]);
    let received = sent(&server, &mail).await;
    assert_eq!(received.list("recipients"), ["аня@example.com"]);
    assert_eq!(received.list("options"), ["SMTPUTF8", "BODY=8BITMIME"]);
    assert_eq!(header(&parse_mail(&received.bytes()).unwrap(), "To"), "аня@example.com");

    let server = Smtp::start(&[]);
    let error = mailer(&server.url()).await.send(&mail).await.unwrap_err().to_string();
    assert!(error.contains("SMTPUTF8") && !error.contains("аня"), "{error}");
    assert!(server.received_nothing());
}

#[tokio::test]
async fn a_mail_that_is_sent_again_is_the_same_mail() {
    let server = Smtp::start(&[]);
    let (first, second) = (sent(&server, &verification()).await, sent(&server, &verification()).await);
    assert_eq!(first.bytes(), second.bytes());
}

#[tokio::test]
async fn a_line_that_begins_with_a_dot_keeps_it() {
    let server = Smtp::start(&[]);
    let team = format!("{} .hidden", "a".repeat(70));
    let received = sent(&server, &invite(&team)).await;
    let bytes = received.bytes();
    let text = part(&parse_mail(&bytes).unwrap(), 0);
    assert!(text.lines().any(|line| line.starts_with(".hidden")), "{text}");
}
