use std::{num::NonZeroUsize, thread::available_parallelism};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{Error, phc},
};
use async_trait::async_trait;
use driftstack_domain::{
    auth::{Password, PasswordHash},
    secret::{Passwords, PasswordsBusy},
};

use crate::{pool::Pool, random::random};

/// 19 MiB, two passes, one lane: the least that OWASP advises for argon2id, so that a sign-in costs tens of milliseconds.
const PARAMS: Params = match Params::new(19 * 1024, 2, 1, Some(32)) {
    Ok(params) => params,
    Err(_) => Params::DEFAULT,
};

const SALT_BYTES: usize = 16;

/// A hash of the same cost as every other, of no password that anybody knows: its end is random bytes.
///
/// It is a constant, because one that was made on first use would make that first verification twice as long.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$wwAb6ZNLLuyf/JPk1sVMWA$gUKdRc96yGVwUTqzzYv3l7KTIoS/5Q3Kgzt8JzqU33A";

/// Password hashing with argon2id, on a pool of its own, so that sign-ins cannot starve other work or exhaust the memory.
#[derive(Debug)]
pub struct Argon2Passwords {
    pool: Pool,
}

impl Argon2Passwords {
    /// So many wait for a worker; who comes after them is told to try again.
    pub const WAITING: usize = 64;

    /// So many hash at once, each with a core and 19 MiB to itself.
    pub fn new(workers: NonZeroUsize) -> Self {
        Self { pool: Pool::new(workers, Self::WAITING) }
    }

    /// One worker for each core.
    pub fn on_every_core() -> Self {
        Self::new(available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }
}

#[async_trait]
impl Passwords for Argon2Passwords {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsBusy> {
        let password = password.clone();
        self.pool.run(move || hash(&password)).await?
    }

    async fn verify(&self, password: &Password, hash: Option<PasswordHash>) -> Result<bool, PasswordsBusy> {
        let password = password.clone();
        self.pool.run(move || verify(&password, hash.as_ref())).await?
    }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS)
}

fn hash(password: &Password) -> Result<PasswordHash, PasswordsBusy> {
    let salt: [u8; SALT_BYTES] = random();
    match argon2().hash_password_with_salt(password.expose().as_bytes(), &salt) {
        Ok(hash) => Ok(PasswordHash::from_phc(hash.to_string())),
        // With parameters that are right by construction only the memory can be missing.
        Err(_) => Err(PasswordsBusy),
    }
}

/// Whatever there is to compare with, one verification is made.
fn verify(password: &Password, hash: Option<&PasswordHash>) -> Result<bool, PasswordsBusy> {
    let verdict = hash.and_then(|hash| compare(password, hash.as_phc()));
    match verdict {
        Some(verdict) => verdict,
        None => compare(password, DECOY).unwrap_or(Ok(false)).map(|_| false),
    }
}

/// `None` when the hash is none that argon2 can make, and no time was spent on it.
fn compare(password: &Password, hash: &str) -> Option<Result<bool, PasswordsBusy>> {
    let hash = phc::PasswordHash::new(hash).ok()?;
    if hash.salt.is_none() || hash.hash.is_none() {
        return None;
    }
    match argon2().verify_password(password.expose().as_bytes(), &hash) {
        Ok(()) => Some(Ok(true)),
        Err(Error::PasswordInvalid) => Some(Ok(false)),
        Err(Error::OutOfMemory) => Some(Err(PasswordsBusy)),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftstack_domain::testing::people;
    use std::time::{Duration, Instant};

    fn passwords() -> Argon2Passwords {
        Argon2Passwords::on_every_core()
    }

    fn wrong() -> Password {
        Password::shown("incorrect horse battery staple")
    }

    #[tokio::test]
    async fn the_password_that_was_hashed_is_right_and_no_other() {
        let hash = passwords().hash(&people::password()).await.unwrap();
        assert_eq!(passwords().verify(&people::password(), Some(hash.clone())).await, Ok(true));
        assert_eq!(passwords().verify(&wrong(), Some(hash)).await, Ok(false));
    }

    #[tokio::test]
    async fn a_hash_tells_its_parameters_and_has_its_own_salt() {
        let one = passwords().hash(&people::password()).await.unwrap();
        let two = passwords().hash(&people::password()).await.unwrap();
        assert!(one.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.as_phc());
        assert_ne!(one, two);
    }

    #[tokio::test]
    async fn the_decoy_is_like_every_other_hash() {
        let real = passwords().hash(&people::password()).await.unwrap();
        let (real, decoy) = (phc::PasswordHash::new(real.as_phc()).unwrap(), phc::PasswordHash::new(DECOY).unwrap());
        let lengths = |hash: &phc::PasswordHash| (hash.salt.unwrap().len(), hash.hash.unwrap().len());
        assert_eq!(lengths(&decoy), lengths(&real));
        assert_eq!((decoy.algorithm, decoy.version, decoy.params), (real.algorithm, real.version, real.params));
    }

    /// Hashes that nothing can be compared with.
    const NO_HASHES: [Option<&str>; 6] = [
        None,
        Some(""),
        Some("hash"),
        Some("$argon2id$v=19$m=19456,t=2,p=1$QUJDREVGR0hJSktMTU5PUA"),
        Some("$scrypt$ln=16,r=8,p=1$QUJDREVGR0hJSktMTU5PUA$QUJDREVGR0hJSktMTU5PUA"),
        Some("$argon2id$v=19$m=1,t=0,p=0$QUJDREVGR0hJSktMTU5PUA$QUJDREVGR0hJSktMTU5PUA"),
    ];

    async fn time_of_a_no(passwords: &Argon2Passwords, hash: Option<&str>) -> Duration {
        let hash = hash.map(|hash| PasswordHash::from_phc(hash.to_owned()));
        let start = Instant::now();
        assert_eq!(passwords.verify(&wrong(), hash).await, Ok(false));
        start.elapsed()
    }

    /// What else the machine does only ever adds time. So the fastest of many verifications tells what the work itself takes,
    /// and a crowded machine gets more tries.
    #[tokio::test]
    async fn without_a_good_hash_the_answer_is_no_after_the_same_time() {
        let passwords = passwords();
        let real = passwords.hash(&people::password()).await.unwrap();
        let (mut known, mut unknown) = (Duration::MAX, [Duration::MAX; NO_HASHES.len()]);
        for round in 1..=40 {
            known = known.min(time_of_a_no(&passwords, Some(real.as_phc())).await);
            for (fastest, hash) in unknown.iter_mut().zip(NO_HASHES) {
                *fastest = time_of_a_no(&passwords, hash).await.min(*fastest);
            }
            let alike = |unknown: &Duration| (0.7..1.4).contains(&(unknown.as_secs_f64() / known.as_secs_f64()));
            if round >= 5 && unknown.iter().all(alike) {
                return;
            }
        }
        panic!("known {known:?}, unknown {unknown:?}");
    }

    #[tokio::test]
    async fn a_crowd_is_served_up_to_the_end_of_the_line() {
        let passwords = std::sync::Arc::new(Argon2Passwords::new(NonZeroUsize::MIN));
        let crowd = Argon2Passwords::WAITING + 6;
        let tries: Vec<_> = (0..crowd)
            .map(|_| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.verify(&wrong(), None).await })
            })
            .collect();
        let mut busy = 0;
        for attempt in tries {
            busy += usize::from(attempt.await.unwrap() == Err(PasswordsBusy));
        }
        assert!((1..=5).contains(&busy), "{busy} were told to try again");
    }
}
