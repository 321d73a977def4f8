//! The accounts that are asked for: made from their numbers, so that who loads them and who asks need not talk.

use driftstack_domain::secret::{ApiKeySecret, Secrets};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The numbers of those who send requests: one account in a hundred, so that they lie far apart.
///
/// The service notes the use of a key once a minute. As the sides take turns, each has a minute's requests in several minutes:
/// a note then comes with as many of the requests as it does under a load that never pauses and has five times as many keys.
pub fn callers(accounts: u32) -> impl Iterator<Item = u32> {
    (0..accounts).step_by(100)
}

/// As many others, who have everything that an account page can have: a second factor, a picture, limits of their own. They are on
/// as many teams as [`callers`].
pub fn furnished(accounts: u32) -> impl Iterator<Item = u32> + Clone {
    (4..accounts).step_by(100)
}

/// The account that all connections create on at once. It asks for nothing else.
pub const BUSY: u32 = 1;

/// What an id is of.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Account,
    Team,
    Key,
    Membership,
    Factor,
    Avatar,
    Session,
}

/// The id that account `n` has, or its `nth` of something has, ordered by both like ids that time has made.
pub fn id(kind: Kind, n: u32, nth: u32) -> Uuid {
    let kind = match kind {
        Kind::Account => 1,
        Kind::Team => 2,
        Kind::Key => 3,
        Kind::Membership => 4,
        Kind::Factor => 5,
        Kind::Avatar => 6,
        Kind::Session => 7,
    };
    Uuid::from_u64_pair(u64::from(n) << 32 | 0x7000 | u64::from(nth), 1 << 63 | kind)
}

/// The teams of others that account `n` is on: none, or up to three.
pub fn owners(n: u32, accounts: u32) -> impl Iterator<Item = u32> {
    (1..=n % 4).map(move |step| (n + step * 31) % accounts)
}

/// The text of the API key of account `n`.
pub fn key(n: u32) -> ApiKeySecret {
    ApiKeySecret::generate(&Numbered(n))
}

struct Numbered(u32);

impl Secrets for Numbered {
    fn bytes(&self) -> [u8; 32] {
        Sha256::digest(self.0.to_be_bytes()).into()
    }
}
