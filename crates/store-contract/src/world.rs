//! The service without HTTP: the use cases over one store, and people who call them.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    future::Future,
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use driftstack_domain::{
    access::{AdmitError, Credential, Doorkeeper, Permit, Presented},
    account::Accounts,
    api_key::{ApiKeys, KeyOrder, Minted},
    audit::{AuditEntry, AuditStore as _, Opener, chain, export::EntryView},
    auth::{Client, EmailChanges, Entered, LinkClerk, LinkKind, Password, SignIns, SignUps, StepUps},
    avatar::{AvatarKey, Avatars, PictureType, SentPicture, Sweeper, Uploaded},
    change::{MaybeStale, again_if_stale},
    desk::Desk,
    email::Email,
    ending::{Endings, Purger},
    id::{AccountId, WebSessionId},
    idempotency::Idempotency,
    mail::{Mail, Postman, Preferences},
    membership::{Invites, Membership, Memberships},
    mfa::{Answer, Mfa, RecoveryCode, TotpCode, TotpSecret},
    notify::Notifications,
    organisation::Organisations,
    policy::{Operation, Role, Scope, ScopeSet},
    profile::Profiles,
    secret::{LinkToken, SessionTokens as _},
    session::Sessions,
    staff::{Operator, Staff},
    team::Teams,
    testing::{Counted, GlassVault, people},
    tier::Tier,
    time::{Clock as _, Timestamp},
    usage::Usage,
    web_session::{Agent, SignedIn, WebSessions},
    webhook::{Reach, Webhooks},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{runtime::Handle, task::block_in_place};

use crate::{
    backend::Backend,
    fakes::{Letterbox, MovableClock, PlainPasswords, PlainPictures, PlainTokens, Shelf},
};

/// Somebody with a verified account, signed in.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: AccountId,
    pub email: Email,
    pub token: SecretString,
    pub presented: Presented,
}

/// What somebody has who has enrolled a second factor.
#[derive(Debug)]
pub struct Authenticator {
    pub secret: TotpSecret,
    pub recovery: Vec<RecoveryCode>,
}

impl Authenticator {
    pub fn totp(&self, at: Timestamp) -> TotpCode {
        TotpCode::try_from(self.secret.code_at(at)).unwrap()
    }

    pub fn code(&self, at: Timestamp) -> Answer {
        Answer::Code(self.totp(at))
    }

    pub fn recovery(&self, nth: usize) -> Answer {
        Answer::Recovery(self.recovery[nth].clone())
    }
}

impl Person {
    pub fn session(&self) -> WebSessionId {
        let Presented::Session { id, .. } = self.presented else { unreachable!("a person has signed in") };
        id
    }
}

/// Why a call came to nothing: at the door, or behind it.
#[derive(Debug)]
pub enum Attempt<E> {
    Door(AdmitError),
    Use(E),
}

impl<E: MaybeStale> MaybeStale for Attempt<E> {
    fn is_stale(&self) -> bool {
        match self {
            Self::Door(error) => error.is_stale(),
            Self::Use(error) => error.is_stale(),
        }
    }
}

/// One store, and everything that works on it.
pub struct World<B: Backend> {
    pub backend: B,
    pub store: Arc<B::Store>,
    pub clock: Arc<MovableClock>,
    pub desk: Desk,
    pub shelf: Arc<Shelf>,
    letterbox: Arc<Letterbox>,
}

impl<B: Backend> Debug for World<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

impl<B: Backend> World<B> {
    pub fn new(backend: B) -> Arc<Self> {
        let clock = Arc::new(MovableClock::at(people::NOW));
        let desk = Desk {
            clock: clock.clone(),
            ids: Arc::new(Counted::default()),
            secrets: Arc::new(Counted::default()),
            vault: Arc::new(GlassVault),
        };
        Arc::new(Self {
            store: backend.store(),
            backend,
            clock,
            desk,
            shelf: Arc::default(),
            letterbox: Arc::default(),
        })
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn sign_ups(&self) -> SignUps {
        SignUps::new(self.store.clone(), Arc::new(PlainPasswords), self.desk.clone())
    }

    pub fn sign_ins(&self) -> SignIns {
        let (store, tokens) = (self.store.clone(), Arc::new(PlainTokens));
        SignIns::new(store.clone(), store, Arc::new(PlainPasswords), tokens, self.desk.clone())
    }

    pub fn web_sessions(&self) -> WebSessions {
        WebSessions::new(self.store.clone(), Arc::new(PlainTokens), self.desk.clone())
    }

    pub fn mfa(&self) -> Mfa {
        Mfa::new(self.store.clone(), self.desk.clone())
    }

    pub fn step_ups(&self) -> StepUps {
        StepUps::new(self.store.clone(), self.store.clone(), Arc::new(PlainPasswords), self.desk.clone())
    }

    pub fn clerk(&self) -> LinkClerk {
        LinkClerk::new(self.store.clone(), self.store.clone(), self.desk.clone())
    }

    pub fn email_changes(&self) -> EmailChanges {
        EmailChanges::new(self.store.clone(), self.store.clone(), self.desk.clone())
    }

    pub fn accounts(&self) -> Accounts {
        Accounts::new(self.store.clone(), self.desk.clone())
    }

    pub fn avatars(&self) -> Avatars {
        let blobs: Arc<Shelf> = self.shelf.clone();
        Avatars::new(self.store.clone(), Some(blobs), Arc::new(PlainPictures), self.desk.clone())
    }

    pub fn sweeper(&self) -> Sweeper {
        Sweeper::new(self.store.clone(), self.shelf.clone(), self.clock.clone())
    }

    pub fn teams(&self) -> Teams {
        Teams::new(self.store.clone(), self.desk.clone())
    }

    pub fn invites(&self) -> Invites {
        Invites::new(self.store.clone(), self.desk.clone())
    }

    pub fn memberships(&self) -> Memberships {
        Memberships::new(self.store.clone(), self.desk.clone())
    }

    pub fn keys(&self) -> ApiKeys {
        ApiKeys::new(self.store.clone(), self.desk.clone())
    }

    pub fn webhooks(&self) -> Webhooks {
        Webhooks::new(self.store.clone(), Reach::Public, self.desk.clone())
    }

    pub fn preferences(&self) -> Preferences {
        Preferences::new(self.store.clone(), self.desk.clone())
    }

    pub fn idempotency(&self) -> Idempotency {
        Idempotency::new(self.store.clone(), self.desk.clone())
    }

    pub fn notifications(&self) -> Notifications {
        Notifications::new(self.store.clone(), self.store.clone(), self.store.clone(), self.desk.vault.clone())
    }

    pub fn organisations(&self) -> Organisations {
        Organisations::new(self.store.clone(), self.store.clone(), self.keys(), self.desk.clone())
    }

    pub fn endings(&self) -> Endings {
        Endings::new(self.store.clone(), self.desk.clone())
    }

    pub fn purger(&self) -> Purger {
        Purger::new(self.store.clone(), self.store.clone(), self.desk.clone())
    }

    pub fn operator(&self) -> Operator {
        Operator::new(self.store.clone(), self.desk.clone())
    }

    pub fn staff(&self) -> Staff {
        Staff::new(self.store.clone(), self.desk.clone())
    }

    pub fn sessions(&self) -> Sessions {
        Sessions::new(self.store.clone(), self.store.clone(), self.desk.clone())
    }

    pub fn profiles(&self) -> Profiles {
        Profiles::new(self.store.clone(), self.desk.clone())
    }

    pub fn usage(&self) -> Usage {
        Usage::new(self.store.clone(), self.clock.clone())
    }

    pub fn doorkeeper(&self) -> Doorkeeper {
        Doorkeeper::new(self.store.clone(), self.clock.clone())
    }

    /// Sends what is due, and answers with it.
    pub async fn post(&self) -> Vec<Mail> {
        let postman =
            Postman::new(self.store.clone(), self.letterbox.clone(), self.desk.vault.clone(), self.clock.clone());
        while postman.round().await.unwrap().sent > 0 {}
        self.letterbox.empty()
    }

    /// A link that this address has asked for.
    pub async fn link(&self, kind: LinkKind, email: &Email) -> LinkToken {
        self.clerk().ask(kind, email.clone()).await.unwrap();
        self.clerk().round().await.unwrap();
        self.mailed_token(email).await
    }

    /// The link that moves somebody, who has proven that it is them, to another address.
    pub async fn email_change_link(&self, who: &Person, to: Email) -> LinkToken {
        self.email_changes().ask(&self.permit(who).await, to.clone()).await.unwrap();
        self.clerk().round().await.unwrap();
        self.mailed_token(&to).await
    }

    /// Somebody shows the password that everybody has once more.
    pub async fn prove(&self, who: &Person) {
        self.step_ups().with_password(&self.permit(who).await, &password()).await.unwrap();
    }

    /// Gives somebody a second factor.
    pub async fn enroll(&self, who: &Person) -> Authenticator {
        let enrollment = self.mfa().enroll(&self.permit(who).await).await.unwrap();
        let secret = TotpSecret::from_base32(enrollment.secret.expose_secret()).unwrap();
        let authenticator = Authenticator { secret, recovery: Vec::new() };
        let code = authenticator.totp(self.now());
        let recovery = self.mfa().verify(&self.permit(who).await, &code).await.unwrap();
        Authenticator { recovery, ..authenticator }
    }

    /// The token of the challenge that a sign-in is met with.
    pub async fn challenge(&self, who: &Person) -> LinkToken {
        match self.sign_ins().log_in(&who.email, &password(), &client()).await.unwrap() {
            Entered::Challenged { token, .. } => token,
            Entered::SignedIn(_) => panic!("nobody asks {} for a second factor", who.email),
        }
    }

    /// The token in the newest mail to an address.
    pub async fn mailed_token(&self, email: &Email) -> LinkToken {
        let mails = self.post().await;
        mails.into_iter().rev().find(|mail| mail.to == *email).and_then(|mail| mail.token).expect("a mail with a link")
    }

    /// An account with a verified address, and a sign-in.
    pub async fn person(&self, name: &str) -> Person {
        let email = people::email(&format!("{name}@example.com"));
        let (sign_ups, name) = (self.sign_ups(), Some(people::name(name)));
        let id = sign_ups.create(email.clone(), &password(), name, Tier::Free, false).await.unwrap();
        self.signed_in(id, email).await
    }

    /// Somebody who is staff.
    pub async fn staffer(&self, name: &str) -> Person {
        let person = self.person(name).await;
        self.operator().set_staff(&person.email, true).await.unwrap();
        person
    }

    /// The same person at another browser.
    pub async fn sign_in(&self, who: &Person) -> Person {
        self.signed_in(who.id, who.email.clone()).await
    }

    /// Signs in with the password that everybody has, where it suffices.
    pub async fn log_in(&self, email: &Email) -> SignedIn {
        match self.sign_ins().log_in(email, &password(), &client()).await.unwrap() {
            Entered::SignedIn(signed_in) => signed_in,
            Entered::Challenged { .. } => panic!("{email} is asked for a second factor"),
        }
    }

    async fn signed_in(&self, id: AccountId, email: Email) -> Person {
        let token = self.log_in(&email).await.token;
        let presented = presented(&token);
        Person { id, email, token, presented }
    }

    /// May this person do that, on their own account?
    pub async fn permit<A: Operation>(&self, by: &Person) -> Permit<A> {
        self.doorkeeper().admit(&by.presented, None).await.unwrap()
    }

    /// May this person do that, on the account of `owner`?
    pub async fn permit_on<A: Operation>(&self, by: &Person, owner: &Person) -> Permit<A> {
        self.doorkeeper().admit(&by.presented, Some(owner.id)).await.unwrap()
    }

    /// Calls as the HTTP layer does: whoever was stale is asked at the door again.
    pub async fn call<A: Operation, T, E: MaybeStale>(
        &self,
        by: Presented,
        wanted: Option<AccountId>,
        operation: impl AsyncFn(Permit<A>) -> Result<T, E>,
    ) -> Result<T, Attempt<E>> {
        let attempt = async || {
            let permit = self.doorkeeper().admit::<A>(&by, wanted).await.map_err(Attempt::Door)?;
            operation(permit).await.map_err(Attempt::Use)
        };
        again_if_stale(attempt, pause).await
    }

    pub async fn invite(&self, owner: &Person, guest: &Person, role: Role) -> LinkToken {
        self.invites().invite(&self.permit(owner).await, guest.email.clone(), role).await.unwrap();
        self.mailed_token(&guest.email).await
    }

    /// Makes `guest` a member of the team of `owner`.
    pub async fn join(&self, owner: &Person, guest: &Person, role: Role) -> Membership {
        let token = self.invite(owner, guest, role).await;
        self.invites().accept(&self.permit(guest).await, &token).await.unwrap()
    }

    /// A key that reads, on the account of `owner`.
    pub async fn mint(&self, by: &Person, owner: &Person, name: &str) -> Minted {
        self.keys().mint(&self.permit_on(by, owner).await, order(name)).await.unwrap()
    }

    /// A picture in the blob store that nobody wears yet.
    pub async fn upload(&self, by: &Person) -> Uploaded {
        let sent = SentPicture::new(b"picture".to_vec()).unwrap();
        self.avatars().upload(&self.permit(by).await, sent, PictureType::Png).await.unwrap()
    }

    /// Uploads a picture and wears it.
    pub async fn wear(&self, by: &Person) -> AvatarKey {
        let uploaded = self.upload(by).await;
        self.avatars().wear(&self.permit(by).await, &uploaded).await.unwrap();
        uploaded.key()
    }

    /// The whole log of an account, oldest first, after a look at every link of its chain.
    pub async fn log(&self, account: AccountId) -> Vec<AuditEntry> {
        let head = self.store.head(account).await.unwrap();
        let mut entries = self.store.entries_down_from(account, head.seq, u16::MAX).await.unwrap();
        entries.reverse();
        assert_eq!(chain::verify(&entries), Ok((head.seq > 0).then_some(head)), "the head is the last entry");
        assert_eq!(i64::try_from(entries.len()), Ok(head.seq), "no entry is missing");
        entries
    }

    /// The same as the wire shows it: with what it says of people.
    pub async fn told(&self, account: AccountId) -> Vec<EntryView> {
        let opener = Opener::new(self.store.clone(), self.desk.vault.clone());
        opener.open(account, self.log(account).await).await.unwrap()
    }

    /// The actions on the log of an account, oldest first.
    pub async fn actions(&self, account: AccountId) -> Vec<String> {
        self.log(account).await.into_iter().map(|entry| entry.action).collect()
    }

    /// How the number of rows has changed since `before`.
    pub async fn grown_since(&self, before: &BTreeMap<String, i64>) -> BTreeMap<String, i64> {
        let now = self.backend.rows().await;
        let grown = now.into_iter().map(|(table, rows)| (table.clone(), rows - before.get(&table).unwrap_or(&0)));
        grown.filter(|(_, rows)| *rows != 0).collect()
    }

    pub async fn touch(&self, credential: Credential) {
        self.doorkeeper().touch(credential).await.unwrap();
    }
}

/// Lets `runners` run at once, each on a thread of its own, and answers with what became of them in their order.
pub async fn race<T, F>(runners: usize, run: impl Fn(usize) -> F + Sync) -> Vec<T>
where
    T: Send,
    F: Future<Output = T>,
{
    let (runtime, start, run) = (&Handle::current(), &Barrier::new(runners), &run);
    let on_a_thread = |n| {
        move || {
            start.wait();
            runtime.block_on(run(n))
        }
    };
    block_in_place(|| {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..runners).map(|n| scope.spawn(on_a_thread(n))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    })
}

/// Longer each time, and not the same for two who were stale together.
pub async fn pause(tries: u32) {
    let jitter = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_micros() % 7);
    tokio::time::sleep(Duration::from_millis(u64::from(tries * 2 + jitter))).await;
}

pub fn password() -> Password {
    people::password()
}

/// At the address that everybody has.
pub fn client() -> Client {
    Client { agent: agent(), address: "198.51.100.7".to_owned() }
}

pub fn agent() -> Agent {
    Agent::from_header(Some("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"))
}

/// What a session token is reduced to at the door.
pub fn presented(token: &SecretString) -> Presented {
    let claims = PlainTokens.open(token.expose_secret()).unwrap();
    Presented::Session { id: claims.session, generation: claims.generation }
}

pub fn order(name: &str) -> KeyOrder {
    KeyOrder { name: people::name(name), scopes: ScopeSet::of(&[Scope::Read]), expires_at: None }
}

/// Rows by table, for comparing.
pub fn rows<const N: usize>(tables: [(&str, i64); N]) -> BTreeMap<String, i64> {
    tables.into_iter().map(|(table, rows)| (table.to_owned(), rows)).collect()
}
