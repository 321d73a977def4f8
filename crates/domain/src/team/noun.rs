use crate::{
    account::Account,
    id::{AccountId, TeamId},
    name::Name,
    tier::Plan,
    time::Timestamp,
};

/// A team. There is exactly one for each account, made with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    pub id: TeamId,
    pub owner: AccountId,
    pub name: Name,
    pub plan: Plan,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Team {
    /// A new account's team bears the account's name, or what stands before the @ of its address.
    pub(crate) fn new(id: TeamId, account: &Account) -> Self {
        let local_part = account.email.as_str().split('@').next();
        let name = account.name.clone().or_else(|| local_part.and_then(|text| text.parse().ok()));
        Self {
            id,
            owner: account.id,
            plan: Plan::Free,
            name: name.unwrap_or_else(Name::of_a_team_without_one),
            created_at: account.created_at,
            updated_at: account.created_at,
        }
    }
}
