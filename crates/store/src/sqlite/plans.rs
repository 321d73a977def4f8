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
    id::{DeliveryId, EndpointId, MembershipId, ProfileId, SessionId, WebSessionId},
    staff::EmailStart,
    usage::Day,
    webhook::DeliveryStatus,
};
use futures_util::{FutureExt, future::BoxFuture};
use uuid::Uuid;

use crate::hot_reads::{account, claim, digest, hot_reads, now, page};

use super::{
    dialect::{Conn, Fault},
    file::{File, Use},
    migrate,
    queries::{
        account, activation, api_key, audit, auth, avatar, caller, challenge, delivery, ending, holding, invite, mail,
        membership, organisation, profile, session, staff, usage, web_session, webhook,
    },
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
    // A page of accounts for staff is a stretch of the index, cut off by its limit.
    let stretches = [
        "mails_due (due_at<?",
        "avatars_to_sweep (sweep_at<?",
        "accounts_to_purge (purge_at>? AND purge_at<?)",
        "webhook_endpoints_due (due_at<?",
        "webhook_endpoints_rotating (old_secret_until<?",
        "webhook_endpoints_deleted (disabled_at<?",
        "webhook_deliveries_settled (settled_at<?",
        "accounts USING PRIMARY KEY (id<?)",
        "accounts_email_key (email>? AND email<?)",
    ];
    let narrow = step.contains("=?") || stretches.iter().any(|stretch| step.contains(stretch));
    let heading =
        ["SCALAR SUBQUERY", "CORRELATED SCALAR SUBQUERY", "COMPOUND QUERY", "LEFT-MOST SUBQUERY", "UNION ALL"];
    if heading.iter().any(|words| step.starts_with(words)) {
        return false;
    }
    step.contains("TEMP B-TREE") || !(step.starts_with("SEARCH") && narrow)
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

hot_reads!(indexed);

#[test]
fn a_walk_is_noticed() {
    for step in ["SCAN accounts", "SEARCH memberships USING PRIMARY KEY (id<?)", "USE TEMP B-TREE FOR ORDER BY"] {
        assert!(walks(step), "{step}");
    }
    assert!(!walks("SEARCH memberships USING INDEX memberships_of_owner (owner=? AND id<?)"));
}
