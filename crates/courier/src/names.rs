//! What a name leads to, as far as it may be called.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
    vec,
};

use async_trait::async_trait;
use hyper_util::client::legacy::connect::dns::Name;
use tokio::net::lookup_host;

use crate::connector::BoxFuture;

/// Answers for names.
#[async_trait]
pub trait Names: Send + Sync {
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of this machine.
#[derive(Debug)]
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        // The port is not looked at here.
        Ok(lookup_host((name, 443)).await?.map(|address| address.ip()).collect())
    }
}

/// Whether an address may be called.
pub(crate) type Rule = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Why a name leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unresolved {
    #[error("none of its addresses may be called")]
    Refused,
    #[error("it has no address")]
    Unknown,
}

/// The names, and of their addresses those that may be called.
#[derive(Clone)]
pub(crate) struct Checked {
    pub(crate) names: Arc<dyn Names>,
    pub(crate) rule: Rule,
}

impl Checked {
    async fn addresses(&self, name: &str) -> Result<Vec<SocketAddr>, Unresolved> {
        let all = self.names.look_up(name).await.map_err(|_| Unresolved::Unknown)?;
        if all.is_empty() {
            return Err(Unresolved::Unknown);
        }
        // Whoever connects puts the port in.
        let allowed =
            all.into_iter().filter(|address| (self.rule)(*address)).map(|address| SocketAddr::new(address, 0));
        let allowed: Vec<SocketAddr> = allowed.collect();
        if allowed.is_empty() { Err(Unresolved::Refused) } else { Ok(allowed) }
    }
}

impl tower_service::Service<Name> for Checked {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Unresolved;
    type Future = BoxFuture<Result<Self::Response, Unresolved>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Unresolved>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let checked = self.clone();
        Box::pin(async move { checked.addresses(name.as_str()).await.map(Vec::into_iter) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftstack_domain::webhook::is_public;

    struct Fixed(&'static [&'static str]);

    #[async_trait]
    impl Names for Fixed {
        async fn look_up(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            Ok(self.0.iter().map(|address| address.parse().unwrap()).collect())
        }
    }

    async fn of(addresses: &'static [&'static str]) -> Result<Vec<String>, Unresolved> {
        let checked = Checked { names: Arc::new(Fixed(addresses)), rule: Arc::new(is_public) };
        let addresses = checked.addresses("hooks.example").await?;
        Ok(addresses.iter().map(|address| address.ip().to_string()).collect())
    }

    #[tokio::test]
    async fn only_what_is_public_is_left() {
        let mixed = of(&["127.0.0.1", "8.8.8.8", "::ffff:10.0.0.1", "169.254.169.254", "2606:4700::1111", "::1"]).await;
        assert_eq!(mixed.unwrap(), ["8.8.8.8", "2606:4700::1111"]);
        assert_eq!(of(&["127.0.0.1", "fd00::1"]).await, Err(Unresolved::Refused));
        assert_eq!(of(&[]).await, Err(Unresolved::Unknown));
    }
}
