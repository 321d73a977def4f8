use async_trait::async_trait;

use crate::{change::StoreError, id::AccountId};

/// Whether somebody wants to be told at all.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait WishStore: Send + Sync {
    async fn declines_severe(&self, account: AccountId) -> Result<bool, StoreError>;
}

/// Is rung when a severe entry was written on the log of an account.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Bell: Send + Sync {
    /// Listens from now on: MUST hear of every severe entry that is committed afterwards, in whatever process, while the way to
    /// that process is up; and when it was not, be rung once it is up again.
    fn listen(&self, account: AccountId) -> Box<dyn Ear>;
}

/// One listener.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Ear: Send {
    /// Answers when the bell was rung since the last answer. Several rings may be one, and one may be for nothing.
    async fn heard(&mut self);
}
