//! Rows and what they are read into, for every engine.

use diesel::{
    backend::Backend,
    deserialize::{self, FromStaticSqlRow, Queryable},
    prelude::*,
};
use driftstack_domain::{
    access::Credential,
    account::{Account, AccountStatus, Region, Slug, TimeZone},
    activation::Activation,
    api_key::ApiKey,
    audit::{AuditEntry, Commitments, Payload, chain::ChainHash},
    auth::{LinkKind, LinkRequest},
    avatar::AvatarKey,
    email::Email,
    id::{AccountId, ActivationId, ApiKeyId, AuditId, InviteId, LinkId, ProfileId, SessionId, TeamId},
    membership::Invite,
    name::Name,
    policy::{Role, ScopeSet},
    profile::{Description, Profile},
    secret::{Digest, Sealed},
    session::{Archetype, Behavior, Metadata, Purpose, Session},
    team::Team,
    tier::{Plan, Tier},
    time::Timestamp,
};

use crate::{
    schema::{accounts, activations, api_keys, audit_entries, invites, link_requests, profiles, sessions, teams},
    types::{Bound, Stored, b, read},
};

/// A row of a table that holds a type of the domain, field by field.
pub(crate) struct Row<T>(T);

impl<T> Row<T> {
    pub(crate) fn into_inner(self) -> T {
        self.0
    }
}

/// The columns that a [`Row`] is read from.
pub(crate) trait InTable {
    type Columns;
    const COLUMNS: Self::Columns;
}

/// Types whose fields are the columns of a table, each under its own name: readable as a [`Row`], and insertable.
macro_rules! in_table {
    ($($type:ident in $table:ident { $($column:ident: $field:ty,)+ })+) => { $(
        impl InTable for $type {
            type Columns = ($($table::$column,)+);
            const COLUMNS: Self::Columns = ($($table::$column,)+);
        }

        impl<DB: Backend> Queryable<($(<$field as Stored>::Sql,)+), DB> for Row<$type>
        where
            ($(<$field as Stored>::Raw,)+): FromStaticSqlRow<($(<$field as Stored>::Sql,)+), DB>,
        {
            type Row = ($(<$field as Stored>::Raw,)+);

            fn build(($($column,)+): Self::Row) -> deserialize::Result<Self> {
                Ok(Self($type { $($column: read($column, stringify!($table), stringify!($column))?,)+ }))
            }
        }

        impl Insertable<$table::table> for &$type {
            type Values = <($(diesel::dsl::Eq<$table::$column, Bound<$field>>,)+) as Insertable<$table::table>>::Values;

            fn values(self) -> Self::Values {
                ($($table::$column.eq(b(&self.$column)),)+).values()
            }
        }
    )+ };
}

/// Structs that a query reads, with the column that each field comes from. The query selects them in this order.
macro_rules! seen {
    ($($(#[$doc:meta])* $vis:vis struct $name:ident { $($field:ident: $type:ty = $table:ident.$column:ident,)+ })+) => { $(
        $(#[$doc])*
        $vis struct $name { $($field: $type,)+ }

        impl<DB: diesel::backend::Backend>
            diesel::deserialize::Queryable<($(<$type as crate::types::Stored>::Sql,)+), DB> for $name
        where
            ($(<$type as crate::types::Stored>::Raw,)+):
                diesel::deserialize::FromStaticSqlRow<($(<$type as crate::types::Stored>::Sql,)+), DB>,
        {
            type Row = ($(<$type as crate::types::Stored>::Raw,)+);

            fn build(($($field,)+): Self::Row) -> diesel::deserialize::Result<Self> {
                Ok(Self { $($field: crate::types::read($field, stringify!($table), stringify!($column))?,)+ })
            }
        }
    )+ };
}

pub(crate) use seen;

in_table! {
    Account in accounts {
        id: AccountId,
        email: Email,
        name: Option<Name>,
        tier: Tier,
        status: AccountStatus,
        time_zone: Option<TimeZone>,
        slug: Option<Slug>,
        region: Option<Region>,
        onboarding_completed_at: Option<Timestamp>,
        avatar: Option<AvatarKey>,
        created_at: Timestamp,
        updated_at: Timestamp,
    }

    Team in teams {
        id: TeamId,
        owner: AccountId,
        name: Name,
        plan: Plan,
        created_at: Timestamp,
        updated_at: Timestamp,
    }

    Invite in invites {
        id: InviteId,
        owner: AccountId,
        email: Email,
        role: Role,
        token: Digest,
        invited_by: Option<AccountId>,
        created_at: Timestamp,
        expires_at: Timestamp,
        accepted_at: Option<Timestamp>,
        voided_at: Option<Timestamp>,
    }

    Activation in activations {
        id: ActivationId,
        device: Digest,
        user_code: Digest,
        client: Name,
        created_at: Timestamp,
        expires_at: Timestamp,
    }

    ApiKey in api_keys {
        id: ApiKeyId,
        account: AccountId,
        name: Name,
        digest: Digest,
        shown_prefix: String,
        scopes: ScopeSet,
        minted_by: AccountId,
        minted_with: Option<Credential>,
        created_at: Timestamp,
        expires_at: Option<Timestamp>,
        revoked_at: Option<Timestamp>,
        last_used_at: Option<Timestamp>,
    }

    Session in sessions {
        id: SessionId,
        account: AccountId,
        created_by: AccountId,
        created_with: Credential,
        archetype: Archetype,
        purpose: Purpose,
        label: Option<Name>,
        metadata: Option<Metadata>,
        behavior: Option<Behavior>,
        profile: Option<ProfileId>,
        created_at: Timestamp,
        destroyed_at: Option<Timestamp>,
    }

    Profile in profiles {
        id: ProfileId,
        account: AccountId,
        created_by: AccountId,
        created_with: Credential,
        name: Name,
        archetype: Archetype,
        description: Option<Description>,
        metadata: Option<Metadata>,
        created_at: Timestamp,
        updated_at: Timestamp,
        deleted_at: Option<Timestamp>,
    }

    LinkRequest in link_requests {
        id: LinkId,
        kind: LinkKind,
        email: Email,
        account: Option<AccountId>,
        at: Timestamp,
    }

    AuditEntry in audit_entries {
        account: AccountId,
        seq: i64,
        id: AuditId,
        at: Timestamp,
        actor_type: String,
        actor_account: Option<AccountId>,
        actor_credential: Option<String>,
        action: String,
        target: Option<String>,
        payload: Payload,
        commitments: Option<Commitments>,
        personal: Option<Sealed>,
        prev_hash: ChainHash,
        hash: ChainHash,
    }
}
