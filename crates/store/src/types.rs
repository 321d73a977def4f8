//! How the domain's types lie in columns.
//!
//! A value goes in through [`b`] and comes out through [`Stored::read`], which parses it again: what no rule of the domain
//! can have written is a [`Corrupt`] cell, never a panic and never a guess.

// What `table!` and `Insertable` mention must be `pub`, although nobody outside can reach it.
#![allow(unreachable_pub)]

use diesel::{
    deserialize::FromSqlRow,
    expression::{AsExpression, TypedExpressionType},
    query_builder::QueryId,
    sql_types::{BigInt, Binary, Bool, Integer, Nullable, SqlType, Text, is_nullable},
};
use driftstack_domain::{
    access::Credential,
    account::{AccountStatus, Region, Slug, TimeZone},
    audit::{Commitments, Payload, chain::ChainHash},
    auth::{LinkKind, PasswordHash},
    avatar::AvatarKey,
    change::Revision,
    email::Email,
    id::{
        AccountId, ActivationId, ApiKeyId, AuditId, ChallengeId, ClaimId, DeliveryId, EndpointId, EventId, FactorId,
        InviteId, LeaseId, LinkId, MailId, MembershipId, ProfileId, SessionId, TeamId, WebSessionId,
    },
    mail::{MailContent, OptionalMail},
    name::Name,
    organisation::{MemberNumber, OrganisationNumber},
    policy::{Role, Scope, ScopeSet},
    profile::Description,
    secret::{Digest, Sealed},
    session::{Archetype, Behavior, Metadata, Purpose},
    tier::{Overrides, Plan, Tier},
    time::Timestamp,
    usage::Day,
    webhook::{DeliveryStatus, Description as EndpointDescription, EventType, Excerpt, Subscription, WebhookUrl},
};
use uuid::Uuid;

/// A UUID: 16 bytes where the engine has no type for it.
#[derive(Debug, Clone, Copy, QueryId, SqlType)]
#[cfg_attr(feature = "postgres", diesel(postgres_type(oid = 2950, array_oid = 2951)))]
#[cfg_attr(feature = "sqlite", diesel(sqlite_type(name = "Binary")))]
pub struct Id;

/// A point in time, to the millisecond.
#[derive(Debug, Clone, Copy, QueryId, SqlType)]
#[cfg_attr(feature = "postgres", diesel(postgres_type(oid = 1184, array_oid = 1185)))]
#[cfg_attr(feature = "sqlite", diesel(sqlite_type(name = "Long")))]
pub struct Moment;

/// What an [`Id`] holds.
#[derive(Debug, Clone, Copy, AsExpression, FromSqlRow)]
#[diesel(sql_type = Id)]
pub struct Key(pub(crate) Uuid);

/// What a [`Moment`] holds.
#[derive(Debug, Clone, Copy, AsExpression, FromSqlRow)]
#[diesel(sql_type = Moment)]
pub struct Millis(pub(crate) i64);

/// A type that lies in one column.
pub trait Stored: Sized {
    type Sql: SqlType + TypedExpressionType;
    type Raw: AsExpression<Self::Sql>;

    fn store(&self) -> Self::Raw;

    /// Says what is wrong with a value that does not parse.
    fn read(raw: Self::Raw) -> Result<Self, String>;
}

/// What [`b`] makes of a `T`.
pub(crate) type Bound<T> = <<T as Stored>::Raw as AsExpression<<T as Stored>::Sql>>::Expression;

/// A value of the domain as a bound value of a query.
pub(crate) fn b<T: Stored>(value: &T) -> Bound<T> {
    value.store().as_expression()
}

/// A cell that does not parse.
#[derive(Debug, thiserror::Error)]
#[error("{column} in {table}: {problem}")]
pub(crate) struct Corrupt {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) problem: String,
}

/// Reads the cell of a named column.
pub(crate) fn read<T: Stored>(raw: T::Raw, table: &'static str, column: &'static str) -> Result<T, Corrupt> {
    T::read(raw).map_err(|problem| Corrupt { table, column, problem })
}

impl<T: Stored> Stored for Option<T>
where
    T::Sql: SqlType<IsNull = is_nullable::NotNull>,
    Nullable<T::Sql>: TypedExpressionType,
    Option<T::Raw>: AsExpression<Nullable<T::Sql>>,
{
    type Sql = Nullable<T::Sql>;
    type Raw = Option<T::Raw>;

    fn store(&self) -> Self::Raw {
        self.as_ref().map(T::store)
    }

    fn read(raw: Self::Raw) -> Result<Self, String> {
        raw.map(T::read).transpose()
    }
}

macro_rules! stored {
    ($($type:ty: $sql:ty as $raw:ty, $store:expr, $read:expr;)+) => { $(
        impl Stored for $type {
            type Sql = $sql;
            type Raw = $raw;

            fn store(&self) -> $raw {
                let store: fn(&Self) -> $raw = $store;
                store(self)
            }

            fn read(raw: $raw) -> Result<Self, String> {
                let read: fn($raw) -> Result<Self, String> = $read;
                read(raw)
            }
        }
    )+ };
}

/// Types that print and parse as one word each.
macro_rules! stored_as_text {
    ($($type:ty),+) => {
        stored! { $($type: Text as String, |word| word.to_string(), |text| parse(&text);)+ }
    };
}

macro_rules! stored_as_id {
    ($($type:ty),+) => {
        stored! { $($type: Id as Key, |id| Key(id.uuid()), |key| Ok(Self::new(key.0));)+ }
    };
}

macro_rules! stored_as_it_is {
    ($($type:ty as $sql:ty),+) => {
        stored! { $($type: $sql as $type, Clone::clone, Ok;)+ }
    };
}

stored_as_id! { AccountId, ApiKeyId, AuditId, ChallengeId, FactorId, InviteId, LinkId, MailId, MembershipId, TeamId, WebSessionId, ActivationId, ClaimId, ProfileId, SessionId, DeliveryId, EndpointId, EventId, LeaseId }
stored_as_text! { AccountStatus, Email, LinkKind, Name, OptionalMail, Region, Role, Slug, Tier, TimeZone, AvatarKey, Plan, Archetype, Behavior, Description, Purpose, DeliveryStatus, EndpointDescription, EventType }
stored_as_it_is! { String as Text, bool as Bool, i32 as Integer, i64 as BigInt, Vec<u8> as Binary }

stored! {
    Timestamp: Moment as Millis, |at| Millis(at.millis()), |at| Self::from_millis(at.0).map_err(|error| error.to_string());
    Revision: BigInt as i64, |revision| revision.0, |revision| Ok(Self(revision));
    Digest: Binary as Vec<u8>, |digest| digest.as_bytes().to_vec(), |bytes| hash(bytes).map(Self::from_bytes);
    ChainHash: Binary as Vec<u8>, |hash| hash.as_bytes().to_vec(), |bytes| hash(bytes).map(Self::from_bytes);
    Sealed: Binary as Vec<u8>, |sealed| sealed.0.clone(), |bytes| Ok(Self(bytes));
    MemberNumber: BigInt as i64, |number| number.0, |number| Ok(Self(number));
    OrganisationNumber: BigInt as i64, |number| number.get(), |number| Self::try_from(number).map_err(|error| error.to_string());
    PasswordHash: Text as String, |hash| hash.as_phc().to_owned(), |text| Ok(Self::from_phc(text));
    ScopeSet: Text as String, |scopes| words(*scopes), |text| text.split_whitespace().map(parse::<Scope>).collect();
    Credential: Text as String, |credential| credential.to_string(), |text| credential(&text);
    Subscription: Text as String, |it| kinds(it), |text| subscription(&text);
    WebhookUrl: Text as String, |url| url.as_str().to_owned(), |text| Self::of_row(&text).map_err(|error| error.to_string());
    Excerpt: Text as String, |excerpt| excerpt.as_str().to_owned(), |text| Ok(Self::of_row(text));
    Overrides: Text as String, json, |text| from_json(&text);
    Day: Integer as i32, |day| day.number(), |number| Ok(Self::from_number(number));
    Metadata: Text as String, Metadata::to_json, |text| from_json(&text);
    Payload: Text as String, json, |text| from_json(&text);
    Commitments: Text as String, json, |text| from_json(&text);
    MailContent: Text as String, json, |text| from_json(&text);
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn hash(bytes: Vec<u8>) -> Result<[u8; 32], String> {
    bytes.try_into().map_err(|bytes: Vec<u8>| format!("{} bytes where a hash has 32", bytes.len()))
}

fn words(scopes: ScopeSet) -> String {
    scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")
}

fn kinds(subscription: &Subscription) -> String {
    subscription.kinds().iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" ")
}

fn subscription(text: &str) -> Result<Subscription, String> {
    let kinds: Vec<EventType> = text.split_whitespace().map(parse).collect::<Result<_, _>>()?;
    Subscription::new(&kinds).map_err(|error| error.to_string())
}

/// The inverse of a credential's `Display`.
fn credential(text: &str) -> Result<Credential, String> {
    match text.strip_prefix("wsk_") {
        Some(bare) => parse(&format!("{}{bare}", WebSessionId::PREFIX)).map(Credential::Session),
        None => parse(text).map(Credential::Key),
    }
}

/// Through a `Value`, so that what is stored has one spelling. Neither type holds anything that JSON cannot say.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).map(|value| value.to_string()).unwrap_or_default()
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_readable_in_the_database() {
        let scopes = ScopeSet::of(&[Scope::Read, Scope::AdminApiKeys]);
        assert_eq!(scopes.store(), "read admin:api-keys");
        assert_eq!(ScopeSet::read("read admin:api-keys".to_owned()), Ok(scopes));
        assert_eq!(ScopeSet::read(String::new()), Ok(ScopeSet::EMPTY));
        assert!(ScopeSet::read("read sudo".to_owned()).is_err());
    }

    #[test]
    fn a_credential_is_stored_as_it_is_shown() {
        let id = Uuid::from_u128(7);
        for credential in [Credential::Key(ApiKeyId::new(id)), Credential::Session(WebSessionId::new(id))] {
            assert_eq!(Credential::read(credential.store()), Ok(credential));
        }
    }

    #[test]
    fn a_cell_that_does_not_parse_names_its_column() {
        let error = read::<Tier>("platinum".to_owned(), "accounts", "tier").unwrap_err();
        assert!(error.to_string().starts_with("tier in accounts: unknown tier"), "{error}");
    }
}
