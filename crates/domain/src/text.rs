//! Texts with a rule: one macro for what they have in common, so that a file holds the rule alone.

/// Makes a `String` in a newtype a text: what parses is one, and it is printed and serialised as it is held.
///
/// The rule is the type's `FromStr`. For serde the type says `#[serde(into = "String", try_from = "String")]`.
macro_rules! text {
    ($name:ident, $error:ident) => {
        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(crate) use text;
