use std::sync::atomic::{AtomicBool, Ordering};

/// Whether requests are let in.
#[derive(Debug)]
pub struct Doors {
    open: AtomicBool,
    closing: AtomicBool,
}

impl Doors {
    /// Nobody has seen the database yet: there may be no tables, or those of another version.
    pub const fn shut() -> Self {
        Self { open: AtomicBool::new(false), closing: AtomicBool::new(false) }
    }

    pub fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    pub fn are_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// Somebody has asked the service to stop. Who comes all the same is still answered.
    pub fn begin_to_close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    pub fn are_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }
}
