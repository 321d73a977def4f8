//! Fills a database whose tables are there, by plain inserts of many rows.

use std::fmt::{self, Write};

use data_encoding::HEXLOWER;
use diesel::{Connection, QueryResult, connection::SimpleConnection, sqlite::SqliteConnection};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use uuid::Uuid;

use crate::{
    Failure,
    people::{self, Kind},
};

/// Of the busy account, before anybody asks: a server that has seen an empty table reads the whole of it for as long as it keeps
/// the plan, and whoever asked first would be slow from then on.
const ENDED_SESSIONS: u32 = 2_000;
/// In one statement.
const ROWS: usize = 500;
/// The keys were last used within the minute before, one after the other, so that noting it comes as evenly as in service.
const MINUTE_MILLIS: u64 = 60_000;

pub async fn postgres(url: &str, accounts: u32) -> Result<(), Failure> {
    let mut conn = AsyncPgConnection::establish(url).await?;
    for statement in statements(accounts, Spelling::Postgres) {
        conn.batch_execute(&statement).await?;
    }
    conn.batch_execute(&busy(Spelling::Postgres)?).await?;
    conn.batch_execute(FURNISHED).await?;
    conn.batch_execute(ENDS_ON_POSTGRES).await?;
    // Nobody else is to work in the background while requests are weighed.
    for statement in ["ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()", "VACUUM ANALYZE", "CHECKPOINT"] {
        conn.batch_execute(statement).await?;
    }
    Ok(())
}

pub fn sqlite(path: &str, accounts: u32) -> Result<(), Failure> {
    let mut conn = SqliteConnection::establish(path)?;
    conn.transaction(|conn| -> QueryResult<()> {
        statements(accounts, Spelling::Sqlite).try_for_each(|statement| conn.batch_execute(&statement))
    })?;
    conn.batch_execute(&busy(Spelling::Sqlite)?)?;
    conn.batch_execute(FURNISHED)?;
    conn.batch_execute(ENDS_ON_SQLITE)?;
    conn.batch_execute("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

/// A session ends in the moment in which it begins, on either side: else the cap would be reached after 32, and what was measured
/// would be refusals.
const ENDS_ON_POSTGRES: &str = "
    CREATE FUNCTION bench_ends() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.destroyed_at := NEW.created_at; RETURN NEW; END $$;
    CREATE TRIGGER bench_ends BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION bench_ends();";
const ENDS_ON_SQLITE: &str = "
    CREATE TRIGGER bench_ends AFTER INSERT ON sessions
    BEGIN UPDATE sessions SET destroyed_at = NEW.created_at WHERE id = NEW.id; END;";

/// The account that begins sessions all the time may do so as often as anybody may.
fn busy(spelling: Spelling) -> Result<String, fmt::Error> {
    const OVERRIDE: &str = r#"{"sessions:create":{"capacity":600000,"refill_per_second":10000.0,"expires_at":"9999-12-31T00:00:00.000Z"}}"#;
    let mut text = format!("UPDATE accounts SET limit_overrides = '{OVERRIDE}' WHERE id = ");
    Cell::Id(people::id(Kind::Account, people::BUSY, 0)).write(&mut text, spelling)?;
    Ok(text)
}

/// What whoever has a picture has besides.
const FURNISHED: &str = r#"
    UPDATE accounts SET
        avatar = (SELECT key FROM avatars WHERE avatars.account = accounts.id),
        limit_overrides = '{"global":{"capacity":600000,"refill_per_second":10000.0,"expires_at":"9999-12-31T00:00:00.000Z"}}'
    WHERE id IN (SELECT account FROM avatars)"#;

/// How an engine wants its values written.
#[derive(Clone, Copy)]
enum Spelling {
    Postgres,
    Sqlite,
}

enum Cell {
    Id(Uuid),
    Bytes([u8; 32]),
    Text(String),
    No,
    /// So many milliseconds before now.
    Ago(u64),
}

impl Cell {
    fn write(&self, out: &mut String, spelling: Spelling) -> fmt::Result {
        match (self, spelling) {
            (Self::Id(id), Spelling::Postgres) => write!(out, "'{id}'"),
            (Self::Id(id), Spelling::Sqlite) => write!(out, "X'{}'", id.as_simple()),
            (Self::Bytes(bytes), Spelling::Postgres) => write!(out, "'\\x{}'", HEXLOWER.encode(bytes)),
            (Self::Bytes(bytes), Spelling::Sqlite) => write!(out, "X'{}'", HEXLOWER.encode(bytes)),
            (Self::Text(text), _) => write!(out, "'{text}'"),
            (Self::No, Spelling::Postgres) => write!(out, "false"),
            (Self::No, Spelling::Sqlite) => write!(out, "0"),
            (Self::Ago(millis), Spelling::Postgres) => write!(out, "now() - interval '{millis} ms'"),
            (Self::Ago(millis), Spelling::Sqlite) => write!(out, "unixepoch() * 1000 - {millis}"),
        }
    }
}

type Row = Vec<Cell>;

fn statements(accounts: u32, spelling: Spelling) -> impl Iterator<Item = String> {
    let all = move || 0..accounts;
    let accounts_rows = insert(
        "accounts",
        "id, email, name, tier, status, staff, password_hash, email_verified_at, created_at, updated_at",
        all().map(account),
        spelling,
    );
    let teams = insert("teams", "id, owner, name, created_at, updated_at", all().map(team), spelling);
    let keys = insert(
        "api_keys",
        "id, account, name, digest, shown_prefix, scopes, minted_by, created_at, last_used_at",
        all().map(key),
        spelling,
    );
    let memberships = insert(
        "memberships",
        "id, owner, member, role, invited_at, accepted_at",
        all().flat_map(move |n| memberships(n, accounts)),
        spelling,
    );
    let furnished = move || people::furnished(accounts);
    let factors = insert("factors", "id, account, secret, created_at, enrolled_at", furnished().map(factor), spelling);
    let avatars = insert("avatars", "key, account", furnished().map(avatar), spelling);
    let sessions = insert(
        "sessions",
        "id, account, created_by, created_with, archetype, purpose, created_at, destroyed_at",
        (0..ENDED_SESSIONS).map(session),
        spelling,
    );
    accounts_rows.chain(teams).chain(keys).chain(memberships).chain(factors).chain(avatars).chain(sessions)
}

fn insert(
    table: &'static str,
    columns: &'static str,
    mut rows: impl Iterator<Item = Row>,
    spelling: Spelling,
) -> impl Iterator<Item = String> {
    std::iter::from_fn(move || {
        let some: Vec<Row> = rows.by_ref().take(ROWS).collect();
        if some.is_empty() {
            return None;
        }
        let mut text = format!("INSERT INTO {table} ({columns}) VALUES ");
        for (at, row) in some.iter().enumerate() {
            text.push_str(if at == 0 { "(" } else { ", (" });
            for (at, cell) in row.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { ", " });
                cell.write(&mut text, spelling).ok()?;
            }
            text.push(')');
        }
        Some(text)
    })
}

const LONG_AGO: Cell = Cell::Ago(86_400_000);

fn account(n: u32) -> Row {
    vec![
        Cell::Id(people::id(Kind::Account, n, 0)),
        Cell::Text(format!("person{n}@example.com")),
        Cell::Text(format!("Person {n}")),
        Cell::Text("enterprise".to_owned()),
        Cell::Text("active".to_owned()),
        Cell::No,
        Cell::Text("none".to_owned()),
        LONG_AGO,
        LONG_AGO,
        LONG_AGO,
    ]
}

fn team(n: u32) -> Row {
    let (id, owner) = (people::id(Kind::Team, n, 0), people::id(Kind::Account, n, 0));
    vec![Cell::Id(id), Cell::Id(owner), Cell::Text(format!("Team {n}")), LONG_AGO, LONG_AGO]
}

fn key(n: u32) -> Row {
    let secret = people::key(n);
    let account = people::id(Kind::Account, n, 0);
    vec![
        Cell::Id(people::id(Kind::Key, n, 0)),
        Cell::Id(account),
        Cell::Text("bench".to_owned()),
        Cell::Bytes(*secret.digest().as_bytes()),
        Cell::Text(secret.shown_prefix()),
        Cell::Text("account_owner".to_owned()),
        Cell::Id(account),
        LONG_AGO,
        Cell::Ago(u64::from(n) * 97 % MINUTE_MILLIS),
    ]
}

/// Nobody opens its secret.
fn factor(n: u32) -> Row {
    let (id, account) = (people::id(Kind::Factor, n, 0), people::id(Kind::Account, n, 0));
    vec![Cell::Id(id), Cell::Id(account), Cell::Bytes([0; 32]), LONG_AGO, LONG_AGO]
}

/// Nobody looks at it.
fn avatar(n: u32) -> Row {
    let key = format!("{}.png", people::id(Kind::Avatar, n, 0));
    vec![Cell::Text(key), Cell::Id(people::id(Kind::Account, n, 0))]
}

fn session(nth: u32) -> Row {
    let account = people::id(Kind::Account, people::BUSY, 0);
    vec![
        Cell::Id(people::id(Kind::Session, people::BUSY, nth)),
        Cell::Id(account),
        Cell::Id(account),
        Cell::Text(format!("key_{}", people::id(Kind::Key, people::BUSY, 0))),
        Cell::Text("default".to_owned()),
        Cell::Text("production_customer".to_owned()),
        LONG_AGO,
        Cell::Ago(MINUTE_MILLIS),
    ]
}

fn memberships(n: u32, accounts: u32) -> impl Iterator<Item = Row> {
    people::owners(n, accounts).zip(0..).map(move |(owner, nth)| {
        vec![
            Cell::Id(people::id(Kind::Membership, n, nth)),
            Cell::Id(people::id(Kind::Account, owner, 0)),
            Cell::Id(people::id(Kind::Account, n, 0)),
            Cell::Text("member".to_owned()),
            LONG_AGO,
            LONG_AGO,
        ]
    })
}
