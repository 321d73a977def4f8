//! One of two is killed.

use std::collections::BTreeSet;

use driftstack_test_servers::{Received, Smtp};

use crate::deployment::{Asked, Deployment, Load, OutboxRows};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_had_acknowledged_is_there_in_the_other() {
    let deployment = Deployment::start().await;
    let (one, two) = (deployment.serve(), deployment.serve());
    let people = deployment.people(["ada", "bo", "cleo"]);
    let mut load = Load::default();
    for person in &people {
        load.writes(person, &one);
        load.writes(person, &one);
        load.writes(person, &two);
    }
    load.goes_well(120).await;
    one.kill();
    load.goes_well(30).await;
    let asked = load.stop().await;

    assert!(asked.iter().any(|asked| asked.status() == 0), "nobody was cut off");
    let odd = asked.iter().find(|asked| ![0, 201, 503].contains(&asked.status()));
    assert!(odd.is_none(), "{odd:?}");
    let kept = Asked::assert_all_kept(&asked, &people, &two).await;
    assert!(kept >= 150, "only {kept} writes were acknowledged");
}

const MAILS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_worker_had_in_hand_is_sent_by_another() {
    let deployment = Deployment::start().await;
    let (rows, service, olive) = (OutboxRows::of(&deployment).await, deployment.serve(), deployment.person("olive"));
    rows.hold().await;
    for n in 0..MAILS {
        olive.invite(&service, &format!("ada.{n}@example.com"), "member").await;
    }
    service.kill();

    // It takes its time for each, so that there is a middle to be killed in.
    let server = Smtp::start(&["--hang", "0.3"]);
    let binary = deployment.mailing_to(server.port);
    let killed = binary.work();
    rows.release().await;
    let mut arrived: Vec<_> = (0..6).map(|_| message_id(&server.received())).collect();
    killed.kill();
    assert!(rows.count("sent_at IS NULL AND due_at > now()").await > 0, "it was killed between two batches");
    rows.end_leases().await;
    let other = binary.work();
    rows.until_there_are(0, "sent_at IS NULL").await;

    arrived.extend(server.received_so_far().iter().map(message_id));
    let distinct: BTreeSet<_> = arrived.iter().collect();
    assert_eq!(distinct.len(), MAILS);
    assert!(arrived.len() <= MAILS + 4, "{} arrived: more than a batch twice", arrived.len());
    assert!(olive.proven_log(&deployment.serve()).await.len() > MAILS);
    drop(other);
}

fn message_id(mail: &Received) -> String {
    let content = mail.text("content");
    content.lines().find(|line| line.starts_with("Message-ID:")).unwrap().to_owned()
}
