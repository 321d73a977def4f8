use std::fmt::Write;

use data_encoding::BASE64URL_NOPAD;
use driftstack_domain::limit::{LimitKey, Quota};

/// Before every key, so that a Redis may be shared with something else.
const NAMESPACE: &str = "driftstack:limit:";

/// Names the buckets: the namespace, whose it is, and the quota, so that a changed quota begins with a full bucket.
///
/// An account stands there by its id and a client address by its digest, so nobody is named in Redis.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self { prefix: NAMESPACE.to_owned() }
    }

    pub(super) fn with_prefix(prefix: &str) -> Self {
        Self { prefix: format!("{NAMESPACE}{prefix}:") }
    }

    pub(super) fn name(&self, key: LimitKey, quota: Quota) -> String {
        let mut name = self.prefix.clone();
        push_whose(&mut name, key);
        push_quota(&mut name, quota);
        name
    }
}

fn push_whose(name: &mut String, key: LimitKey) {
    // Writing to a string cannot fail.
    let _ = match key {
        LimitKey::Account(account, bucket) => write!(name, "{account}:{bucket}"),
        LimitKey::Organisation(owner) => write!(name, "{owner}:organisation"),
        LimitKey::Anonymous(digest) => write!(name, "anonymous:{}", BASE64URL_NOPAD.encode_display(digest.as_bytes())),
    };
}

fn push_quota(name: &mut String, quota: Quota) {
    let _ = write!(name, ":{}:{}ns", quota.capacity(), quota.replenish_interval().as_nanos());
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftstack_domain::{limit::Bucket, secret::Digest, testing::people::OLIVE};
    use std::{collections::HashSet, time::Duration};

    const QUOTA: Quota = Quota::new(60, 30, Duration::from_mins(1));

    #[test]
    fn a_key_says_whose_bucket_it_is_and_of_what_quota() {
        let name = Keys::new().name(LimitKey::Account(OLIVE, Bucket::SessionsCreate), QUOTA);
        assert_eq!(name, format!("driftstack:limit:{OLIVE}:sessions:create:60:2000000000ns"));
        let name = Keys::with_prefix("staging").name(LimitKey::Anonymous(Digest::from_bytes([0; 32])), QUOTA);
        assert_eq!(name, format!("driftstack:limit:staging:anonymous:{}:60:2000000000ns", "A".repeat(43)));
    }

    #[test]
    fn another_owner_bucket_or_quota_is_another_key() {
        let owners = [
            LimitKey::Account(OLIVE, Bucket::Global),
            LimitKey::Account(OLIVE, Bucket::SessionsCreate),
            LimitKey::Organisation(OLIVE),
            LimitKey::Anonymous(Digest::of("192.0.2.1")),
        ];
        let quotas = [QUOTA, Quota::new(61, 30, Duration::from_mins(1)), Quota::new(60, 31, Duration::from_mins(1))];
        let names = owners.iter().flat_map(|key| quotas.map(|quota| Keys::new().name(*key, quota)));
        assert_eq!(names.collect::<HashSet<_>>().len(), 12);
    }
}
