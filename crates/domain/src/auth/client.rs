use std::fmt;

use crate::web_session::Agent;

/// Who is at the other end of a sign-in.
#[derive(Clone, PartialEq, Eq)]
pub struct Client {
    pub agent: Agent,
    /// Where they call from. It is compared and never kept: what is stored of it is a fingerprint.
    pub address: String,
}

/// Without the address, which is nobody's business.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("agent", &self.agent).finish_non_exhaustive()
    }
}
