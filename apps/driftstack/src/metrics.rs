//! Metrics in the Prometheus text format, on a listener of their own.
//!
//! Names and labels are listed in `docs/OPERATIONS.md`. No label holds an id, an address or anything else without a bound.

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App, HttpServer,
    dev::Server,
    web::{self, Data},
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::wire::{Services, StartError};

const REQUESTS: &str = "driftstack_http_requests_total";
const REQUEST_SECONDS: &str = "driftstack_http_request_seconds";
const MAILS_SENT: &str = "driftstack_mails_sent_total";
const MAILS_REFUSED: &str = "driftstack_mails_refused_total";
const PICTURES_SWEPT: &str = "driftstack_pictures_swept_total";
const PICTURES_KEPT: &str = "driftstack_pictures_not_swept_total";
const ACCOUNTS_PURGED: &str = "driftstack_accounts_purged_total";
const ACCOUNTS_NOT_PURGED: &str = "driftstack_accounts_not_purged_total";
const WEBHOOKS: &str = "driftstack_webhook_attempts_total";
const WEBHOOKS_WAITING: &str = "driftstack_webhook_deliveries_waiting";
const OUTBOX: &str = "driftstack_outbox_mails";
const CONNECTIONS: &str = "driftstack_database_connections";
const STREAMS: &str = "driftstack_notification_streams";

/// Upper bounds of the histogram in seconds: from a look-up to a password hash on a busy machine.
const BUCKETS: [f64; 11] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// One answered request. Costs nothing while metrics are off.
pub fn answered(route: &str, method: &str, status: u16, took: Duration) {
    // A caller may make methods up, and each would be a series of its own.
    let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
    let labels = [("route", route.to_owned()), ("method", method.to_owned())];
    metrics::histogram!(REQUEST_SECONDS, &labels).record(took.as_secs_f64());
    let [route, method] = labels;
    metrics::counter!(REQUESTS, &[route, method, ("status", status.to_string())]).increment(1);
}

/// One round of the mail worker.
pub fn mailed(round: driftstack_domain::mail::Round) {
    metrics::counter!(MAILS_SENT).increment(round.sent.into());
    metrics::counter!(MAILS_REFUSED).increment(round.failed.into());
}

/// One round of the sweeper.
pub fn swept(round: driftstack_domain::avatar::SweepRound) {
    metrics::counter!(PICTURES_SWEPT).increment(round.removed.into());
    metrics::counter!(PICTURES_KEPT).increment(round.failed.into());
}

/// One round of the purger.
pub fn purged(round: &driftstack_domain::ending::PurgeRound) {
    metrics::counter!(ACCOUNTS_PURGED).increment(round.purged.into());
    metrics::counter!(ACCOUNTS_NOT_PURGED).increment(u64::try_from(round.failed.len()).unwrap_or(u64::MAX));
}

/// One batch of deliveries to a webhook endpoint.
pub fn dispatched(round: driftstack_domain::webhook::DispatchRound) {
    let outcomes = [
        ("delivered", round.delivered),
        ("failed", round.failed),
        ("dlq", round.dlq),
        ("put_off", u32::from(round.put_off)),
    ];
    for (outcome, attempts) in outcomes {
        metrics::counter!(WEBHOOKS, "outcome" => outcome).increment(attempts.into());
    }
}

fn problem(error: impl std::fmt::Display) -> StartError {
    StartError::new("DRIFTSTACK_METRICS_LISTEN", error)
}

/// Starts to record. What an adapter says of itself when it is made is heard only afterwards.
pub fn record() -> Result<PrometheusHandle, StartError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(REQUEST_SECONDS.to_owned()), &BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(problem)
}

/// Serves what was recorded. It runs when it is awaited.
pub fn server(
    services: &Arc<Services>,
    recorder: PrometheusHandle,
    listener: TcpListener,
) -> Result<Server, StartError> {
    let (recorder, services) = (Data::new(recorder), Data::from(services.clone()));
    let app = move || {
        App::new().app_data(recorder.clone()).app_data(services.clone()).route("/metrics", web::get().to(render))
    };
    let server = HttpServer::new(app).workers(1).disable_signals().listen(listener);
    server.map(HttpServer::run).map_err(problem)
}

async fn render(recorder: Data<PrometheusHandle>, services: Data<Services>) -> String {
    match services.outbox.depth().await {
        Ok(depth) => {
            metrics::gauge!(OUTBOX, "state" => "waiting").set(f64::from(depth.waiting));
            metrics::gauge!(OUTBOX, "state" => "dead").set(f64::from(depth.dead));
        }
        Err(error) => tracing::warn!(%error, "the outbox was not counted"),
    }
    match services.deliveries.waiting().await {
        Ok(waiting) => metrics::gauge!(WEBHOOKS_WAITING).set(f64::from(waiting)),
        Err(error) => tracing::warn!(%error, "the deliveries that wait were not counted"),
    }
    metrics::gauge!(STREAMS).set(f64::from(services.notifications.followers()));
    if let Some((open, idle)) = services.health.connections() {
        metrics::gauge!(CONNECTIONS, "state" => "open").set(f64::from(open));
        metrics::gauge!(CONNECTIONS, "state" => "idle").set(f64::from(idle));
    }
    recorder.run_upkeep();
    recorder.render()
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftstack_domain::webhook::DispatchRound;

    #[test]
    fn an_endpoint_that_was_put_off_is_counted() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let round = DispatchRound { put_off: true, ..DispatchRound::default() };
        metrics::with_local_recorder(&recorder, || dispatched(round));
        let told = recorder.handle().render();
        assert!(told.contains(&format!("{WEBHOOKS}{{outcome=\"put_off\"}} 1\n")), "{told}");
    }
}
