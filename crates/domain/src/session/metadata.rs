use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a customer attaches to a session or a profile: a JSON object that nobody here looks into.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Map<String, Value>", try_from = "Map<String, Value>")]
pub struct Metadata(Map<String, Value>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("metadata has at most {} bytes as JSON without spaces", Metadata::MAX_BYTES)]
pub struct MetadataError;

impl Metadata {
    pub const MAX_BYTES: usize = 8 * 1024;

    /// One spelling: without spaces.
    pub fn to_json(&self) -> String {
        // A map of values is written as it is; there is nothing in it that JSON cannot say.
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

impl TryFrom<Map<String, Value>> for Metadata {
    type Error = MetadataError;

    fn try_from(map: Map<String, Value>) -> Result<Self, MetadataError> {
        let metadata = Self(map);
        if metadata.to_json().len() <= Self::MAX_BYTES { Ok(metadata) } else { Err(MetadataError) }
    }
}

impl From<Metadata> for Map<String, Value> {
    fn from(metadata: Metadata) -> Self {
        metadata.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_bytes(bytes: usize) -> Result<Metadata, serde_json::Error> {
        serde_json::from_str(&format!(r#"{{"k": "{}"}}"#, "x".repeat(bytes - r#"{"k":""}"#.len())))
    }

    #[test]
    fn it_is_an_object_of_a_bounded_size() {
        let most = of_bytes(Metadata::MAX_BYTES).unwrap();
        assert_eq!(most.to_json().len(), Metadata::MAX_BYTES);
        let refused = of_bytes(Metadata::MAX_BYTES + 1).unwrap_err();
        assert!(refused.to_string().contains("at most 8192 bytes"), "{refused}");
        assert!(serde_json::from_str::<Metadata>("[]").is_err());
    }
}
