//! People, and how they get in.

use std::fmt::Debug;

use driftstack_domain::{
    access::Presented,
    auth::{Client, Entered, Password},
    email::Email,
    id::{AccountId, WebSessionId},
    mfa::{Answer, RecoveryCode, TotpCode, TotpSecret},
    secret::{LinkToken, SessionTokens as _},
    testing::people,
    tier::Tier,
    time::Timestamp,
    web_session::{Agent, SignedIn},
};
use secrecy::{ExposeSecret as _, SecretString};

use super::World;
use crate::{backend::Backend, fakes::PlainTokens};

/// Somebody with a verified account, signed in.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: AccountId,
    pub email: Email,
    pub token: SecretString,
    pub presented: Presented,
}

impl Person {
    pub fn session(&self) -> WebSessionId {
        let Presented::Session { id, .. } = self.presented else { unreachable!("a person has signed in") };
        id
    }
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

impl<B: Backend> World<B> {
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
