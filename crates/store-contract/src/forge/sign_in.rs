//! Ways into an account, and the sessions behind them.

use std::sync::Arc;

use driftstack_domain::{
    access::Permit,
    auth::{
        ChallengeAnswer, LinkClerk, LinkRenewal, LinkRequest, LinkSignIn, MockLinkStore, MockSignInStore,
        PasswordReset, SeenChallenge, SeenLink, SeenSignIn, SignIns, Verification,
    },
    desk::Desk,
    mfa::{Answer, MockMfaStore, SeenFactor},
    policy::action::RevokeOtherSessions,
    testing::people,
    web_session::{MockWebSessionStore, OtherSessionsEnd, SeenSession, SessionEnd, SessionRenewal, WebSessions},
};
use secrecy::SecretString;

use super::{Caught, any_token};
use crate::{
    fakes::{PlainPasswords, PlainTokens},
    world::{agent, client},
};

fn sign_ins(desk: &Desk, store: MockSignInStore, factors: MockMfaStore) -> SignIns {
    let (store, factors) = (Arc::new(store), Arc::new(factors));
    SignIns::new(store, factors, Arc::new(PlainPasswords), Arc::new(PlainTokens), desk.clone())
}

pub async fn verification(desk: &Desk, seen: SeenLink) -> Verification {
    let (mut store, caught) = (MockSignInStore::new(), Caught::nothing());
    store.expect_seen_link().returning(move |_| Ok(Some(seen.clone())));
    store.expect_commit_verification().returning(caught.catch());
    let sign_ins = sign_ins(desk, store, MockMfaStore::new());
    sign_ins.verify(&any_token(), agent()).await.unwrap();
    caught.take()
}

pub async fn link_sign_in(desk: &Desk, seen: SeenLink) -> LinkSignIn {
    let (mut store, caught) = (MockSignInStore::new(), Caught::nothing());
    store.expect_seen_link().returning(move |_| Ok(Some(seen.clone())));
    store.expect_commit_link_sign_in().returning(caught.catch());
    sign_ins(desk, store, MockMfaStore::new()).follow(&any_token(), &client()).await.unwrap();
    caught.take()
}

pub async fn password_reset(desk: &Desk, seen: SeenLink) -> PasswordReset {
    let (mut store, caught) = (MockSignInStore::new(), Caught::nothing());
    store.expect_seen_link().returning(move |_| Ok(Some(seen.clone())));
    store.expect_commit_password_reset().returning(caught.catch());
    sign_ins(desk, store, MockMfaStore::new()).reset(&any_token(), &people::password(), &client()).await.unwrap();
    caught.take()
}

pub async fn challenge_answer(
    desk: &Desk,
    seen: SeenChallenge,
    factor: SeenFactor,
    answer: &Answer,
) -> ChallengeAnswer {
    let (mut store, mut factors, caught) = (MockSignInStore::new(), MockMfaStore::new(), Caught::nothing());
    store.expect_seen_challenge().returning(move |_| Ok(Some(seen.clone())));
    factors.expect_seen_factor().returning(move |_| Ok(Some(factor.clone())));
    store.expect_commit_challenge_answer().returning(caught.catch());
    sign_ins(desk, store, factors).answer(&any_token(), answer, &client()).await.unwrap();
    caught.take()
}

pub async fn link_renewal(desk: &Desk, request: LinkRequest, seen: SeenSignIn) -> LinkRenewal {
    let (mut links, mut accounts, caught) = (MockLinkStore::new(), MockSignInStore::new(), Caught::nothing());
    links.expect_asked().returning(move |_| Ok(vec![request.clone()]));
    links.expect_commit_link().returning(caught.catch());
    accounts.expect_seen_sign_in().returning(move |_| Ok(Some(seen.clone())));
    LinkClerk::new(Arc::new(links), Arc::new(accounts), desk.clone()).round().await.unwrap();
    caught.take()
}

fn web_sessions(desk: &Desk, store: MockWebSessionStore) -> WebSessions {
    WebSessions::new(Arc::new(store), Arc::new(PlainTokens), desk.clone())
}

pub async fn session_renewal(desk: &Desk, token: &SecretString, seen: SeenSession) -> SessionRenewal {
    let (mut store, caught) = (MockWebSessionStore::new(), Caught::nothing());
    store.expect_seen_session().returning(move |_| Ok(Some(seen)));
    store.expect_commit_renewal().returning(caught.catch());
    web_sessions(desk, store).refresh(token).await.unwrap();
    caught.take()
}

pub async fn session_end(desk: &Desk, token: &SecretString, seen: SeenSession) -> SessionEnd {
    let (mut store, caught) = (MockWebSessionStore::new(), Caught::nothing());
    store.expect_seen_session().returning(move |_| Ok(Some(seen)));
    store.expect_commit_end().returning(caught.catch());
    web_sessions(desk, store).log_out(token).await.unwrap();
    caught.take()
}

/// The end of the other sessions, decided on so many.
pub async fn others_end(desk: &Desk, by: &Permit<RevokeOtherSessions>, others: u32) -> OtherSessionsEnd {
    let (mut store, caught) = (MockWebSessionStore::new(), Caught::nothing());
    store.expect_count_others().returning(move |_, _, _| Ok(others));
    store.expect_commit_others_end().returning(caught.catch());
    web_sessions(desk, store).revoke_others(by).await.unwrap();
    caught.take()
}
