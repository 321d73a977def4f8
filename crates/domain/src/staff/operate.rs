use std::sync::Arc;

use super::{hand::Hand, noun::SeenAccount, port::StaffStore};
use crate::{
    api_key::{ApiKey, KeyOrder, MintError},
    audit::{AuditAction, AuditDraft},
    change::{Change, CommitError, commits},
    desk::Desk,
    email::Email,
    id::AccountId,
    policy::Scope,
    secret::ApiKeySecret,
    tier::{Plan, Tier},
    time::Timestamp,
};

/// An account that becomes staff, or stops being staff.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StaffChange {
    pub account: AccountId,
    pub staff: bool,
    pub at: Timestamp,
    pub change: Change,
}

/// A key that the operator mints on an account. It is in the account's own hands.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OperatorKey {
    pub key: ApiKey,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    #[error("no account has this address")]
    NoAccount,
    #[error("{0}")]
    Order(MintError),
    #[error("the scope `{0}` is never on a key; staff sign in instead")]
    StaffScope(Scope),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(OperateError);

/// Acts on accounts by their address, as the system. Whoever can run the binary on the database is trusted.
pub struct Operator {
    store: Arc<dyn StaffStore>,
    desk: Desk,
}

impl Operator {
    pub fn new(store: Arc<dyn StaffStore>, desk: Desk) -> Self {
        Self { store, desk }
    }

    pub async fn set_tier(&self, email: &Email, tier: Tier) -> Result<(), OperateError> {
        let seen = self.seen(email).await?;
        match seen.on_tier(tier, Hand::Operator, None, &self.desk) {
            Some(it) => Ok(self.store.commit_tier(&it).await?),
            None => Ok(()),
        }
    }

    pub async fn set_plan(&self, email: &Email, plan: Plan) -> Result<(), OperateError> {
        let seen = self.seen(email).await?;
        match seen.on_plan(plan, Hand::Operator, None, &self.desk) {
            Some(it) => Ok(self.store.commit_plan(&it).await?),
            None => Ok(()),
        }
    }

    pub async fn set_staff(&self, email: &Email, staff: bool) -> Result<(), OperateError> {
        let seen = self.seen(email).await?;
        if seen.staff == staff {
            return Ok(());
        }
        let entry = self.entry(&seen, AuditAction::StaffChanged).with("staff", staff);
        let change = Hand::Operator.change(&self.desk, &seen, entry);
        let it = StaffChange { account: seen.account.id, staff, at: self.desk.now(), change };
        Ok(self.store.commit_staff(&it).await?)
    }

    pub async fn mint_key(&self, email: &Email, order: KeyOrder) -> Result<ApiKeySecret, OperateError> {
        order.check(self.desk.now()).map_err(OperateError::Order)?;
        if order.scopes.contains(Scope::InternalAdmin) {
            return Err(OperateError::StaffScope(Scope::InternalAdmin));
        }
        let seen = self.seen(email).await?;
        let secret = ApiKeySecret::generate(self.desk.secrets.as_ref());
        let key = ApiKey::new(&self.desk, seen.account.id, order.name, &secret, order.scopes, order.expires_at);
        let entry = key.describe(&self.desk, self.entry(&seen, AuditAction::KeyMinted));
        let change = Hand::Operator.change(&self.desk, &seen, entry);
        self.store.commit_operator_key(&OperatorKey { key, change }).await?;
        Ok(secret)
    }

    async fn seen(&self, email: &Email) -> Result<SeenAccount, OperateError> {
        self.store.account_by_email(email).await?.ok_or(OperateError::NoAccount)
    }

    fn entry(&self, seen: &SeenAccount, action: AuditAction) -> AuditDraft {
        Hand::Operator.entry(&self.desk, seen.account.id, action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::Account,
        policy::ScopeSet,
        staff::port::MockStaffStore,
        testing::{desk, people},
    };

    fn store(wants_tier_mail: bool) -> MockStaffStore {
        let mut store = MockStaffStore::new();
        store.expect_account_by_email().returning(move |email| {
            let account = Account { email: email.clone(), ..people::account(people::OLIVE, "olive@example.com") };
            Ok(Some(SeenAccount { wants_tier_mail, ..people::seen_account(account) }))
        });
        store
    }

    fn olive() -> Email {
        people::email("olive@example.com")
    }

    #[tokio::test]
    async fn a_new_tier_is_on_the_log_and_in_the_mail_of_who_wants_it() {
        for wants_mail in [true, false] {
            let mut store = store(wants_mail);
            store
                .expect_commit_tier()
                .times(1)
                .withf(move |it| it.tier == Tier::ApiScale && it.change.effects.mails.len() == usize::from(wants_mail))
                .returning(|_| Ok(()));
            assert!(Operator::new(Arc::new(store), desk()).set_tier(&olive(), Tier::ApiScale).await.is_ok());
        }
    }

    #[tokio::test]
    async fn the_tier_it_has_is_no_change() {
        assert!(Operator::new(Arc::new(store(true)), desk()).set_tier(&olive(), Tier::Free).await.is_ok());
    }

    #[tokio::test]
    async fn no_key_is_staff() {
        let order =
            KeyOrder { name: people::name("x"), scopes: ScopeSet::of(&[Scope::InternalAdmin]), expires_at: None };
        let refused = Operator::new(Arc::new(store(true)), desk()).mint_key(&olive(), order).await;
        assert!(matches!(refused, Err(OperateError::StaffScope(_))));
    }
}
