use serde_json::json;

use crate::fixture::House;

#[tokio::test(flavor = "multi_thread")]
async fn every_account_has_a_team_and_may_rename_it() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let teams = olive.get("/v1/teams").await.expect(200);
    let team = &teams["data"][0];
    assert!(team["id"].as_str().unwrap().starts_with("team_"));
    assert_eq!(
        teams,
        json!({ "data": [{
            "id": team["id"], "name": "olive", "slug": null, "owner_account_id": olive.id,
            "created_at": house.now(), "updated_at": house.now(),
        }] })
    );
    house.pass(std::time::Duration::from_mins(1));
    let path = format!("/v1/teams/{}", team["id"].as_str().unwrap());
    let renamed = olive.patch(&path, json!({ "name": "Acme" })).await.expect(200);
    assert_eq!((&renamed["team"]["name"], &renamed["team"]["updated_at"]), (&json!("Acme"), &json!(house.now())));
    assert_eq!(olive.get("/v1/teams").await.expect(200)["data"][0], renamed["team"]);
    assert_eq!(olive.log().await[0], "team.updated");
    olive.patch(&path, json!({ "name": "" })).await.refused(400, "validation-failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_team_is_not_there() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    let id = olive.get("/v1/teams").await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
    for id in [id.as_str(), "team_0192f0c1-2345-7000-8000-00000000dead"] {
        bo.patch(&format!("/v1/teams/{id}"), json!({ "name": "Mine" })).await.refused(404, "not-found");
    }
}
