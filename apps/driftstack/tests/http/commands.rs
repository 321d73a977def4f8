//! The command line, beside a running service and without one.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

use serde_json::{Value, json};

use crate::{
    fixture::{PASSWORD, send},
    process::{Binary, Process, failure, printed, run},
};

fn client() -> reqwest::Client {
    reqwest::Client::new()
}

async fn whoami(service: &Process, token: &str) -> crate::fixture::Answer {
    send(client().get(service.url("/v1/whoami")).bearer_auth(token)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_acts_beside_a_running_service() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let service = Process::start(data);
    let create = ["admin", "create-account", "--email", "Olive@example.com", "--name", "Olive", "--tier", "api_scale"];
    let id = printed(data, &create, PASSWORD);
    assert!(id.starts_with("acc_"));
    assert!(failure(data, &create, PASSWORD).contains("already has an account"));

    let body = json!({ "email": "olive@example.com", "password": PASSWORD });
    let log_in = || send(client().post(service.url("/v1/auth/login")).json(&body));
    let session = log_in().await.expect(200);
    let token = session["session"]["token"].as_str().unwrap();
    let me = whoami(&service, token).await.expect(200);
    assert_eq!(
        (&me["account_id"], &me["tier"], &me["scopes"]),
        (&json!(id), &json!("api_scale"), &json!(["account_owner"]))
    );

    printed(data, &["admin", "set-staff", "olive@example.com", "on"], "");
    let scopes = whoami(&service, token).await.expect(200)["scopes"].clone();
    assert_eq!(scopes, json!(["account_owner", "driftstack_internal_admin"]));
    printed(data, &["admin", "set-tier", "olive@example.com", "free"], "");
    assert_eq!(whoami(&service, token).await.expect(200)["tier"], "free");

    printed(data, &["admin", "set-plan", "olive@example.com", "professional"], "");
    let seen = client().get(service.url(&format!("/v1/admin/accounts/{id}"))).bearer_auth(token);
    assert_eq!(send(seen).await.expect(200)["team"]["plan"], "professional");

    let key = printed(data, &["admin", "mint-key", "olive@example.com", "--scope", "read", "read:audit"], "");
    assert_eq!(whoami(&service, &key).await.expect(200)["scopes"], json!(["read", "read:audit"]));
    assert!(
        failure(data, &["admin", "mint-key", "olive@example.com", "--scope", "driftstack_internal_admin"], "")
            .contains("never on a key")
    );
    assert!(failure(data, &["admin", "set-tier", "nobody@example.com", "free"], "").contains("no account"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_verified_and_a_forged_one_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    printed(data, &["admin", "create-account", "--email", "olive@example.com"], PASSWORD);
    let key = printed(data, &["admin", "mint-key", "olive@example.com", "--scope", "read:audit"], "");
    let service = Process::start(data);
    let export = send(client().get(service.url("/v1/account/audit-log/export")).bearer_auth(&key)).await;
    let file = data.join("export.json");
    std::fs::write(&file, &export.text).unwrap();
    let path = file.to_str().unwrap();
    let mut document: Value = export.expect(200);
    let head = document["head_hash"].as_str().unwrap().to_owned();
    assert_eq!(printed(data, &["audit", "verify", path], ""), format!("2 entries, head {head}"));

    document["data"][0]["payload"]["name"] = json!("something else");
    std::fs::write(&file, document.to_string()).unwrap();
    assert!(failure(data, &["audit", "verify", path], "").contains("entry 2 was changed"));
    std::fs::write(&file, "{").unwrap();
    assert!(failure(data, &["audit", "verify", path], "").contains("not an audit export"));
    assert!(failure(data, &["audit", "verify", "/nonexistent"], "").contains("/nonexistent"));
}

#[test]
fn a_bad_setting_stops_the_start_with_a_line_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("driftstack.toml");
    std::fs::write(&config, "public_url = \"gopher://secret\"").unwrap();
    let line = failure(folder.path(), &["--config", config.to_str().unwrap(), "serve"], "");
    assert!(line.contains("DRIFTSTACK_PUBLIC_URL") && !line.contains("secret"), "{line}");
    let garbled = Binary::on(folder.path()).with("DRIFTSTACK_KEYS_FILE", OsStr::from_bytes(b"/tmp/\xff"));
    assert!(garbled.failure(&["serve"], "").contains("DRIFTSTACK_KEYS_FILE"), "it does not fall back to the default");
}

#[test]
fn a_bad_argument_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["admin", "create-account", "--email", "nonsense"][..],
        &["admin", "create-account", "--email", "olive@example.com", "--tier", "golden"],
        &["admin", "set-plan", "olive@example.com", "golden"],
        &["admin", "mint-key", "olive@example.com", "--scope", "read:teams"],
        &["admin", "mint-key", "olive@example.com"],
        &["polish"],
    ] {
        assert_eq!(run(folder.path(), arguments, "").status.code(), Some(2), "{arguments:?}");
    }
    assert!(
        failure(folder.path(), &["admin", "create-account", "--email", "olive@example.com"], "short")
            .contains("12 to 128")
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_references_are_printed_without_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let json = printed(folder.path(), &["policy", "--format", "json"], "");
    assert!(serde_json::from_str::<Value>(&json).is_ok());
    assert!(printed(folder.path(), &["policy"], "").contains("team.invites.send"));
    assert!(printed(folder.path(), &["policy", "--format", "markdown"], "").contains("| "));
    let document: Value = serde_json::from_str(&printed(folder.path(), &["openapi"], "")).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn migrating_twice_is_migrating_once() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        assert_eq!(printed(folder.path(), &["migrate"], ""), "the schema is up to date");
    }
}
