//! How values are spelt in this dialect.

use driftstack_domain::{organisation::SearchResults, policy::Standing, tier::Plan, time::Timestamp};
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

/// -1 is unlimited.
pub(super) fn search_max_results(plan: Plan) -> i64 {
    match plan.search_results() {
        SearchResults::AtMost(results) => results.into(),
        SearchResults::Unlimited => -1,
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
