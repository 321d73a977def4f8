//! The composition root: the only file that names all adapters.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use driftstack_blob::{FolderBlobs, S3Blobs};
use driftstack_courier::HttpCourier;
use driftstack_domain::{
    access::{CallerStore, Doorkeeper},
    account::{AccountStore, Accounts},
    activation::{ActivationStore, Activations},
    api_key::{ApiKeyStore, ApiKeys},
    audit::{AuditLog, AuditStore},
    auth::{EmailChanges, LinkClerk, LinkStore, SignInStore, SignIns, SignUps, StepUps},
    avatar::{AvatarStore, Avatars, BlobStore, Pictures, Sweeper},
    change::StoreError,
    desk::Desk,
    ending::{EndingStore, Endings, HoldingStore, Holdings, Purger},
    id::Ids,
    idempotency::{Idempotency, IdempotencyStore},
    limit::Limiter,
    mail::{Mailer, Outbox, Postman, PreferenceStore, Preferences},
    membership::{InviteStore, Invites, MembershipStore, Memberships},
    mfa::{Mfa, MfaStore},
    notify::{Bell, Notifications, WishStore},
    organisation::{OrganisationStore, Organisations},
    profile::{ProfileStore, Profiles},
    secret::{Passwords, SessionTokens, Vault},
    session::{SessionStore, Sessions},
    staff::{Operator, Staff, StaffStore},
    team::{TeamStore, Teams},
    time::Clock,
    usage::{Usage, UsageStore},
    web_session::{WebSessionStore, WebSessions},
    webhook::{Courier, DeliveryQueue, Dispatcher, Reach, WebhookStore, Webhooks},
};
use driftstack_limiter::{MemoryLimiter, RedisLimiter, WithFallback};
use driftstack_mailer::{FolderMailer, PublicUrl, SmtpMailer};
use driftstack_picture::BoundedPictures;
use driftstack_seal::{AesVault, Argon2Passwords, HmacSignatures, KeyRing, OsSecrets, PasetoTokens};
use driftstack_store::{MigrateError, PostgresStore, SqliteStore};
use ipnet::IpNet;
use secrecy::ExposeSecret;

use crate::{
    blob_health::BlobHealth,
    config::{BlobRoute, Database, MailRoute, RateLimits, Settings},
    system::{SystemClock, V7Ids},
};

/// Whether the store answers.
#[async_trait]
pub trait Health: Send + Sync {
    async fn ping(&self) -> Result<(), StoreError>;

    /// Connections that are open, and those of them that nobody uses; `None` where there is no pool.
    fn connections(&self) -> Option<(u32, u32)> {
        None
    }
}

#[async_trait]
impl Health for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        Self::ping(self).await
    }
}

#[async_trait]
impl Health for PostgresStore {
    async fn ping(&self) -> Result<(), StoreError> {
        Self::ping(self).await
    }

    fn connections(&self) -> Option<(u32, u32)> {
        let (open, idle) = Self::connections(self);
        Some((u32::try_from(open).unwrap_or(u32::MAX), u32::try_from(idle).unwrap_or(u32::MAX)))
    }
}

/// Everything that a store has to be.
pub trait Store:
    CallerStore
    + AccountStore
    + AvatarStore
    + SignInStore
    + LinkStore
    + MfaStore
    + WebSessionStore
    + InviteStore
    + MembershipStore
    + TeamStore
    + ApiKeyStore
    + ActivationStore
    + AuditStore
    + Bell
    + PreferenceStore
    + Outbox
    + StaffStore
    + IdempotencyStore
    + SessionStore
    + ProfileStore
    + UsageStore
    + OrganisationStore
    + WishStore
    + EndingStore
    + HoldingStore
    + WebhookStore
    + DeliveryQueue
    + Health
    + 'static
{
}

impl Store for SqliteStore {}
impl Store for PostgresStore {}

/// What the use cases are built on besides the store.
pub struct Parts {
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub secrets: Arc<dyn driftstack_domain::secret::Secrets>,
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

/// The use cases, and what the HTTP layer needs of the adapters.
pub struct Services {
    pub doorkeeper: Doorkeeper,
    pub accounts: Accounts,
    pub endings: Endings,
    pub purger: Purger,
    pub holdings: Holdings,
    pub avatars: Avatars,
    /// `None`: there is nothing to sweep.
    pub sweeper: Option<Sweeper>,
    pub blobs: Blobs,
    pub blob_health: BlobHealth,
    pub sign_ups: SignUps,
    pub sign_ins: SignIns,
    pub links: LinkClerk,
    pub email_changes: EmailChanges,
    pub mfa: Mfa,
    pub step_ups: StepUps,
    pub web_sessions: WebSessions,
    pub invites: Invites,
    pub memberships: Memberships,
    pub teams: Teams,
    pub api_keys: ApiKeys,
    pub activations: Activations,
    pub audit_log: AuditLog,
    pub notifications: Notifications,
    pub preferences: Preferences,
    pub organisations: Organisations,
    pub operator: Operator,
    pub idempotency: Idempotency,
    pub staff: Staff,
    pub sessions: Sessions,
    pub profiles: Profiles,
    pub usage: Usage,
    pub postman: Postman,
    pub outbox: Arc<dyn Outbox>,
    pub webhooks: Webhooks,
    pub dispatcher: Dispatcher,
    pub deliveries: Arc<dyn DeliveryQueue>,
    pub link_store: Arc<dyn LinkStore>,
    pub health: Arc<dyn Health>,
    pub limiter: Arc<dyn Limiter>,
    pub tokens: Arc<dyn SessionTokens>,
    pub vault: Arc<dyn Vault>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub trusted_proxies: Vec<IpNet>,
    pub problem_type_base: String,
    pub public_url: PublicUrl,
    /// Between two signs of life of a stream on which nothing happens.
    pub heartbeat: Duration,
}

impl Services {
    pub fn new<S: Store>(store: Arc<S>, parts: Parts, settings: &Settings) -> Self {
        let Parts {
            clock,
            ids,
            secrets,
            vault,
            tokens,
            passwords,
            limiter,
            mailer,
            courier,
            public_url,
            pictures,
            blobs,
        } = parts;
        let desk = Desk { clock: clock.clone(), ids: ids.clone(), secrets, vault: vault.clone() };
        Self {
            doorkeeper: Doorkeeper::new(store.clone(), clock.clone()),
            accounts: Accounts::new(store.clone(), desk.clone()),
            endings: Endings::new(store.clone(), desk.clone()),
            purger: Purger::new(store.clone(), store.clone(), desk.clone()),
            holdings: Holdings::new(store.clone(), desk.clone()),
            avatars: Avatars::new(store.clone(), blobs.store(), pictures, desk.clone()),
            sweeper: blobs.store().map(|blobs| Sweeper::new(store.clone(), blobs, clock.clone())),
            blob_health: BlobHealth::of(blobs.store()),
            blobs,
            sign_ups: SignUps::new(store.clone(), passwords.clone(), desk.clone()),
            sign_ins: SignIns::new(store.clone(), store.clone(), passwords.clone(), tokens.clone(), desk.clone()),
            step_ups: StepUps::new(store.clone(), store.clone(), passwords, desk.clone()),
            mfa: Mfa::new(store.clone(), desk.clone()),
            links: LinkClerk::new(store.clone(), store.clone(), desk.clone()),
            email_changes: EmailChanges::new(store.clone(), store.clone(), desk.clone()),
            web_sessions: WebSessions::new(store.clone(), tokens.clone(), desk.clone()),
            invites: Invites::new(store.clone(), desk.clone()),
            memberships: Memberships::new(store.clone(), desk.clone()),
            teams: Teams::new(store.clone(), desk.clone()),
            api_keys: ApiKeys::new(store.clone(), desk.clone()),
            activations: Activations::new(store.clone(), desk.clone()),
            audit_log: AuditLog::new(store.clone(), vault.clone(), clock.clone()),
            notifications: Notifications::new(store.clone(), store.clone(), store.clone(), vault.clone()),
            preferences: Preferences::new(store.clone(), desk.clone()),
            organisations: Organisations::new(
                store.clone(),
                store.clone(),
                ApiKeys::new(store.clone(), desk.clone()),
                desk.clone(),
            ),
            operator: Operator::new(store.clone(), desk.clone()),
            idempotency: Idempotency::new(store.clone(), desk.clone()),
            sessions: Sessions::new(store.clone(), store.clone(), desk.clone()),
            profiles: Profiles::new(store.clone(), desk.clone()),
            usage: Usage::new(store.clone(), clock.clone()),
            webhooks: Webhooks::new(store.clone(), settings.webhook_reach, desk.clone()),
            dispatcher: Dispatcher::new(store.clone(), courier, desk.clone()),
            deliveries: store.clone(),
            staff: Staff::new(store.clone(), desk),
            postman: Postman::new(store.clone(), mailer, vault.clone(), clock.clone()),
            outbox: store.clone(),
            link_store: store.clone(),
            health: store,
            limiter,
            tokens,
            vault,
            clock,
            ids,
            trusted_proxies: settings.trusted_proxies.clone(),
            problem_type_base: settings.problem_type_base.clone(),
            public_url,
            heartbeat: settings.heartbeat,
        }
    }
}

/// Something without which nothing starts.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {problem}")]
pub struct StartError {
    what: &'static str,
    problem: String,
}

impl StartError {
    pub fn new(what: &'static str, problem: impl std::fmt::Display) -> Self {
        Self { what, problem: problem.to_string() }
    }
}

/// The store of this deployment.
#[derive(Debug, Clone)]
pub enum OpenStore {
    File(SqliteStore),
    Postgres(PostgresStore),
}

/// Opens the store, with tables as this binary needs them.
pub async fn open_store(database: &Database, migrate: bool) -> Result<OpenStore, StartError> {
    let store = prepare_store(database).await?;
    store.tables(migrate).await.map_err(tables_problem)?;
    Ok(store)
}

/// The store, before anybody has looked at its tables. A file is opened; nothing is connected to a Postgres yet.
pub async fn prepare_store(database: &Database) -> Result<OpenStore, StartError> {
    match database {
        Database::File(path) => {
            let store = SqliteStore::open(path).await;
            store.map(OpenStore::File).map_err(|error| StartError::new("the database", error))
        }
        Database::Postgres(options) => {
            let store = PostgresStore::open(options);
            store.map(OpenStore::Postgres).map_err(|error| StartError::new("DRIFTSTACK_DATABASE_URL", error))
        }
    }
}

fn tables_problem(error: MigrateError) -> StartError {
    StartError::new("the database's tables", error)
}

impl OpenStore {
    /// Sees to the tables. Those of a file are brought up to date; those of a Postgres only if that is asked for, as several
    /// processes share them and whoever operates them may want to choose the moment.
    async fn tables(&self, migrate: bool) -> Result<(), MigrateError> {
        match self {
            Self::File(store) => store.migrate().await.map(drop),
            Self::Postgres(store) if migrate => store.migrate().await.map(drop),
            Self::Postgres(store) => store.check_schema().await,
        }
    }

    /// The same, by a process that can wait: why the database could not be asked, if it could not.
    pub async fn tables_unless_away(&self, migrate: bool) -> Result<Option<StoreError>, StartError> {
        match self.tables(migrate).await {
            Ok(()) => Ok(None),
            Err(MigrateError::Store(away @ StoreError::Unavailable(_))) => Ok(Some(away)),
            Err(error) => Err(tables_problem(error)),
        }
    }

    pub fn services(&self, parts: Parts, settings: &Settings) -> Services {
        match self {
            Self::File(store) => Services::new(Arc::new(store.clone()), parts, settings),
            Self::Postgres(store) => Services::new(Arc::new(store.clone()), parts, settings),
        }
    }

    pub async fn close(self) {
        match self {
            Self::File(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}

/// The adapters besides the store, for a service that listens on `address`.
pub async fn parts(settings: &Settings, address: SocketAddr) -> Result<Parts, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let keys = KeyRing::open_or_create(&settings.keys_file, clock.now())
        .map_err(|error| StartError::new("the keys file", error))?;
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
