use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use driftstack_domain::{
    avatar::{AvatarKey, BlobError, BlobStore},
    time::{Clock, Timestamp},
};
use http_body_util::Full;
use hyper::{
    Request,
    body::Bytes,
    header::{self, HeaderName},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::ClientConfig;
use rustls_platform_verifier::Verifier;
use rusty_s3::{Bucket, Credentials, S3Action};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use super::{
    refusal,
    url::{S3Credentials, S3Url},
};

/// A whole call may take so long. A picture has less than a mebibyte by now.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// The signature of a call works for so long: also where the clocks differ.
const CALL_LIFE: Duration = Duration::from_mins(5);

/// What a browser may do with what it got: show it in a page, and never as one.
const DISPOSITION: &str = "attachment";
/// A picture never changes under its name.
const CACHING: &str = "private, max-age=3600, immutable";

/// It follows no redirect and knows no proxy: a signature is for one host, and whoever stands in between would hold it.
type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Keeps blobs in a bucket. Uploads and reads carry their signature in the URL; the bucket stays private.
///
/// The bucket need not be there when this is made; nothing is asked before the first blob.
pub struct S3Blobs {
    bucket: Bucket,
    credentials: Credentials,
    client: HttpClient,
    clock: Arc<dyn Clock>,
    answer_within: Duration,
}

/// Why a client was not made.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl S3Blobs {
    pub fn open(url: S3Url, credentials: &S3Credentials, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let S3Credentials { access_key_id, secret_access_key } = credentials;
        Ok(Self {
            bucket: url.0,
            credentials: Credentials::new(access_key_id.clone(), secret_access_key.expose_secret().to_owned()),
            client: client()?,
            clock,
            answer_within: ANSWER_WITHIN,
        })
    }

    /// Waits so long for an answer; ten seconds unless told.
    #[must_use]
    pub const fn answer_within(mut self, time: Duration) -> Self {
        self.answer_within = time;
        self
    }

    /// Signed for these headers, and for no other.
    async fn call<'a, A: S3Action<'a>>(
        &self,
        what: &'static str,
        mut action: A,
        headers: &[(HeaderName, String)],
        body: Vec<u8>,
    ) -> Result<(), BlobError> {
        for (name, value) in headers {
            action.headers_mut().insert(name.as_str().to_owned(), value.clone());
        }
        let url = action.sign_with_time(CALL_LIFE, &moment(self.clock.now()));
        let request = Request::builder().method(A::METHOD.to_str()).uri(url.as_str());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let answered = match request.body(Full::from(body)) {
            Ok(request) => timeout(self.answer_within, self.answer(request)).await,
            Err(error) => Ok(Err(error.to_string())),
        };
        let outcome = answered.unwrap_or_else(|_| Err(format!("no answer in {:?}", self.answer_within)));
        outcome.map_err(|why| {
            tracing::warn!(what, why, "S3");
            BlobError(format!("{what}: {why}"))
        })
    }

    /// What went wrong never names the URL: it is signed.
    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<(), String> {
        let response = self.client.request(request).await.map_err(|error| describe(&error))?;
        if response.status().is_success() { Ok(()) } else { Err(refusal::describe(response).await) }
    }
}

fn client() -> Result<HttpClient, OpenError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new(provider.clone())?;
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(CONNECT_WITHIN));
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(http);
    Ok(Client::builder(TokioExecutor::new()).build(https))
}

/// With what lies beneath it, where the reason usually is.
fn describe(error: &dyn std::error::Error) -> String {
    let beneath = std::iter::successors(error.source(), |error| error.source());
    beneath.fold(error.to_string(), |text, error| format!("{text}: {error}"))
}

/// Every time that the domain knows is one that the calendar has.
fn moment(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

#[async_trait]
impl BlobStore for S3Blobs {
    async fn put(&self, key: AvatarKey, bytes: Vec<u8>) -> Result<(), BlobError> {
        let object = key.object();
        let headers = [
            (header::CONTENT_LENGTH, bytes.len().to_string()),
            (header::CONTENT_TYPE, key.content_type().as_str().to_owned()),
            (header::CONTENT_DISPOSITION, DISPOSITION.to_owned()),
            (header::CACHE_CONTROL, CACHING.to_owned()),
        ];
        self.call("put", self.bucket.put_object(Some(&self.credentials), &object), &headers, bytes).await
    }

    /// S3 says that it has removed what was never there.
    async fn remove(&self, key: AvatarKey) -> Result<(), BlobError> {
        let object = key.object();
        self.call("remove", self.bucket.delete_object(Some(&self.credentials), &object), &[], Vec::new()).await
    }

    fn read_url(&self, key: AvatarKey, from: Timestamp, life: Duration) -> String {
        let object = key.object();
        self.bucket.get_object(Some(&self.credentials), &object).sign_with_time(life, &moment(from)).into()
    }

    async fn ping(&self) -> Result<(), BlobError> {
        self.call("ping", self.bucket.head_bucket(Some(&self.credentials)), &[], Vec::new()).await
    }
}

impl fmt::Debug for S3Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Blobs").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}
