//! Taking an invite back.

use super::Invites;
use crate::{
    access::Permit,
    audit::AuditAction,
    change::{Change, CommitError, Effects, commits},
    id::InviteId,
    policy::action::RevokeInvite,
    time::Timestamp,
};

/// An invite that was taken back.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct InviteRevocation {
    pub invite: InviteId,
    pub at: Timestamp,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum RevokeInviteError {
    #[error("no such invite")]
    NotFound,
    #[error("this invite was accepted; remove the member instead")]
    Accepted,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(RevokeInviteError);

impl Invites {
    /// Voids an invite. Doing it twice is doing it once.
    pub async fn revoke(&self, by: &Permit<RevokeInvite>, id: InviteId) -> Result<(), RevokeInviteError> {
        let seen = self.store.seen_invite(by.workspace(), id).await?.ok_or(RevokeInviteError::NotFound)?;
        if seen.invite.accepted_at.is_some() {
            return Err(RevokeInviteError::Accepted);
        }
        if seen.invite.voided_at.is_some() {
            return Ok(());
        }
        let entry = self.desk.audit(by, AuditAction::InviteRevoked).on(id);
        let it = InviteRevocation { invite: id, at: self.desk.now(), change: Change::new(by, Effects::audited(entry)) };
        Ok(self.store.commit_invite_revocation(&it).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        membership::{Invite, MockInviteStore, SeenInvite},
        testing::{desk, people},
    };
    use std::sync::Arc;

    fn invites(invite: Invite, commits: usize) -> Invites {
        let mut store = MockInviteStore::new();
        store
            .expect_seen_invite()
            .returning(move |_, _| Ok(Some(SeenInvite { invite: invite.clone(), team: people::name("Acme") })));
        store.expect_commit_invite_revocation().times(commits).returning(|_| Ok(()));
        Invites::new(Arc::new(store), desk())
    }

    #[tokio::test]
    async fn a_pending_invite_is_voided_once() {
        let revoke =
            async |invite, commits| invites(invite, commits).revoke(&people::permit(), people::invite().id).await;
        assert!(revoke(people::invite(), 1).await.is_ok());
        assert!(revoke(Invite { voided_at: Some(people::NOW), ..people::invite() }, 0).await.is_ok());
        let accepted = revoke(Invite { accepted_at: Some(people::NOW), ..people::invite() }, 0).await;
        assert!(matches!(accepted, Err(RevokeInviteError::Accepted)));
    }
}
