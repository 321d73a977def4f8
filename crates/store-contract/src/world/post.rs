//! The mails that come, and the links in them.

use driftstack_domain::{
    auth::LinkKind,
    email::Email,
    mail::{Mail, Postman},
    secret::LinkToken,
};

use super::{Person, World};
use crate::backend::Backend;

impl<B: Backend> World<B> {
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

    /// The token in the newest mail to an address.
    pub async fn mailed_token(&self, email: &Email) -> LinkToken {
        let mails = self.post().await;
        mails.into_iter().rev().find(|mail| mail.to == *email).and_then(|mail| mail.token).expect("a mail with a link")
    }
}
