//! How values are spelt in this dialect.

use driftstack_domain::{policy::Standing, time::Timestamp};
use serde::{Serialize, Serializer};

/// A point in time to the second: `2025-11-01T09:00:00Z`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seconds(pub(super) Timestamp);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.to_string();
        match text.split_once('.') {
            Some((seconds, _)) => serializer.collect_str(&format_args!("{seconds}Z")),
            None => serializer.serialize_str(&text),
        }
    }
}

/// A member is a viewer here.
pub(super) const fn role(standing: Standing) -> &'static str {
    match standing {
        Standing::Owner => "owner",
        Standing::Admin => "admin",
        Standing::Member => "viewer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_whole_seconds() {
        let at: Timestamp = "2025-11-01T09:00:00.999Z".parse().unwrap();
        assert_eq!(serde_json::to_value(Seconds(at)).unwrap(), "2025-11-01T09:00:00Z");
    }
}
