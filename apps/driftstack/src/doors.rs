use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Whether requests are let in.
#[derive(Debug)]
pub struct Doors {
    open: AtomicBool,
    closing: watch::Sender<bool>,
}

impl Doors {
    /// Nobody has seen the database yet: there may be no tables, or those of another version.
    pub fn shut() -> Self {
        Self { open: AtomicBool::new(false), closing: watch::Sender::new(false) }
    }

    pub fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    pub fn are_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// Somebody has asked the service to stop. Who comes all the same is still answered.
    pub fn begin_to_close(&self) {
        self.closing.send_replace(true);
    }

    pub fn are_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Answers when somebody asks the service to stop: for what would otherwise never end.
    pub async fn closing(&self) {
        // It cannot fail while this holds the sender.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }
}
