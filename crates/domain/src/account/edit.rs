//! Reading and editing one's own account.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::{
    noun::{Account, OwnAccount},
    port::AccountStore,
    region::Region,
    slug::Slug,
    time_zone::TimeZone,
};
use crate::{
    access::Permit,
    audit::{AuditAction, AuditDraft},
    change::{Change, CommitError, Effects, StoreError, Unique, commits},
    desk::Desk,
    name::Name,
    policy::action::{EditAccount, ReadAccount},
    time::Timestamp,
};

/// What a partial update does to one field: a field that is absent is kept, `null` clears.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Edit<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

impl<T> Edit<T> {
    pub(crate) fn keeps(&self) -> bool {
        matches!(self, Self::Keep)
    }

    pub(crate) fn apply(self, field: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *field = None,
            Self::Set(value) => *field = Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Edit<T> {
    /// For a field with `#[serde(default)]`: it is only asked when the field is there.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

/// The names of the fields that change, as an entry lists them.
pub(crate) fn changed<const N: usize>(fields: [(&'static str, bool); N]) -> Vec<&'static str> {
    fields.into_iter().filter_map(|(field, changes)| changes.then_some(field)).collect()
}

/// A partial update of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfileEdit {
    pub name: Edit<Name>,
    pub time_zone: Edit<TimeZone>,
    pub slug: Edit<Slug>,
    pub region: Edit<Region>,
    /// Marks the onboarding as completed. The mark is never taken back, and the first time counts.
    pub onboarding_completed: bool,
}

impl ProfileEdit {
    fn changed_fields(&self) -> Vec<&'static str> {
        changed([
            ("name", !self.name.keeps()),
            ("timezone", !self.time_zone.keeps()),
            ("slug", !self.slug.keeps()),
            ("region", !self.region.keeps()),
            ("onboarding_completed", self.onboarding_completed),
        ])
    }

    fn apply(self, account: &mut Account, now: Timestamp) {
        self.name.apply(&mut account.name);
        self.time_zone.apply(&mut account.time_zone);
        self.slug.apply(&mut account.slug);
        self.region.apply(&mut account.region);
        if self.onboarding_completed {
            account.onboarding_completed_at.get_or_insert(now);
        }
        account.updated_at = now;
    }
}

/// An edited account.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ProfileChange {
    pub account: Account,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("name at least one field to change")]
    NothingToChange,
    #[error("another account has this slug")]
    SlugTaken,
    #[error(transparent)]
    Commit(CommitError),
}

impl From<CommitError> for EditError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Taken(Unique::Slug) => Self::SlugTaken,
            other => Self::Commit(other),
        }
    }
}

commits!(EditError);

/// One's own account.
pub struct Accounts {
    store: Arc<dyn AccountStore>,
    desk: Desk,
}

impl Accounts {
    pub fn new(store: Arc<dyn AccountStore>, desk: Desk) -> Self {
        Self { store, desk }
    }

    pub async fn me(&self, by: &Permit<ReadAccount>) -> Result<OwnAccount, StoreError> {
        self.own(by).await
    }

    /// Changes what `edit` names and answers with the account as it is then.
    pub async fn edit(&self, by: &Permit<EditAccount>, edit: ProfileEdit) -> Result<OwnAccount, EditError> {
        let fields = edit.changed_fields();
        if fields.is_empty() {
            return Err(EditError::NothingToChange);
        }
        let mut own = self.own(by).await?;
        let now = self.desk.now();
        let entry = self.desk.audit(by, AuditAction::AccountUpdated).on(own.account.id).with("fields", fields);
        let name = own.account.name.clone();
        edit.apply(&mut own.account, now);
        let entry = renamed(&self.desk, entry, name.as_ref(), own.account.name.as_ref());
        let it = ProfileChange { account: own.account.clone(), change: Change::new(by, Effects::audited(entry)) };
        self.store.commit_profile(&it).await?;
        Ok(own)
    }

    async fn own<A>(&self, by: &Permit<A>) -> Result<OwnAccount, StoreError> {
        let found = self.store.own_account(by.access().account).await?;
        found.ok_or_else(|| StoreError::Failed("a caller's account is missing".to_owned()))
    }
}

/// Says what somebody was called before and is called now, where that differs.
pub(crate) fn renamed(desk: &Desk, entry: AuditDraft, from: Option<&Name>, to: Option<&Name>) -> AuditDraft {
    if from == to {
        return entry;
    }
    let named = [("name_from", from), ("name_to", to)].into_iter().filter_map(|(field, name)| Some((field, name?)));
    named.fold(entry, |entry, (field, name)| entry.with_personal(desk, field, name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::port::MockAccountStore,
        testing::{desk, people},
    };

    fn own() -> OwnAccount {
        OwnAccount {
            account: people::account(people::OLIVE, "olive@example.com"),
            running_sessions: 0,
            profiles: 0,
            mfa_enrolled: false,
            teams: Vec::new(),
        }
    }

    fn store() -> MockAccountStore {
        let mut store = MockAccountStore::new();
        store.expect_own_account().returning(|_| Ok(Some(own())));
        store
    }

    fn accounts(store: MockAccountStore) -> Accounts {
        Accounts::new(Arc::new(store), desk())
    }

    #[tokio::test]
    async fn an_empty_edit_never_reaches_the_store() {
        let refused = accounts(MockAccountStore::new()).edit(&people::permit(), ProfileEdit::default()).await;
        assert!(matches!(refused, Err(EditError::NothingToChange)));
    }

    #[tokio::test]
    async fn exactly_what_was_named_is_committed_with_its_entry() {
        let mut store = store();
        store
            .expect_commit_profile()
            .times(1)
            .withf(|it| {
                let entry = &it.change.effects.audit[0];
                it.account.slug == Some("acme".parse().unwrap())
                    && it.account.name == own().account.name
                    && entry.action == AuditAction::AccountUpdated
                    && entry.payload["fields"] == serde_json::json!(["slug"])
                    && entry.personal.is_empty()
            })
            .returning(|_| Ok(()));
        let edit = ProfileEdit { slug: Edit::Set("acme".parse().unwrap()), ..ProfileEdit::default() };
        let after = accounts(store).edit(&people::permit(), edit).await.unwrap();
        assert_eq!(after.account.slug.unwrap().as_str(), "acme");
    }

    #[tokio::test]
    async fn another_name_is_on_the_log_sealed() {
        let mut store = store();
        store
            .expect_commit_profile()
            .times(1)
            .withf(|it| {
                let entry = &it.change.effects.audit[0];
                (entry.personal.get("name_from"), entry.personal.get("name_to")) == (Some("Somebody"), Some("Olive"))
                    && !entry.payload.contains_key("name_to")
            })
            .returning(|_| Ok(()));
        let edit = ProfileEdit { name: Edit::Set("Olive".parse().unwrap()), ..ProfileEdit::default() };
        assert!(accounts(store).edit(&people::permit(), edit).await.is_ok());
    }

    #[tokio::test]
    async fn a_taken_slug_is_its_own_refusal() {
        let mut store = store();
        store.expect_commit_profile().returning(|_| Err(CommitError::Taken(Unique::Slug)));
        let edit = ProfileEdit { slug: Edit::Set("acme".parse().unwrap()), ..ProfileEdit::default() };
        assert!(matches!(accounts(store).edit(&people::permit(), edit).await, Err(EditError::SlugTaken)));
    }

    #[test]
    fn absent_keeps_null_clears_and_a_value_sets() {
        #[derive(Deserialize)]
        struct Body {
            #[serde(default)]
            name: Edit<Name>,
        }
        let name = |json: &str| serde_json::from_str::<Body>(json).map(|body| body.name).ok();
        assert_eq!(name("{}"), Some(Edit::Keep));
        assert_eq!(name(r#"{"name":null}"#), Some(Edit::Clear));
        assert_eq!(name(r#"{"name":"Acme"}"#), Some(Edit::Set("Acme".parse().unwrap())));
        assert_eq!(name(r#"{"name":""}"#), None);
    }

    #[test]
    fn the_first_onboarding_counts() {
        let mut account = own().account;
        let edit = ProfileEdit { onboarding_completed: true, ..ProfileEdit::default() };
        edit.clone().apply(&mut account, people::NOW);
        edit.apply(&mut account, people::LATER);
        assert_eq!(account.onboarding_completed_at, Some(people::NOW));
    }
}
