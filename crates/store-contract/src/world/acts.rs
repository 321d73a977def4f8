//! What people do in many cases.

use driftstack_domain::{
    api_key::{KeyOrder, Minted},
    avatar::{AvatarKey, PictureType, SentPicture, Uploaded},
    membership::Membership,
    policy::{Role, Scope, ScopeSet},
    secret::LinkToken,
    testing::people,
};

use super::{Person, World};
use crate::backend::Backend;

impl<B: Backend> World<B> {
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
}

pub fn order(name: &str) -> KeyOrder {
    KeyOrder { name: people::name(name), scopes: ScopeSet::of(&[Scope::Read]), expires_at: None }
}
