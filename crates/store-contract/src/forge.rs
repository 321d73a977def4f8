//! Records that no honest use case would make.
//!
//! A record is sealed: only a use case makes one, from what a store has answered. Here the answer is made up, and the
//! record is kept instead of committed. So a case can ask a store to commit what was decided on a state that is over, with
//! revisions that are right: then only the store's own look at the row stands between.

use std::sync::{Arc, Mutex};

use driftstack_domain::{
    access::Permit,
    activation::{
        Activation, Activations, Binding, DeviceCode, Handover, MockActivationStore, SeenActivation, UserCode,
    },
    api_key::{ApiKey, ApiKeys, KeyRevocation, MockApiKeyStore, Rotation},
    auth::{
        ChallengeAnswer, EmailChange, EmailChanges, LinkClerk, LinkRenewal, LinkRequest, LinkSignIn, MockLinkStore,
        MockSignInStore, PasswordReset, SeenChallenge, SeenLink, SeenSignIn, SignIns, StepUps, Verification,
    },
    change::CommitError,
    desk::Desk,
    email::Email,
    ending::{Deletion, Endings, MockEndingStore, Purge, Purger, SeenEnding, SeenPurge},
    id::ApiKeyId,
    idempotency::MockIdempotencyStore,
    mail::{MailPreference, MockPreferenceStore, PreferenceChange, Preferences},
    membership::{
        Acceptance, Invitation, InviteRevocation, Invites, Memberships, MockInviteStore, MockMembershipStore, Removal,
        Resending, RoleChange, SeenInvite, SeenInvitee, SeenMembership, SeenToken,
    },
    mfa::{
        Answer, Enrolment, FactorActivation, FactorRemoval, Mfa, Miss, MockMfaStore, SeenEnrolment, SeenFactor,
        TotpCode,
    },
    name::Name,
    organisation::{MemberChange, MockOrganisationStore, Organisations, SeenMember, SeenOrganisation},
    policy::{
        Role,
        action::{
            AcceptInvite, BindDevice, ChangeRole, DeleteAccount, DeleteEndpoint, DeleteProfile, DestroySession,
            DisableMfa, EditEndpoint, EnrollMfa, InviteMember, RemoveMember, ReplayDelivery, ResendInvite,
            RevokeInvite, RevokeKey, RevokeOtherSessions, RotateKey, RotateSecret, SetPreference, StepUpWithCode,
            SuspendAccount, SwitchOrganisation, TestEndpoint, TransferOwnership, UpdateProfile, VerifyMfa,
        },
    },
    profile::{MockProfileStore, Profile, ProfileDeletion, ProfilePatch, ProfileUpdate, Profiles},
    secret::LinkToken,
    session::{MockSessionStore, Session, SessionDestruction, Sessions},
    staff::{MockStaffStore, OwnershipTransfer, SeenAccount, Staff, StatusChange, Tie},
    team::MockTeamStore,
    testing::people,
    web_session::{MockWebSessionStore, OtherSessionsEnd, SeenSession, SessionEnd, SessionRenewal, WebSessions},
    webhook::{
        Delivery, Endpoint, EndpointChange, EndpointEdit, EndpointRemoval, MockWebhookStore, Reach, Replay,
        SecretRotation, TestPing, Webhooks,
    },
};
use secrecy::SecretString;

use crate::{
    fakes::{PlainPasswords, PlainTokens},
    world::{agent, client},
};

/// Holds the record that a mock was asked to commit.
struct Caught<T>(Arc<Mutex<Option<T>>>);

impl<T: Clone + Send + 'static> Caught<T> {
    fn nothing() -> Self {
        Self(Arc::default())
    }

    fn catch(&self) -> impl Fn(&T) -> Result<(), CommitError> + Send + 'static {
        let slot = self.0.clone();
        move |it| {
            *slot.lock().unwrap() = Some(it.clone());
            Ok(())
        }
    }

    fn take(&self) -> T {
        self.0.lock().unwrap().take().expect("the use case has committed something")
    }
}

fn any_token() -> LinkToken {
    LinkToken::parse(&"t".repeat(LinkToken::MIN_CHARS)).unwrap()
}

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

pub async fn email_change(desk: &Desk, seen: SeenLink) -> EmailChange {
    let (mut store, caught) = (MockSignInStore::new(), Caught::nothing());
    store.expect_seen_link().returning(move |_| Ok(Some(seen.clone())));
    store.expect_commit_email_change().returning(caught.catch());
    let changes = EmailChanges::new(Arc::new(store), Arc::new(MockLinkStore::new()), desk.clone());
    changes.confirm(&any_token()).await.unwrap();
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

fn invites(desk: &Desk, store: MockInviteStore) -> Invites {
    Invites::new(Arc::new(store), desk.clone())
}

/// An invite to somebody who does not seem to be a member.
pub async fn invitation(desk: &Desk, by: &Permit<InviteMember>, email: Email, team: Name) -> Invitation {
    let (mut store, caught) = (MockInviteStore::new(), Caught::nothing());
    let seen = SeenInvitee { owner_email: people::email("owner@example.com"), team, is_member: false };
    store.expect_seen_invitee().returning(move |_, _| Ok(Some(seen.clone())));
    store.expect_commit_invitation().returning(caught.catch());
    invites(desk, store).invite(by, email, Role::Member).await.unwrap();
    caught.take()
}

pub async fn resending(desk: &Desk, by: &Permit<ResendInvite>, seen: SeenInvite) -> Resending {
    let (mut store, caught) = (MockInviteStore::new(), Caught::nothing());
    let id = seen.invite.id;
    store.expect_seen_invite().returning(move |_, _| Ok(Some(seen.clone())));
    store.expect_commit_resending().returning(caught.catch());
    invites(desk, store).resend(by, id).await.unwrap();
    caught.take()
}

pub async fn invite_revocation(desk: &Desk, by: &Permit<RevokeInvite>, seen: SeenInvite) -> InviteRevocation {
    let (mut store, caught) = (MockInviteStore::new(), Caught::nothing());
    let id = seen.invite.id;
    store.expect_seen_invite().returning(move |_, _| Ok(Some(seen.clone())));
    store.expect_commit_invite_revocation().returning(caught.catch());
    invites(desk, store).revoke(by, id).await.unwrap();
    caught.take()
}

pub async fn acceptance(desk: &Desk, by: &Permit<AcceptInvite>, seen: SeenToken) -> Acceptance {
    let (mut store, caught) = (MockInviteStore::new(), Caught::nothing());
    store.expect_seen_token().returning(move |_, _| Ok(Some(seen.clone())));
    store.expect_commit_acceptance().returning(caught.catch());
    invites(desk, store).accept(by, &any_token()).await.unwrap();
    caught.take()
}

fn activations(desk: &Desk, store: MockActivationStore) -> Activations {
    Activations::new(Arc::new(store), desk.clone())
}

/// A binding by somebody to whom the activation seems to be unbound.
pub async fn binding(desk: &Desk, by: &Permit<BindDevice>, code: &UserCode, seen: Activation) -> Binding {
    let (mut store, caught) = (MockActivationStore::new(), Caught::nothing());
    store.expect_unbound_activation().returning(move |_| Ok(Some(seen.clone())));
    store.expect_commit_binding().returning(caught.catch());
    activations(desk, store).bind(by, code).await.unwrap();
    caught.take()
}

pub async fn handover(desk: &Desk, seen: SeenActivation) -> Handover {
    let (mut store, caught) = (MockActivationStore::new(), Caught::nothing());
    store.expect_seen_activation().returning(move |_| Ok(Some(seen.clone())));
    store.expect_commit_handover().returning(caught.catch());
    let (code, state) = (DeviceCode::parse("any").unwrap(), "0123456789abcdef".to_owned().try_into().unwrap());
    activations(desk, store).exchange(&code, &state).await.unwrap();
    caught.take()
}

fn memberships(desk: &Desk, store: MockMembershipStore) -> Memberships {
    Memberships::new(Arc::new(store), desk.clone())
}

pub async fn role_change(desk: &Desk, by: &Permit<ChangeRole>, seen: SeenMembership, role: Role) -> RoleChange {
    let (mut store, caught) = (MockMembershipStore::new(), Caught::nothing());
    let id = seen.membership.id;
    store.expect_seen_membership().returning(move |_| Ok(Some(seen.clone())));
    store.expect_commit_role_change().returning(caught.catch());
    memberships(desk, store).change_role(by, id, role).await.unwrap();
    caught.take()
}

pub async fn removal(desk: &Desk, by: &Permit<RemoveMember>, seen: SeenMembership, keys: Vec<ApiKeyId>) -> Removal {
    let (mut store, caught) = (MockMembershipStore::new(), Caught::nothing());
    let id = seen.membership.id;
    store.expect_seen_membership().returning(move |_| Ok(Some(seen.clone())));
    store.expect_keys_in_hands_of().returning(move |_, _| Ok(keys.clone()));
    store.expect_commit_removal().returning(caught.catch());
    memberships(desk, store).remove(by, id).await.unwrap();
    caught.take()
}

pub async fn rotation(desk: &Desk, by: &Permit<RotateKey>, key: ApiKey) -> Rotation {
    let (mut store, caught) = (MockApiKeyStore::new(), Caught::nothing());
    let id = key.id;
    store.expect_seen_key().returning(move |_, _| Ok(Some(key.clone())));
    store.expect_commit_rotation().returning(caught.catch());
    ApiKeys::new(Arc::new(store), desk.clone()).rotate(by, id, None).await.unwrap();
    caught.take()
}

pub async fn key_revocation(desk: &Desk, by: &Permit<RevokeKey>, key: ApiKey) -> KeyRevocation {
    let (mut store, caught) = (MockApiKeyStore::new(), Caught::nothing());
    let id = key.id;
    store.expect_seen_key().returning(move |_, _| Ok(Some(key.clone())));
    store.expect_commit_key_revocation().returning(caught.catch());
    ApiKeys::new(Arc::new(store), desk.clone()).revoke(by, id).await.unwrap();
    caught.take()
}

/// A preference that is set by somebody to whom the account seems to want the opposite.
pub async fn preference(desk: &Desk, by: &Permit<SetPreference>, preference: MailPreference) -> PreferenceChange {
    let (mut store, caught) = (MockPreferenceStore::new(), Caught::nothing());
    let declined = if preference.opted_in { vec![preference.mail] } else { Vec::new() };
    store.expect_declined().returning(move |_| Ok(declined.clone()));
    store.expect_commit_preference().returning(caught.catch());
    Preferences::new(Arc::new(store), desk.clone()).set(by, preference).await.unwrap();
    caught.take()
}

pub async fn suspension(desk: &Desk, by: &Permit<SuspendAccount>, seen: SeenAccount) -> StatusChange {
    let (mut store, caught) = (MockStaffStore::new(), Caught::nothing());
    let id = seen.account.id;
    store.expect_account().returning(move |_| Ok(Some(seen.clone())));
    store.expect_commit_status().returning(caught.catch());
    Staff::new(Arc::new(store), desk.clone()).suspend(by, id, None).await.unwrap();
    caught.take()
}

/// A transfer between two accounts that seem to stand so to each other.
pub async fn transfer(
    desk: &Desk,
    by: &Permit<TransferOwnership>,
    from: SeenAccount,
    to: SeenAccount,
    tie: Tie,
) -> OwnershipTransfer {
    let (mut store, caught) = (MockStaffStore::new(), Caught::nothing());
    let (giver, taker) = (from.account.id, to.account.id);
    store.expect_account().returning(move |id| Ok(Some(if id == giver { from.clone() } else { to.clone() })));
    store.expect_tie().returning(move |_, _| Ok(tie));
    store.expect_commit_transfer().returning(caught.catch());
    Staff::new(Arc::new(store), desk.clone()).transfer(by, giver, taker).await.unwrap();
    caught.take()
}

/// The end of a session that seems to run.
pub async fn session_destruction(desk: &Desk, by: &Permit<DestroySession>, seen: Session) -> SessionDestruction {
    let (mut store, caught) = (MockSessionStore::new(), Caught::nothing());
    let id = seen.id;
    store.expect_session().returning(move |_, _| Ok(Some(seen.clone())));
    store.expect_commit_session_destruction().returning(caught.catch());
    Sessions::new(Arc::new(store), Arc::new(MockProfileStore::new()), desk.clone()).destroy(by, id).await.unwrap();
    caught.take()
}

/// Another name for a profile that seems to be there.
pub async fn profile_update(desk: &Desk, by: &Permit<UpdateProfile>, seen: Profile) -> ProfileUpdate {
    let (mut store, caught) = (MockProfileStore::new(), Caught::nothing());
    let (id, patch) = (seen.id, ProfilePatch { name: Some(people::name("other")), ..ProfilePatch::default() });
    store.expect_profile().returning(move |_, _| Ok(Some(seen.clone())));
    store.expect_commit_profile_update().returning(caught.catch());
    Profiles::new(Arc::new(store), desk.clone()).update(by, id, patch).await.unwrap();
    caught.take()
}

/// The deletion of a profile that seems to be there, with nothing that runs on it.
pub async fn profile_deletion(desk: &Desk, by: &Permit<DeleteProfile>, seen: Profile) -> ProfileDeletion {
    let (mut store, caught) = (MockProfileStore::new(), Caught::nothing());
    let id = seen.id;
    store.expect_profile().returning(move |_, _| Ok(Some(seen.clone())));
    store.expect_running_on().returning(|_, _| Ok(None));
    store.expect_commit_profile_deletion().returning(caught.catch());
    Profiles::new(Arc::new(store), desk.clone()).delete(by, id).await.unwrap();
    caught.take()
}

/// Somebody goes to an organisation that was seen so, beside a member who was.
pub async fn member_change(
    desk: &Desk,
    by: &Permit<SwitchOrganisation>,
    target: SeenOrganisation,
    member: SeenMember,
) -> MemberChange {
    let (mut store, caught) = (MockOrganisationStore::new(), Caught::nothing());
    store.expect_seen_organisation().returning(move |_, _| Ok(Some(target)));
    store.expect_seen_member().returning(move |_, _| Ok(Some(member.clone())));
    store.expect_commit_member().returning(caught.catch());
    let keys = ApiKeys::new(Arc::new(MockApiKeyStore::new()), desk.clone());
    let teams = Arc::new(MockTeamStore::new());
    Organisations::new(Arc::new(store), teams, keys, desk.clone()).switch(by, 1.try_into().unwrap()).await.unwrap();
    caught.take()
}

/// A deletion by somebody who seems to be on those teams.
pub async fn deletion(desk: &Desk, by: &Permit<DeleteAccount>, seen: SeenEnding) -> Deletion {
    let (mut store, caught) = (MockEndingStore::new(), Caught::nothing());
    store.expect_seen_ending().returning(move |_| Ok(Some(seen.clone())));
    store.expect_commit_deletion().returning(caught.catch());
    Endings::new(Arc::new(store), desk.clone()).delete(by).await.unwrap();
    caught.take()
}

/// A purge of an account that seems to be due.
pub async fn purge(desk: &Desk, seen: SeenPurge) -> Purge {
    let (mut store, mut answers, caught) = (MockEndingStore::new(), MockIdempotencyStore::new(), Caught::nothing());
    store.expect_due_purges().returning(move |_, _, _| Ok(vec![seen.clone()]));
    store.expect_commit_purge().returning(caught.catch());
    answers.expect_forget_answers().returning(|_, _| Ok(0));
    Purger::new(Arc::new(store), Arc::new(answers), desk.clone()).round(None).await.unwrap();
    caught.take()
}

fn webhooks(desk: &Desk, store: MockWebhookStore) -> Webhooks {
    Webhooks::new(Arc::new(store), Reach::Public, desk.clone())
}

/// A store in which an endpoint is as it was.
fn with_endpoint(endpoint: Endpoint) -> MockWebhookStore {
    let mut store = MockWebhookStore::new();
    store.expect_seen_endpoint().returning(move |_, _| Ok(Some(endpoint.clone())));
    store
}

/// Pauses an endpoint.
pub async fn endpoint_change(desk: &Desk, by: &Permit<EditEndpoint>, endpoint: Endpoint) -> EndpointChange {
    let (id, caught) = (endpoint.id, Caught::nothing());
    let mut store = with_endpoint(endpoint);
    store.expect_commit_endpoint_change().returning(caught.catch());
    let edit = EndpointEdit { active: Some(false), ..EndpointEdit::default() };
    webhooks(desk, store).edit(by, id, edit).await.unwrap();
    caught.take()
}

pub async fn endpoint_removal(desk: &Desk, by: &Permit<DeleteEndpoint>, endpoint: Endpoint) -> EndpointRemoval {
    let (id, caught) = (endpoint.id, Caught::nothing());
    let mut store = with_endpoint(endpoint);
    store.expect_commit_endpoint_removal().returning(caught.catch());
    webhooks(desk, store).remove(by, id).await.unwrap();
    caught.take()
}

pub async fn secret_rotation(desk: &Desk, by: &Permit<RotateSecret>, endpoint: Endpoint) -> SecretRotation {
    let (id, caught) = (endpoint.id, Caught::nothing());
    let mut store = with_endpoint(endpoint);
    store.expect_commit_secret_rotation().returning(caught.catch());
    webhooks(desk, store).rotate_secret(by, id).await.unwrap();
    caught.take()
}

pub async fn test_ping(desk: &Desk, by: &Permit<TestEndpoint>, endpoint: Endpoint) -> TestPing {
    let (id, caught) = (endpoint.id, Caught::nothing());
    let mut store = with_endpoint(endpoint);
    store.expect_commit_test_ping().returning(caught.catch());
    webhooks(desk, store).test(by, id).await.unwrap();
    caught.take()
}

pub async fn replay(desk: &Desk, by: &Permit<ReplayDelivery>, delivery: Delivery) -> Replay {
    let (id, caught) = (delivery.id, Caught::nothing());
    let mut store = MockWebhookStore::new();
    store.expect_seen_delivery().returning(move |_, _| Ok(Some((delivery.clone(), people::endpoint()))));
    store.expect_commit_replay().returning(caught.catch());
    webhooks(desk, store).replay(by, id).await.unwrap();
    caught.take()
}
