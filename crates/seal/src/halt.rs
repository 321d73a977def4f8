/// Stops the current task. The only panic of this crate.
///
/// For the few things that have no answer: without randomness any answer would be a weak secret, and the ports rightly have no
/// error for it.
#[expect(clippy::panic, reason = "going on would hand out weak secrets")]
pub(crate) fn halt(why: &str) -> ! {
    panic!("{why}")
}
