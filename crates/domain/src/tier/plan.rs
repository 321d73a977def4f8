use serde::{Deserialize, Serialize};

use crate::word::words;

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
