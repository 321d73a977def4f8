use std::time::Duration;

use data_encoding::HEXLOWER;

use super::{Idempotency, key::IdempotencyKey};
use crate::{
    access::Permit,
    change::StoreError,
    id::ClaimId,
    policy::Operation,
    secret::{Digest, Sealed},
    time::{DAY, MINUTE, Timestamp},
};

/// An answer is given again for so long.
pub const ANSWER_LIFE: Duration = DAY;

/// Whoever has a claim and no answer after so long will never have one: a request is over long before.
pub const LEASE: Duration = MINUTE;

/// A creation that is about to run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// Digest of the caller, the workspace, the operation and the key: nobody gets into the slot of somebody else.
    pub slot: Digest,
    pub holder: ClaimId,
    /// Digest of what was asked for.
    pub request: Digest,
    pub at: Timestamp,
    pub leased_until: Timestamp,
    pub expires_at: Timestamp,
}

/// What is in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenClaim {
    pub request: Digest,
    /// `None` while its holder is running.
    pub answer: Option<Sealed>,
}

/// What became of a claim.
#[derive(Debug)]
pub enum Claimed {
    /// Go on, and give it up if nothing comes of it.
    Mine(Claim),
    /// It was done before; this is what was answered.
    Answered(Vec<u8>),
}

#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    #[error("the first request with this idempotency key is still running; try again in a moment")]
    InProgress,
    #[error("this idempotency key was used for another request; use a new key for a new request")]
    OtherRequest,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an answer is sealed for.
pub(super) fn context(slot: Digest) -> String {
    format!("idempotency {}", HEXLOWER.encode(slot.as_bytes()))
}

/// Its own for each caller. For a key in a member's hands that is the member: the owner's answers may hold secrets.
fn slot<A: Operation>(by: &Permit<A>, key: &IdempotencyKey) -> Digest {
    let access = by.access();
    let (account, hands, workspace) = (access.account, access.hands, access.workspace);
    Digest::of(&format!("{account}\n{hands}\n{workspace}\n{}\n{}", A::ACTION.gates().name, key.as_str()))
}

impl Idempotency {
    /// Claims the creation that the caller calls `key`, or answers with what was answered before.
    pub async fn claim<A: Operation>(
        &self,
        by: &Permit<A>,
        key: &IdempotencyKey,
        request: Digest,
    ) -> Result<Claimed, ClaimError> {
        let at = self.desk.now();
        let claim = Claim {
            slot: slot(by, key),
            holder: ClaimId::new(self.desk.ids.next()),
            request,
            at,
            leased_until: at.plus(LEASE),
            expires_at: at.plus(ANSWER_LIFE),
        };
        match self.store.claim(&claim).await? {
            None => Ok(Claimed::Mine(claim)),
            Some(seen) => self.replay(&claim, seen).map(Claimed::Answered),
        }
    }

    fn replay(&self, claim: &Claim, seen: SeenClaim) -> Result<Vec<u8>, ClaimError> {
        if seen.request != claim.request {
            return Err(ClaimError::OtherRequest);
        }
        let sealed = seen.answer.ok_or(ClaimError::InProgress)?;
        let answer = self.desk.vault.unseal(&context(claim.slot), &sealed);
        Ok(answer.map_err(|error| StoreError::Corrupt {
            table: "idempotency",
            column: "answer",
            problem: error.to_string(),
        })?)
    }

    /// Nothing came of it: the next one with this key starts afresh.
    pub async fn give_up(&self, claim: &Claim) -> Result<(), StoreError> {
        self.store.give_up(claim).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::Access,
        idempotency::port::MockIdempotencyStore,
        policy::{Role, action::MintKey, action::RotateKey},
        secret::Vault as _,
        testing::{GlassVault, desk, people},
    };
    use rstest::rstest;
    use std::sync::Arc;

    fn key() -> IdempotencyKey {
        "nightly".parse().unwrap()
    }

    fn own() -> Access {
        *people::permit::<MintKey>().access()
    }

    fn slot_of(access: Access) -> Digest {
        slot::<MintKey>(&Permit::unchecked(access), &key())
    }

    #[test]
    fn nobody_gets_into_the_slot_of_somebody_else() {
        let slots = [
            slot_of(own()),
            slot_of(Access { account: people::ADA, ..own() }),
            slot_of(Access { hands: people::ADA, ..own() }),
            slot_of(own().acting_on(people::ADA, Role::Admin)),
            slot::<RotateKey>(&Permit::unchecked(own()), &key()),
            slot::<MintKey>(&Permit::unchecked(own()), &"weekly".parse().unwrap()),
        ];
        for (at, slot) in slots.iter().enumerate() {
            assert!(!slots[..at].contains(slot), "{at}");
        }
        assert_eq!(slot_of(own()), slots[0]);
    }

    fn sealed(plain: &[u8]) -> Sealed {
        GlassVault.seal(&context(slot_of(own())), plain)
    }

    async fn claim(seen: Option<SeenClaim>) -> Result<Claimed, ClaimError> {
        let mut store = MockIdempotencyStore::new();
        store.expect_claim().times(1).returning(move |_| Ok(seen.clone()));
        Idempotency::new(Arc::new(store), desk()).claim(&people::permit::<MintKey>(), &key(), Digest::of("{}")).await
    }

    #[tokio::test]
    async fn a_free_slot_is_held_for_a_minute_and_its_answer_for_a_day() {
        let Ok(Claimed::Mine(claim)) = claim(None).await else { panic!("the slot is free") };
        assert_eq!(claim.leased_until, people::NOW.plus(MINUTE));
        assert_eq!(claim.expires_at, people::NOW.plus(DAY));
    }

    #[tokio::test]
    async fn the_same_request_gets_the_same_answer() {
        let answered = claim(Some(SeenClaim { request: Digest::of("{}"), answer: Some(sealed(b"done")) })).await;
        assert!(matches!(answered, Ok(Claimed::Answered(answer)) if answer == b"done"));
    }

    #[rstest]
    #[case::running(Digest::of("{}"), None, "still running")]
    #[case::another_request(Digest::of("{ }"), Some(sealed(b"done")), "another request")]
    #[case::another_request_that_is_running(Digest::of("{ }"), None, "another request")]
    #[case::sealed_for_another_slot(Digest::of("{}"), Some(Sealed(b"moved".to_vec())), "corrupt answer")]
    #[tokio::test]
    async fn refusals(#[case] request: Digest, #[case] answer: Option<Sealed>, #[case] why: &str) {
        let refused = claim(Some(SeenClaim { request, answer })).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
}
