//! What the plan of an organisation permits.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{tier::Plan, word::words};

words! {
    /// Something that an organisation has or has not, by its plan.
    Feature, FeatureError, "feature" {
        SageVisible = "sage_visible",
        VirtualPatch = "virtual_patch",
        ApiKeys = "api_keys",
        WebhookDelivery = "webhook_delivery",
    }
}

impl Feature {
    /// The lowest plan that has it; every higher one has it too.
    pub const fn least_plan(self) -> Plan {
        match self {
            Self::WebhookDelivery => Plan::Standard,
            Self::SageVisible | Self::VirtualPatch | Self::ApiKeys => Plan::Professional,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::SageVisible => "SAGE needs",
            Self::VirtualPatch => "virtual patches need",
            Self::ApiKeys => "API keys need",
            Self::WebhookDelivery => "webhook deliveries need",
        }
    }
}

/// How many results a search may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchResults {
    AtMost(u32),
    Unlimited,
}

/// The plan has not what is asked for, and which one would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierGate {
    pub feature: Feature,
    pub required: Plan,
}

impl TierGate {
    /// Where the organisation gets another plan, in a browser, below the URL of the service.
    pub fn upgrade_path(&self) -> String {
        format!("/settings/plan?upgrade={}", self.required)
    }
}

impl fmt::Display for TierGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} the plan `{}`", self.feature.title(), self.required)
    }
}

impl Plan {
    pub fn allows(self, feature: Feature) -> Result<(), TierGate> {
        let required = feature.least_plan();
        if self >= required { Ok(()) } else { Err(TierGate { feature, required }) }
    }

    pub fn has(self, feature: Feature) -> bool {
        self.allows(feature).is_ok()
    }

    pub const fn search_results(self) -> SearchResults {
        match self {
            Self::Free => SearchResults::AtMost(10),
            Self::Standard => SearchResults::AtMost(1000),
            Self::Professional => SearchResults::AtMost(5000),
            Self::Api | Self::Enterprise => SearchResults::Unlimited,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const EVERYTHING: &[&str] = &["sage_visible", "virtual_patch", "api_keys", "webhook_delivery"];

    /// The ladder as it was published; one column a line.
    #[rstest]
    #[case("free", SearchResults::AtMost(10), &[], 10)]
    #[case("standard", SearchResults::AtMost(1000), &["webhook_delivery"], 60)]
    #[case("professional", SearchResults::AtMost(5000), EVERYTHING, 300)]
    #[case("api", SearchResults::Unlimited, EVERYTHING, 1000)]
    #[case("enterprise", SearchResults::Unlimited, EVERYTHING, 6000)]
    fn the_ladder(
        #[case] plan: &str,
        #[case] results: SearchResults,
        #[case] features: &[&str],
        #[case] requests: u32,
    ) {
        let plan: Plan = plan.parse().unwrap();
        let has: Vec<&str> = Feature::ALL.iter().filter(|it| plan.has(**it)).map(|it| it.as_str()).collect();
        assert_eq!((plan.search_results(), has.as_slice()), (results, features));
        assert_eq!(plan.requests().capacity(), requests);
        assert!((plan.requests().refill_per_second() * 60.0 - f64::from(requests)).abs() < 1e-9);
    }

    #[test]
    fn a_gate_says_what_would_open_it() {
        let gate = Plan::Standard.allows(Feature::ApiKeys).unwrap_err();
        assert_eq!(gate.to_string(), "API keys need the plan `professional`");
        assert_eq!(gate.upgrade_path(), "/settings/plan?upgrade=professional");
    }
}
