//! Where an account would like its data to live. Informational: nothing is routed by it.

use serde::{Deserialize, Serialize};

use crate::word::words;

words! {
    /// A stated infrastructure preference.
    Region, RegionError, "region" {
        Us = "us",
        Eu = "eu",
        Apac = "apac",
    }
}
