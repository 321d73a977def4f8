//! No route lets in somebody it should not: asked of every route there is.

use std::collections::HashSet;

use driftstack::http::{self, route::Route};
use driftstack_domain::{
    policy::{Action, Callers},
    tier::Plan,
};
use serde_json::json;

use crate::fixture::{House, send};

fn path(route: &Route) -> String {
    route.path.replace("{id}", "key_0192f0c1-2345-7000-8000-00000000dead")
}

#[test]
fn every_action_has_exactly_one_route() {
    let api = http::api();
    let routes = api.routes().iter().filter(|route| !route.is_alias);
    let routed: Vec<Action> = routes.flat_map(|route| [route.action].into_iter().chain(route.also)).collect();
    let distinct: HashSet<Action> = routed.iter().copied().collect();
    assert_eq!(routed.len(), distinct.len(), "two routes share an action");
    let missing: Vec<_> = Action::ALL.iter().filter(|action| !distinct.contains(action)).collect();
    assert!(missing.is_empty(), "no route has {missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_gated_route_answers_a_stranger() {
    let house = House::open().await;
    for route in http::api().routes().iter().filter(|route| route.action.gates().callers != Callers::Anybody) {
        for authorization in [None, Some("Bearer ds_live_nobody"), Some("Bearer v4.local.nobody")] {
            let request = house.request(route.method.as_str().parse().unwrap(), &path(route)).json(&json!({}));
            let request =
                authorization.into_iter().fold(request, |request, value| request.header("authorization", value));
            let answer = send(request).await;
            assert_eq!(answer.status, 401, "{} {}: {}", route.method, route.path, answer.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_that_asks_for_a_scope_answers_a_key_without_it() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    house.plan(&olive, Plan::Enterprise).await;
    let powerless = olive.key(&["gui_control"]).await;
    for route in http::api().routes().iter().filter(|route| !route.action.gates().scopes.is_empty()) {
        let answer =
            send(powerless.request(route.method.as_str().parse().unwrap(), &path(route)).json(&json!({}))).await;
        assert_eq!(answer.status, 403, "{} {}: {}", route.method, route.path, answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_lets_a_stranger_into_a_workspace() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    for route in http::api().routes().iter().filter(|route| route.action.gates().honours_workspace()) {
        let request =
            bo.request(route.method.as_str().parse().unwrap(), &path(route)).header("x-driftstack-account", &olive.id);
        let answer = send(request.json(&json!({}))).await;
        assert_eq!(answer.status, 403, "{} {}: {}", route.method, route.path, answer.text);
    }
}
