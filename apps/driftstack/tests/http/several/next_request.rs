//! What was done through one process holds in the other on the very next request.

use reqwest::Method;
use serde_json::json;

use crate::{
    deployment::{Deployment, Person},
    fixture::{Answer, PASSWORD, send},
    process::Process,
};

async fn two_processes() -> (Deployment, Process, Process) {
    let deployment = Deployment::start().await;
    let (one, two) = (deployment.serve(), deployment.serve());
    (deployment, one, two)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_revoked_through_one_is_refused_by_the_other() {
    let (deployment, one, two) = two_processes().await;
    let olive = deployment.person("olive");
    for (here, there) in [(&one, &two), (&two, &one)] {
        let minted = olive.mint_on(&olive.id, here).await.expect(201);
        let key = olive.with_token(&minted["plaintext"]);
        key.get(there, "/v1/whoami").await.expect(200);
        olive.delete(here, &format!("/v1/api-keys/{}", minted["id"].as_str().unwrap())).await.expect(204);
        key.get(there, "/v1/whoami").await.refused(401, "revoked-key");
        key.get(here, "/v1/whoami").await.refused(401, "revoked-key");
    }
}

/// Ada joins through both. Answers with the path of her membership.
async fn join(deployment: &Deployment, [one, two]: [&Process; 2], olive: &Person, ada: &Person) -> String {
    olive.invite(one, &ada.email, "member").await;
    let token = deployment.mails.token(&ada.email).await;
    let accepted = ada.post(two, "/v1/team/invites/accept", json!({ "token": token })).await.expect(200);
    format!("/v1/team/members/{}", accepted["membership"]["id"].as_str().unwrap())
}

/// Those of somebody else's workspace.
async fn list_keys(by: &Person, whose: &Person, process: &Process) -> Answer {
    send(by.request(process, Method::GET, "/v1/api-keys").header("x-driftstack-account", &whose.id)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_was_changed_and_a_member_who_was_removed_through_one_are_so_in_the_other() {
    let (deployment, one, two) = two_processes().await;
    let [olive, ada] = deployment.people(["olive", "ada"]);
    let path = join(&deployment, [&one, &two], &olive, &ada).await;
    ada.mint_on(&olive.id, &two).await.refused(403, "forbidden");
    let mut key = None;
    for _ in 0..5 {
        olive.patch(&one, &path, json!({ "role": "admin" })).await.expect(200);
        let minted = ada.mint_on(&olive.id, &two).await.expect(201);
        key = Some(ada.with_token(&minted["plaintext"]));
        olive.patch(&one, &path, json!({ "role": "member" })).await.expect(200);
        ada.mint_on(&olive.id, &two).await.refused(403, "forbidden");
    }
    olive.patch(&two, &path, json!({ "role": "admin" })).await.expect(200);
    ada.mint_on(&olive.id, &one).await.expect(201);
    let key = key.unwrap();
    key.get(&two, "/v1/whoami").await.expect(200);

    list_keys(&ada, &olive, &two).await.expect(200);
    olive.delete(&one, &path).await.expect(204);
    key.get(&two, "/v1/whoami").await.refused(401, "revoked-key");
    list_keys(&ada, &olive, &two).await.refused(403, "forbidden");
    ada.mint_on(&olive.id, &two).await.refused(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_refreshed_through_one_is_dead_in_the_other() {
    let (deployment, one, two) = two_processes().await;
    let olive = deployment.person("olive");
    let body = json!({ "email": olive.email, "password": PASSWORD });
    let mut old = olive.with_token(&olive.post(&one, "/v1/auth/login", body).await.expect(200)["session"]["token"]);
    for (here, there) in [(&one, &two), (&two, &one)] {
        old.get(there, "/v1/account/me").await.expect(200);
        let refreshed = olive.post(here, "/v1/auth/refresh", json!({ "token": old.token })).await.expect(200);
        let new = old.with_token(&refreshed["session"]["token"]);
        old.get(there, "/v1/account/me").await.refused(401, "unauthorized");
        new.get(there, "/v1/account/me").await.expect(200);
        old = new;
    }
}
