use async_trait::async_trait;
use diesel::{alias, dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    access::{
        CallerStore, Credential, Presented, SeenCaller, SeenCredential, SeenInOrganisation, SeenMinter, SeenWorkspace,
    },
    account::AccountStatus,
    change::{Revision, StoreError},
    id::{AccountId, ApiKeyId, WebSessionId},
    policy::{Role, ScopeSet},
    secret::Digest,
    tier::{Overrides, Plan, Tier},
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, dialect};
use crate::{
    cached::update,
    rows::seen,
    schema::{accounts, api_keys, memberships, teams, web_sessions},
    types::b,
};

#[async_trait]
impl CallerStore for Store {
    #[instrument(level = "debug", name = "db.caller.seen", skip_all)]
    async fn seen_caller(
        &self,
        presented: &Presented,
        wanted: Option<AccountId>,
    ) -> Result<Option<SeenCaller>, StoreError> {
        match *presented {
            Presented::Key(digest) => self.read(move |c| by_key(c, digest, wanted).boxed()).await,
            Presented::Session { id, .. } => self.read(move |c| by_session(c, id, wanted).boxed()).await,
        }
    }

    #[instrument(level = "debug", name = "db.caller.seen_in_organisation", skip_all)]
    async fn seen_in_organisation(&self, presented: &Presented) -> Result<Option<SeenInOrganisation>, StoreError> {
        match *presented {
            Presented::Key(digest) => self.read(move |c| by_key_in_organisation(c, digest).boxed()).await,
            Presented::Session { id, .. } => self.read(move |c| by_session_in_organisation(c, id).boxed()).await,
        }
    }

    #[instrument(level = "debug", name = "db.caller.touch", skip_all)]
    async fn touch(&self, credential: Credential, at: Timestamp, since: Timestamp) -> Result<(), StoreError> {
        Ok(self.write_one(move |c| touch(c, credential, at, since).boxed()).await?)
    }
}

// The minter's membership on the key's account, the caller's on the wanted one, and the accounts at their ends. All joins
// are flat: a join inside a left join makes SQLite read every membership there is.
alias! {
    const MINTING: Alias<Minting> = memberships as minting;
    const MINTER: Alias<MinterAccount> = accounts as minter;
    const ENTRY: Alias<Entry> = memberships as entry;
    const OWNER: Alias<Owner> = accounts as owner;
    // The team of the organisation that was chosen.
    const CHOSEN: Alias<Chosen> = teams as chosen;
}

seen! {
    struct Key {
        id: ApiKeyId = api_keys.id,
        scopes: ScopeSet = api_keys.scopes,
        expires_at: Option<Timestamp> = api_keys.expires_at,
        revoked_at: Option<Timestamp> = api_keys.revoked_at,
        minted_by: AccountId = api_keys.minted_by,
        last_used_at: Option<Timestamp> = api_keys.last_used_at,
    }

    struct Minter {
        role: Option<Role> = memberships.role,
        status: Option<AccountStatus> = accounts.status,
        revision: Option<Revision> = accounts.revision,
    }

    struct Session {
        id: WebSessionId = web_sessions.id,
        generation: i32 = web_sessions.generation,
        expires_at: Timestamp = web_sessions.expires_at,
        ended_at: Option<Timestamp> = web_sessions.ended_at,
        proven_at: Option<Timestamp> = web_sessions.proven_at,
        last_used_at: Option<Timestamp> = web_sessions.last_used_at,
    }

    struct Who {
        account: AccountId = accounts.id,
        status: AccountStatus = accounts.status,
        tier: Tier = accounts.tier,
        overrides: Option<Overrides> = accounts.limit_overrides,
        staff: bool = accounts.staff,
        revision: Revision = accounts.revision,
    }

    struct Plans {
        own: Plan = teams.plan,
        chosen: Option<Plan> = teams.plan,
    }

    struct OwnPlan {
        own: Plan = teams.plan,
    }

    struct Workspace {
        owner: Option<AccountId> = accounts.id,
        status: Option<AccountStatus> = accounts.status,
        role: Option<Role> = memberships.role,
        tier: Option<Tier> = accounts.tier,
        overrides: Option<Overrides> = accounts.limit_overrides,
        revision: Option<Revision> = accounts.revision,
    }
}

/// Joins the caller's membership on the wanted account, and that account. Most callers want no other account than their own,
/// and every join costs the engine something, also where it finds nothing.
macro_rules! with_workspace {
    ($callers:expr, $wanted:expr) => {
        $callers
            .left_join(
                ENTRY.on(ENTRY
                    .field(memberships::owner)
                    .nullable()
                    .eq(b(&$wanted))
                    .and(ENTRY.field(memberships::member).eq(accounts::id))
                    .and(ENTRY.field(memberships::removed_at).is_null())),
            )
            .left_join(OWNER.on(OWNER.field(accounts::id).nullable().eq(ENTRY.field(memberships::owner).nullable())))
    };
}

macro_rules! workspace {
    () => {
        (
            OWNER.field(accounts::id).nullable(),
            OWNER.field(accounts::status).nullable(),
            ENTRY.field(memberships::role).nullable(),
            OWNER.field(accounts::tier).nullable(),
            OWNER.field(accounts::limit_overrides).nullable(),
            OWNER.field(accounts::revision).nullable(),
        )
    };
}

/// Keys with their account.
macro_rules! keys {
    () => {
        api_keys::table.inner_join(accounts::table.on(accounts::id.eq(api_keys::account)))
    };
}

/// A column of the minter's membership on the key's account, or of the minter, where that is somebody else: most keys are the
/// account's own, and a case that does not arise costs nothing, as a join would.
macro_rules! of_minter {
    ($column:expr) => {
        dsl::case_when(
            api_keys::minted_by.ne(api_keys::account),
            MINTING
                .inner_join(MINTER.on(MINTER.field(accounts::id).eq(MINTING.field(memberships::member))))
                .filter(MINTING.field(memberships::owner).eq(api_keys::account))
                .filter(MINTING.field(memberships::member).eq(api_keys::minted_by))
                .filter(MINTING.field(memberships::removed_at).is_null())
                .select($column)
                .single_value(),
        )
    };
}

macro_rules! key_columns {
    () => {
        (
            (
                api_keys::id,
                api_keys::scopes,
                api_keys::expires_at,
                api_keys::revoked_at,
                api_keys::minted_by,
                api_keys::last_used_at,
            ),
            (
                of_minter!(MINTING.field(memberships::role)),
                of_minter!(MINTER.field(accounts::status)),
                of_minter!(MINTER.field(accounts::revision)),
            ),
        )
    };
}

macro_rules! session_columns {
    () => {
        (
            web_sessions::id,
            web_sessions::generation,
            web_sessions::expires_at,
            web_sessions::ended_at,
            web_sessions::proven_at,
            web_sessions::last_used_at,
        )
    };
}

pub(crate) async fn by_key(c: &mut Conn, digest: Digest, wanted: Option<AccountId>) -> Answer<Option<SeenCaller>> {
    let (callers, key) = (keys!(), key_columns!());
    let found: Option<((Key, Minter), Who, Workspace)> = if wanted.is_some() {
        let callers = with_workspace!(callers, wanted).filter(api_keys::digest.eq(b(&digest)));
        dialect::rows(c, callers.select((key, Who::columns(), workspace!()))).await?.pop()
    } else {
        let callers = callers.filter(api_keys::digest.eq(b(&digest))).select((key, Who::columns()));
        dialect::rows(c, callers).await?.pop().map(|(key, who)| (key, who, Workspace::NONE))
    };
    Ok(found.map(|((key, minter), who, workspace)| who.with(key.credential(&minter), key.last_used_at, &workspace)))
}

pub(crate) async fn by_session(
    c: &mut Conn,
    id: WebSessionId,
    wanted: Option<AccountId>,
) -> Answer<Option<SeenCaller>> {
    let callers = web_sessions::table.inner_join(accounts::table.on(accounts::id.eq(web_sessions::account)));
    let session = session_columns!();
    let found: Option<(Session, Who, Workspace)> = if wanted.is_some() {
        let callers = with_workspace!(callers, wanted).filter(web_sessions::id.eq(b(&id)));
        dialect::rows(c, callers.select((session, Who::columns(), workspace!()))).await?.pop()
    } else {
        let callers = callers.filter(web_sessions::id.eq(b(&id))).select((session, Who::columns()));
        dialect::rows(c, callers).await?.pop().map(|(session, who)| (session, who, Workspace::NONE))
    };
    Ok(found.map(|(session, who, workspace)| who.with(session.credential(), session.last_used_at, &workspace)))
}

/// A key acts where it was minted, and nowhere else.
pub(crate) async fn by_key_in_organisation(c: &mut Conn, digest: Digest) -> Answer<Option<SeenInOrganisation>> {
    let callers = keys!()
        .inner_join(teams::table.on(teams::owner.eq(accounts::id)))
        .filter(api_keys::digest.eq(b(&digest)))
        .select((key_columns!(), Who::columns(), (teams::plan,)));
    let found: Option<((Key, Minter), Who, OwnPlan)> = dialect::rows(c, callers).await?.pop();
    Ok(found.map(|((key, minter), who, plan)| SeenInOrganisation {
        caller: who.with(key.credential(&minter), key.last_used_at, &Workspace::NONE),
        own_plan: plan.own,
        chosen_plan: None,
    }))
}

pub(crate) async fn by_session_in_organisation(c: &mut Conn, id: WebSessionId) -> Answer<Option<SeenInOrganisation>> {
    let callers = web_sessions::table
        .inner_join(accounts::table.on(accounts::id.eq(web_sessions::account)))
        .inner_join(teams::table.on(teams::owner.eq(accounts::id)))
        .left_join(CHOSEN.on(CHOSEN.field(teams::id).nullable().eq(accounts::active_team)))
        .left_join(
            ENTRY.on(ENTRY
                .field(memberships::owner)
                .nullable()
                .eq(CHOSEN.field(teams::owner).nullable())
                .and(ENTRY.field(memberships::member).eq(accounts::id))
                .and(ENTRY.field(memberships::removed_at).is_null())),
        )
        .left_join(OWNER.on(OWNER.field(accounts::id).nullable().eq(ENTRY.field(memberships::owner).nullable())))
        .filter(web_sessions::id.eq(b(&id)))
        .select((
            session_columns!(),
            Who::columns(),
            workspace!(),
            (teams::plan, CHOSEN.field(teams::plan).nullable()),
        ));
    let found: Option<(Session, Who, Workspace, Plans)> = dialect::rows(c, callers).await?.pop();
    Ok(found.map(|(session, who, workspace, plans)| SeenInOrganisation {
        caller: who.with(session.credential(), session.last_used_at, &workspace),
        own_plan: plans.own,
        chosen_plan: plans.chosen,
    }))
}

impl Key {
    fn credential(&self, minter: &Minter) -> SeenCredential {
        SeenCredential::Key {
            id: self.id,
            scopes: self.scopes,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
            minted_by: self.minted_by,
            minter: minter.seen(),
        }
    }
}

impl Minter {
    fn seen(&self) -> Option<SeenMinter> {
        Some(SeenMinter { role: self.role?, status: self.status?, revision: self.revision? })
    }
}

impl Session {
    fn credential(&self) -> SeenCredential {
        SeenCredential::Session {
            id: self.id,
            generation: self.generation,
            expires_at: self.expires_at,
            ended_at: self.ended_at,
            proven_at: self.proven_at,
        }
    }
}

impl Workspace {
    const NONE: Self = Self { owner: None, status: None, role: None, tier: None, overrides: None, revision: None };

    fn seen(&self) -> Option<SeenWorkspace> {
        Some(SeenWorkspace {
            owner: self.owner?,
            status: self.status?,
            role: self.role?,
            tier: self.tier?,
            overrides: self.overrides.unwrap_or_default(),
            revision: self.revision?,
        })
    }
}

impl Who {
    fn columns()
    -> (accounts::id, accounts::status, accounts::tier, accounts::limit_overrides, accounts::staff, accounts::revision)
    {
        use accounts as a;
        (a::id, a::status, a::tier, a::limit_overrides, a::staff, a::revision)
    }

    fn with(self, credential: SeenCredential, last_used_at: Option<Timestamp>, workspace: &Workspace) -> SeenCaller {
        SeenCaller {
            account: self.account,
            status: self.status,
            tier: self.tier,
            overrides: self.overrides.unwrap_or_default(),
            staff: self.staff,
            revision: self.revision,
            credential,
            last_used_at,
            workspace: workspace.seen(),
        }
    }
}

async fn touch(c: &mut Conn, credential: Credential, at: Timestamp, since: Timestamp) -> Answer<()> {
    // Many who use a credential at once all want to note it, and one does. A credential that is gone has no use to note.
    let (at, since) = (b(&Some(at)), b(&Some(since)));
    match credential {
        Credential::Key(id) => {
            let earlier = api_keys::last_used_at.is_null().or(api_keys::last_used_at.le(since));
            update(api_keys::table.find(b(&id)).filter(earlier.assume_not_null()))
                .set(api_keys::last_used_at.eq(at))
                .execute(c)
                .await?;
        }
        Credential::Session(id) => {
            let earlier = web_sessions::last_used_at.is_null().or(web_sessions::last_used_at.le(since));
            update(web_sessions::table.find(b(&id)).filter(earlier.assume_not_null()))
                .set(web_sessions::last_used_at.eq(at))
                .execute(c)
                .await?;
        }
    }
    Ok(())
}
