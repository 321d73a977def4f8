//! On SQLite: two threads that read and one that writes, with the service's pragmas.

use actix_web::{
    HttpRequest, HttpResponse, Result,
    error::ErrorUnauthorized,
    web::{self, Data, Json},
};
use diesel::{dsl, prelude::*};
use uuid::Uuid;

use super::{
    CAP, Edit, PAYLOAD, digest, failed, linked,
    schema::schema,
    threads::Threads,
    view::{Account, Id, OnTeam, begun, me, me_of},
};
use crate::Failure;

schema!(Binary, BigInt);

const READING: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON";
const WRITING: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                       PRAGMA foreign_keys = ON";

pub struct Database {
    readers: Threads,
    writer: Threads,
}

pub fn open(path: &str) -> Result<Database, Failure> {
    // The writer first: it turns the file into one with a WAL.
    let writer = Threads::start(path, 1, WRITING)?;
    Ok(Database { readers: Threads::start(path, 2, READING)?, writer })
}

pub fn routes(config: &mut web::ServiceConfig, database: &Data<Database>) {
    config
        .app_data(database.clone())
        .route("/one", web::get().to(one))
        .route("/v1/account/me", web::get().to(read))
        .route("/v1/account/me", web::patch().to(write))
        .route("/v1/sessions", web::post().to(begin));
}

async fn one(request: HttpRequest, database: Data<Database>) -> Result<HttpResponse> {
    let digest = digest(&request)?;
    let (account, _, tier) = found(database.readers.run(|conn| caller(conn, digest)).await?)?;
    Ok(HttpResponse::Ok().json((account.uuid(), tier)))
}

async fn read(request: HttpRequest, database: Data<Database>) -> Result<HttpResponse> {
    let digest = digest(&request)?;
    let looked_up = |conn: &mut SqliteConnection| {
        let Some((account, ..)) = caller(conn, digest)? else { return Ok(None) };
        with_teams(conn, &account).map(Some)
    };
    let rows = found(database.readers.run(looked_up).await?)?;
    Ok(HttpResponse::Ok().json(me_of(rows)))
}

async fn write(request: HttpRequest, database: Data<Database>, edit: Json<Edit>) -> Result<HttpResponse> {
    let digest = digest(&request)?;
    let (account, key, _) = found(database.readers.run(|conn| caller(conn, digest)).await?)?;
    let name = edit.into_inner().name;
    let edit = move |conn: &mut SqliteConnection| conn.immediate_transaction(|conn| rename(conn, &account, key, name));
    Ok(HttpResponse::Ok().json(me(database.writer.run(edit).await?.map_err(failed)?, (false, None, None), [])))
}

async fn begin(request: HttpRequest, database: Data<Database>) -> Result<HttpResponse> {
    let digest = digest(&request)?;
    let (account, key, _) = found(database.readers.run(|conn| caller(conn, digest)).await?)?;
    let id = Uuid::from_u64_pair(fastrand::u64(..), fastrand::u64(..));
    let (shown, key) = (account.clone().uuid(), key.uuid());
    let insert =
        move |conn: &mut SqliteConnection| conn.immediate_transaction(|conn| insert_below_cap(conn, id, &account, key));
    if !database.writer.run(insert).await?.map_err(failed)? {
        return Ok(HttpResponse::TooManyRequests().finish());
    }
    Ok(HttpResponse::Created().json(begun(id, shown)))
}

fn found<T>(looked_up: QueryResult<Option<T>>) -> Result<T> {
    looked_up.map_err(failed)?.ok_or_else(|| ErrorUnauthorized(""))
}

type Bytes = Vec<u8>;

/// The account of a key that is good, the key, and the tier. Whoever minted it must be the account itself, or on its team still.
fn caller(conn: &mut SqliteConnection, digest: Bytes) -> QueryResult<Option<(Bytes, Bytes, String)>> {
    let of_minter = memberships::owner.eq(api_keys::account).and(memberships::member.eq(api_keys::minted_by));
    let minting = memberships::table.on(of_minter.and(memberships::removed_at.is_null()));
    api_keys::table
        .inner_join(accounts::table.on(accounts::id.eq(api_keys::account)))
        .left_join(minting)
        .filter(api_keys::minted_by.eq(api_keys::account).or(memberships::id.nullable().is_not_null()))
        .filter(api_keys::digest.eq(digest))
        .filter(api_keys::revoked_at.is_null())
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now())))
        .filter(accounts::status.eq("active"))
        .select((accounts::id, api_keys::id, accounts::tier))
        .get_result(conn)
        .optional()
}

/// The sessions of an account that run.
macro_rules! running {
    ($account:expr) => {
        sessions::table.filter(sessions::account.eq($account)).filter(sessions::destroyed_at.is_null())
    };
}

type Columns = (
    accounts::id,
    accounts::email,
    accounts::name,
    accounts::tier,
    accounts::status,
    accounts::time_zone,
    accounts::slug,
    accounts::region,
);

const COLUMNS: Columns = (
    accounts::id,
    accounts::email,
    accounts::name,
    accounts::tier,
    accounts::status,
    accounts::time_zone,
    accounts::slug,
    accounts::region,
);

fn with_teams(conn: &mut SqliteConnection, account: &Bytes) -> QueryResult<Vec<OnTeam<Bytes>>> {
    let owner = diesel::alias!(accounts as owner);
    accounts::table
        .left_join(memberships::table.on(memberships::member.eq(accounts::id).and(memberships::removed_at.is_null())))
        .left_join(owner.on(owner.field(accounts::id).eq(memberships::owner)))
        .left_join(factors::table.on(factors::account.eq(accounts::id)))
        .filter(accounts::id.eq(account))
        .order(memberships::id.desc())
        .select((
            COLUMNS,
            (
                factors::enrolled_at.nullable().is_not_null(),
                running!(account).count().single_value(),
                profiles::table
                    .filter(profiles::account.eq(account))
                    .filter(profiles::deleted_at.is_null())
                    .count()
                    .single_value(),
            ),
            (
                memberships::id,
                memberships::owner,
                memberships::role,
                owner.field(accounts::email),
                owner.field(accounts::name),
            )
                .nullable(),
        ))
        .load(conn)
}

#[expect(clippy::disallowed_methods, reason = "what anybody would write")]
fn rename(conn: &mut SqliteConnection, account: &Bytes, key: Bytes, name: String) -> QueryResult<Account<Bytes>> {
    let held = accounts::table.find(account).select((accounts::audit_seq, accounts::audit_hash));
    let (before, head): (i64, Bytes) = held.get_result(conn)?;
    let seq = before + 1;
    let hash = linked(&head, seq, PAYLOAD);
    let at = now();
    let edited = dsl::update(accounts::table.find(account))
        .set((
            accounts::name.eq(name),
            accounts::updated_at.eq(at),
            accounts::revision.eq(accounts::revision + 1),
            accounts::audit_seq.eq(seq),
            accounts::audit_hash.eq(&hash),
        ))
        .returning(COLUMNS)
        .get_result(conn)?;
    dsl::insert_into(audit_entries::table)
        .values((
            audit_entries::account.eq(account),
            audit_entries::seq.eq(seq),
            audit_entries::id.eq(fastrand::u128(..).to_be_bytes().to_vec()),
            audit_entries::at.eq(at),
            audit_entries::actor_type.eq("customer"),
            audit_entries::actor_account.eq(account),
            audit_entries::actor_credential.eq(format!("key_{}", key.uuid())),
            audit_entries::action.eq("account.updated"),
            audit_entries::target.eq(format!("acc_{}", account.clone().uuid())),
            audit_entries::payload.eq(PAYLOAD),
            audit_entries::prev_hash.eq(head),
            audit_entries::hash.eq(hash),
        ))
        .execute(conn)?;
    Ok(edited)
}

/// Counts and inserts under the lock of the file, unless there is no room.
fn insert_below_cap(conn: &mut SqliteConnection, id: Uuid, account: &Bytes, key: Uuid) -> QueryResult<bool> {
    let running: i64 = running!(account).count().get_result(conn)?;
    if running >= CAP {
        return Ok(false);
    }
    dsl::insert_into(sessions::table)
        .values((
            sessions::id.eq(id.as_bytes().as_slice()),
            sessions::account.eq(account),
            sessions::created_by.eq(account),
            sessions::created_with.eq(format!("key_{key}")),
            sessions::archetype.eq("default"),
            sessions::purpose.eq("production_customer"),
            sessions::created_at.eq(now()),
        ))
        .execute(conn)?;
    Ok(true)
}

/// In milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "a bare handler has no clock of its own")]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
