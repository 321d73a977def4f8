//! `AuditStore`, and what commits do to logs.

use driftstack_domain::{
    access::CallerStore as _,
    audit::{ActionFilter, AuditEntry, AuditFilter, AuditStore as _, chain::Head},
    id::{AccountId, AuditId},
    page::{Limit, PageRequest},
    policy::Role,
    testing::people,
    time::{HOUR, MINUTE},
};

use crate::{
    backend::Backend,
    world::{Person, World},
};

/// Olive's log: created, login, invited, accepted (by Ada), minted (by Ada), minted, renamed – a minute apart.
async fn with_a_log<B: Backend>(backend: B) -> (std::sync::Arc<World<B>>, Person, Person) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    world.clock.advance(MINUTE);
    world.join(&olive, &ada, Role::Admin).await;
    world.clock.advance(MINUTE);
    world.mint(&ada, &olive, "one").await;
    world.clock.advance(MINUTE);
    world.mint(&olive, &olive, "two").await;
    let team = world.teams().list(&world.permit(&olive).await).await.unwrap().remove(0);
    world.teams().rename(&world.permit(&olive).await, team.id, people::name("Acme")).await.unwrap();
    (world, olive, ada)
}

pub async fn entries_are_filtered<B: Backend>(backend: B) {
    let (world, olive, ada) = with_a_log(backend).await;
    let found = async |filter: AuditFilter| {
        let page = world.store.entries(olive.id, &filter, PageRequest::default()).await.unwrap();
        page.rows.into_iter().map(|entry| entry.action).collect::<Vec<_>>()
    };
    let all = [
        "team.updated",
        "api_key.minted",
        "api_key.minted",
        "team.invite_accepted",
        "team.member_invited",
        "account.login",
        "account.created",
    ];
    let none = AuditFilter::default;
    assert_eq!(found(none()).await, all);
    let exactly = AuditFilter { action: Some("api_key.minted".parse().unwrap()), ..none() };
    assert_eq!(found(exactly).await, ["api_key.minted", "api_key.minted"]);
    let prefix = AuditFilter { action: Some("team.*".parse().unwrap()), ..none() };
    assert_eq!(found(prefix).await, ["team.updated", "team.invite_accepted", "team.member_invited"]);
    // No pattern: `_` and `%` are themselves, and half a word is no prefix.
    for text in ["te_m.", "tea.", "%."] {
        assert!(found(AuditFilter { action: Some(ActionFilter::Prefix(text.to_owned())), ..none() }).await.is_empty());
    }
    let by_ada = AuditFilter { actor_account: Some(ada.id), ..none() };
    assert_eq!(found(by_ada).await, ["api_key.minted", "team.invite_accepted"]);
    let on_herself = AuditFilter { target: olive.id.to_string().parse().ok(), ..none() };
    assert_eq!(found(on_herself).await, ["account.created"]);
    let (second, third) = (people::NOW.plus(MINUTE), people::NOW.plus(2 * MINUTE));
    let between = AuditFilter { from: Some(second), to: Some(third), ..none() };
    assert_eq!(found(between).await, ["team.invite_accepted", "team.member_invited"], "from is in, to is out");
    let both = AuditFilter { action: Some("api_key.*".parse().unwrap()), actor_account: Some(ada.id), ..none() };
    assert_eq!(found(both).await, ["api_key.minted"]);
}

pub async fn a_walk_visits_every_entry_once<B: Backend>(backend: B) {
    let (world, olive, _) = with_a_log(backend).await;
    let log = world.log(olive.id).await;
    let mut page = PageRequest { limit: Limit::new(2).unwrap(), after: None };
    let mut walked: Vec<AuditEntry> = Vec::new();
    loop {
        let found = world.store.entries(olive.id, &AuditFilter::default(), page).await.unwrap();
        walked.extend(found.rows);
        // What comes meanwhile is newer than all that is still ahead.
        world.mint(&olive, &olive, "meanwhile").await;
        page.after = found.next;
        if page.after.is_none() {
            break;
        }
    }
    walked.reverse();
    assert_eq!(walked, log);
}

pub async fn entries_are_read_downwards<B: Backend>(backend: B) {
    let (world, olive, _) = with_a_log(backend).await;
    let numbers = async |newest, limit| {
        let entries = world.store.entries_down_from(olive.id, newest, limit).await.unwrap();
        entries.into_iter().map(|entry| entry.seq).collect::<Vec<_>>()
    };
    assert_eq!(numbers(5, 3).await, [5, 4, 3]);
    assert_eq!(numbers(2, 10).await, [2, 1]);
    assert_eq!(numbers(100, 2).await, [7, 6]);
    assert!(numbers(0, 10).await.is_empty());
}

pub async fn entries_are_read_upwards<B: Backend>(backend: B) {
    let (world, olive, _) = with_a_log(backend).await;
    let numbers = async |after, limit| {
        let entries = world.store.entries_up_from(olive.id, after, limit).await.unwrap();
        entries.into_iter().map(|entry| entry.seq).collect::<Vec<_>>()
    };
    assert_eq!(numbers(0, 3).await, [1, 2, 3]);
    assert_eq!(numbers(5, 10).await, [6, 7]);
    assert!(numbers(7, 10).await.is_empty());
}

pub async fn an_entry_has_a_number_on_its_own_log_alone<B: Backend>(backend: B) {
    let (world, olive, ada) = with_a_log(backend).await;
    for entry in world.log(olive.id).await {
        assert_eq!(world.store.number_of(olive.id, entry.id).await.unwrap(), Some(entry.seq));
        assert_eq!(world.store.number_of(ada.id, entry.id).await.unwrap(), None);
    }
    assert_eq!(world.store.number_of(olive.id, AuditId::new(people::uuid(9))).await.unwrap(), None);
}

pub async fn a_log_without_entries_has_an_empty_head<B: Backend>(backend: B) {
    let world = World::new(backend);
    assert_eq!(world.store.head(people::BO).await.unwrap(), Head::EMPTY);
}

pub async fn every_commit_moves_the_revision_and_the_head<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let moved = async |who: &Person| {
        let seen = world.store.seen_caller(&who.presented, None).await.unwrap().unwrap();
        (seen.revision.0, world.store.head(who.id).await.unwrap().seq)
    };
    assert_eq!(moved(&olive).await, (2, 2), "created and signed in");
    let token = world.invite(&olive, &ada, Role::Member).await;
    assert_eq!((moved(&olive).await, moved(&ada).await), ((3, 3), (2, 2)));
    world.clock.advance(HOUR);
    world.invites().accept(&world.permit(&ada).await, &token).await.unwrap();
    assert_eq!((moved(&olive).await, moved(&ada).await), ((4, 4), (2, 2)), "the entry is on the owner's log alone");
    let session = super::sessions::begin(&world, &olive).await;
    super::sessions::end(&world, &olive, session.id).await;
    assert_eq!(moved(&olive).await, (4, 6), "no decision depends on how many sessions there are");
}

pub async fn an_entry_survives_the_store_unchanged<B: Backend>(backend: B) {
    let (world, olive, ada) = with_a_log(backend).await;
    // `log` recomputes every hash, so what is read is what was hashed.
    let log = world.log(olive.id).await;
    let minted = &log[4];
    assert_eq!((minted.actor_type.as_str(), minted.actor_account), ("customer", Some(ada.id)));
    assert!(minted.actor_credential.as_ref().unwrap().starts_with("wsk_"));
    assert_eq!(minted.payload["scopes"], serde_json::json!(["read"]));
    assert_eq!(minted.at, people::NOW.plus(2 * MINUTE));
    let system = &log[0];
    assert_eq!((system.actor_type.as_str(), system.actor_account), ("system", None::<AccountId>));
}
