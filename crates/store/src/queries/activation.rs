use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    account::AccountStatus,
    activation::{Activation, ActivationStore, Binder, Binding, Handover, SeenActivation},
    change::{CommitError, Revision, StoreError},
    id::{AccountId, ActivationId, WebSessionId},
    name::Name,
    secret::Digest,
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, Fault, api_key};
use crate::{
    cached::update,
    rows::{InTable, Row, seen},
    schema::{accounts, activations, web_sessions},
    types::b,
};

#[async_trait]
impl ActivationStore for Store {
    #[instrument(level = "debug", name = "db.activation.begin", skip_all)]
    async fn begin_activation(&self, it: &Activation) -> Result<(), CommitError> {
        let it = it.clone();
        Ok(self.write(move |c| begin(c, it).boxed()).await?)
    }

    #[instrument(level = "debug", name = "db.activation.unbound", skip_all)]
    async fn unbound_activation(&self, user_code: &Digest) -> Result<Option<Activation>, StoreError> {
        let user_code = *user_code;
        self.read(move |c| unbound(c, user_code).boxed()).await
    }

    #[instrument(level = "debug", name = "db.activation.seen", skip_all)]
    async fn seen_activation(&self, device: &Digest) -> Result<Option<SeenActivation>, StoreError> {
        let device = *device;
        self.read(move |c| seen_activation(c, device).boxed()).await
    }

    #[instrument(level = "debug", name = "db.activation.commit_binding", skip_all)]
    async fn commit_binding(&self, it: &Binding) -> Result<(), CommitError> {
        self.commit(it, |c, it| binding(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.activation.commit_handover", skip_all)]
    async fn commit_handover(&self, it: &Handover) -> Result<(), CommitError> {
        self.commit(it, |c, it| handover(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.activation.forget", skip_all)]
    async fn forget_activations(&self, now: Timestamp, limit: u16) -> Result<usize, StoreError> {
        Ok(self.write(move |c| forget(c, now, limit).boxed()).await?)
    }
}

seen! {
    struct ActivationRow {
        id: ActivationId = activations.id,
        device: Digest = activations.device,
        user_code: Digest = activations.user_code,
        client: Name = activations.client,
        created_at: Timestamp = activations.created_at,
        expires_at: Timestamp = activations.expires_at,
        account: Option<AccountId> = accounts.id,
        status: Option<AccountStatus> = accounts.status,
        revision: Option<Revision> = accounts.revision,
        session: Option<WebSessionId> = web_sessions.id,
        session_ended_at: Option<Timestamp> = web_sessions.ended_at,
    }
}

async fn begin(c: &mut Conn, it: Activation) -> Answer<()> {
    dsl::insert_into(activations::table).values(&it).execute(c).await?;
    Ok(())
}

async fn unbound(c: &mut Conn, user_code: Digest) -> Answer<Option<Activation>> {
    let found = activations::table
        .filter(activations::user_code.eq(b(&user_code)))
        .filter(activations::session.is_null())
        .select(Activation::COLUMNS)
        .get_result::<Row<Activation>>(c)
        .await
        .optional()?;
    Ok(found.map(Row::into_inner))
}

pub(crate) async fn seen_activation(c: &mut Conn, device: Digest) -> Answer<Option<SeenActivation>> {
    let found = activations::table
        .left_join(accounts::table.on(activations::account.eq(accounts::id.nullable())))
        .left_join(web_sessions::table.on(activations::session.eq(web_sessions::id.nullable())))
        .filter(activations::device.eq(b(&device)))
        .select((
            activations::id,
            activations::device,
            activations::user_code,
            activations::client,
            activations::created_at,
            activations::expires_at,
            accounts::id.nullable(),
            accounts::status.nullable(),
            accounts::revision.nullable(),
            web_sessions::id.nullable(),
            web_sessions::ended_at.nullable(),
        ))
        .get_result::<ActivationRow>(c)
        .await
        .optional()?;
    Ok(found.map(|row| SeenActivation {
        binder: row.binder(),
        activation: Activation {
            id: row.id,
            device: row.device,
            user_code: row.user_code,
            client: row.client,
            created_at: row.created_at,
            expires_at: row.expires_at,
        },
    }))
}

impl ActivationRow {
    fn binder(&self) -> Option<Binder> {
        Some(Binder {
            account: self.account?,
            status: self.status?,
            revision: self.revision?,
            session: self.session?,
            session_ended_at: self.session_ended_at,
        })
    }
}

async fn binding(c: &mut Conn, it: &Binding) -> Answer<()> {
    let unbound = activations::table.find(b(&it.activation)).filter(activations::session.is_null());
    let bound = update(unbound)
        .set((
            activations::account.eq(b(&Some(it.account))),
            activations::session.eq(b(&Some(it.session))),
            activations::expires_at.eq(b(&it.expires_at)),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(bound)
}

async fn handover(c: &mut Conn, it: &Handover) -> Answer<()> {
    let forgotten = dsl::delete(activations::table.find(b(&it.activation))).execute(c).await?;
    Fault::unless_one(forgotten)?;
    api_key::insert(c, &it.key).await
}

async fn forget(c: &mut Conn, now: Timestamp, limit: u16) -> Answer<usize> {
    let old = diesel::alias!(activations as old);
    let (id, expires_at) = (old.field(activations::id), old.field(activations::expires_at));
    let oldest = old.filter(expires_at.le(b(&now))).order(expires_at).limit(i64::from(limit)).select(id);
    // Asked again of the row itself: it may have been bound meanwhile, and so live longer.
    let over = activations::table.filter(activations::expires_at.le(b(&now)));
    Ok(dsl::delete(over.filter(activations::id.eq_any(oldest))).execute(c).await?)
}
