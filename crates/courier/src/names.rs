//! What a name leads to, as far as it may be called.

use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
    vec,
};

use async_trait::async_trait;
use hyper_util::client::legacy::connect::dns::Name;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::connector::BoxFuture;

/// Answers for names.
#[async_trait]
pub trait Names: Send + Sync {
    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, LookUpError>;
}

/// Why there is no answer for a name.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    /// Nobody was asked.
    #[error("too many names are looked up at once")]
    NoRoom,
    #[error(transparent)]
    Failed(#[from] io::Error),
}

/// Look-ups by the system that run at once. Each holds a thread of those that the process has for whatever blocks (512 in all),
/// and goes on when nobody waits for it any more.
const LOOKED_UP_AT_ONCE: usize = 128;

/// Whoever finds no room for so long has not asked.
pub(crate) const ROOM_WITHIN: Duration = Duration::from_secs(2);

/// The resolver of this machine.
#[derive(Debug, Clone)]
pub struct SystemNames {
    room: Arc<Semaphore>,
    ask: fn(&str) -> io::Result<Vec<IpAddr>>,
}

impl Default for SystemNames {
    fn default() -> Self {
        Self { room: Arc::new(Semaphore::new(LOOKED_UP_AT_ONCE)), ask: ask_the_system }
    }
}

#[cfg(test)]
impl SystemNames {
    /// As while each room is taken by a look-up that does not end.
    pub(crate) fn without_room() -> Self {
        Self { room: Arc::new(Semaphore::new(0)), ..Self::default() }
    }
}

fn ask_the_system(name: &str) -> io::Result<Vec<IpAddr>> {
    // The port is not looked at here.
    Ok((name, 443).to_socket_addrs()?.map(|address| address.ip()).collect())
}

#[async_trait]
impl Names for SystemNames {
    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, LookUpError> {
        let room = timeout(ROOM_WITHIN, self.room.clone().acquire_owned()).await;
        let room = room.map_err(|_| LookUpError::NoRoom)?.map_err(io::Error::other)?;
        let (name, ask) = (name.to_owned(), self.ask);
        let asking = move || {
            let _until_it_is_answered = room;
            ask(&name)
        };
        Ok(spawn_blocking(asking).await.map_err(io::Error::other)??)
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
    #[error("there was no room to look it up")]
    NoRoom,
}

/// The names, and of their addresses those that may be called.
#[derive(Clone)]
pub(crate) struct Checked {
    pub(crate) names: Arc<dyn Names>,
    pub(crate) rule: Rule,
}

impl Checked {
    async fn addresses(&self, name: &str) -> Result<Vec<SocketAddr>, Unresolved> {
        let all = self.names.look_up(name).await.map_err(|error| match error {
            LookUpError::NoRoom => Unresolved::NoRoom,
            LookUpError::Failed(_) => Unresolved::Unknown,
        })?;
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
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread::sleep,
    };

    struct Fixed(&'static [&'static str]);

    #[async_trait]
    impl Names for Fixed {
        async fn look_up(&self, _: &str) -> Result<Vec<IpAddr>, LookUpError> {
            Ok(self.0.iter().map(|address| address.parse().unwrap()).collect())
        }
    }

    async fn of(addresses: &'static [&'static str]) -> Result<Vec<String>, Unresolved> {
        let checked = Checked { names: Arc::new(Fixed(addresses)), rule: Arc::new(is_public) };
        let addresses = checked.addresses("hooks.example").await?;
        Ok(addresses.iter().map(|address| address.ip().to_string()).collect())
    }

    /// Whoever asks gives up sooner than the system does, and asks again.
    #[tokio::test]
    async fn look_ups_that_nobody_waits_for_still_take_their_room() {
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        fn slowly(name: &str) -> io::Result<Vec<IpAddr>> {
            RUNNING.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(400));
            RUNNING.fetch_sub(1, Ordering::Relaxed);
            Ok(vec![name.parse().map_err(io::Error::other)?])
        }
        let names = SystemNames { room: Arc::new(Semaphore::new(2)), ask: slowly };
        for _ in 0..5 {
            assert!(timeout(Duration::from_millis(40), names.look_up("8.8.8.8")).await.is_err());
            assert!(RUNNING.load(Ordering::Relaxed) <= 2);
        }
        assert!(timeout(Duration::from_secs(5), names.look_up("8.8.8.8")).await.is_ok(), "they end");
    }

    #[tokio::test]
    async fn only_what_is_public_is_left() {
        let mixed = of(&["127.0.0.1", "8.8.8.8", "::ffff:10.0.0.1", "169.254.169.254", "2606:4700::1111", "::1"]).await;
        assert_eq!(mixed.unwrap(), ["8.8.8.8", "2606:4700::1111"]);
        assert_eq!(of(&["127.0.0.1", "fd00::1"]).await, Err(Unresolved::Refused));
        assert_eq!(of(&[]).await, Err(Unresolved::Unknown));
    }
}
