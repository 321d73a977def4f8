//! Serving: bind, wire, answer, and drain at the end.

use std::{
    net::{SocketAddr, TcpListener},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use actix_cors::Cors;
use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    middleware::{Condition, from_fn},
    web::{self, Data},
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    config::Settings,
    doors::Doors,
    http::{
        self, blobs,
        envelope::envelope,
        gate::WORKSPACE_HEADER,
        ops::{self, Reference},
        route::Api,
    },
    metrics,
    readiness::Readiness,
    tables::Tables,
    wire::{self, Services, StartError},
    worker::Workers,
};

/// Requests that are being answered have so long, in seconds, after the signal to stop.
const DRAIN_SECONDS: u64 = 30;

/// Serves until a signal comes, or a worker breaks.
pub async fn serve(settings: &Settings) -> Result<(), StartError> {
    let (listener, address) = bind(settings.listen)?;
    let recorder = settings.metrics_listen.map(|_| metrics::record()).transpose()?;
    let threads = settings.database.threads();
    let store = wire::prepare_store(&settings.database.divided_among(threads + 1)).await?;
    let tables = Tables::look(&store, settings.migrate).await?;
    let services = Arc::new(store.services(wire::parts(settings, address).await?, settings));
    let metrics = serve_metrics(settings, recorder, &services)?;
    let doors = Arc::new(Doors::shut());
    let running = server(&services, &doors, &settings.cors_origins, listener, threads)?;
    let stopper = tokio::spawn(stop_when_asked(running.handle(), doors.clone(), settings.drain_grace));
    tracing::info!(%address, "listening");
    let served = run(running, tables.arrive(), &doors, &services).await;
    stopper.abort();
    end(metrics).await;
    store.close().await;
    served
}

/// Runs the server, from the start, and opens as soon as the tables are there.
async fn run(
    mut running: Server,
    tables: impl Future<Output = Result<(), StartError>>,
    doors: &Doors,
    services: &Arc<Services>,
) -> Result<(), StartError> {
    let problem = |error| StartError::new("the server", error);
    let there = tokio::select! {
        served = &mut running => return served.map_err(problem),
        there = tables => there,
    };
    if let Err(refused) = there {
        // The returned future only waits; the command itself is on its way.
        drop(running.handle().stop(false));
        let _ = running.await;
        return Err(refused);
    }
    doors.open();
    let mut workers = Workers::start(services);
    let served = tokio::select! {
        served = &mut running => served.map_err(problem),
        broken = workers.broken() => {
            doors.begin_to_close();
            drop(running.handle().stop(true));
            let _ = running.await;
            Err(broken)
        }
    };
    workers.stop().await;
    served
}

async fn stop_when_asked(server: ServerHandle, doors: Arc<Doors>, grace: Duration) {
    asked_to_stop().await;
    tracing::info!("stopping");
    doors.begin_to_close();
    // Load balancers look every few seconds; until they have, requests still come and are answered.
    tokio::time::sleep(grace).await;
    server.stop(true).await;
}

/// Serves the metrics beside everything else, where that is asked for.
fn serve_metrics(
    settings: &Settings,
    recorder: Option<PrometheusHandle>,
    services: &Arc<Services>,
) -> Result<Option<ServerHandle>, StartError> {
    let (Some(address), Some(recorder)) = (settings.metrics_listen, recorder) else { return Ok(None) };
    let listener = TcpListener::bind(address).map_err(|error| StartError::new("DRIFTSTACK_METRICS_LISTEN", error))?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "serving metrics");
    }
    let server = metrics::server(services, recorder, listener)?;
    let handle = server.handle();
    tokio::spawn(server);
    Ok(Some(handle))
}

async fn end(server: Option<ServerHandle>) {
    if let Some(server) = server {
        server.stop(false).await;
    }
}

/// The workers alone, until a signal comes or one of them breaks.
pub async fn work(settings: &Settings) -> Result<(), StartError> {
    let recorder = settings.metrics_listen.map(|_| metrics::record()).transpose()?;
    let store = wire::prepare_store(&settings.database).await?;
    let tables = Tables::look(&store, settings.migrate).await?;
    let services = Arc::new(store.services(wire::parts(settings, settings.listen).await?, settings));
    let metrics = serve_metrics(settings, recorder, &services)?;
    tracing::info!("working");
    let mut stopped = pin!(asked_to_stop());
    let there = tokio::select! {
        () = &mut stopped => None,
        there = tables.arrive() => Some(there?),
    };
    let mut workers = there.map(|()| Workers::start(&services));
    let worked = match &mut workers {
        Some(workers) => tokio::select! {
            () = stopped => Ok(()),
            broken = workers.broken() => Err(broken),
        },
        None => Ok(()),
    };
    tracing::info!("stopping");
    if let Some(workers) = workers {
        workers.stop().await;
    }
    end(metrics).await;
    store.close().await;
    worked
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let problem = |error| StartError::new("DRIFTSTACK_LISTEN", error);
    let listener = TcpListener::bind(address).map_err(problem)?;
    let address = listener.local_addr().map_err(problem)?;
    Ok((listener, address))
}

/// SIGTERM, or an interrupt from the terminal.
async fn asked_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be waited for; only a kill will stop this process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// The server on a listener, with so many threads; it runs when it is awaited.
pub fn server(
    services: &Arc<Services>,
    doors: &Arc<Doors>,
    origins: &[String],
    listener: TcpListener,
    threads: usize,
) -> Result<Server, StartError> {
    let (services, doors) = (Data::from(services.clone()), Data::from(doors.clone()));
    let api = Data::new(http::api());
    let (reference, readiness) = (Data::new(Reference::default()), Data::new(Readiness::default()));
    let origins = origins.to_vec();
    let server = HttpServer::new(move || {
        let api = api.clone();
        App::new()
            .app_data(services.clone())
            .app_data(doors.clone())
            .app_data(api.clone())
            .app_data(reference.clone())
            .app_data(readiness.clone())
            .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
            .wrap(from_fn(envelope))
            .configure(move |config| configure(config, &api))
    });
    let server = server.workers(threads).client_request_timeout(Duration::from_secs(10)).disable_signals();
    let server = server.shutdown_timeout(DRAIN_SECONDS).listen(listener);
    server.map(HttpServer::run).map_err(|error| StartError::new("DRIFTSTACK_LISTEN", error))
}

fn configure(config: &mut web::ServiceConfig, api: &Api) {
    ops::configure(config);
    blobs::configure(config);
    api.configure(config);
}

fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            "authorization",
            "content-type",
            "idempotency-key",
            "last-event-id",
            "x-request-id",
            WORKSPACE_HEADER,
        ])
        .expose_any_header()
        .max_age(3600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
