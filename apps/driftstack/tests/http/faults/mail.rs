use std::{
    any::Any,
    collections::BTreeSet,
    net::TcpListener,
    time::{Duration, Instant},
};

use driftstack_test_servers::{Smtp, free_port};
use rstest::rstest;

use crate::{
    deployment::{Deployment, OutboxRows, Person},
    process::Process,
};

/// A request does not wait for mails: with room for a noisy machine.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

const PAUSE: Duration = Duration::from_secs(2);

/// What a mail server does instead of taking mails.
enum Trouble {
    Away,
    Silent,
    Told(&'static [&'static str]),
}

impl Trouble {
    /// It lasts until the answer is dropped.
    fn begin(&self, port: u16) -> Box<dyn Any> {
        match self {
            Self::Away => Box::new(()),
            // The system takes connections for whoever listens, and here nobody ever says a word.
            Self::Silent => Box::new(TcpListener::bind(("127.0.0.1", port)).unwrap()),
            Self::Told(arguments) => Box::new(start(port, arguments)),
        }
    }
}

fn start(port: u16, arguments: &[&str]) -> Smtp {
    Smtp::start(&[&["--port", &port.to_string()], arguments].concat())
}

async fn invite(inviter: &Person, service: &Process, names: &[&str]) {
    for name in names {
        let begun = Instant::now();
        inviter.invite(service, &format!("{name}@example.com"), "member").await;
        assert!(begun.elapsed() < ANSWERED_WITHIN, "{:?}", begun.elapsed());
    }
}

#[rstest]
#[case::away(Trouble::Away)]
#[case::silent(Trouble::Silent)]
#[case::refusing_for_now(Trouble::Told(&["--answer-rcpt", "451 4.7.1 greylisted"]))]
#[case::refusing_for_good(Trouble::Told(&["--answer-rcpt", "550 5.1.1 no such user"]))]
#[case::full(Trouble::Told(&["--answer-data", "452 4.3.1 full"]))]
#[case::silent_after_the_mail(Trouble::Told(&["--hang", "3600"]))]
#[case::hanging_up(Trouble::Told(&["--drop"]))]
#[tokio::test(flavor = "multi_thread")]
async fn mails_wait_for_a_server_in_trouble_and_then_arrive_once(#[case] trouble: Trouble) {
    let (deployment, port) = (Deployment::start().await, free_port());
    let rows = OutboxRows::of(&deployment).await;
    rows.try_again_after(PAUSE).await;
    let lasting = trouble.begin(port);
    let (service, olive) = (deployment.mailing_to(port).serve(&[]), deployment.person("olive"));
    invite(&olive, &service, &["ada", "bo"]).await;
    rows.until_there_are(2, "problem IS NOT NULL").await;
    invite(&olive, &service, &["cleo"]).await;
    assert_eq!(rows.count("sent_at IS NOT NULL OR due_at IS NULL").await, 0, "none is sent, and none is given up");

    drop(lasting);
    let server = start(port, &[]);
    let arrived: BTreeSet<_> = (0..3).map(|_| server.received().list("recipients").concat()).collect();
    assert_eq!(
        arrived.into_iter().collect::<Vec<_>>(),
        ["ada", "bo", "cleo"].map(|name| format!("{name}@example.com"))
    );
    // Long enough for somebody who would send one again.
    tokio::time::sleep(2 * PAUSE).await;
    assert!(server.received_nothing());
    assert_eq!(rows.count("sent_at IS NOT NULL AND due_at IS NULL AND token IS NULL").await, 3);
    let invited = olive.proven_log(&service).await.into_iter().filter(|action| action == "team.member_invited");
    assert_eq!(invited.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_refused_for_good_dies_and_an_operator_brings_it_back() {
    let (deployment, port) = (Deployment::start().await, free_port());
    let rows = OutboxRows::of(&deployment).await;
    rows.try_again_after(Duration::from_millis(20)).await;
    let refusing = start(port, &["--answer-rcpt", "550 5.1.1 no such user"]);
    let (binary, olive) = (deployment.mailing_to(port), deployment.person("olive"));
    let service = binary.serve(&[]);
    invite(&olive, &service, &["ada", "bo"]).await;
    rows.until_there_are(2, "due_at IS NULL").await;
    let listed = binary.printed(&["mail", "dead"], "");
    let [bo, ada] = listed.lines().collect::<Vec<_>>().try_into().unwrap();
    for (line, name) in [(ada, "ada"), (bo, "bo")] {
        let expected = format!(" team-invite {name}@example.com 12 attempts: ");
        assert!(line.contains(&expected) && line.contains("550 5.1.1"), "{line}");
    }

    drop(refusing);
    let server = start(port, &[]);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(server.received_nothing(), "a dead mail stays dead");
    let (id, _) = ada.split_once(' ').unwrap();
    assert_eq!(binary.printed(&["mail", "requeue", id], ""), format!("{id} is due again"));
    assert_eq!(server.received().list("recipients"), ["ada@example.com"]);
    binary.printed(&["mail", "requeue", "--all"], "");
    assert_eq!(server.received().list("recipients"), ["bo@example.com"]);
    rows.until_there_are(2, "sent_at IS NOT NULL").await;
    assert_eq!(binary.printed(&["mail", "dead"], ""), "");
    assert!(binary.failure(&["mail", "requeue", id], "").contains("no such dead mail"));
}
