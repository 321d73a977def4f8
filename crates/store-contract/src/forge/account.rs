//! What somebody changes of their own account, and its end.

use std::sync::Arc;

use driftstack_domain::{
    access::Permit,
    api_key::{ApiKeys, MockApiKeyStore},
    auth::{EmailChange, EmailChanges, MockLinkStore, MockSignInStore, SeenLink},
    desk::Desk,
    ending::{Deletion, Endings, MockEndingStore, Purge, Purger, SeenEnding, SeenPurge},
    idempotency::MockIdempotencyStore,
    mail::{MailPreference, MockPreferenceStore, PreferenceChange, Preferences},
    organisation::{MemberChange, MockOrganisationStore, Organisations, SeenMember, SeenOrganisation},
    policy::action::{DeleteAccount, SetPreference, SwitchOrganisation},
    team::MockTeamStore,
};

use super::{Caught, any_token};

pub async fn email_change(desk: &Desk, seen: SeenLink) -> EmailChange {
    let (mut store, caught) = (MockSignInStore::new(), Caught::nothing());
    store.expect_seen_link().returning(move |_| Ok(Some(seen.clone())));
    store.expect_commit_email_change().returning(caught.catch());
    let changes = EmailChanges::new(Arc::new(store), Arc::new(MockLinkStore::new()), desk.clone());
    changes.confirm(&any_token()).await.unwrap();
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
