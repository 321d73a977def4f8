use crate::{
    access::{Access, Credential},
    desk::Desk,
    id::{AccountId, ApiKeyId},
    name::Name,
    policy::{Scope, ScopeSet, Standing},
    secret::{ApiKeySecret, Digest},
    time::Timestamp,
};

/// A key. Its text was shown once; only the digest of it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    /// The account that the key authenticates as.
    pub account: AccountId,
    pub name: Name,
    pub digest: Digest,
    /// The first characters of its text, for lists.
    pub shown_prefix: String,
    pub scopes: ScopeSet,
    /// In whose hands it is: who minted it, or received it by rotation.
    pub minted_by: AccountId,
    pub minted_with: Option<Credential>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    pub(crate) fn new(
        desk: &Desk,
        account: AccountId,
        name: Name,
        secret: &ApiKeySecret,
        scopes: ScopeSet,
        expires_at: Option<Timestamp>,
    ) -> Self {
        Self {
            id: ApiKeyId::new(desk.ids.next()),
            account,
            name,
            digest: secret.digest(),
            shown_prefix: secret.shown_prefix(),
            scopes,
            minted_by: account,
            minted_with: None,
            created_at: desk.now(),
            expires_at,
            revoked_at: None,
            last_used_at: None,
        }
    }

    pub(super) fn minted_by(self, access: &Access) -> Self {
        Self { minted_by: access.hands, minted_with: Some(access.credential), ..self }
    }
}

/// The first scope of `wanted` that `access` may not put on a key, if there is one.
///
/// Nobody gives what they do not have; only the owner gives `account_owner` and `admin*`; nobody gives the staff scope.
pub(super) fn not_to_be_granted(access: &Access, wanted: ScopeSet) -> Option<Refused> {
    let held = access.scopes.satisfied();
    wanted.iter().find_map(|scope| match scope {
        Scope::InternalAdmin => Some(Refused::NotHeld(scope)),
        scope if !held.contains(scope) => Some(Refused::NotHeld(scope)),
        scope if scope.is_for_the_owner_to_grant() && access.standing != Standing::Owner => {
            Some(Refused::ForTheOwner(scope))
        }
        _ => None,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    NotHeld(Scope),
    ForTheOwner(Scope),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::people;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::owner_grants_ownership(&[Scope::AccountOwner], Standing::Owner, Scope::AccountOwner, None)]
    #[case::admin_does_not(&[Scope::AccountOwner], Standing::Admin, Scope::AccountOwner, Some(Refused::ForTheOwner(Scope::AccountOwner)))]
    #[case::nor_granular_admin(&[Scope::AccountOwner], Standing::Admin, Scope::AdminWebhooks, Some(Refused::ForTheOwner(Scope::AdminWebhooks)))]
    #[case::admin_grants_reading(&[Scope::AccountOwner], Standing::Admin, Scope::Read, None)]
    #[case::not_held(&[Scope::Read], Standing::Owner, Scope::Write, Some(Refused::NotHeld(Scope::Write)))]
    #[case::part_of_what_is_held(&[Scope::Read], Standing::Owner, Scope::ReadAudit, None)]
    #[case::staff_never(&[Scope::AccountOwner, Scope::InternalAdmin], Standing::Owner, Scope::InternalAdmin, Some(Refused::NotHeld(Scope::InternalAdmin)))]
    fn granting(
        #[case] held: &[Scope],
        #[case] standing: Standing,
        #[case] wanted: Scope,
        #[case] refused: Option<Refused>,
    ) {
        let access = people::access(ScopeSet::of(held), standing);
        assert_eq!(not_to_be_granted(&access, ScopeSet::of(&[wanted])), refused);
    }

    fn any_set() -> impl Strategy<Value = ScopeSet> {
        proptest::sample::subsequence(Scope::ALL.to_vec(), 0..=Scope::ALL.len()).prop_map(ScopeSet::from_iter)
    }

    proptest! {
        #[test]
        fn a_granted_key_can_do_no_more_than_its_minter(held in any_set(), wanted in any_set(), owner: bool) {
            let standing = if owner { Standing::Owner } else { Standing::Admin };
            let access = people::access(held, standing);
            if not_to_be_granted(&access, wanted).is_none() {
                prop_assert!(wanted.satisfied().is_subset_of(held.satisfied()));
            }
        }
    }
}
