//! The bare handlers: what anybody would write who wants these answers and nothing else. A key is looked up and must be
//! good; then comes the work. No limits, no policy, no log, no request ids, no errors in words.

mod postgres;
mod schema;
mod sqlite;
mod threads;
mod view;

use std::net::SocketAddr;

use actix_web::{
    App, HttpRequest, HttpServer,
    error::{ErrorInternalServerError, ErrorUnauthorized},
    http::header,
    web,
};
use driftstack_domain::secret::Digest;

use crate::Failure;

#[derive(clap::Args)]
pub struct Options {
    #[arg(long)]
    listen: SocketAddr,
    /// `postgres://…` or `sqlite:<path>`.
    #[arg(long)]
    database: String,
}

/// Serves until it is killed.
pub fn serve(options: &Options) -> Result<(), Failure> {
    let routes: Box<dyn Fn(&mut web::ServiceConfig) + Send + Sync> =
        if let Some(path) = options.database.strip_prefix("sqlite:") {
            let database = web::Data::new(sqlite::open(path)?);
            Box::new(move |config| sqlite::routes(config, &database))
        } else {
            let pool = web::Data::new(postgres::open(&options.database)?);
            Box::new(move |config| postgres::routes(config, &pool))
        };
    let routes = std::sync::Arc::new(routes);
    let app = move || {
        let routes = routes.clone();
        App::new().configure(move |config| routes(config))
    };
    let server = HttpServer::new(app).disable_signals().bind(options.listen)?;
    Ok(tokio::runtime::Runtime::new()?.block_on(server.run())?)
}

/// The digest of the key that was sent.
fn digest(request: &HttpRequest) -> actix_web::Result<Vec<u8>> {
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = value.and_then(|text| text.strip_prefix("Bearer ")).ok_or_else(|| ErrorUnauthorized(""))?;
    Ok(Digest::of(key).as_bytes().to_vec())
}

fn failed(error: impl std::fmt::Debug + std::fmt::Display + 'static) -> actix_web::Error {
    ErrorInternalServerError(error)
}

/// The hash of an entry, over the one before it and what is new.
fn linked(before: &[u8], seq: i64, payload: &str) -> Vec<u8> {
    use sha2::Digest as _;
    sha2::Sha256::new().chain_update(before).chain_update(seq.to_be_bytes()).chain_update(payload).finalize().to_vec()
}

/// The only thing that a bare edit can change.
#[derive(serde::Deserialize)]
struct Edit {
    name: String,
}

const PAYLOAD: &str = r#"{"fields":["name"]}"#;

/// How many sessions may run at once.
const CAP: i64 = 32;
