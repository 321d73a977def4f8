use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    change::{CommitError, StoreError},
    id::{AccountId, ProfileId, SessionId},
    page::{Page, PageRequest, Position},
    profile::{Description, Profile, ProfileCreation, ProfileDeletion, ProfileStore, ProfileUpdate},
    session::Metadata,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{
    super::Store,
    Answer, Conn, Fault,
    page::{below_id, rows_to_fetch},
    session::running,
};
use crate::{
    cached::update,
    rows::{InTable, Row},
    schema::{profiles, sessions},
    types::{Bound, Key, b},
};

#[async_trait]
impl ProfileStore for Store {
    #[instrument(level = "debug", name = "db.profile.page", skip_all)]
    async fn profiles(&self, account: AccountId, page: PageRequest) -> Result<Page<Profile>, StoreError> {
        self.read(move |c| profiles(c, account, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.profile.one", skip_all)]
    async fn profile(&self, account: AccountId, id: ProfileId) -> Result<Option<Profile>, StoreError> {
        self.read(move |c| profile(c, account, id).boxed()).await
    }

    #[instrument(level = "debug", name = "db.profile.running_on", skip_all)]
    async fn running_on(&self, account: AccountId, id: ProfileId) -> Result<Option<SessionId>, StoreError> {
        self.read(move |c| running_on(c, account, id).boxed()).await
    }

    #[instrument(level = "debug", name = "db.profile.commit_creation", skip_all)]
    async fn commit_profile_creation(&self, it: &ProfileCreation) -> Result<(), CommitError> {
        self.commit(it, |c, it| insert(c, &it.profile).boxed()).await
    }

    #[instrument(level = "debug", name = "db.profile.commit_update", skip_all)]
    async fn commit_profile_update(&self, it: &ProfileUpdate) -> Result<(), CommitError> {
        self.commit(it, |c, it| edit(c, &it.profile).boxed()).await
    }

    #[instrument(level = "debug", name = "db.profile.commit_deletion", skip_all)]
    async fn commit_profile_deletion(&self, it: &ProfileDeletion) -> Result<(), CommitError> {
        self.commit(it, |c, it| deletion(c, it).boxed()).await
    }
}

pub(crate) async fn profiles(c: &mut Conn, account: AccountId, page: PageRequest) -> Answer<Page<Profile>> {
    let rows = kept(account)
        .filter(profiles::id.lt(below_id(&page)))
        .order(profiles::id.desc())
        .limit(rows_to_fetch(&page))
        .select(Profile::COLUMNS)
        .load::<Row<Profile>>(c)
        .await?;
    let found = rows.into_iter().map(Row::into_inner).collect();
    Ok(page.page(found, |it| Position(it.id.uuid().as_u128())))
}

pub(crate) async fn profile(c: &mut Conn, account: AccountId, id: ProfileId) -> Answer<Option<Profile>> {
    let found = profiles::table
        .find(b(&id))
        .filter(profiles::account.eq(b(&account)))
        .select(Profile::COLUMNS)
        .get_result::<Row<Profile>>(c)
        .await
        .optional()?;
    Ok(found.map(Row::into_inner))
}

/// The profiles of an account that are there: the index holds no others.
#[dsl::auto_type(no_type_alias)]
pub(super) fn kept(account: AccountId) -> _ {
    let of_account: dsl::Eq<profiles::account, Bound<AccountId>> = profiles::account.eq(b(&account));
    profiles::table.filter(of_account).filter(profiles::deleted_at.is_null())
}

pub(crate) async fn count(c: &mut Conn, account: AccountId) -> Answer<i64> {
    Ok(kept(account).count().get_result(c).await?)
}

pub(crate) async fn running_on(c: &mut Conn, account: AccountId, id: ProfileId) -> Answer<Option<SessionId>> {
    let running: Vec<Key> =
        running(account).filter(sessions::profile.eq(b(&Some(id)))).select(sessions::id).load(c).await?;
    Ok(running.iter().map(|key| key.0).max().map(SessionId::new))
}

async fn insert(c: &mut Conn, profile: &Profile) -> Answer<()> {
    dsl::insert_into(profiles::table).values(profile).execute(c).await?;
    Ok(())
}

async fn edit(c: &mut Conn, profile: &Profile) -> Answer<()> {
    let changed = update(kept(profile.account).filter(profiles::id.eq(b(&profile.id))))
        .set((
            profiles::name.eq(b(&profile.name)),
            profiles::archetype.eq(b(&profile.archetype)),
            profiles::description.eq(b(&profile.description)),
            profiles::metadata.eq(b(&profile.metadata)),
            profiles::updated_at.eq(b(&profile.updated_at)),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(changed)
}

/// A session that has begun on it since the decision has not moved the revision, so it is asked again who runs.
async fn deletion(c: &mut Conn, it: &ProfileDeletion) -> Answer<()> {
    let in_use = running(it.account).filter(sessions::profile.eq(b(&Some(it.profile))));
    let unused = kept(it.account).filter(profiles::id.eq(b(&it.profile))).filter(dsl::not(dsl::exists(in_use)));
    let deleted = update(unused)
        .set((
            profiles::description.eq(b(&None::<Description>)),
            profiles::metadata.eq(b(&None::<Metadata>)),
            profiles::updated_at.eq(b(&it.at)),
            profiles::deleted_at.eq(b(&Some(it.at))),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(deleted)
}
