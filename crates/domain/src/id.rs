//! Public identifiers: a prefix that names the kind and a UUID in lower case with hyphens.
//!
//! Every id is made from a version 7 UUID that the [`Ids`] port hands out, so ids of one kind sort by the time they were
//! made; lists and cursors rely on that.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where new ids come from. An implementation MUST hand out version 7 UUIDs, never the same one twice.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Ids: Send + Sync {
    /// The next UUID.
    fn next(&self) -> Uuid;
}

/// The text is not an id of the kind that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("expected `{0}` followed by a lower-case UUID with hyphens")]
    Prefixed(&'static str),
    #[error("expected a lower-case UUID with hyphens")]
    Bare,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// What the public form starts with.
            pub const PREFIX: &'static str = $prefix;

            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0.as_hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_uuid($prefix, text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )+ };
}

ids! {
    /// An account, which is also the workspace of its team.
    AccountId = "acc_";
    /// A device that waits for a key. Never public.
    ActivationId = "";
    /// An API key.
    ApiKeyId = "key_";
    /// An audit entry. Bare: it has no prefix.
    AuditId = "";
    /// One event on its way to one webhook endpoint.
    DeliveryId = "wdl_";
    /// Something that webhook endpoints are told of. Bare: it has no prefix.
    EventId = "";
    /// A webhook endpoint.
    EndpointId = "whk_";
    /// Somebody who delivers to an endpoint. Never public.
    LeaseId = "";
    /// Somebody who has shown a password and must show a second factor. Never public.
    ChallengeId = "";
    /// A second factor. Never public.
    FactorId = "";
    /// A picture. Its key is public, without a prefix.
    AvatarId = "";
    /// A request that creates something and may be repeated. Never public.
    ClaimId = "";
    /// A team invitation.
    InviteId = "inv_";
    /// A single-use link that was mailed to an account holder. Never public.
    LinkId = "";
    /// A mail in the outbox. Never public.
    MailId = "";
    /// A membership of one account in the team of another.
    MembershipId = "mem_";
    /// What sessions may run on.
    ProfileId = "prof_";
    /// A session, which runs on a workspace. A sign-in is a [`WebSessionId`].
    SessionId = "ses_";
    /// The team that every account owns.
    TeamId = "team_";
    /// A sign-in, as a resource. As an actor it is written `wsk_` (see [`crate::access::Credential`]).
    WebSessionId = "wsess_";
}

/// `Uuid` itself accepts upper case, braces and missing hyphens; an id has exactly one spelling.
fn parse_uuid(prefix: &'static str, text: &str) -> Result<Uuid, IdError> {
    let error = if prefix.is_empty() { IdError::Bare } else { IdError::Prefixed(prefix) };
    let bare = text.strip_prefix(prefix).ok_or(error)?;
    let uuid = Uuid::try_parse(bare).map_err(|_| error)?;
    let mut buffer = Uuid::encode_buffer();
    let canonical = uuid.as_hyphenated().encode_lower(&mut buffer);
    if canonical == bare { Ok(uuid) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::no_prefix("0192f0c1-2345-7abc-8def-0123456789ab")]
    #[case::other_prefix("key_0192f0c1-2345-7abc-8def-0123456789ab")]
    #[case::upper_case("acc_0192F0C1-2345-7abc-8def-0123456789ab")]
    #[case::no_hyphens("acc_0192f0c123457abc8def0123456789ab")]
    #[case::braces("acc_{0192f0c1-2345-7abc-8def-0123456789ab}")]
    #[case::trailing_space("acc_0192f0c1-2345-7abc-8def-0123456789ab ")]
    #[case::empty("")]
    fn another_spelling_is_refused(#[case] text: &str) {
        assert!(text.parse::<AccountId>().is_err());
    }

    proptest! {
        #[test]
        fn printing_and_parsing_round_trip(bits: u128) {
            let id = MembershipId::new(Uuid::from_u128(bits));
            prop_assert_eq!(id.to_string().parse::<MembershipId>(), Ok(id));
        }
    }
}
