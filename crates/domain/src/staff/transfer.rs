//! Moving the team of an account into the hands of one of its members.

use super::{
    Staff, StaffError,
    hand::Hand,
    noun::{SeenAccount, Tie},
};
use crate::{
    access::Permit,
    account::AccountStatus,
    audit::AuditAction,
    change::{Change, CommitError, commits},
    id::{AccountId, MembershipId},
    membership::Membership,
    policy::{Role, action::TransferOwnership},
    team::Team,
    time::Timestamp,
};

/// The team of `from` becomes that of `to`: its record, its members, its open invites, and every key on the account. The two
/// swap their teams' records, and the one who gives becomes an admin of what they had.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OwnershipTransfer {
    pub from: AccountId,
    pub to: AccountId,
    /// Both teams with their new owners.
    pub teams: [Team; 2],
    /// That of the new owner, which ends.
    pub ended: MembershipId,
    /// That of the former owner, which begins.
    pub membership: Membership,
    pub at: Timestamp,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error("no such account")]
    NotFound,
    #[error("a team moves to somebody else; `to_account_id` is the account that has it")]
    ToItself,
    #[error("the new owner must be a member of the team first, and have an active account")]
    NotAMember,
    #[error("the new owner has a team with members, which would be mixed with this one; have them removed first")]
    HasATeam,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(TransferError);

impl From<StaffError> for TransferError {
    fn from(error: StaffError) -> Self {
        match error {
            StaffError::NotFound => Self::NotFound,
            StaffError::Commit(error) => Self::Commit(error),
        }
    }
}

impl Staff {
    /// Both accounts keep their sign-ins, logs, tiers and handles: a log must not begin to speak of another person.
    ///
    /// A key stays with the team, in the hands that it is in. So those of the former owner are from now on in a member's hands.
    pub async fn transfer(
        &self,
        by: &Permit<TransferOwnership>,
        from: AccountId,
        to: AccountId,
    ) -> Result<(), TransferError> {
        let giver = self.seen(from).await?;
        if from == to {
            return Err(TransferError::ToItself);
        }
        let taker = self.store.account(to).await?.ok_or(TransferError::NotAMember)?;
        let ended = may_take(&taker, self.store.tie(from, to).await?)?;
        let it = self.ownership_transfer(Hand::of(by), giver, taker, ended);
        Ok(self.store.commit_transfer(&it).await?)
    }

    fn ownership_transfer(
        &self,
        hand: Hand,
        giver: SeenAccount,
        taker: SeenAccount,
        ended: MembershipId,
    ) -> OwnershipTransfer {
        let (from, to, at) = (giver.account.id, taker.account.id, self.desk.now());
        let entry = |on, key, other: AccountId| {
            let entry = hand.entry(&self.desk, on, AuditAction::OwnershipTransferred);
            entry.on(giver.team.id).with(key, other.to_string())
        };
        let mut change = hand.change(&self.desk, &giver, entry(from, "to_account_id", to));
        change.guard = change.guard.and(to, taker.revision);
        change.effects = change.effects.and_audited(entry(to, "from_account_id", from));
        let membership = Membership {
            id: MembershipId::new(self.desk.ids.next()),
            owner: to,
            member: from,
            member_email: giver.account.email,
            role: Role::Admin,
            invited_at: at,
            accepted_at: at,
            invited_by: None,
        };
        let teams =
            [Team { owner: to, updated_at: at, ..giver.team }, Team { owner: from, updated_at: at, ..taker.team }];
        OwnershipTransfer { from, to, teams, ended, membership, at, change }
    }
}

/// The membership that the new owner has. That there is one is how they, and the owner, have agreed to share a workspace: a
/// mistyped id does not give a team away to a stranger.
fn may_take(taker: &SeenAccount, tie: Tie) -> Result<MembershipId, TransferError> {
    let membership = tie.membership.filter(|_| taker.account.status == AccountStatus::Active);
    let membership = membership.ok_or(TransferError::NotAMember)?;
    if tie.has_members { Err(TransferError::HasATeam) } else { Ok(membership) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{account::Account, testing::people};
    use rstest::rstest;

    #[rstest]
    #[case::a_member(AccountStatus::Active, true, false, None)]
    #[case::a_stranger(AccountStatus::Active, false, false, Some("must be a member"))]
    #[case::suspended(AccountStatus::Suspended, true, false, Some("active account"))]
    #[case::with_members(AccountStatus::Active, true, true, Some("has a team"))]
    #[case::a_stranger_with_members(AccountStatus::Active, false, true, Some("must be a member"))]
    fn who_may_take_a_team(
        #[case] status: AccountStatus,
        #[case] member: bool,
        #[case] has_members: bool,
        #[case] refused: Option<&str>,
    ) {
        let taker = Account { status, ..people::account(people::ADA, "ada@example.com") };
        let tie = Tie { membership: member.then(|| people::seen_membership().membership.id), has_members };
        let error = may_take(&people::seen_account(taker), tie).err().map(|error| error.to_string());
        assert_eq!(error.is_some(), refused.is_some());
        assert!(error.zip(refused).is_none_or(|(error, words)| error.contains(words)));
    }
}
