//! The second half of a sign-in: answering the challenge.

use super::{client::Client, entrance::address_context, log_in::SignIns};
use crate::{
    account::AccountStatus,
    audit::Actor,
    change::{Change, CommitError, Guard, MaybeStale, Revision, StoreError},
    desk::Desk,
    ending::Grace,
    id::{AccountId, ChallengeId},
    mfa::{Answer, AnswerError, FactorUse, Outcome, SeenFactor, Via},
    secret::{Digest, LinkToken},
    time::Timestamp,
    web_session::{SignedIn, WebSession},
};

/// A challenge that somebody answers, with the account behind it as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenChallenge {
    pub id: ChallengeId,
    pub account: AccountId,
    pub status: AccountStatus,
    /// Until when a deleted account comes back.
    pub purge_at: Option<Timestamp>,
    pub revision: Revision,
    /// The fingerprint of the address that it was made for.
    pub address: Digest,
    pub expires_at: Timestamp,
    pub answered: bool,
}

impl SeenChallenge {
    fn is_good(&self, client: &Client, desk: &Desk) -> bool {
        let here = || desk.vault.recognises(&address_context(self.id), client.address.as_bytes(), &self.address);
        let may = Grace::may_sign_in(self.status, self.purge_at);
        !self.answered && self.expires_at > desk.now() && may && here()
    }
}

/// A challenge that was answered, and the session that begins with it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ChallengeAnswer {
    pub challenge: ChallengeId,
    pub used: FactorUse,
    pub session: WebSession,
    /// Whether a deleted account comes back by it.
    pub restores: bool,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum ChallengeError {
    /// Also for a challenge of another address: whoever has carried the token away learns nothing.
    #[error("this challenge is unknown, answered or too old; sign in again")]
    InvalidToken,
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

impl From<CommitError> for ChallengeError {
    fn from(error: CommitError) -> Self {
        Self::Answer(error.into())
    }
}

impl From<StoreError> for ChallengeError {
    fn from(error: StoreError) -> Self {
        Self::Answer(error.into())
    }
}

impl MaybeStale for ChallengeError {
    fn is_stale(&self) -> bool {
        matches!(self, Self::Answer(error) if error.is_stale())
    }
}

impl SignIns {
    /// Signs in with the answer to a challenge. A wrong answer is counted before anybody is told, and may be corrected.
    pub async fn answer(
        &self,
        token: &LinkToken,
        answer: &Answer,
        client: &Client,
    ) -> Result<(SignedIn, Via), ChallengeError> {
        let seen = self.store.seen_challenge(&token.digest()).await?;
        let seen = seen.filter(|seen| seen.is_good(client, &self.desk)).ok_or(ChallengeError::InvalidToken)?;
        let factor = self.factors.seen_factor(seen.account).await?.ok_or(ChallengeError::InvalidToken)?;
        let used = self.right(&factor, answer, Actor::Customer { account: seen.account, credential: None }).await?;

        let mut session = WebSession::begin(&self.desk, seen.account, client.agent.clone());
        session.proven_at = Some(self.desk.now());
        let restores = Grace::lasts(seen.status, seen.purge_at);
        let effects = self.arrived(&session, used.via().as_str(), restores);
        let change = Change::new(Guard::seen(seen.account, seen.revision), effects);
        let it = ChallengeAnswer { challenge: seen.id, used, session, restores, change };
        self.store.commit_challenge_answer(&it).await?;
        Ok((self.signed_in(&it.session), used.via()))
    }

    async fn right(&self, factor: &SeenFactor, answer: &Answer, actor: Actor) -> Result<FactorUse, AnswerError> {
        match factor.look_at(answer, actor, &self.desk)? {
            Outcome::Right(used) => Ok(used),
            Outcome::Wrong(miss, refusal) => {
                self.factors.commit_miss(&miss).await?;
                Err(refusal)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::{
            log_in::tests::{client, with_factors},
            port::MockSignInStore,
            verify::tests::token,
        },
        mfa::{MockMfaStore, testing},
        secret::Vault as _,
        testing::{GlassVault, people},
    };
    use rstest::rstest;

    fn seen() -> SeenChallenge {
        let id = ChallengeId::new(people::uuid(0x60));
        SeenChallenge {
            id,
            account: people::ADA,
            status: AccountStatus::Active,
            purge_at: None,
            revision: Revision(3),
            address: GlassVault.fingerprint(&address_context(id), client().address.as_bytes()),
            expires_at: people::LATER,
            answered: false,
        }
    }

    fn stores(seen: SeenChallenge) -> (MockSignInStore, MockMfaStore) {
        let (mut store, mut factors) = (MockSignInStore::new(), MockMfaStore::new());
        store.expect_seen_challenge().returning(move |_| Ok(Some(seen.clone())));
        factors.expect_seen_factor().returning(|_| Ok(Some(testing::seen_factor())));
        (store, factors)
    }

    #[tokio::test]
    async fn a_right_answer_signs_in_with_a_proof() {
        let (mut store, factors) = stores(seen());
        store
            .expect_commit_challenge_answer()
            .times(1)
            .withf(|it| it.session.proven_at == Some(people::NOW) && it.change.effects.audit.len() == 1)
            .returning(|_| Ok(()));
        let answer = testing::code(people::NOW);
        let (signed_in, via) = with_factors(store, factors, true).answer(&token(), &answer, &client()).await.unwrap();
        assert_eq!((signed_in.account, via), (people::ADA, Via::Totp));
    }

    #[tokio::test]
    async fn a_right_answer_brings_a_deleted_account_back() {
        let deleted = SeenChallenge { status: AccountStatus::Deleted, purge_at: Some(people::LATER), ..seen() };
        let (mut store, factors) = stores(deleted);
        store
            .expect_commit_challenge_answer()
            .times(1)
            .withf(|it| it.restores && it.change.effects.audit.len() == 2)
            .returning(|_| Ok(()));
        let answer = testing::code(people::NOW);
        assert!(with_factors(store, factors, true).answer(&token(), &answer, &client()).await.is_ok());
    }

    #[tokio::test]
    async fn a_wrong_answer_is_counted_and_may_be_corrected() {
        let (store, mut factors) = stores(seen());
        factors.expect_commit_miss().times(1).withf(|it| it.now.wrong == 1).returning(|_| Ok(()));
        let refused = with_factors(store, factors, true).answer(&token(), &testing::wrong_code(), &client()).await;
        assert!(matches!(refused, Err(ChallengeError::Answer(AnswerError::WrongCode))));
    }

    #[rstest]
    #[case::answered(SeenChallenge { answered: true, ..seen() })]
    #[case::too_old(SeenChallenge { expires_at: people::NOW, ..seen() })]
    #[case::purged(SeenChallenge { status: AccountStatus::Deleted, ..seen() })]
    #[case::suspended(SeenChallenge { status: AccountStatus::Suspended, ..seen() })]
    #[case::from_elsewhere(SeenChallenge { address: Digest::of("another address"), ..seen() })]
    #[tokio::test]
    async fn no_answer_to_another_challenge_is_looked_at(#[case] seen: SeenChallenge) {
        let (store, factors) = stores(seen);
        let answer = testing::code(people::NOW);
        let refused = with_factors(store, factors, true).answer(&token(), &answer, &client()).await;
        assert!(matches!(refused, Err(ChallengeError::InvalidToken)));
    }
}
