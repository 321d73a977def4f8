use serde_json::json;

use crate::fixture::{House, PASSWORD, Person, fields, send};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// The same person at another browser.
async fn again<'h>(who: &Person<'h>) -> Person<'h> {
    let body = json!({ "email": who.email, "password": PASSWORD });
    let request = who.house.request(reqwest::Method::POST, "/v1/auth/login").header("user-agent", FIREFOX).json(&body);
    let answer = send(request).await.expect(200);
    who.with_token(&answer["session"]["token"])
}

async fn sessions(who: &Person<'_>) -> Vec<serde_json::Value> {
    who.get("/v1/account/web-sessions").await.expect(200)["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_are_listed_with_families_alone() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let browser = again(&olive).await;
    let listed = sessions(&browser).await;
    assert_eq!(listed.len(), 2);
    assert_eq!(fields(&listed[0]), ["browser", "created_at", "current", "expires_at", "id", "last_used_at", "os"]);
    assert_eq!((&listed[0]["os"], &listed[0]["browser"]), (&json!("Linux"), &json!("Firefox")));
    assert_eq!((&listed[0]["current"], &listed[1]["current"]), (&json!(true), &json!(false)));
    assert!(listed[0]["id"].as_str().unwrap().starts_with("wsess_"));
    let to_a_key = sessions(&olive.key(&["read"]).await).await;
    assert!(to_a_key.iter().all(|session| session["current"] == false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_is_ended_is_refused_on_the_next_request() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let browser = again(&olive).await;
    let id = sessions(&browser).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/account/web-sessions/{id}");
    olive.delete(&path).await.expect(204);
    browser.get("/v1/account/me").await.refused(401, "unauthorized");
    // A client that saw no answer asks again.
    olive.delete(&path).await.expect(204);
    assert_eq!(sessions(&olive).await.len(), 1);
    assert_eq!(olive.log().await[0], "account.web_session_revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_ends_the_sign_in_of_another() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    let id = sessions(&olive).await[0]["id"].as_str().unwrap().to_owned();
    let foreign = bo.delete(&format!("/v1/account/web-sessions/{id}")).await.refused(404, "not-found");
    let unknown = "/v1/account/web-sessions/wsess_0192f0c1-2345-7000-8000-00000000dead";
    let unknown = bo.delete(unknown).await.refused(404, "not-found");
    assert_eq!(foreign["detail"], unknown["detail"]);
    bo.delete("/v1/account/web-sessions/wsess_olive").await.refused(400, "bad-request");
    assert_eq!(sessions(&olive).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_but_this_one_end_when_that_is_said() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let (browser, _) = (again(&olive).await, again(&olive).await);
    let path = "/v1/account/web-sessions";
    for unsaid in [path.to_owned(), format!("{path}?keep=all"), format!("{path}?keep=current&keep=current")] {
        olive.delete(&unsaid).await.refused(400, "validation-failed");
    }
    let said = format!("{path}?keep=current");
    let by_key = olive.key(&["account_owner"]).await.delete(&said).await.refused(403, "forbidden");
    assert!(by_key["detail"].as_str().unwrap().contains("sign in"), "{by_key}");
    assert_eq!(olive.delete(&said).await.expect(200), json!({ "revoked": 2 }));
    browser.get("/v1/account/me").await.refused(401, "unauthorized");
    assert_eq!(olive.delete(&said).await.expect(200), json!({ "revoked": 0 }));
    assert_eq!(sessions(&olive).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_member_minted_does_not_see_the_owners_sign_ins() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    house.join(&olive, &ada, "admin").await;
    let key = ada.key_on(&olive.id, &["read"]).await;
    key.get("/v1/account/web-sessions").await.refused(403, "forbidden");
}
