use std::fmt;

use data_encoding::BASE64;
use secrecy::{ExposeSecret, SecretString};

use super::{description::Description, event::Subscription, url::WebhookUrl};
use crate::{
    desk::Desk,
    id::{AccountId, EndpointId},
    secret::{Sealed, Secrets, UnsealError, Vault},
    time::Timestamp,
};

/// An account has at most so many endpoints.
pub const MAX_ENDPOINTS: usize = 10;

/// The text of a signing secret: `whsec_` and 256 bits in base64. It is shown once and never printed.
#[derive(Debug, Clone)]
pub struct WebhookSecret(SecretString);

impl WebhookSecret {
    pub const PREFIX: &'static str = "whsec_";
    /// Characters behind the prefix that may be shown in a list.
    const SHOWN: usize = 4;

    pub(super) fn generate(secrets: &dyn Secrets) -> Self {
        Self(format!("{}{}", Self::PREFIX, BASE64.encode(&secrets.bytes())).into())
    }

    /// `None` when no rule here has made that text.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.strip_prefix(Self::PREFIX)?.as_bytes()).ok()?;
        (bytes.len() == 32).then(|| Self(text.into()))
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the text encodes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let encoded = self.expose().strip_prefix(Self::PREFIX).unwrap_or_default();
        BASE64.decode(encoded.as_bytes()).unwrap_or_default()
    }

    fn shown_prefix(&self) -> String {
        self.expose().chars().take(Self::PREFIX.len() + Self::SHOWN).collect()
    }
}

/// A signing secret at rest: sealed, bound to its endpoint, with the beginning that may be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedSecret {
    pub sealed: Sealed,
    pub shown_prefix: String,
}

impl SharedSecret {
    pub(super) fn seal(endpoint: EndpointId, secret: &WebhookSecret, vault: &dyn Vault) -> Self {
        let sealed = vault.seal(&context(endpoint), secret.expose().as_bytes());
        Self { sealed, shown_prefix: secret.shown_prefix() }
    }

    pub(super) fn unseal(&self, endpoint: EndpointId, vault: &dyn Vault) -> Result<WebhookSecret, UnsealError> {
        let plain = vault.unseal(&context(endpoint), &self.sealed)?;
        let text = String::from_utf8(plain).map_err(|_| UnsealError)?;
        WebhookSecret::parse(&text).ok_or(UnsealError)
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedSecret").field(&self.shown_prefix).finish()
    }
}

fn context(endpoint: EndpointId) -> String {
    format!("webhook {endpoint}")
}

/// What deliveries to an endpoint have come to since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Deliveries that arrived.
    pub delivered: i64,
    /// Attempts that failed.
    pub failed: i64,
    /// Deliveries that were given up.
    pub dlq: i64,
    /// Attempts that have failed since one went well.
    pub consecutive_failures: i64,
    pub last_success_at: Option<Timestamp>,
    pub last_failure_at: Option<Timestamp>,
}

/// A URL that is told what happens on an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub id: EndpointId,
    pub account: AccountId,
    pub url: WebhookUrl,
    /// `None`: it is deleted, and so is its secret.
    pub secret: Option<SharedSecret>,
    /// The secret before it, which signs along until a moment.
    pub old_secret: Option<(SharedSecret, Timestamp)>,
    pub subscription: Subscription,
    pub description: Option<Description>,
    /// Nothing is delivered while it is paused, and what happens meanwhile is not told later.
    pub active: bool,
    pub tally: Tally,
    /// When it was deleted.
    pub disabled_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

impl Endpoint {
    pub(super) fn new(
        desk: &Desk,
        account: AccountId,
        url: WebhookUrl,
        subscription: Subscription,
        description: Option<Description>,
    ) -> (Self, WebhookSecret) {
        let (id, secret) = (EndpointId::new(desk.ids.next()), WebhookSecret::generate(desk.secrets.as_ref()));
        let endpoint = Self {
            id,
            account,
            url,
            secret: Some(SharedSecret::seal(id, &secret, desk.vault.as_ref())),
            old_secret: None,
            subscription,
            description,
            active: true,
            tally: Tally::default(),
            disabled_at: None,
            created_at: desk.now(),
        };
        (endpoint, secret)
    }

    /// The old secret and its last moment, while it still signs.
    pub fn rotating(&self, now: Timestamp) -> Option<(&SharedSecret, Timestamp)> {
        self.old_secret.as_ref().filter(|(_, until)| *until > now).map(|(secret, until)| (secret, *until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{GlassVault, desk, people};

    #[test]
    fn a_secret_is_text_that_names_its_kind() {
        let secret = WebhookSecret::generate(desk().secrets.as_ref());
        assert_eq!(secret.expose().len(), 6 + 44);
        assert_eq!(WebhookSecret::parse(secret.expose()).unwrap().bytes(), secret.bytes());
        assert_eq!(secret.shown_prefix().len(), 10);
        assert!(!format!("{secret:?}").contains(&secret.expose()[6..]));
        assert!(WebhookSecret::parse("whsec_c2hvcnQ=").is_none());
    }

    #[test]
    fn a_sealed_secret_opens_at_its_endpoint_alone() {
        let secret = WebhookSecret::generate(desk().secrets.as_ref());
        let [one, two] = [1, 2].map(|n| EndpointId::new(people::uuid(n)));
        let sealed = SharedSecret::seal(one, &secret, &GlassVault);
        assert_eq!(sealed.unseal(one, &GlassVault).unwrap().expose(), secret.expose());
        assert!(sealed.unseal(two, &GlassVault).is_err());
    }
}
