//! Who is calling and in which organisation, and changing either.

use super::{
    Organisations,
    noun::{Member, OrganisationChoice, OrganisationNumber, SeenMember},
};
use crate::{
    access::Permit,
    account::{changed, renamed},
    audit::AuditAction,
    change::{Change, CommitError, Effects, Guard, StoreError, commits},
    id::{AccountId, TeamId},
    name::Name,
    policy::{
        Standing,
        action::{EditMember, ListOrganisations, ReadMember, SwitchOrganisation},
    },
    time::Timestamp,
};

/// A list of organisations is no longer: nobody chooses among more.
const MAX_CHOICES: u16 = 100;

/// Another name of somebody, another active organisation, or both.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MemberChange {
    pub account: AccountId,
    pub name: Option<Name>,
    pub active: Option<ActiveTeam>,
    pub at: Timestamp,
    pub change: Change,
}

/// The team of the organisation to be active; `None` is one's own, whichever that is.
pub type ActiveTeam = Option<TeamId>;

#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// Also for an organisation that the caller does not belong to: the two are not told apart.
    #[error("you belong to no organisation of this number")]
    NoOrganisation,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(MemberError);

/// Where somebody goes: the team, how they stand to it, and what must still hold when they get there.
struct Destination {
    owner: AccountId,
    team: ActiveTeam,
    role: Standing,
    guard: Guard,
}

impl Organisations {
    pub async fn me(&self, by: &Permit<ReadMember>) -> Result<Member, StoreError> {
        let access = by.access();
        Ok(self.member(access.hands, access.workspace).await?.as_member(access.standing))
    }

    /// One's own first.
    pub async fn choices(&self, by: &Permit<ListOrganisations>) -> Result<Vec<OrganisationChoice>, StoreError> {
        let person = by.access().hands;
        let own = self.member(person, person).await?;
        let own = OrganisationChoice {
            number: own.organisation,
            name: own.organisation_name,
            owner: person,
            role: Standing::Owner,
        };
        let others = self.store.organisations_of(person, MAX_CHOICES).await?;
        Ok([own].into_iter().chain(others).collect())
    }

    /// Gives the person who calls another name, and goes to another organisation where one is named.
    pub async fn edit_me(
        &self,
        by: &Permit<EditMember>,
        name: Name,
        organisation: Option<OrganisationNumber>,
    ) -> Result<Member, MemberError> {
        let destination = match organisation {
            Some(number) => Some(self.destination(by, number).await?),
            None => None,
        };
        self.commit(by, Some(name), destination).await
    }

    /// Every later call of this person's sign-ins acts there.
    pub async fn switch(
        &self,
        by: &Permit<SwitchOrganisation>,
        organisation: OrganisationNumber,
    ) -> Result<Member, MemberError> {
        let destination = self.destination(by, organisation).await?;
        self.commit(by, None, Some(destination)).await
    }

    async fn destination<A>(&self, by: &Permit<A>, number: OrganisationNumber) -> Result<Destination, MemberError> {
        let person = by.access().hands;
        let seen = self.store.seen_organisation(number, person).await?.ok_or(MemberError::NoOrganisation)?;
        let role = seen.standing(person).ok_or(MemberError::NoOrganisation)?;
        let team = (role != Standing::Owner).then_some(seen.team);
        let guard = Guard::from(by).and(seen.owner, seen.owner_revision);
        Ok(Destination { owner: seen.owner, team, role, guard })
    }

    async fn commit<A>(
        &self,
        by: &Permit<A>,
        name: Option<Name>,
        destination: Option<Destination>,
    ) -> Result<Member, MemberError> {
        let access = by.access();
        let (owner, role) = destination.as_ref().map_or((access.workspace, access.standing), |it| (it.owner, it.role));
        let seen = self.member(access.hands, owner).await?;
        let fields = changed([("name", name.is_some()), ("active_organisation", destination.is_some())]);
        let entry = self.desk.audit_as(by.actor(), access.hands, AuditAction::AccountUpdated).on(access.hands);
        let entry = renamed(&self.desk, entry, seen.name.as_ref(), name.as_ref().or(seen.name.as_ref()));
        let guard = destination.as_ref().map_or_else(|| Guard::from(by), |it| it.guard.clone());
        let guard = guard.and(access.hands, seen.revision);
        let it = MemberChange {
            account: access.hands,
            name: name.clone(),
            active: destination.map(|it| it.team),
            at: self.desk.now(),
            change: Change::new(guard, Effects::audited(entry.with("fields", fields))),
        };
        self.store.commit_member(&it).await?;
        let member = seen.as_member(role);
        Ok(Member { name: name.or(member.name), ..member })
    }

    async fn member(&self, person: AccountId, owner: AccountId) -> Result<SeenMember, StoreError> {
        let seen = self.store.seen_member(person, owner).await?;
        seen.ok_or_else(|| StoreError::Failed("a caller, or their organisation, has no number".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        access::Access,
        account::AccountStatus,
        api_key::{ApiKeys, MockApiKeyStore},
        change::Revision,
        organisation::{MemberNumber, MockOrganisationStore, SeenOrganisation},
        policy::Role,
        team::MockTeamStore,
        testing::{
            desk,
            people::{self, ADA, OLIVE},
        },
        tier::Plan,
    };
    use rstest::rstest;

    fn organisations(store: MockOrganisationStore) -> Organisations {
        let keys = ApiKeys::new(Arc::new(MockApiKeyStore::new()), desk());
        Organisations::new(Arc::new(store), Arc::new(MockTeamStore::new()), keys, desk())
    }

    fn seen_member(account: AccountId) -> SeenMember {
        SeenMember {
            account,
            number: MemberNumber(7),
            email: people::email("ada@example.com"),
            name: None,
            created_at: people::EARLIER,
            revision: Revision(5),
            organisation: 3.try_into().unwrap(),
            organisation_name: people::name("Acme"),
            plan: Plan::Professional,
        }
    }

    fn seen_organisation(owner: AccountId, role: Option<Role>, owner_status: AccountStatus) -> SeenOrganisation {
        let team = TeamId::new(people::uuid(50));
        SeenOrganisation { team, owner, owner_status, owner_revision: Revision(9), role }
    }

    async fn switch(target: Option<SeenOrganisation>, commits: usize) -> Result<Member, MemberError> {
        let mut store = MockOrganisationStore::new();
        store.expect_seen_organisation().returning(move |_, _| Ok(target));
        store.expect_seen_member().returning(|person, _| Ok(Some(seen_member(person))));
        store
            .expect_commit_member()
            .times(commits)
            .withf(|it| it.account == ADA && it.change.effects.audit[0].account == ADA && it.name.is_none())
            .returning(|_| Ok(()));
        organisations(store).switch(&people::permit_of(ADA), 3.try_into().unwrap()).await
    }

    #[rstest]
    #[case::unknown(None)]
    #[case::no_membership(Some(seen_organisation(OLIVE, None, AccountStatus::Active)))]
    #[case::suspended(Some(seen_organisation(OLIVE, Some(Role::Admin), AccountStatus::Suspended)))]
    #[case::deleted(Some(seen_organisation(OLIVE, Some(Role::Admin), AccountStatus::Deleted)))]
    #[tokio::test]
    async fn nobody_goes_where_they_do_not_belong(#[case] target: Option<SeenOrganisation>) {
        assert!(matches!(switch(target, 0).await, Err(MemberError::NoOrganisation)));
    }

    #[rstest]
    #[case::viewer(OLIVE, Some(Role::Member), Standing::Member)]
    #[case::admin(OLIVE, Some(Role::Admin), Standing::Admin)]
    #[case::home(ADA, None, Standing::Owner)]
    #[tokio::test]
    async fn somebody_goes_with_their_role_there(
        #[case] owner: AccountId,
        #[case] role: Option<Role>,
        #[case] standing: Standing,
    ) {
        let member = switch(Some(seen_organisation(owner, role, AccountStatus::Active)), 1).await.unwrap();
        assert_eq!(member.role, standing);
    }

    #[tokio::test]
    async fn a_members_key_names_the_member_and_holds_all_three() {
        let mut store = MockOrganisationStore::new();
        store.expect_seen_member().returning(|person, _| Ok(Some(seen_member(person))));
        store
            .expect_commit_member()
            .times(1)
            .withf(|it| {
                let held: Vec<_> = it.change.guard.accounts().iter().map(|(id, _)| *id).collect();
                it.account == ADA && it.active.is_none() && held == [OLIVE, ADA]
            })
            .returning(|_| Ok(()));
        let mut access = *people::permit::<EditMember>().access();
        access.hands = ADA;
        access.standing = Standing::Admin;
        let by = Permit::unchecked(Access { ..access });
        let member = organisations(store).edit_me(&by, people::name("Ada L."), None).await.unwrap();
        assert_eq!((member.name, member.role), (Some(people::name("Ada L.")), Standing::Admin));
    }
}
