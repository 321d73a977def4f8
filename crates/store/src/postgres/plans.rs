//! At the size of a real service, the hot reads use an index, and the thousandth page costs what the first one does.
//!
//! What is asserted is the plan of the very statement that is run, for any arguments: the statement is written down while the
//! query runs, and explained with a plan that does not know its arguments.

use std::sync::{Arc, Mutex};

use diesel::connection::InstrumentationEvent;
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use driftstack_domain::{
    audit::{ActionFilter, AuditFilter},
    email::Email,
    id::{DeliveryId, EndpointId, MembershipId, ProfileId, SessionId, WebSessionId},
    staff::EmailStart,
    usage::Day,
    webhook::DeliveryStatus,
};
use driftstack_test_servers::Database;
use futures_util::{FutureExt, future::BoxFuture};
use tokio_postgres::Client;
use uuid::Uuid;

use super::{
    PostgresOptions, PostgresStore,
    connect::Connector,
    dialect::{Conn, Fault},
    queries::{
        account, activation, api_key, audit, auth, avatar, caller, challenge, delivery, ending, holding, invite, mail,
        membership, organisation, profile, session, staff, usage, web_session, webhook,
    },
};
use crate::hot_reads::{account, claim, digest, hot_reads, now, page};

/// 200,000 accounts with a key and a session each; one of them has a team of 5,000 and a million entries on its log. Sessions and
/// profiles are those of 500 accounts.
const LOAD: &str = "
    CREATE FUNCTION uid(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
        $$ SELECT ('00000000-0000-0000-0000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
    INSERT INTO accounts (id, email, tier, status, staff, password_hash, created_at, updated_at)
        SELECT uid(n), 'a' || n || '@example.com', 'free', 'active', false, '', now(), now() FROM generate_series(1, 200000) n;
    INSERT INTO teams SELECT uid(n), uid(n), 'team', now(), now() FROM generate_series(1, 200000) n;
    INSERT INTO api_keys (id, account, name, digest, shown_prefix, scopes, minted_by, created_at)
        SELECT uid(n), uid(n), 'key', sha256(n::text::bytea), 'ds_live_', 'read', uid(n), now() FROM generate_series(1, 200000) n;
    INSERT INTO web_sessions (id, account, generation, os, browser, created_at, expires_at)
        SELECT uid(n), uid(n), 1, '', '', now(), now() FROM generate_series(1, 200000) n;
    INSERT INTO memberships (id, owner, member, role, invited_at, accepted_at)
        SELECT uid(n), uid(1), uid(n), 'member', now(), now() FROM generate_series(2, 5001) n;
    INSERT INTO memberships (id, owner, member, role, invited_at, accepted_at)
        SELECT uid(n), uid(n), uid(n + 1), 'member', now(), now() FROM generate_series(10000, 60000) n;
    INSERT INTO invites (id, owner, email, role, token, created_at, expires_at)
        SELECT uid(n), uid(n % 500 + 1), 'i' || n || '@example.com', 'member', sha256(n::text::bytea), now(), now()
        FROM generate_series(1, 100000) n;
    INSERT INTO links (id, account, token, created_at, expires_at)
        SELECT uid(n), uid(n), sha256(n::text::bytea), now(), now() FROM generate_series(1, 100000) n;
    INSERT INTO factors (id, account, secret, created_at, enrolled_at)
        SELECT uid(n), uid(n), '', now(), now() FROM generate_series(1, 50000) n;
    INSERT INTO challenges (id, account, token, address, created_at, expires_at)
        SELECT uid(n), uid(n), sha256(n::text::bytea), sha256(''), now(), now() FROM generate_series(1, 50000) n;
    INSERT INTO activations (id, device, user_code, client, created_at, expires_at)
        SELECT uid(n), sha256(n::text::bytea), sha256(n::text::bytea), 'device', now(), now() FROM generate_series(1, 100000) n;
    INSERT INTO mails (id, recipient, content, at, sent_at, account)
        SELECT uid(n), 'x@example.com', '{}', now(), now(), uid(n + 100000) FROM generate_series(1, 100000) n;
    INSERT INTO account_keys SELECT uid(n), 0, '' FROM generate_series(1, 100000) n;
    INSERT INTO avatars (key, account, sweep_at)
        SELECT n || '.png', uid(n), CASE n % 100 WHEN 0 THEN now() END FROM generate_series(1, 100000) n;
    INSERT INTO profiles (id, account, created_by, created_with, name, archetype, created_at, updated_at)
        SELECT uid(n), uid(n % 500 + 1), uid(1), 'key_' || uid(1), 'p' || n, 'default', now(), now() FROM generate_series(1, 100000) n;
    INSERT INTO sessions (id, account, created_by, created_with, archetype, purpose, created_at, destroyed_at)
        SELECT uid(n), uid(n % 500 + 1), uid(1), 'key_' || uid(1), 'default', 'production_customer', now(), CASE WHEN n > 5000 THEN now() END
        FROM generate_series(1, 300000) n;
    INSERT INTO usage_days SELECT uid(n % 500 + 1), 20000 - n / 500, 1 FROM generate_series(1, 200000) n;
    INSERT INTO webhook_endpoints (id, account, url, secret, secret_prefix, events, active, created_at, due_at, leased_until)
        SELECT uid(n), uid(n % 20000), 'https://example.com/', '', '', 'api_key.revoked', true, now(),
            CASE n % 100 WHEN 0 THEN now() END, now() FROM generate_series(1, 50000) n WHERE n % 20000 > 0;
    INSERT INTO webhook_events SELECT uid(n), uid(1), 'api_key.revoked', now(), '{}' FROM generate_series(1, 200000) n;
    INSERT INTO webhook_deliveries (id, endpoint, event, seq, status, next_attempt_at, settled_at, created_at)
        SELECT uid(n), uid(CASE WHEN n <= 100000 THEN 1 ELSE n % 5000 + 1 END), uid(n), n,
            CASE n % 50 WHEN 0 THEN 'failed' WHEN 1 THEN 'pending' WHEN 2 THEN 'dlq' ELSE 'delivered' END, now(),
            CASE WHEN n % 50 > 1 THEN now() END, now() FROM generate_series(1, 200000) n;
    INSERT INTO declined_mails SELECT uid(n), 'tier-changed' FROM generate_series(1, 100000) n;
    INSERT INTO audit_entries (account, seq, id, at, actor_type, action, payload, prev_hash, hash)
        SELECT uid(1), n, uid(n), now(), 'customer', CASE n % 3 WHEN 0 THEN 'team.updated' ELSE 'api_key.minted' END, '{}',
            sha256(''), sha256('') FROM generate_series(1, 1000000) n;
    ANALYZE;";

/// The statements that `query` runs.
async fn statements(
    conn: &mut Conn,
    query: impl for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<(), Fault>>,
) -> Vec<String> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&heard);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            writer.lock().unwrap().push(query.to_string());
        }
    });
    query(conn).await.unwrap();
    let statements = heard.lock().unwrap();
    let bare = |text: &String| text.split(" -- binds").next().unwrap().to_owned();
    statements.iter().map(bare).filter(|text| !text.starts_with("BEGIN") && !text.starts_with("COMMIT")).collect()
}

/// The plan that is made without looking at the arguments.
async fn plan(client: &Client, statement: &str) -> String {
    let arguments = (1..100).take_while(|n| statement.contains(&format!("${n}"))).map(|_| "NULL").collect::<Vec<_>>();
    let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(",")) };
    client.batch_execute(&format!("SET plan_cache_mode = force_generic_plan; PREPARE p AS {statement}")).await.unwrap();
    let rows = client.query(&format!("EXPLAIN EXECUTE p{arguments}"), &[]).await.unwrap();
    client.batch_execute("DEALLOCATE p").await.unwrap();
    rows.iter().map(|row| row.get::<_, String>(0) + "\n").collect()
}

/// The pages of the buffer cache that a page of the log touches.
async fn buffers(client: &Client, statement: &str, below: i64) -> u64 {
    let account = account().uuid();
    client.batch_execute(&format!("PREPARE p AS {statement}")).await.unwrap();
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT TEXT) EXECUTE p('{account}', {below}, 51)");
    let rows = client.query(&explain, &[]).await.unwrap();
    client.batch_execute("DEALLOCATE p").await.unwrap();
    let line = rows.iter().map(|row| row.get::<_, String>(0)).find(|line| line.contains("Buffers:")).unwrap();
    let numbers = line.split(|c: char| !c.is_ascii_digit()).filter_map(|text| text.parse::<u64>().ok());
    numbers.sum()
}

async fn assert_indexed(
    name: &str,
    conn: &mut Conn,
    client: &Client,
    query: impl for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<(), Fault>>,
) {
    let statements = statements(conn, query).await;
    assert!(!statements.is_empty(), "{name}");
    for statement in statements {
        let plan = plan(client, &statement).await;
        assert!(!plan.contains("Seq Scan"), "{name}: {statement}\n{plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hot_reads_use_an_index_at_the_size_of_a_real_service() {
    let database = Database::create().await;
    let options = PostgresOptions::new(database.url.as_str().into());
    PostgresStore::open(&options).unwrap().migrate().await.unwrap();
    let client = database.client().await;
    client.batch_execute(LOAD).await.unwrap();
    let mut conn = Connector::new(&options).unwrap().connect().await.unwrap();
    conn.batch_execute("SET statement_timeout = '60s'").await.unwrap();

    macro_rules! check {
        ($($name:ident: $module:ident::$query:ident($($argument:expr),*);)+) => { $(
            assert_indexed(stringify!($name), &mut conn, &client, |c| $module::$query(c, $($argument),*).map(|answer| answer.map(drop)).boxed()).await;
        )+ };
    }
    hot_reads!(check);

    let page_of_log = statements(&mut conn, |c| {
        audit::entries(c, account(), AuditFilter::default(), page()).map(|it| it.map(drop)).boxed()
    });
    let statement = page_of_log.await.remove(0);
    let (first, thousandth) =
        (buffers(&client, &statement, i64::MAX).await, buffers(&client, &statement, 950_000).await);
    // Fifty rows may straddle a few more pages here than there; a page that read what lies before it would touch thousands.
    assert!(thousandth <= first + 10, "page 1 touches {first} buffers, page 1,000 touches {thousandth}");
}
