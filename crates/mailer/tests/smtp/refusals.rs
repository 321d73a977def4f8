//! Servers that do not take a mail.

use std::time::{Duration, Instant};

use driftstack_domain::mail::Mailer;
use driftstack_test_servers::Smtp;
use rstest::rstest;

use crate::mails::{TOKEN, mailer, verification, welcome};

#[rstest]
#[case::unknown(&["--answer-rcpt", "550 5.1.1 <ada@example.com>: no such user"], "550 5.1.1")]
#[case::later(&["--answer-rcpt", "451 4.7.1 greylisted, ada@example.com"], "451 4.7.1")]
#[case::no_enhanced_code(&["--answer-rcpt", "550 ada@example.com is not here"], "550")]
#[case::another_number(&["--answer-rcpt", "550 42 is not ada@example.com"], "550")]
#[case::the_mail_repeated(&["--answer-data", &format!("554 5.7.1 https://example.com/?token={TOKEN}")], "554 5.7.1")]
#[case::later_than_that(&["--answer-data", "452 4.3.1 full"], "452 4.3.1")]
#[case::hung_up(&["--drop"], "")]
#[tokio::test]
async fn the_error_has_the_codes_and_nothing_of_the_mail(#[case] arguments: &[&str], #[case] codes: &str) {
    let server = Smtp::start(arguments);
    let error = mailer(&server.url()).await.send(&verification()).await.unwrap_err().to_string();
    assert!(error.contains("the mail server did not take the mail: "), "{error}");
    assert!(error.ends_with(codes) && !error.contains("ada") && !error.contains(TOKEN), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error() {
    let server = Smtp::start(&[]);
    let mailer = mailer(&server.url()).await;
    drop(server);
    let error = mailer.send(&welcome()).await.unwrap_err().to_string();
    assert!(error.contains("cannot be reached: Connection refused"), "{error}");
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_an_error() {
    let error = mailer("smtp://nowhere.invalid").await.send(&welcome()).await.unwrap_err().to_string();
    assert!(error.contains("cannot be reached"), "{error}");
}

/// It answers the first mail at last, when the second one is under way.
#[tokio::test]
async fn a_late_answer_is_not_taken_for_another_mails() {
    let server = Smtp::start(&["--hang", "11", "--fail-times", "1"]);
    let mailer = mailer(&server.url()).await;
    let start = Instant::now();
    let error = mailer.send(&verification()).await.unwrap_err().to_string();
    assert!(error.contains("took more than 10s") && !error.contains(TOKEN), "{error}");
    assert!(start.elapsed() < Duration::from_secs(12));
    mailer.send(&welcome()).await.unwrap();
    let connections = [server.received().connection(), server.received().connection()];
    assert_eq!(connections, [1, 2]);
}
