use serde_json::json;

use crate::fixture::House;

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_wanted_until_it_is_declined() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let path = "/v1/account/email-preferences";
    let types = [
        "signup-welcome",
        "session-success-first",
        "session-failed-first",
        "tier-changed",
        "billing-receipt",
        "billing-renewal-reminder",
    ];
    let wanted =
        |declined: &str| json!({ "data": types.map(|t| json!({ "event_type": t, "opted_in": t != declined })) });
    assert_eq!(olive.get(path).await.expect(200), wanted(""));
    for _ in 0..2 {
        olive.put(path, json!({ "event_type": "tier-changed", "opted_in": false })).await.expect(204);
    }
    assert_eq!(olive.get(path).await.expect(200), wanted("tier-changed"));
    olive.put(path, json!({ "event_type": "tier-changed", "opted_in": true })).await.expect(204);
    assert_eq!(olive.get(path).await.expect(200), wanted(""));
    let entries = olive.log().await.into_iter().filter(|action| action == "account.email_preferences_changed");
    assert_eq!(entries.count(), 2, "declining it twice is declining it once");
}

#[tokio::test(flavor = "multi_thread")]
async fn critical_mail_cannot_be_declined() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    for kind in ["signup-verification", "password-reset", "team-invite", "nonsense"] {
        let answer = olive.put("/v1/account/email-preferences", json!({ "event_type": kind, "opted_in": false })).await;
        assert_eq!(answer.refused(400, "validation-failed")["issues"][0]["path"], "event_type");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_mail_is_not_sent() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    olive
        .put("/v1/account/email-preferences", json!({ "event_type": "tier-changed", "opted_in": false }))
        .await
        .expect(204);
    let set = async |tier: &str| {
        house.services.operator.set_tier(&olive.email.parse().unwrap(), tier.parse().unwrap()).await.unwrap();
    };
    set("api_scale").await;
    olive
        .put("/v1/account/email-preferences", json!({ "event_type": "tier-changed", "opted_in": true }))
        .await
        .expect(204);
    set("enterprise").await;
    house.mails(&olive.email, 1).await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(house.mails_now(&olive.email).len(), 1);
}
