//! Everything that is held on an account, for its holder.

use std::sync::Arc;

use super::{
    noun::{HeldAccount, HeldEvent, HeldLink, HeldMail, HeldSignIn},
    port::HoldingStore,
};
use crate::{
    access::Permit,
    account::{AccountStore, OwnAccount},
    api_key::{ApiKey, ApiKeyStore},
    audit::{AuditLog, AuditStore, ExportPlan, export::EntryView},
    change::StoreError,
    desk::Desk,
    mail::{MailPreference, OptionalMail, PreferenceStore},
    membership::{Invite, Membership, MembershipStore, OwnerSeen},
    mfa::{MfaStatus, MfaStore},
    page::{Page, PageRequest},
    policy::action::ExportAccount,
    profile::Profile,
    session::{Session, SessionStore},
    team::{Team, TeamStore},
    time::Timestamp,
    usage::DayMinutes,
    webhook::Endpoint,
};

type By<'a> = &'a Permit<ExportAccount>;

/// Reads what an export of an account is made of, a page at a time. What is read is as it is then: nothing is held still while an
/// export is written.
///
/// Whoever adds something to accounts adds a method here, and a section where exports are written.
pub struct Holdings {
    accounts: Arc<dyn AccountStore>,
    teams: Arc<dyn TeamStore>,
    memberships: Arc<dyn MembershipStore>,
    keys: Arc<dyn ApiKeyStore>,
    factors: Arc<dyn MfaStore>,
    preferences: Arc<dyn PreferenceStore>,
    sessions: Arc<dyn SessionStore>,
    others: Arc<dyn HoldingStore>,
    log: AuditLog,
    desk: Desk,
}

impl Holdings {
    pub fn new<S>(store: Arc<S>, desk: Desk) -> Self
    where
        S: AccountStore
            + TeamStore
            + MembershipStore
            + ApiKeyStore
            + MfaStore
            + PreferenceStore
            + SessionStore
            + HoldingStore
            + AuditStore
            + 'static,
    {
        Self {
            accounts: store.clone(),
            teams: store.clone(),
            memberships: store.clone(),
            keys: store.clone(),
            factors: store.clone(),
            preferences: store.clone(),
            sessions: store.clone(),
            others: store.clone(),
            log: AuditLog::new(store, desk.vault.clone(), desk.clock.clone()),
            desk,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.desk.now()
    }

    pub async fn account(&self, by: By<'_>) -> Result<OwnAccount, StoreError> {
        let found = self.accounts.own_account(by.workspace()).await?;
        found.ok_or_else(|| StoreError::Failed("a caller's account is missing".to_owned()))
    }

    pub async fn record(&self, by: By<'_>) -> Result<HeldAccount, StoreError> {
        let found = self.others.held_account(by.workspace()).await?;
        found.ok_or_else(|| StoreError::Failed("a caller's account is missing".to_owned()))
    }

    pub async fn team(&self, by: By<'_>) -> Result<Option<Team>, StoreError> {
        self.teams.team_of(by.workspace()).await
    }

    pub async fn members(&self, by: By<'_>, page: PageRequest) -> Result<Page<Membership>, StoreError> {
        self.memberships.members(by.workspace(), page).await
    }

    pub async fn memberships(&self, by: By<'_>, page: PageRequest) -> Result<Page<OwnerSeen>, StoreError> {
        self.memberships.owners(by.workspace(), page).await
    }

    /// Of whatever state.
    pub async fn invites(&self, by: By<'_>, page: PageRequest) -> Result<Page<Invite>, StoreError> {
        self.others.every_invite(by.workspace(), page).await
    }

    pub async fn keys(&self, by: By<'_>, page: PageRequest) -> Result<Page<ApiKey>, StoreError> {
        self.keys.keys(by.workspace(), page).await
    }

    /// Also those that are over.
    pub async fn sign_ins(&self, by: By<'_>, page: PageRequest) -> Result<Page<HeldSignIn>, StoreError> {
        self.others.every_sign_in(by.workspace(), page).await
    }

    pub async fn mfa(&self, by: By<'_>) -> Result<MfaStatus, StoreError> {
        Ok(MfaStatus::of(self.factors.seen_factor(by.workspace()).await?))
    }

    pub async fn preferences(&self, by: By<'_>) -> Result<Vec<MailPreference>, StoreError> {
        let declined = self.preferences.declined(by.workspace()).await?;
        let preference = |mail: &OptionalMail| MailPreference { mail: *mail, opted_in: !declined.contains(mail) };
        Ok(OptionalMail::ALL.iter().map(preference).collect())
    }

    /// Also those that have ended.
    pub async fn sessions(&self, by: By<'_>, page: PageRequest) -> Result<Page<Session>, StoreError> {
        self.sessions.sessions(by.workspace(), page).await
    }

    /// Also those that are deleted.
    pub async fn profiles(&self, by: By<'_>, page: PageRequest) -> Result<Page<Profile>, StoreError> {
        self.others.every_profile(by.workspace(), page).await
    }

    pub async fn usage_days(&self, by: By<'_>, page: PageRequest) -> Result<Page<DayMinutes>, StoreError> {
        self.others.every_usage_day(by.workspace(), page).await
    }

    /// Also those that are deleted.
    pub async fn webhooks(&self, by: By<'_>, page: PageRequest) -> Result<Page<Endpoint>, StoreError> {
        self.others.every_endpoint(by.workspace(), page).await
    }

    pub async fn events(&self, by: By<'_>, page: PageRequest) -> Result<Page<HeldEvent>, StoreError> {
        self.others.every_event(by.workspace(), page).await
    }

    /// Those that may still be opened.
    pub async fn links(&self, by: By<'_>, page: PageRequest) -> Result<Page<HeldLink>, StoreError> {
        self.others.pending_links(by.workspace(), self.desk.now(), page).await
    }

    pub async fn mails(&self, by: By<'_>, page: PageRequest) -> Result<Page<HeldMail>, StoreError> {
        self.others.caused_mails(by.workspace(), page).await
    }

    /// The newest entries of the log that fit into so many bytes.
    pub async fn plan_log(&self, by: By<'_>, max_bytes: usize) -> Result<ExportPlan, StoreError> {
        self.log.plan(by.workspace(), max_bytes).await
    }

    /// The entries of the plan behind the first `done` ones, newest first; empty at the end.
    pub async fn log(&self, plan: &ExportPlan, done: i64) -> Result<Vec<EntryView>, StoreError> {
        self.log.export_chunk(plan, done).await
    }
}
