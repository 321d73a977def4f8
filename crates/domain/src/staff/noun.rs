use crate::{account::Account, change::Revision, id::MembershipId, team::Team, tier::Overrides, time::Timestamp};

/// An account as somebody else finds it who may act on it. There is nothing secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenAccount {
    pub account: Account,
    pub staff: bool,
    pub email_verified_at: Option<Timestamp>,
    pub overrides: Overrides,
    pub team: Team,
    pub revision: Revision,
    /// Whether it wants the mail about a changed tier.
    pub wants_tier_mail: bool,
}

/// An account in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountListed {
    pub account: Account,
    pub staff: bool,
}

/// How another account stands to an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tie {
    /// The active membership on the owner's team.
    pub membership: Option<MembershipId>,
    /// Whether the other account's own team has a member.
    pub has_members: bool,
}
