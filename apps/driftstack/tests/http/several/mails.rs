//! Many look for mails to send, and each mail is sent by one.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::{
    deployment::{Deployment, Person, client},
    process::Process,
};

const INVITES_EACH: usize = 75;

/// Until [`release`], mails are due in a year, so that nobody begins before all are there.
const HOLD: &str = "
    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.due_at := NEW.at + interval '1 year'; RETURN NEW; END $$;
    CREATE TRIGGER hold BEFORE INSERT ON mails FOR EACH ROW EXECUTE FUNCTION hold()";
const RELEASE: &str = "DROP TRIGGER hold ON mails; UPDATE mails SET due_at = at";

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
async fn of_300_mails_and_three_senders_each_is_sent_once() {
    let deployment = Deployment::start().await;
    let inviters = deployment.people(["ada", "bo", "cleo", "dev"]);
    let senders = [deployment.serve(), deployment.binary.work(), deployment.binary.work()];
    let database = client(&deployment.database_url).await;
    database.batch_execute(HOLD).await.unwrap();
    futures_util::future::join_all(inviters.map(|inviter| invite_many(inviter, &senders[0]))).await;
    assert!(deployment.mails.paths().is_empty());

    database.batch_execute(RELEASE).await.unwrap();
    until_there_are(4 * INVITES_EACH, &deployment).await;
    // Long enough for somebody who would send one again.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let written = senders.each_ref().map(|sender| sender.log.of("mail written"));
    let lines: Vec<_> = written.iter().flatten().map(|line| line["path"].as_str().unwrap()).collect();
    let distinct: BTreeSet<_> = lines.iter().collect();
    assert_eq!((lines.len(), distinct.len(), deployment.mails.paths().len()), (300, 300, 300));
    assert!(written.iter().filter(|lines| !lines.is_empty()).count() >= 2, "only one process has sent any");
    let again = database.query_one("SELECT count(*) FROM mails WHERE attempts <> 1 OR sent_at IS NULL", &[]).await;
    assert_eq!(again.unwrap().get::<_, i64>(0), 0, "each was claimed once, and is noted as sent");
}
