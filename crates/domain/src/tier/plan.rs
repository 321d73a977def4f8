use serde::{Deserialize, Serialize};

use crate::{limit::Quota, time::MINUTE, word::words};

words! {
    /// The ladder of organisations. A plan belongs to a team, as a tier belongs to an account; a new team is on `free`.
    Plan, PlanError, "plan" {
        Free = "free",
        Standard = "standard",
        Professional = "professional",
        Api = "api",
        Enterprise = "enterprise",
    }
}

impl Plan {
    /// The requests a minute of everybody together who acts in an organisation on this plan, in the organisation dialect.
    pub const fn requests(self) -> Quota {
        let a_minute = match self {
            Self::Free => 10,
            Self::Standard => 60,
            Self::Professional => 300,
            Self::Api => 1000,
            Self::Enterprise => 6000,
        };
        Quota::new(a_minute, a_minute, MINUTE)
    }
}
