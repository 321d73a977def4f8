//! The composition root: the only file that names all adapters.

use std::{net::SocketAddr, path::Path, sync::Arc};

use async_trait::async_trait;
use driftstack_domain::{
    access::{CallerStore, Doorkeeper},
    account::{AccountStore, Accounts},
    api_key::{ApiKeyStore, ApiKeys},
    audit::{AuditLog, AuditStore},
    auth::{LinkClerk, LinkStore, SignInStore, SignIns, SignUps},
    change::StoreError,
    desk::Desk,
    id::Ids,
    limit::Limiter,
    mail::{Mailer, Outbox, Postman, PreferenceStore, Preferences},
    membership::{InviteStore, Invites, MembershipStore, Memberships},
    secret::{Passwords, SessionTokens, Vault},
    staff::{Operator, StaffStore},
    team::{TeamStore, Teams},
    time::Clock,
    web_session::{WebSessionStore, WebSessions},
};
use driftstack_limiter::MemoryLimiter;
use driftstack_mailer::FolderMailer;
use driftstack_seal::{AesVault, Argon2Passwords, KeyRing, OsSecrets, PasetoTokens};
use driftstack_store::SqliteStore;
use ipnet::IpNet;

use crate::{
    config::Settings,
    system::{SystemClock, V7Ids},
};

/// Whether the store answers.
#[async_trait]
pub trait Health: Send + Sync {
    async fn ping(&self) -> Result<(), StoreError>;
}

#[async_trait]
impl Health for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        Self::ping(self).await
    }
}

/// Everything that a store has to be.
pub trait Store:
    CallerStore
    + AccountStore
    + SignInStore
    + LinkStore
    + WebSessionStore
    + InviteStore
    + MembershipStore
    + TeamStore
    + ApiKeyStore
    + AuditStore
    + PreferenceStore
    + Outbox
    + StaffStore
    + Health
    + 'static
{
}

impl Store for SqliteStore {}

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
}

/// The use cases, and what the HTTP layer needs of the adapters.
pub struct Services {
    pub doorkeeper: Doorkeeper,
    pub accounts: Accounts,
    pub sign_ups: SignUps,
    pub sign_ins: SignIns,
    pub links: LinkClerk,
    pub web_sessions: WebSessions,
    pub invites: Invites,
    pub memberships: Memberships,
    pub teams: Teams,
    pub api_keys: ApiKeys,
    pub audit_log: AuditLog,
    pub preferences: Preferences,
    pub operator: Operator,
    pub postman: Postman,
    pub outbox: Arc<dyn Outbox>,
    pub link_store: Arc<dyn LinkStore>,
    pub health: Arc<dyn Health>,
    pub limiter: Arc<dyn Limiter>,
    pub tokens: Arc<dyn SessionTokens>,
    pub vault: Arc<dyn Vault>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub trusted_proxies: Vec<IpNet>,
    pub problem_type_base: String,
}

impl Services {
    pub fn new<S: Store>(store: Arc<S>, parts: Parts, settings: &Settings) -> Self {
        let Parts { clock, ids, secrets, vault, tokens, passwords, limiter, mailer } = parts;
        let desk = Desk { clock: clock.clone(), ids: ids.clone(), secrets, vault: vault.clone() };
        Self {
            doorkeeper: Doorkeeper::new(store.clone(), clock.clone()),
            accounts: Accounts::new(store.clone(), desk.clone()),
            sign_ups: SignUps::new(store.clone(), passwords.clone(), desk.clone()),
            sign_ins: SignIns::new(store.clone(), passwords, tokens.clone(), desk.clone()),
            links: LinkClerk::new(store.clone(), store.clone(), desk.clone()),
            web_sessions: WebSessions::new(store.clone(), tokens.clone(), desk.clone()),
            invites: Invites::new(store.clone(), desk.clone()),
            memberships: Memberships::new(store.clone(), desk.clone()),
            teams: Teams::new(store.clone(), desk.clone()),
            api_keys: ApiKeys::new(store.clone(), desk.clone()),
            audit_log: AuditLog::new(store.clone(), clock.clone()),
            preferences: Preferences::new(store.clone(), desk.clone()),
            operator: Operator::new(store.clone(), desk),
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

/// Opens the store and brings its schema up to date.
pub async fn open_store(settings: &Settings) -> Result<SqliteStore, StartError> {
    let store = SqliteStore::open(&settings.database).await.map_err(|error| StartError::new("the database", error))?;
    store.migrate().await.map_err(|error| StartError::new("the database's schema", error))?;
    Ok(store)
}

/// The adapters of the embedded default, for a service that listens on `address`.
pub fn parts(settings: &Settings, address: SocketAddr) -> Result<Parts, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let keys = open_keys(&settings.keys_file, clock.as_ref())?;
    let own_url = || format!("http://{address}").parse().map_err(|error| StartError::new("DRIFTSTACK_LISTEN", error));
    let public_url = settings.public_url.clone().map_or_else(own_url, Ok)?;
    Ok(Parts {
        clock,
        ids: Arc::new(V7Ids),
        secrets: Arc::new(OsSecrets),
        vault: Arc::new(AesVault::new(&keys)),
        tokens: Arc::new(PasetoTokens::new(&keys)),
        passwords: Arc::new(Argon2Passwords::on_every_core()),
        limiter: Arc::new(MemoryLimiter::default()),
        mailer: Arc::new(FolderMailer::new(&settings.mail_dir, settings.mail_from.clone(), public_url)),
    })
}

fn open_keys(path: &Path, clock: &dyn Clock) -> Result<KeyRing, StartError> {
    KeyRing::open_or_create(path, clock.now()).map_err(|error| StartError::new("the keys file", error))
}
