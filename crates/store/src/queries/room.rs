//! Room for one more of what an account has only so many of.

use driftstack_domain::change::{Cap, Capped};

use super::{Answer, Conn, Fault, api_key, profile, session};

/// Counts while the account is held: whoever else wants one waits at its row, and counts after this transaction has ended. So
/// it has to be a statement of its own, made after the lock was got: on Postgres a statement sees what was committed when it
/// began, and one that waits for the lock began before.
pub(super) async fn for_one_more(c: &mut Conn, cap: &Cap) -> Answer<()> {
    let held = match cap.of {
        Capped::Sessions => session::count_running(c, cap.account).await?,
        Capped::ApiKeys(at) => api_key::count_working(c, cap.account, at).await?,
        Capped::Profiles => profile::count(c, cap.account).await?,
    };
    if held < i64::from(cap.most) {
        return Ok(());
    }
    Err(Fault::Full { held: u32::try_from(held).unwrap_or(u32::MAX) })
}
