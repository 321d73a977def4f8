//! Who may start on which tables.

use std::thread;

use driftstack_test_servers::Database;
use serde_json::json;

use crate::{
    deployment::{Deployment, until_readiness_is},
    fixture::PASSWORD,
};

#[tokio::test(flavor = "multi_thread")]
async fn without_tables_nothing_starts_and_one_line_says_what_to_do() {
    let deployment = Deployment::without_tables(&Database::create().await.url);
    for arguments in [&["serve"][..], &[], &["worker"], &["mail", "dead"]] {
        let line = deployment.binary.failure(arguments, "");
        assert!(line.contains("run `driftstack migrate`"), "{arguments:?}: {line}");
    }
    deployment.binary.printed(&["migrate"], "");
    until_readiness_is(200, &deployment.serve()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_to_migrate_makes_the_tables_first() {
    let by_argument = Deployment::without_tables(&Database::create().await.url);
    until_readiness_is(200, &by_argument.binary.serve(&["serve", "--migrate"])).await;
    let by_setting = Deployment::without_tables(&Database::create().await.url);
    until_readiness_is(200, &by_setting.binary.clone().with("DRIFTSTACK_MIGRATE", "1").serve(&[])).await;
    for deployment in [by_argument, by_setting] {
        deployment.person("olive").get(&deployment.serve(), "/v1/whoami").await.expect(200);
    }
}

/// They also want to make the same keys file.
#[tokio::test(flavor = "multi_thread")]
async fn several_that_migrate_at_once_all_come_up_as_one_service() {
    let deployment = Deployment::without_tables(&Database::create().await.url);
    let starts = [(); 3].map(|()| {
        let binary = deployment.binary.clone();
        thread::spawn(move || binary.serve(&["serve", "--migrate"]))
    });
    let processes = starts.map(|start| start.join().unwrap());
    let olive = deployment.person("olive");
    for process in &processes {
        let body = json!({ "email": olive.email, "password": PASSWORD });
        let session = olive.post(process, "/v1/auth/login", body).await.expect(200);
        let olive = olive.with_token(&session["session"]["token"]);
        for other in &processes {
            olive.get(other, "/v1/account/me").await.expect(200);
        }
    }
}
