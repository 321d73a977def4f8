use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::{House, fields};

const WEEK: Duration = Duration::from_hours(168);

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_is_sent_listed_and_accepted() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    let sent = olive.post("/v1/team/invites", json!({ "email": "Ada@example.com", "role": "admin" })).await.expect(202);
    assert_eq!(sent, json!({ "message": "Invite sent. The invitee can accept via the email link." }));

    let listed = olive.get("/v1/team/invites").await.expect(200);
    let invite = &listed["data"][0];
    assert!(invite["id"].as_str().unwrap().starts_with("inv_"));
    assert_eq!(
        invite,
        &json!({
            "id": invite["id"], "owner_account_id": olive.id, "invitee_email": "ada@example.com", "role": "admin",
            "expires_at": house.now().plus(WEEK), "invited_by_account_id": olive.id, "accepted_at": null,
            "created_at": house.now(),
        })
    );

    let invited_at = house.now();
    house.pass(Duration::from_mins(15));
    let token = house.mailed_token("ada@example.com").await;
    let accepted = ada.post("/v1/team/invites/accept", json!({ "token": token })).await.expect(200);
    let membership = &accepted["membership"];
    assert!(membership["id"].as_str().unwrap().starts_with("mem_"));
    assert_eq!(
        accepted,
        json!({ "membership": {
            "id": membership["id"], "owner_account_id": olive.id, "member_account_id": ada.id,
            "member_email": "ada@example.com", "role": "admin", "invited_at": invited_at, "accepted_at": house.now(),
            "invited_by_account_id": olive.id,
        } })
    );
    assert_eq!(olive.get("/v1/team/members").await.expect(200)["data"], json!([membership]));
    assert_eq!(olive.get("/v1/team/invites").await.expect(200)["data"], json!([]));
    assert_eq!(olive.log().await[..2], ["team.invite_accepted", "team.member_invited"]);

    let entries = olive.get("/v1/account/audit-log?action=team.invite_accepted").await.expect(200);
    assert_eq!(entries["data"][0]["actor_account_id"], json!(ada.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_member_unless_told_and_never_owner() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    olive.post("/v1/team/invites", json!({ "email": "ada@example.com" })).await.expect(202);
    assert_eq!(olive.get("/v1/team/invites").await.expect(200)["data"][0]["role"], "member");
    let owner = olive.post("/v1/team/invites", json!({ "email": "bo@example.com", "role": "owner" })).await;
    assert_eq!(owner.refused(400, "validation-failed")["issues"][0]["path"], "role");
}

#[tokio::test(flavor = "multi_thread")]
async fn oneself_and_members_are_not_invited() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    let own =
        olive.post("/v1/team/invites", json!({ "email": "olive@example.com" })).await.refused(400, "validation-failed");
    assert_eq!(own["issues"][0]["path"], "email");
    house.join(&olive, &ada, "member").await;
    olive.post("/v1/team/invites", json!({ "email": "ada@example.com" })).await.refused(409, "conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_invite_voids_the_first() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    olive.post("/v1/team/invites", json!({ "email": ada.email })).await.expect(202);
    let first = house.mailed_token(&ada.email).await;
    house.pass(Duration::from_secs(1));
    olive.post("/v1/team/invites", json!({ "email": ada.email, "role": "admin" })).await.expect(202);
    house.mails(&ada.email, 2).await;
    let second = house.mailed_token(&ada.email).await;
    assert_eq!(olive.get("/v1/team/invites").await.expect(200)["data"].as_array().unwrap().len(), 1);
    ada.post("/v1/team/invites/accept", json!({ "token": first })).await.refused(400, "invalid-auth-token");
    ada.post("/v1/team/invites/accept", json!({ "token": second })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_account_does_not_fill_a_mailbox() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let invite = async |email: &str| olive.post("/v1/team/invites", json!({ "email": email })).await;
    for _ in 0..10 {
        invite("ada@example.com").await.expect(202);
    }
    invite("ada@example.com").await.refused(429, "rate-limited");
    invite("bo@example.com").await.expect(202);
    let id = olive.get("/v1/team/invites").await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
    let resend = format!("/v1/team/invites/{id}/resend");
    olive.post(&resend, json!({ "role": "admin" })).await.refused(400, "validation-failed");
    olive.post(&resend, json!({})).await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_is_for_one_address_one_week_and_one_use() {
    let house = House::open().await;
    let (olive, ada, bo) = (house.person("olive").await, house.person("ada").await, house.person("bo").await);
    olive.post("/v1/team/invites", json!({ "email": ada.email })).await.expect(202);
    let token = json!({ "token": house.mailed_token(&ada.email).await });
    bo.post("/v1/team/invites/accept", token.clone()).await.refused(409, "conflict");
    ada.post("/v1/team/invites/accept", token.clone()).await.expect(200);
    ada.post("/v1/team/invites/accept", token).await.refused(400, "invalid-auth-token");

    olive.post("/v1/team/invites", json!({ "email": bo.email })).await.expect(202);
    let token = json!({ "token": house.mailed_token(&bo.email).await });
    house.pass(WEEK);
    bo.post("/v1/team/invites/accept", token).await.refused(400, "invalid-auth-token");
    assert_eq!(olive.get("/v1/team/invites").await.expect(200)["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_token_and_an_impossible_one_are_told_the_same() {
    let house = House::open().await;
    let ada = house.person("ada").await;
    for token in ["x".repeat(43), "short".to_owned(), "é".repeat(30), "x".repeat(5000), String::new()] {
        ada.post("/v1/team/invites/accept", json!({ "token": token })).await.refused(400, "invalid-auth-token");
    }
}

async fn pending(house: &House, olive: &crate::fixture::Person<'_>) -> String {
    olive.post("/v1/team/invites", json!({ "email": "ada@example.com" })).await.expect(202);
    house.mails("ada@example.com", 1).await;
    olive.get("/v1/team/invites").await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_invite_is_void_and_revoking_it_again_is_fine() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    let id = pending(&house, &olive).await;
    let token = house.mailed_token("ada@example.com").await;
    for _ in 0..2 {
        olive.delete(&format!("/v1/team/invites/{id}")).await.expect(204);
    }
    assert_eq!(olive.log().await.iter().filter(|action| *action == "team.invite_revoked").count(), 1);
    ada.post("/v1/team/invites/accept", json!({ "token": token })).await.refused(400, "invalid-auth-token");
    olive.post(&format!("/v1/team/invites/{id}/resend"), json!({})).await.refused(409, "conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resent_invite_has_a_new_token_and_a_new_expiry() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    let id = pending(&house, &olive).await;
    let old = house.mailed_token("ada@example.com").await;
    house.pass(WEEK + Duration::from_secs(1));
    olive.post(&format!("/v1/team/invites/{id}/resend"), json!({})).await.expect(202);
    house.mails("ada@example.com", 2).await;
    let new = house.mailed_token("ada@example.com").await;
    assert_eq!(olive.get("/v1/team/invites").await.expect(200)["data"][0]["expires_at"], json!(house.now().plus(WEEK)));
    // Olive's and Ada's sessions have lived on: a week is less than thirty days.
    ada.post("/v1/team/invites/accept", json!({ "token": old })).await.refused(400, "invalid-auth-token");
    ada.post("/v1/team/invites/accept", json!({ "token": new })).await.expect(200);
    olive.delete(&format!("/v1/team/invites/{id}")).await.refused(409, "conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_invite_and_one_that_never_was_are_told_the_same() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    let id = pending(&house, &olive).await;
    let never = "inv_0192f0c1-2345-7000-8000-00000000dead";
    let mut told: Vec<Value> = Vec::new();
    for id in [id.as_str(), never] {
        let mut problem = bo.delete(&format!("/v1/team/invites/{id}")).await.refused(404, "not-found");
        problem["instance"].take();
        told.push(problem);
        bo.post(&format!("/v1/team/invites/{id}/resend"), json!({})).await.refused(404, "not-found");
    }
    assert_eq!(told[0], told[1]);
    bo.delete("/v1/team/invites/inv_nonsense").await.refused(400, "bad-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_walk_over_everything_once_though_the_list_changes() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    for n in 0..5 {
        olive.post("/v1/team/invites", json!({ "email": format!("guest{n}@example.com") })).await.expect(202);
    }
    let first = olive.get("/v1/team/invites?limit=2").await.expect(200);
    assert_eq!(fields(&first), ["data", "has_more", "next_cursor"]);
    assert_eq!((first["data"].as_array().unwrap().len(), &first["has_more"]), (2, &json!(true)));
    assert_eq!(first["data"][0]["invitee_email"], "guest4@example.com", "newest first");
    olive.post("/v1/team/invites", json!({ "email": "late@example.com" })).await.expect(202);
    let gone = first["data"][1]["id"].as_str().unwrap();
    olive.delete(&format!("/v1/team/invites/{gone}")).await.expect(204);

    let mut seen = Vec::new();
    let mut cursor = first["next_cursor"].clone();
    while let Some(text) = cursor.as_str() {
        let page = olive.get(&format!("/v1/team/invites?limit=2&cursor={text}")).await.expect(200);
        seen.extend(
            page["data"].as_array().unwrap().iter().map(|invite| invite["invitee_email"].as_str().unwrap().to_owned()),
        );
        cursor = page["next_cursor"].clone();
    }
    assert_eq!(seen, ["guest2@example.com", "guest1@example.com", "guest0@example.com"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_was_tampered_with_or_is_of_another_list_is_refused() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    for person in [&olive, &bo] {
        for n in 0..2 {
            person.post("/v1/team/invites", json!({ "email": format!("guest{n}@example.com") })).await.expect(202);
        }
    }
    let page = olive.get("/v1/team/invites?limit=1").await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    olive.get(&format!("/v1/team/invites?cursor={cursor}")).await.expect(200);
    let flipped = format!("{}{}", &cursor[..cursor.len() - 1], if cursor.ends_with('A') { "B" } else { "A" });
    for bad in [flipped.as_str(), "rubbish", "%00", &"A".repeat(600)] {
        let problem = olive.get(&format!("/v1/team/invites?cursor={bad}")).await.refused(400, "validation-failed");
        assert_eq!(problem["issues"][0]["path"], "cursor");
    }
    bo.get(&format!("/v1/team/invites?cursor={cursor}")).await.refused(400, "validation-failed");
    olive.get(&format!("/v1/team/members?cursor={cursor}")).await.refused(400, "validation-failed");
    for limit in ["0", "101", "-1", "ten", ""] {
        olive.get(&format!("/v1/team/invites?limit={limit}")).await.refused(400, "validation-failed");
    }
}
