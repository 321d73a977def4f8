use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    audit::{
        ActionFilter, AuditEntry, AuditFilter, AuditStore,
        chain::{ChainHash, Head},
    },
    change::StoreError,
    id::{AccountId, AuditId},
    notify::{Bell, Ear},
    page::{Page, PageRequest, Position},
    secret::Sealed,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{
    super::Store,
    Answer, Conn, Db,
    page::{below_number, rows_to_fetch},
};
use crate::{
    rows::{InTable, Row, seen},
    schema::{account_keys, accounts, audit_entries},
    types::b,
};

#[async_trait]
impl AuditStore for Store {
    #[instrument(level = "debug", name = "db.audit.page", skip_all)]
    async fn entries(
        &self,
        account: AccountId,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let filter = filter.clone();
        self.read(move |c| entries(c, account, filter, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.audit.head", skip_all)]
    async fn head(&self, account: AccountId) -> Result<Head, StoreError> {
        self.read(move |c| head(c, account).boxed()).await
    }

    #[instrument(level = "debug", name = "db.audit.down_from", skip_all)]
    async fn entries_down_from(
        &self,
        account: AccountId,
        newest: i64,
        limit: u16,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(move |c| down_from(c, account, newest, limit).boxed()).await
    }

    #[instrument(level = "debug", name = "db.audit.up_from", skip_all)]
    async fn entries_up_from(&self, account: AccountId, after: i64, limit: u16) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(move |c| up_from(c, account, after, limit).boxed()).await
    }

    #[instrument(level = "debug", name = "db.audit.own_keys", skip_all)]
    async fn own_keys(&self, account: AccountId) -> Result<Vec<Sealed>, StoreError> {
        self.read(move |c| own_keys(c, account).boxed()).await
    }

    #[instrument(level = "debug", name = "db.audit.number", skip_all)]
    async fn number_of(&self, account: AccountId, entry: AuditId) -> Result<Option<i64>, StoreError> {
        self.read(move |c| number_of(c, account, entry).boxed()).await
    }
}

impl Bell for Store {
    fn listen(&self, account: AccountId) -> Box<dyn Ear> {
        // The inherent one: what listens differs between the engines.
        self.listen(account)
    }
}

pub(crate) async fn entries(
    c: &mut Conn,
    account: AccountId,
    filter: AuditFilter,
    page: PageRequest,
) -> Answer<Page<AuditEntry>> {
    use audit_entries as e;
    let mut query = e::table
        .filter(e::account.eq(b(&account)))
        .filter(e::seq.lt(below_number(&page)))
        .order(e::seq.desc())
        .limit(rows_to_fetch(&page))
        .select(AuditEntry::COLUMNS)
        .into_boxed::<Db>();
    query = match filter.action {
        Some(ActionFilter::Exactly(action)) => query.filter(e::action.eq(action)),
        Some(ActionFilter::Prefix(prefix)) => {
            let behind = behind_prefix(&prefix);
            query.filter(e::action.ge(prefix)).filter(e::action.lt(behind))
        }
        None => query,
    };
    if let Some(actor) = filter.actor_account {
        query = query.filter(e::actor_account.eq(b(&Some(actor))));
    }
    if let Some(target) = filter.target {
        query = query.filter(e::target.eq(target.as_str().to_owned()));
    }
    if let Some(from) = filter.from {
        query = query.filter(e::at.ge(b(&from)));
    }
    if let Some(to) = filter.to {
        query = query.filter(e::at.lt(b(&to)));
    }
    let rows = query.load::<Row<AuditEntry>>(c).await?;
    let entries = rows.into_iter().map(Row::into_inner).collect();
    Ok(page.page(entries, |entry: &AuditEntry| Position(u128::try_from(entry.seq).unwrap_or_default())))
}

/// The first text behind all that begin with a prefix that ends in a dot: in ASCII a slash comes next. A range needs no
/// pattern to be escaped, and an index can serve it.
fn behind_prefix(prefix: &str) -> String {
    format!("{}/", prefix.strip_suffix('.').unwrap_or(prefix))
}

seen! {
    struct End {
        seq: i64 = accounts.audit_seq,
        hash: ChainHash = accounts.audit_hash,
    }
}

/// Of an account that does not exist: the head of an empty log.
async fn head(c: &mut Conn, account: AccountId) -> Answer<Head> {
    let end = accounts::table.find(b(&account)).select((accounts::audit_seq, accounts::audit_hash));
    let end = end.get_result::<End>(c).await.optional()?;
    Ok(end.map_or(Head::EMPTY, |end| Head { seq: end.seq, hash: end.hash }))
}

pub(crate) async fn down_from(c: &mut Conn, account: AccountId, newest: i64, limit: u16) -> Answer<Vec<AuditEntry>> {
    let rows = audit_entries::table
        .filter(audit_entries::account.eq(b(&account)))
        .filter(audit_entries::seq.le(newest))
        .order(audit_entries::seq.desc())
        .limit(i64::from(limit))
        .select(AuditEntry::COLUMNS)
        .load::<Row<AuditEntry>>(c)
        .await?;
    Ok(rows.into_iter().map(Row::into_inner).collect())
}

pub(crate) async fn up_from(c: &mut Conn, account: AccountId, after: i64, limit: u16) -> Answer<Vec<AuditEntry>> {
    let rows = audit_entries::table
        .filter(audit_entries::account.eq(b(&account)))
        .filter(audit_entries::seq.gt(after))
        .order(audit_entries::seq.asc())
        .limit(i64::from(limit))
        .select(AuditEntry::COLUMNS)
        .load::<Row<AuditEntry>>(c)
        .await?;
    Ok(rows.into_iter().map(Row::into_inner).collect())
}

seen! {
    struct OwnKeyRow {
        sealed: Sealed = account_keys.sealed,
    }
}

pub(crate) async fn own_keys(c: &mut Conn, account: AccountId) -> Answer<Vec<Sealed>> {
    let keys = account_keys::table.filter(account_keys::account.eq(b(&account))).order(account_keys::nth);
    let rows = keys.select((account_keys::sealed,)).load::<OwnKeyRow>(c).await?;
    Ok(rows.into_iter().map(|row| row.sealed).collect())
}

/// Behind those that the log has. Nobody else is writing on it.
pub(super) async fn add_own_key(c: &mut Conn, account: AccountId, nth: usize, fresh: &Sealed) -> Answer<()> {
    let nth = i32::try_from(nth).unwrap_or(i32::MAX);
    dsl::insert_into(account_keys::table)
        .values((account_keys::account.eq(b(&account)), account_keys::nth.eq(nth), account_keys::sealed.eq(b(fresh))))
        .execute(c)
        .await?;
    Ok(())
}

async fn number_of(c: &mut Conn, account: AccountId, entry: AuditId) -> Answer<Option<i64>> {
    let found = audit_entries::table.filter(audit_entries::id.eq(b(&entry)));
    let found = found.filter(audit_entries::account.eq(b(&account))).select(audit_entries::seq);
    Ok(found.get_result(c).await.optional()?)
}
