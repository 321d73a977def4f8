//! The use cases over the store of a world.

use std::sync::Arc;

use driftstack_domain::{
    access::Doorkeeper,
    account::Accounts,
    api_key::ApiKeys,
    auth::{EmailChanges, LinkClerk, SignIns, SignUps, StepUps},
    avatar::{Avatars, Sweeper},
    ending::{Endings, Purger},
    idempotency::Idempotency,
    mail::Preferences,
    membership::{Invites, Memberships},
    mfa::Mfa,
    notify::Notifications,
    organisation::Organisations,
    profile::Profiles,
    session::Sessions,
    staff::{Operator, Staff},
    team::Teams,
    usage::Usage,
    web_session::WebSessions,
    webhook::{Reach, Webhooks},
};

use super::World;
use crate::{
    backend::Backend,
    fakes::{PlainPasswords, PlainPictures, PlainTokens, Shelf},
};

impl<B: Backend> World<B> {
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
}
