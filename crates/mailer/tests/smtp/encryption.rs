//! Servers with a certificate, and without.

use driftstack_domain::mail::Mailer;
use driftstack_test_servers::Smtp;
use rstest::rstest;

use crate::{
    authority::Authority,
    mails::{mailer, open, welcome},
};

fn start(authority: &Authority, tls: &str) -> Smtp {
    let arguments = authority.arguments(tls);
    Smtp::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

async fn refused(url: &str) -> String {
    mailer(url).await.send(&welcome()).await.unwrap_err().to_string()
}

#[rstest]
#[case::implicit("implicit", "smtps://", "")]
#[case::starttls("starttls", "smtp://", "tls=required&")]
#[case::starttls_as_it_is_offered("starttls", "smtp://", "")]
#[tokio::test]
async fn a_certificate_must_come_from_somebody_known(#[case] tls: &str, #[case] scheme: &str, #[case] parameter: &str) {
    let authority = Authority::for_host("localhost");
    let server = start(&authority, tls);
    let url = format!("{}?{parameter}", server.url().replace("smtp://", scheme));

    let error = refused(&url).await;
    assert!(error.contains("UnknownIssuer"), "{error}");
    assert!(server.received_nothing());

    mailer(&format!("{url}{}", authority.parameter())).await.send(&welcome()).await.unwrap();
    assert!(server.received().encrypted());
}

#[tokio::test]
async fn a_certificate_must_be_for_the_host() {
    let authority = Authority::for_host("mail.example.com");
    let server = start(&authority, "implicit");
    let url = format!("{}?{}", server.url().replace("smtp://", "smtps://"), authority.parameter());
    let error = refused(&url).await;
    assert!(error.contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn a_server_that_cannot_encrypt_gets_nothing_when_it_must() {
    let server = Smtp::start(&[]);
    let error = refused(&format!("{}?tls=required", server.url())).await;
    assert!(error.contains("cannot be encrypted: STARTTLS is not supported"), "{error}");
    assert!(server.received_nothing());
}

#[tokio::test]
async fn nothing_is_encrypted_when_nothing_should_be() {
    let authority = Authority::for_host("localhost");
    let server = start(&authority, "starttls");
    mailer(&format!("{}?tls=none", server.url())).await.send(&welcome()).await.unwrap();
    assert!(!server.received().encrypted());
}

#[tokio::test]
async fn a_file_without_certificates_is_refused_at_once() {
    let authority = Authority::for_host("localhost");
    for path in [authority.key_file(), authority.key_file().join("nowhere")] {
        let url = format!("smtps://ada:hunter2@localhost?ca={}", path.display());
        let error = open(&url).await.unwrap_err().to_string();
        assert!(error.contains("the file of `ca`") && !error.contains("hunter2"), "{error}");
    }
}
