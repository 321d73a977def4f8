//! The second factor.

use std::sync::Arc;

use driftstack_domain::{
    access::Permit,
    auth::{MockSignInStore, StepUps},
    desk::Desk,
    mfa::{
        Answer, Enrolment, FactorActivation, FactorRemoval, Mfa, Miss, MockMfaStore, SeenEnrolment, SeenFactor,
        TotpCode,
    },
    policy::action::{DisableMfa, EnrollMfa, StepUpWithCode, VerifyMfa},
    testing::people,
};

use super::Caught;
use crate::fakes::PlainPasswords;

/// A wrong answer to a factor that looks like that.
pub async fn miss(desk: &Desk, by: &Permit<StepUpWithCode>, factor: SeenFactor, answer: &Answer) -> Miss {
    let (mut factors, caught) = (MockMfaStore::new(), Caught::nothing());
    factors.expect_seen_factor().returning(move |_| Ok(Some(factor.clone())));
    factors.expect_commit_miss().returning(caught.catch());
    let step_ups =
        StepUps::new(Arc::new(MockSignInStore::new()), Arc::new(factors), Arc::new(PlainPasswords), desk.clone());
    step_ups.with_factor(by, answer).await.unwrap_err();
    caught.take()
}

fn mfa(desk: &Desk, store: MockMfaStore) -> Mfa {
    Mfa::new(Arc::new(store), desk.clone())
}

/// An enrolment of somebody who does not seem to have a factor.
pub async fn enrolment(desk: &Desk, by: &Permit<EnrollMfa>) -> Enrolment {
    let (mut store, caught) = (MockMfaStore::new(), Caught::nothing());
    let seen = SeenEnrolment { factor: None, email: people::email("olive@example.com") };
    store.expect_seen_enrolment().returning(move |_| Ok(seen.clone()));
    store.expect_commit_enrolment().returning(caught.catch());
    mfa(desk, store).enroll(by).await.unwrap();
    caught.take()
}

pub async fn activation(desk: &Desk, by: &Permit<VerifyMfa>, seen: SeenEnrolment, code: &TotpCode) -> FactorActivation {
    let (mut store, caught) = (MockMfaStore::new(), Caught::nothing());
    store.expect_seen_enrolment().returning(move |_| Ok(seen.clone()));
    store.expect_commit_activation().returning(caught.catch());
    mfa(desk, store).verify(by, code).await.unwrap();
    caught.take()
}

pub async fn factor_removal(desk: &Desk, by: &Permit<DisableMfa>, seen: SeenFactor) -> FactorRemoval {
    let (mut store, caught) = (MockMfaStore::new(), Caught::nothing());
    store.expect_seen_factor().returning(move |_| Ok(Some(seen.clone())));
    store.expect_commit_factor_removal().returning(caught.catch());
    mfa(desk, store).disable(by).await.unwrap();
    caught.take()
}
