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

/// What an organisation may use: one column of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions {
    /// [`Permissions::UNLIMITED`], or so many.
    pub search_max_results: i32,
    pub sage_visible: bool,
    pub virtual_patch: bool,
    pub api_keys: bool,
    pub webhook_delivery: bool,
}

impl Permissions {
    pub const UNLIMITED: i32 = -1;
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

    pub fn permissions(self) -> Permissions {
        let has = |feature| self.allows(feature).is_ok();
        Permissions {
            search_max_results: match self {
                Self::Free => 10,
                Self::Standard => 1000,
                Self::Professional => 5000,
                Self::Api | Self::Enterprise => Permissions::UNLIMITED,
            },
            sage_visible: has(Feature::SageVisible),
            virtual_patch: has(Feature::VirtualPatch),
            api_keys: has(Feature::ApiKeys),
            webhook_delivery: has(Feature::WebhookDelivery),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// The ladder as it was published; one column a line.
    #[rstest]
    #[case("free", 10, false, false, false, false, 10)]
    #[case("standard", 1000, false, false, false, true, 60)]
    #[case("professional", 5000, true, true, true, true, 300)]
    #[case("api", -1, true, true, true, true, 1000)]
    #[case("enterprise", -1, true, true, true, true, 6000)]
    fn the_ladder(
        #[case] plan: &str,
        #[case] search_max_results: i32,
        #[case] sage_visible: bool,
        #[case] virtual_patch: bool,
        #[case] api_keys: bool,
        #[case] webhook_delivery: bool,
        #[case] requests: u32,
    ) {
        let plan: Plan = plan.parse().unwrap();
        let expected = Permissions { search_max_results, sage_visible, virtual_patch, api_keys, webhook_delivery };
        assert_eq!(plan.permissions(), expected);
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
