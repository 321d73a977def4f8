use driftstack_domain::secret::Secrets;

use crate::halt::halt;

/// Secrets from the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsSecrets;

impl Secrets for OsSecrets {
    fn bytes(&self) -> [u8; 32] {
        random()
    }
}

/// Fresh random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// Fills the bytes in place, so that a key is nowhere else. Once the system has started, its source never fails.
pub(crate) fn fill(bytes: &mut [u8]) {
    if getrandom::fill(bytes).is_err() {
        halt("the operating system has no randomness")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_comes_twice() {
        let (one, two) = (OsSecrets.bytes(), OsSecrets.bytes());
        assert_ne!(one, two);
        assert_ne!(one, [0; 32]);
    }
}
