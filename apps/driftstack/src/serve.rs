//! Serving: bind, wire, answer, and drain at the end.

use std::{net::TcpListener, sync::Arc};

use actix_cors::Cors;
use actix_web::{
    App, HttpServer,
    middleware::{Condition, from_fn},
    web::{self, Data},
};

use crate::{
    config::Settings,
    http::{body::MAX_BODY_BYTES, envelope::envelope, gate::WORKSPACE_HEADER, ops, route::Api, v1},
    wire::{self, Services, StartError},
    worker::Workers,
};

/// Requests that are being answered have so long, in seconds, after the signal to stop.
const DRAIN_SECONDS: u64 = 30;

/// Serves until a signal comes.
pub async fn serve(settings: &Settings) -> Result<(), StartError> {
    let listener = TcpListener::bind(settings.listen).map_err(|error| StartError::new("DRIFTSTACK_LISTEN", error))?;
    let address = listener.local_addr().map_err(|error| StartError::new("DRIFTSTACK_LISTEN", error))?;
    let store = wire::open_store(settings).await?;
    let services = Arc::new(Services::new(Arc::new(store.clone()), wire::parts(settings, address)?, settings));
    let workers = Workers::start(&services);
    let server = server(&services, &settings.cors_origins, listener)?;
    tracing::info!(%address, "listening");
    let served = server.await.map_err(|error| StartError::new("the server", error));
    tracing::info!("stopping");
    workers.stop().await;
    store.close().await;
    served
}

/// The server on a listener; it runs when it is awaited.
pub fn server(
    services: &Arc<Services>,
    origins: &[String],
    listener: TcpListener,
) -> Result<actix_web::dev::Server, StartError> {
    let services = Data::from(services.clone());
    let api = Data::new(v1::api());
    let origins = origins.to_vec();
    let server = HttpServer::new(move || {
        let api = api.clone();
        App::new()
            .app_data(services.clone())
            .app_data(api.clone())
            .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
            .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
            .wrap(from_fn(envelope))
            .configure(move |config| configure(config, &api))
    });
    let server = server.shutdown_timeout(DRAIN_SECONDS).listen(listener);
    server.map(HttpServer::run).map_err(|error| StartError::new("DRIFTSTACK_LISTEN", error))
}

fn configure(config: &mut web::ServiceConfig, api: &Api) {
    ops::configure(config);
    api.configure(config);
}

fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers(["authorization", "content-type", "idempotency-key", "x-request-id", WORKSPACE_HEADER])
        .expose_any_header()
        .max_age(3600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
