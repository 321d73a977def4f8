//! Many look for mails to send, and each mail is sent by one.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::{
    deployment::{Deployment, OutboxRows, Person},
    process::Process,
};

const INVITES_EACH: usize = 125;

async fn invite_many(inviter: Person, process: &Process) {
    for n in 0..INVITES_EACH {
        let name = inviter.email.split('@').next().unwrap();
        inviter.invite(process, &format!("{name}.{n}@example.com"), "member").await;
    }
}

async fn until_there_are(mails: usize, deployment: &Deployment) {
    let since = Instant::now();
    while deployment.mails.paths().len() < mails {
        assert!(since.elapsed() < Duration::from_mins(1), "{} of {mails} mails", deployment.mails.paths().len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_500_mails_and_two_workers_each_is_sent_once() {
    let deployment = Deployment::start().await;
    let (rows, service) = (OutboxRows::of(&deployment).await, deployment.serve());
    let inviters = deployment.people(["ada", "bo", "cleo", "dev"]);
    rows.hold().await;
    futures_util::future::join_all(inviters.map(|inviter| invite_many(inviter, &service))).await;
    service.kill();
    let workers = [(); 2].map(|()| deployment.binary.work());
    assert!(deployment.mails.paths().is_empty());

    rows.release().await;
    until_there_are(4 * INVITES_EACH, &deployment).await;
    // Long enough for somebody who would send one again.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let written = workers.each_ref().map(|worker| worker.log.of("mail written"));
    let lines: Vec<_> = written.iter().flatten().map(|line| line["path"].as_str().unwrap()).collect();
    let distinct: BTreeSet<_> = lines.iter().collect();
    assert_eq!((lines.len(), distinct.len(), deployment.mails.paths().len()), (500, 500, 500));
    assert!(written.iter().all(|lines| lines.len() > 50), "one has sent them all");
    assert_eq!(rows.count("attempts <> 1 OR sent_at IS NULL").await, 0, "each was claimed once, and is noted as sent");
}
