//! Servers that want to know who is there.

use driftstack_domain::mail::Mailer;
use driftstack_test_servers::Smtp;

use crate::mails::{mailer, welcome};

const USER: [&str; 2] = ["--user", "ada@example.com:p@ss/wörd"];

fn url(server: &Smtp, user: &str) -> String {
    server.url().replace("smtp://", &format!("smtp://{user}@"))
}

#[tokio::test]
async fn with_the_right_password_the_mail_is_taken() {
    let server = Smtp::start(&USER);
    mailer(&url(&server, "ada%40example.com:p%40ss%2Fw%C3%B6rd")).await.send(&welcome()).await.unwrap();
    assert_eq!(server.received().user(), Some("ada@example.com"));
}

#[tokio::test]
async fn with_a_wrong_password_it_is_not_and_the_password_is_not_told() {
    let server = Smtp::start(&USER);
    let error = mailer(&url(&server, "ada:hunter2")).await.send(&welcome()).await.unwrap_err().to_string();
    assert!(error.contains("does not let us sign in: it answered 535 5.7.8"), "{error}");
    assert!(!error.contains("hunter2") && !error.contains("ada"), "{error}");
    assert!(server.received_nothing());
}

#[tokio::test]
async fn without_a_password_it_is_not() {
    let server = Smtp::start(&USER);
    let error = mailer(&server.url()).await.send(&welcome()).await.unwrap_err().to_string();
    assert!(error.contains("530 5.7.0"), "{error}");
}
