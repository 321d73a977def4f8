use std::ops::Deref;

use super::claim::{Claim, context};
use crate::{
    access::Permit,
    desk::Desk,
    id::ClaimId,
    secret::{Digest, Sealed},
};

/// A permit to make a `T`, with what is needed to keep the answer for somebody who asks again.
///
/// A use case that creates demands one, and hands its answer to its record. A plain permit does where nobody will ask
/// again.
pub struct Creation<'a, A, T> {
    permit: &'a Permit<A>,
    kept: Option<(&'a Claim, Tell<'a, T>)>,
}

/// Puts what was made into the words that the caller hears.
type Tell<'a, T> = &'a (dyn Fn(&T) -> Vec<u8> + Sync);

/// An answer that is committed with what it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptAnswer {
    pub slot: Digest,
    pub holder: ClaimId,
    /// Bound to the slot: it may hold the text of a key.
    pub answer: Sealed,
}

impl<'a, A, T> Creation<'a, A, T> {
    pub fn claimed(permit: &'a Permit<A>, claim: &'a Claim, tell: Tell<'a, T>) -> Self {
        Self { permit, kept: Some((claim, tell)) }
    }

    /// The same creation under another permit of the same caller.
    pub(crate) fn under<'b, B>(&self, permit: &'b Permit<B>) -> Creation<'b, B, T>
    where
        'a: 'b,
    {
        Creation { permit, kept: self.kept }
    }

    /// The answer to keep, where one is to be kept.
    pub(crate) fn answer(&self, desk: &Desk, made: &T) -> Option<KeptAnswer> {
        self.kept.map(|(claim, tell)| KeptAnswer {
            slot: claim.slot,
            holder: claim.holder,
            answer: desk.vault.seal(&context(claim.slot), &tell(made)),
        })
    }
}

impl<'a, A, T> From<&'a Permit<A>> for Creation<'a, A, T> {
    fn from(permit: &'a Permit<A>) -> Self {
        Self { permit, kept: None }
    }
}

impl<A, T> Deref for Creation<'_, A, T> {
    type Target = Permit<A>;

    fn deref(&self) -> &Permit<A> {
        self.permit
    }
}
