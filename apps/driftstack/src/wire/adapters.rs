//! What the use cases are built on besides the store, as the settings choose it.

use std::{net::SocketAddr, sync::Arc};

use driftstack_blob::{FolderBlobs, S3Blobs};
use driftstack_courier::HttpCourier;
use driftstack_domain::{
    avatar::{BlobStore, Pictures},
    id::Ids,
    limit::Limiter,
    mail::Mailer,
    secret::{Passwords, Secrets, SessionTokens, Vault},
    time::Clock,
    webhook::{Courier, Reach},
};
use driftstack_limiter::{MemoryLimiter, RedisLimiter, WithFallback};
use driftstack_mailer::{FolderMailer, PublicUrl, SmtpMailer};
use driftstack_picture::BoundedPictures;
use driftstack_seal::{AesVault, Argon2Passwords, HmacSignatures, KeyRing, OsSecrets, PasetoTokens};
use secrecy::ExposeSecret;

use super::error::StartError;
use crate::{
    config::{BlobRoute, MailRoute, RateLimits, Settings},
    system::{SystemClock, V7Ids},
};

/// What the use cases are built on besides the store.
pub struct Parts {
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub secrets: Arc<dyn Secrets>,
    pub vault: Arc<dyn Vault>,
    pub tokens: Arc<dyn SessionTokens>,
    pub passwords: Arc<dyn Passwords>,
    pub limiter: Arc<dyn Limiter>,
    pub mailer: Arc<dyn Mailer>,
    pub courier: Arc<dyn Courier>,
    pub pictures: Arc<dyn Pictures>,
    pub blobs: Blobs,
    /// Where people find the service in a browser.
    pub public_url: PublicUrl,
}

/// Where the pictures of this deployment are.
#[derive(Clone)]
pub enum Blobs {
    /// In a folder, which this service serves itself.
    Folder(Arc<FolderBlobs>),
    Elsewhere(Arc<dyn BlobStore>),
    Nowhere,
}

impl Blobs {
    pub fn store(&self) -> Option<Arc<dyn BlobStore>> {
        match self {
            Self::Folder(folder) => Some(folder.clone()),
            Self::Elsewhere(store) => Some(store.clone()),
            Self::Nowhere => None,
        }
    }
}

/// The adapters besides the store, for a service that listens on `address`.
pub async fn parts(settings: &Settings, address: SocketAddr) -> Result<Parts, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let keys = KeyRing::open_or_create(&settings.keys_file, clock.now())
        .map_err(|error| StartError::new("DRIFTSTACK_KEYS_FILE", error))?;
    let blobs = blobs(settings, address, &keys, &clock)?;
    let public_url = public_url(settings, address)?;
    Ok(Parts {
        clock,
        ids: Arc::new(V7Ids),
        secrets: Arc::new(OsSecrets),
        vault: Arc::new(AesVault::new(&keys)),
        tokens: Arc::new(PasetoTokens::new(&keys)),
        passwords: Arc::new(Argon2Passwords::on_every_core()),
        limiter: limiter(&settings.rate_limits)?,
        pictures: Arc::new(BoundedPictures::on_half_of_the_cores()),
        blobs,
        mailer: mailer(settings, public_url.clone()).await?,
        courier: courier(settings.webhook_reach)?,
        public_url,
    })
}

fn limiter(rate_limits: &RateLimits) -> Result<Arc<dyn Limiter>, StartError> {
    match rate_limits {
        RateLimits::Memory => Ok(Arc::new(MemoryLimiter::default())),
        RateLimits::Redis(url) => {
            let redis = RedisLimiter::open(url.expose_secret());
            let redis = redis.map_err(|error| StartError::new("DRIFTSTACK_RATE_LIMIT_URL", error))?;
            Ok(Arc::new(WithFallback::new(redis)))
        }
    }
}

fn blobs(
    settings: &Settings,
    address: SocketAddr,
    keys: &KeyRing,
    clock: &Arc<dyn Clock>,
) -> Result<Blobs, StartError> {
    match &settings.blobs {
        BlobRoute::Folder(path) => {
            let base = settings.api_url.as_ref().map_or_else(|| format!("http://{address}"), ToString::to_string);
            Ok(Blobs::Folder(Arc::new(FolderBlobs::new(path, &base, Arc::new(HmacSignatures::new(keys))))))
        }
        BlobRoute::S3(url, credentials) => {
            let blobs = S3Blobs::open(url.clone(), credentials, clock.clone());
            Ok(Blobs::Elsewhere(Arc::new(blobs.map_err(|error| StartError::new("DRIFTSTACK_BLOB_URL", error))?)))
        }
        BlobRoute::None => Ok(Blobs::Nowhere),
    }
}

fn courier(reach: Reach) -> Result<Arc<dyn Courier>, StartError> {
    if reach == Reach::Anywhere {
        tracing::warn!(
            "DRIFTSTACK_WEBHOOK_ALLOW_PRIVATE is set: whoever registers a webhook can have this service call anything that it can \
             reach; it is for tests alone"
        );
    }
    let courier = HttpCourier::open(reach).map_err(|error| StartError::new("webhooks", error))?;
    Ok(Arc::new(courier))
}

fn public_url(settings: &Settings, address: SocketAddr) -> Result<PublicUrl, StartError> {
    let own_url = || format!("http://{address}").parse().map_err(|error| StartError::new("DRIFTSTACK_LISTEN", error));
    settings.public_url.clone().map_or_else(own_url, Ok)
}

async fn mailer(settings: &Settings, public_url: PublicUrl) -> Result<Arc<dyn Mailer>, StartError> {
    let from = settings.mail_from.clone();
    match &settings.mail {
        MailRoute::Folder(path) => Ok(Arc::new(FolderMailer::new(path, from, public_url))),
        MailRoute::Smtp(url) => {
            let mailer = SmtpMailer::open(url, from, public_url).await;
            Ok(Arc::new(mailer.map_err(|error| StartError::new("DRIFTSTACK_MAIL_URL", error))?))
        }
    }
}
