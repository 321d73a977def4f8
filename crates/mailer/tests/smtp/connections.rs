//! Connections that are kept, and lost.

use std::{collections::HashSet, sync::Arc};

use driftstack_domain::mail::Mailer;
use driftstack_test_servers::Smtp;

use crate::mails::{mailer, welcome};

#[tokio::test]
async fn one_connection_carries_mail_after_mail() {
    let server = Smtp::start(&[]);
    let mailer = mailer(&server.url()).await;
    for _ in 0..5 {
        mailer.send(&welcome()).await.unwrap();
        assert_eq!(server.received().connection(), 1);
    }
}

#[tokio::test]
async fn mails_at_once_have_a_connection_each_and_some_are_kept() {
    let server = Smtp::start(&["--hang", "1"]);
    let mailer = Arc::new(mailer(&server.url()).await);
    for _ in 0..2 {
        let send = |_| {
            let mailer = mailer.clone();
            tokio::spawn(async move { mailer.send(&welcome()).await })
        };
        for send in (0..8).map(send).collect::<Vec<_>>() {
            send.await.unwrap().unwrap();
        }
    }
    let connections: HashSet<_> = (0..16).map(|_| server.received().connection()).collect();
    assert_eq!(connections.len(), 8 + 4, "{connections:?}");
}

/// As when a firewall has forgotten it.
#[tokio::test]
async fn a_kept_connection_that_has_gone_silent_is_replaced() {
    let server = Smtp::start(&["--hang-noop"]);
    let mailer = mailer(&server.url()).await;
    for connection in [1, 2] {
        mailer.send(&welcome()).await.unwrap();
        assert_eq!(server.received().connection(), connection);
    }
}

#[tokio::test]
async fn a_server_that_was_restarted_is_reached_again() {
    let server = Smtp::start(&[]);
    let (port, mailer) = (server.port.to_string(), mailer(&server.url()).await);
    mailer.send(&welcome()).await.unwrap();
    drop(server);
    assert!(mailer.send(&welcome()).await.is_err());
    let server = Smtp::start(&["--port", &port]);
    mailer.send(&welcome()).await.unwrap();
    assert_eq!(server.received().connection(), 1);
    // And when nobody has seen it away.
    drop(server);
    let server = Smtp::start(&["--port", &port]);
    mailer.send(&welcome()).await.unwrap();
    assert_eq!(server.received().connection(), 1);
}

#[tokio::test]
async fn a_refusal_does_not_spoil_the_next_mail() {
    let server = Smtp::start(&["--answer-data", "451 4.3.0 later", "--fail-times", "1"]);
    let mailer = mailer(&server.url()).await;
    assert!(mailer.send(&welcome()).await.is_err());
    mailer.send(&welcome()).await.unwrap();
}
