//! On Postgres: a pool, and one query after the other.

use actix_web::{
    HttpRequest, HttpResponse, Result,
    error::ErrorUnauthorized,
    web::{self, Data, Json},
};
use diesel::{dsl, prelude::*, sql_types};
use diesel_async::{
    AsyncConnection, AsyncPgConnection, RunQueryDsl,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{BuildError, Object, Pool},
    },
};
use uuid::Uuid;

use super::{
    CAP, Edit, PAYLOAD, digest, failed, linked,
    schema::schema,
    view::{Account, OnTeam, begun, me, me_of},
};

schema!(Uuid, Timestamptz);

diesel::define_sql_function! {
    /// The time of the database.
    fn clock_timestamp() -> sql_types::Timestamptz;
}

/// As many connections as the service has unless told otherwise.
const CONNECTIONS: usize = 16;

type Connections = Pool<AsyncPgConnection>;

pub fn open(url: &str) -> Result<Connections, BuildError> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    Pool::builder(AsyncDieselConnectionManager::new_with_config(url, config)).max_size(CONNECTIONS).build()
}

pub fn routes(config: &mut web::ServiceConfig, pool: &Data<Connections>) {
    config
        .app_data(pool.clone())
        .route("/one", web::get().to(one))
        .route("/v1/account/me", web::get().to(read))
        .route("/v1/account/me", web::patch().to(write))
        .route("/v1/sessions", web::post().to(begin));
}

async fn one(request: HttpRequest, pool: Data<Connections>) -> Result<HttpResponse> {
    let mut conn = connection(&pool).await?;
    let (account, _, tier) = caller(&mut conn, digest(&request)?).await?;
    Ok(HttpResponse::Ok().json((account, tier)))
}

async fn read(request: HttpRequest, pool: Data<Connections>) -> Result<HttpResponse> {
    let mut conn = connection(&pool).await?;
    let (account, ..) = caller(&mut conn, digest(&request)?).await?;
    let rows = with_teams(&mut conn, account).await.map_err(failed)?;
    Ok(HttpResponse::Ok().json(me_of(rows)))
}

async fn write(request: HttpRequest, pool: Data<Connections>, edit: Json<Edit>) -> Result<HttpResponse> {
    let mut conn = connection(&pool).await?;
    let (account, key, _) = caller(&mut conn, digest(&request)?).await?;
    let name = edit.into_inner().name;
    let edited = conn.transaction(async move |conn| rename(conn, account, key, name).await);
    Ok(HttpResponse::Ok().json(me(edited.await.map_err(failed)?, (false, None, None), [])))
}

async fn begin(request: HttpRequest, pool: Data<Connections>) -> Result<HttpResponse> {
    let mut conn = connection(&pool).await?;
    let (account, key, _) = caller(&mut conn, digest(&request)?).await?;
    let id = Uuid::from_u64_pair(fastrand::u64(..), fastrand::u64(..));
    let room = conn.transaction(async move |conn| insert_below_cap(conn, id, account, key).await);
    if !room.await.map_err(failed)? {
        return Ok(HttpResponse::TooManyRequests().finish());
    }
    Ok(HttpResponse::Created().json(begun(id, account)))
}

async fn connection(pool: &Connections) -> Result<Object<AsyncPgConnection>> {
    pool.get().await.map_err(failed)
}

/// The account of a key that is good, the key, and the tier. Whoever minted it must be the account itself, or on its team still.
async fn caller(conn: &mut AsyncPgConnection, digest: Vec<u8>) -> Result<(Uuid, Uuid, String)> {
    let of_minter = memberships::owner.eq(api_keys::account).and(memberships::member.eq(api_keys::minted_by));
    let minting = memberships::table.on(of_minter.and(memberships::removed_at.is_null()));
    let found = api_keys::table
        .inner_join(accounts::table.on(accounts::id.eq(api_keys::account)))
        .left_join(minting)
        .filter(api_keys::minted_by.eq(api_keys::account).or(memberships::id.nullable().is_not_null()))
        .filter(api_keys::digest.eq(digest))
        .filter(api_keys::revoked_at.is_null())
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(clock_timestamp().nullable())))
        .filter(accounts::status.eq("active"))
        .select((accounts::id, api_keys::id, accounts::tier))
        .get_result(conn)
        .await;
    found.optional().map_err(failed)?.ok_or_else(|| ErrorUnauthorized(""))
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

async fn with_teams(conn: &mut AsyncPgConnection, account: Uuid) -> QueryResult<Vec<OnTeam<Uuid>>> {
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
        .await
}

#[expect(clippy::disallowed_methods, reason = "what anybody would write")]
async fn rename(conn: &mut AsyncPgConnection, account: Uuid, key: Uuid, name: String) -> QueryResult<Account<Uuid>> {
    let held = accounts::table.find(account).select((accounts::audit_seq, accounts::audit_hash)).for_no_key_update();
    let (before, head): (i64, Vec<u8>) = held.get_result(conn).await?;
    let seq = before + 1;
    let hash = linked(&head, seq, PAYLOAD);
    let edited = dsl::update(accounts::table.find(account))
        .set((
            accounts::name.eq(name),
            accounts::updated_at.eq(clock_timestamp()),
            accounts::revision.eq(accounts::revision + 1),
            accounts::audit_seq.eq(seq),
            accounts::audit_hash.eq(&hash),
        ))
        .returning(COLUMNS)
        .get_result(conn)
        .await?;
    dsl::insert_into(audit_entries::table)
        .values((
            audit_entries::account.eq(account),
            audit_entries::seq.eq(seq),
            audit_entries::id.eq(Uuid::from_u64_pair(fastrand::u64(..), fastrand::u64(..))),
            audit_entries::at.eq(clock_timestamp()),
            audit_entries::actor_type.eq("customer"),
            audit_entries::actor_account.eq(account),
            audit_entries::actor_credential.eq(format!("key_{key}")),
            audit_entries::action.eq("account.updated"),
            audit_entries::target.eq(format!("acc_{account}")),
            audit_entries::payload.eq(PAYLOAD),
            audit_entries::prev_hash.eq(head),
            audit_entries::hash.eq(hash),
        ))
        .execute(conn)
        .await?;
    Ok(edited)
}

/// Locks, counts and inserts, unless there is no room.
async fn insert_below_cap(conn: &mut AsyncPgConnection, id: Uuid, account: Uuid, key: Uuid) -> QueryResult<bool> {
    let held = accounts::table.find(account).select(accounts::revision).for_no_key_update();
    let _: i64 = held.get_result(conn).await?;
    let running: i64 = running!(account).count().get_result(conn).await?;
    if running >= CAP {
        return Ok(false);
    }
    dsl::insert_into(sessions::table)
        .values((
            sessions::id.eq(id),
            sessions::account.eq(account),
            sessions::created_by.eq(account),
            sessions::created_with.eq(format!("key_{key}")),
            sessions::archetype.eq("default"),
            sessions::purpose.eq("production_customer"),
            sessions::created_at.eq(clock_timestamp()),
        ))
        .execute(conn)
        .await?;
    Ok(true)
}
