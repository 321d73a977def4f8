//! The keys of the active organisation. They are the keys of the workspace; what is decided of them is decided there.

use super::Organisations;
use crate::{
    access::Permit,
    api_key::{ApiKey, KeyOrder, KeyPrefix, MintError, Minted, RevokeKeyError},
    change::StoreError,
    id::ApiKeyId,
    idempotency::Creation,
    name::Name,
    page::{Page, PageRequest},
    policy::{
        Scope, ScopeSet, Standing,
        action::{ListKeys, ListOrganisationKeys, MintKey, MintOrganisationKey, RevokeKey, RevokeOrganisationKey},
    },
    time::Timestamp,
};

/// What somebody wants on a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganisationKeyOrder {
    pub name: Name,
    /// `None`: everything that the role of the minter may lend.
    pub scopes: Option<ScopeSet>,
    /// `None`: until it is revoked.
    pub expires_at: Option<Timestamp>,
}

/// What a key gets that is to do what its minter may. The owner alone lends `account_owner`.
const fn lent_by(standing: Standing) -> ScopeSet {
    match standing {
        Standing::Owner => ScopeSet::of(&[Scope::AccountOwner]),
        Standing::Admin | Standing::Member => ScopeSet::of(&[Scope::Read, Scope::Write]),
    }
}

impl Organisations {
    pub async fn keys(&self, by: &Permit<ListOrganisationKeys>, page: PageRequest) -> Result<Page<ApiKey>, StoreError> {
        self.keys.list(&by.standing_for::<ListKeys>(), page).await
    }

    /// The key acts in this organisation for good, with the role that its minter has at the time.
    pub async fn mint_key<'a>(
        &self,
        by: impl Into<Creation<'a, MintOrganisationKey, Minted>>,
        order: OrganisationKeyOrder,
    ) -> Result<Minted, MintError> {
        let by = by.into();
        let scopes = order.scopes.unwrap_or_else(|| lent_by(by.access().standing));
        let order = KeyOrder { name: order.name, scopes, expires_at: order.expires_at };
        let permit = by.standing_for::<MintKey>();
        self.keys.mint_as(by.under(&permit), order, KeyPrefix::Organisation).await
    }

    pub async fn revoke_key(&self, by: &Permit<RevokeOrganisationKey>, id: ApiKeyId) -> Result<(), RevokeKeyError> {
        self.keys.revoke(&by.standing_for::<RevokeKey>(), id).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        api_key::{ApiKeys, MockApiKeyStore},
        organisation::MockOrganisationStore,
        team::MockTeamStore,
        testing::{desk, people},
    };
    use rstest::rstest;

    #[rstest]
    #[case::owner(Standing::Owner, None, &[Scope::AccountOwner])]
    #[case::admin(Standing::Admin, None, &[Scope::Read, Scope::Write])]
    #[case::what_was_wished_for(Standing::Owner, Some(ScopeSet::of(&[Scope::Read])), &[Scope::Read])]
    #[tokio::test]
    async fn a_key_gets_what_its_minter_may_lend(
        #[case] standing: Standing,
        #[case] scopes: Option<ScopeSet>,
        #[case] expected: &[Scope],
    ) {
        let mut store = MockApiKeyStore::new();
        store.expect_commit_minting().times(1).returning(|_| Ok(()));
        let keys = ApiKeys::new(Arc::new(store), desk());
        let (members, teams) = (Arc::new(MockOrganisationStore::new()), Arc::new(MockTeamStore::new()));
        let by = Permit::unchecked(people::access(ScopeSet::of(&[Scope::AccountOwner]), standing));
        let order = OrganisationKeyOrder { name: people::name("ci"), scopes, expires_at: None };
        let minted = Organisations::new(members, teams, keys, desk()).mint_key(&by, order).await.unwrap();
        assert_eq!(minted.key.scopes, ScopeSet::of(expected));
        assert!(minted.secret.expose().starts_with("bs_live_"));
        assert_eq!(minted.key.shown_prefix.len(), "bs_live_".len() + 4);
    }
}
