//! A connection that is there in time or not at all.

use std::{
    error::Error as StdError,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::ClientConfig;
use rustls_platform_verifier::Verifier;
use tokio::{net::TcpStream, time::timeout};
use tower_service::Service;

use crate::names::Checked;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type BoxError = Box<dyn StdError + Send + Sync>;

/// Connects to addresses that were looked at, with TLS where the URL says so, within a time for all of it.
#[derive(Clone)]
pub(crate) struct Connector {
    https: HttpsConnector<HttpConnector<Checked>>,
    within: Duration,
}

impl Connector {
    pub(crate) fn new(checked: Checked, in_the_clear: bool, within: Duration) -> Result<Self, rustls::Error> {
        let mut http = HttpConnector::new_with_resolver(checked);
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(within));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls()?);
        let https = if in_the_clear { https.https_or_http() } else { https.https_only() };
        Ok(Self { https: https.enable_http1().wrap_connector(http), within })
    }
}

/// By the authorities that this machine trusts.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new(provider.clone())?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = BoxFuture<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(context)
    }

    /// The client may go on connecting after its request was given up, so the time is kept here as well.
    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, within) = (self.https.call(uri), self.within);
        Box::pin(async move { timeout(within, connecting).await.map_err(BoxError::from)? })
    }
}
