//! The reads that every request pays for, or that grow with a workspace, use an index.
//!
//! What is asserted is the plan of the very statement that is run: it is written down while the query runs on an empty
//! database, where the planner has nothing but the indexes to go by.

use std::sync::{Arc, Mutex};

use diesel::{
    QueryableByName, RunQueryDsl, connection::InstrumentationEvent, sql_query, sql_types::Text,
    sqlite::SqliteConnection,
};
use diesel_async::AsyncConnection;
use driftstack_domain::{
    audit::{ActionFilter, AuditFilter},
    email::Email,
    id::{AccountId, MembershipId, WebSessionId},
    page::PageRequest,
    secret::Digest,
    time::Timestamp,
};
use futures_util::{FutureExt, future::BoxFuture};
use uuid::Uuid;

use super::{
    dialect::{Conn, Fault},
    file::{File, Use},
    migrate,
    queries::{account, api_key, audit, auth, caller, invite, mail, membership},
};

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The plan of every statement that `query` runs.
fn plans(query: impl for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<(), Fault>>) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let mut conn = File::prepare(&folder.path().join("plans.db")).unwrap().connect(Use::Writing).unwrap();
    migrate::run(&mut conn).now_or_never().unwrap().unwrap();
    let statements = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&statements);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            heard.lock().unwrap().push(query.to_string());
        }
    });
    query(&mut conn).now_or_never().unwrap().unwrap();
    let statements = std::mem::take(&mut *statements.lock().unwrap());
    conn.spawn_blocking(|conn| Ok(statements.into_iter().map(|sql| explain(conn, &sql)).collect()))
        .now_or_never()
        .unwrap()
        .unwrap()
}

fn explain(conn: &mut SqliteConnection, statement: &str) -> (String, String) {
    let sql = statement.split(" -- binds").next().unwrap();
    let steps: Vec<Step> = sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(conn).unwrap();
    (sql.to_owned(), steps.into_iter().map(|step| step.detail + "\n").collect())
}

fn assert_indexed(query: impl for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<(), Fault>>) {
    let plans = plans(query);
    assert!(!plans.is_empty());
    for (sql, plan) in plans {
        assert!(!plan.is_empty() && !plan.lines().any(walks), "{sql}\n{plan}");
    }
}

/// Whether a step looks at rows that are nobody's business: without an index, through all ids, or to sort them.
fn walks(step: &str) -> bool {
    let narrow = step.contains("=?") || step.contains("mails_due (due_at<?");
    step.contains("TEMP B-TREE") || !(step.starts_with("SEARCH") && narrow)
}

fn account() -> AccountId {
    AccountId::new(Uuid::from_u128(1))
}

fn digest() -> Digest {
    Digest::from_bytes([7; 32])
}

fn page() -> PageRequest {
    PageRequest::default()
}

fn now() -> Timestamp {
    Timestamp::from_millis(1).unwrap()
}

/// `assert_indexed!(caller::by_key(c, …))`
macro_rules! indexed {
    ($($name:ident: $module:ident::$query:ident($($argument:expr),*);)+) => { $(
        #[test]
        fn $name() {
            assert_indexed(|c| $module::$query(c, $($argument),*).map(|answer| answer.map(drop)).boxed());
        }
    )+ };
}

indexed! {
    a_caller_by_key: caller::by_key(digest(), Some(account()));
    a_caller_by_session: caller::by_session(WebSessionId::new(Uuid::from_u128(1)), Some(account()));
    ones_own_account: account::own_account(account());
    a_page_of_keys: api_key::keys(account(), page());
    a_page_of_members: membership::members(account(), page());
    a_page_of_owners: membership::owners(account(), page());
    a_membership: membership::seen_membership(MembershipId::new(Uuid::from_u128(1)));
    the_keys_in_somebodys_hands: membership::keys_in_hands_of(account(), account());
    a_page_of_pending_invites: invite::pending(account(), now(), page());
    an_invite_by_its_token: invite::seen_token(digest(), account());
    an_invitee: invite::seen_invitee(account(), "ada@example.com".parse::<Email>().unwrap());
    a_page_of_the_log: audit::entries(account(), AuditFilter::default(), page());
    a_page_of_one_action: audit::entries(
        account(),
        AuditFilter { action: Some(ActionFilter::Prefix("team.".to_owned())), ..AuditFilter::default() },
        page()
    );
    a_stretch_of_the_log: audit::down_from(account(), 100, 100);
    a_sign_in: auth::seen_sign_in("ada@example.com".parse::<Email>().unwrap());
    a_link: auth::seen_link(digest());
    the_mails_that_are_due: mail::claim(now(), now(), 16);
}

#[test]
fn a_walk_is_noticed() {
    for step in ["SCAN accounts", "SEARCH memberships USING PRIMARY KEY (id<?)", "USE TEMP B-TREE FOR ORDER BY"] {
        assert!(walks(step), "{step}");
    }
    assert!(!walks("SEARCH memberships USING INDEX memberships_of_owner (owner=? AND id<?)"));
}
