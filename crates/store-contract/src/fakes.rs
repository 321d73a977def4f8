//! What the use cases need besides a store.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use driftstack_domain::{
    auth::{Password, PasswordHash},
    avatar::{AvatarKey, BlobError, BlobStore, CleanPicture, PictureError, PictureType, Pictures, SentPicture},
    id::{AccountId, WebSessionId},
    mail::{Mail, MailError, Mailer},
    secret::{Passwords, PasswordsBusy, SessionTokens, UnsealError},
    time::{Clock, Timestamp},
    web_session::SessionClaims,
};
use secrecy::SecretString;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct MovableClock(AtomicI64);

impl MovableClock {
    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.millis()))
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        self.0.store(self.now().plus(by).millis(), Ordering::SeqCst);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Passwords that are their own hash.
#[derive(Debug)]
pub struct PlainPasswords;

#[async_trait]
impl Passwords for PlainPasswords {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsBusy> {
        Ok(PasswordHash::from_phc(format!("plain:{}", password.expose())))
    }

    async fn verify(&self, password: &Password, hash: Option<PasswordHash>) -> Result<bool, PasswordsBusy> {
        Ok(hash.is_some_and(|hash| hash.as_phc() == format!("plain:{}", password.expose())))
    }
}

/// Session tokens that anybody can read.
#[derive(Debug)]
pub struct PlainTokens;

impl SessionTokens for PlainTokens {
    fn seal(&self, claims: &SessionClaims) -> SecretString {
        let SessionClaims { session, account, generation, expires_at } = claims;
        format!("{session} {account} {generation} {}", expires_at.millis()).into()
    }

    fn open(&self, token: &str) -> Result<SessionClaims, UnsealError> {
        read_claims(token).ok_or(UnsealError)
    }
}

fn read_claims(token: &str) -> Option<SessionClaims> {
    let mut parts = token.split(' ');
    Some(SessionClaims {
        session: parts.next()?.parse::<WebSessionId>().ok()?,
        account: parts.next()?.parse::<AccountId>().ok()?,
        generation: parts.next()?.parse().ok()?,
        expires_at: Timestamp::from_millis(parts.next()?.parse().ok()?).ok()?,
    })
}

/// A mailer that keeps what it is given.
#[derive(Debug, Default)]
pub struct Letterbox(Mutex<Vec<Mail>>);

impl Letterbox {
    /// Takes out what is in it.
    pub fn empty(&self) -> Vec<Mail> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[async_trait]
impl Mailer for Letterbox {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

/// Takes every picture as it is.
#[derive(Debug)]
pub struct PlainPictures;

#[async_trait]
impl Pictures for PlainPictures {
    async fn clean(&self, sent: SentPicture, content_type: PictureType) -> Result<CleanPicture, PictureError> {
        Ok(CleanPicture { content_type, bytes: sent.as_bytes().to_vec() })
    }
}

/// A blob store that remembers the keys, until it is locked.
#[derive(Debug, Default)]
pub struct Shelf {
    keys: Mutex<BTreeSet<AvatarKey>>,
    locked: AtomicBool,
}

impl Shelf {
    pub fn keys(&self) -> Vec<AvatarKey> {
        self.keys.lock().unwrap().iter().copied().collect()
    }

    pub fn lock(&self, locked: bool) {
        self.locked.store(locked, Ordering::SeqCst);
    }

    fn open(&self) -> Result<(), BlobError> {
        if self.locked.load(Ordering::SeqCst) { Err(BlobError("locked".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl BlobStore for Shelf {
    async fn put(&self, key: AvatarKey, _: Vec<u8>) -> Result<(), BlobError> {
        self.open()?;
        self.keys.lock().unwrap().insert(key);
        Ok(())
    }

    async fn remove(&self, key: AvatarKey) -> Result<(), BlobError> {
        self.open()?;
        self.keys.lock().unwrap().remove(&key);
        Ok(())
    }

    fn read_url(&self, key: AvatarKey, _: Timestamp, _: Duration) -> String {
        key.object()
    }

    async fn ping(&self) -> Result<(), BlobError> {
        self.open()
    }
}
