//! What a credential may be used for.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::word::words;

words! {
    /// One scope. The list is closed: published clients refuse to read a key with a scope they do not know.
    Scope, ScopeError, "scope" {
        /// Every `read:*`.
        Read = "read",
        /// Every `write:*`, and no reading.
        Write = "write",
        /// The old name of `account_owner`. Never staff.
        Admin = "admin",
        /// Everything that a customer may do.
        AccountOwner = "account_owner",
        /// Staff. Carried by the web sessions of staff, never by a customer's key.
        InternalAdmin = "driftstack_internal_admin",
        GuiControl = "gui_control",
        ReadSessions = "read:sessions",
        WriteSessions = "write:sessions",
        ReadProfiles = "read:profiles",
        WriteProfiles = "write:profiles",
        AdminProfiles = "admin:profiles",
        ReadWebhooks = "read:webhooks",
        WriteWebhooks = "write:webhooks",
        AdminWebhooks = "admin:webhooks",
        ReadApiKeys = "read:api-keys",
        AdminApiKeys = "admin:api-keys",
        ReadBilling = "read:billing",
        AdminBilling = "admin:billing",
        ReadAudit = "read:audit",
    }
}

impl Scope {
    const fn bit(self) -> u32 {
        // The discriminant of a unit-only enum is the only conversion there is; nothing can be cut off.
        #[allow(clippy::as_conversions)]
        let place = self as u32;
        1 << place
    }

    /// Whether only the owner of an account may put this scope on a key of the account.
    pub fn is_for_the_owner_to_grant(self) -> bool {
        matches!(self, Self::AccountOwner) || self.as_str().starts_with("admin")
    }
}

/// A set of scopes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ScopeSet(u32);

const READS: ScopeSet = ScopeSet::of(&[
    Scope::ReadSessions,
    Scope::ReadProfiles,
    Scope::ReadWebhooks,
    Scope::ReadApiKeys,
    Scope::ReadBilling,
    Scope::ReadAudit,
]);
const WRITES: ScopeSet = ScopeSet::of(&[Scope::WriteSessions, Scope::WriteProfiles, Scope::WriteWebhooks]);
const CUSTOMER: ScopeSet = ScopeSet(ScopeSet::of(Scope::ALL).0 & !Scope::InternalAdmin.bit());

impl ScopeSet {
    pub const EMPTY: Self = Self(0);

    pub const fn of(scopes: &[Scope]) -> Self {
        let mut bits = 0;
        let mut rest = scopes;
        while let [scope, tail @ ..] = rest {
            bits |= scope.bit();
            rest = tail;
        }
        Self(bits)
    }

    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | scope.bit())
    }

    #[must_use]
    pub const fn without(self, scope: Scope) -> Self {
        Self(self.0 & !scope.bit())
    }

    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub const fn is_subset_of(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Everything that these scopes satisfy, themselves included.
    ///
    /// `read` satisfies every `read:*`, `write` every `write:*`, `account_owner` and `admin` everything a customer may do. A
    /// granular scope satisfies only itself, and writing never implies reading.
    #[must_use]
    pub const fn satisfied(self) -> Self {
        let mut bits = self.0;
        if self.contains(Scope::Read) {
            bits |= READS.0;
        }
        if self.contains(Scope::Write) {
            bits |= WRITES.0;
        }
        if self.contains(Scope::AccountOwner) || self.contains(Scope::Admin) {
            bits |= CUSTOMER.0;
        }
        Self(bits)
    }

    /// In the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        scopes.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Scope::as_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::broad_read(Scope::Read, Scope::ReadAudit, true)]
    #[case::broad_write(Scope::Write, Scope::WriteProfiles, true)]
    #[case::write_does_not_read(Scope::Write, Scope::ReadProfiles, false)]
    #[case::granular_is_not_broad(Scope::ReadSessions, Scope::Read, false)]
    #[case::granular_is_not_its_neighbour(Scope::ReadSessions, Scope::ReadProfiles, false)]
    #[case::granular_admin_is_only_itself(Scope::AdminWebhooks, Scope::WriteWebhooks, false)]
    #[case::owner_does_all(Scope::AccountOwner, Scope::WriteSessions, true)]
    #[case::owner_is_not_staff(Scope::AccountOwner, Scope::InternalAdmin, false)]
    #[case::admin_equals_owner(Scope::Admin, Scope::AccountOwner, true)]
    #[case::admin_is_not_staff(Scope::Admin, Scope::InternalAdmin, false)]
    #[case::staff_is_not_owner(Scope::InternalAdmin, Scope::AccountOwner, false)]
    #[case::read_does_not_write(Scope::Read, Scope::WriteSessions, false)]
    fn satisfaction(#[case] held: Scope, #[case] wanted: Scope, #[case] expected: bool) {
        assert_eq!(ScopeSet::of(&[held]).satisfied().contains(wanted), expected);
    }

    #[test]
    fn the_owner_grants_what_the_contract_reserves() {
        let reserved: Vec<_> =
            Scope::ALL.iter().filter(|s| s.is_for_the_owner_to_grant()).map(|s| s.as_str()).collect();
        assert_eq!(
            reserved,
            ["admin", "account_owner", "admin:profiles", "admin:webhooks", "admin:api-keys", "admin:billing"]
        );
    }

    fn any_set() -> impl Strategy<Value = ScopeSet> {
        proptest::sample::subsequence(Scope::ALL.to_vec(), 0..=Scope::ALL.len()).prop_map(ScopeSet::from_iter)
    }

    proptest! {
        #[test]
        fn satisfying_is_closed_and_never_makes_staff(set in any_set()) {
            let satisfied = set.satisfied();
            prop_assert!(set.is_subset_of(satisfied));
            prop_assert_eq!(satisfied.satisfied(), satisfied);
            prop_assert_eq!(satisfied.contains(Scope::InternalAdmin), set.contains(Scope::InternalAdmin));
        }

        #[test]
        fn more_scopes_never_satisfy_less(a in any_set(), b in any_set()) {
            let both: ScopeSet = a.iter().chain(b.iter()).collect();
            prop_assert!(a.satisfied().is_subset_of(both.satisfied()));
        }
    }
}
