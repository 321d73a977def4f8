//! Olive owns a team, Ada is on it, Bo is not.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

use uuid::Uuid;

use crate::{
    access::{Access, Credential, Permit},
    account::{Account, AccountStatus},
    auth::{Password, PasswordHash, SeenSignIn},
    avatar::{AvatarKey, PictureType},
    change::Revision,
    email::Email,
    id::{
        AccountId, AvatarId, DeliveryId, EndpointId, EventId, InviteId, MembershipId, ProfileId, SessionId, TeamId,
        WebSessionId,
    },
    membership::{INVITE_LIFE, Invite, Membership, SeenMembership},
    name::Name,
    policy::{Role, Scope, ScopeSet, Standing},
    profile::Profile,
    secret::{Digest, Sealed},
    session::{Archetype, Purpose, Session},
    staff::SeenAccount,
    team::Team,
    tier::{Overrides, Plan},
    time::Timestamp,
    webhook::{
        ClaimedDelivery, Endpoint, EventData, EventType, Message, Reach, SharedSecret, Subscription, Tally,
        WebhookSecret, WebhookUrl,
    },
};

pub const OLIVE: AccountId = AccountId::new(uuid(0xA));
pub const ADA: AccountId = AccountId::new(uuid(0xB));
pub const BO: AccountId = AccountId::new(uuid(0xC));
pub const SESSION: WebSessionId = WebSessionId::new(uuid(0xD));

/// 2026-05-12T13:00:00Z, and an hour to either side.
pub const NOW: Timestamp = Timestamp::from_known_millis(1_778_590_800_000);
pub const EARLIER: Timestamp = Timestamp::from_known_millis(1_778_587_200_000);
pub const LATER: Timestamp = Timestamp::from_known_millis(1_778_594_400_000);

/// A version 7 UUID that is the `n`th.
pub const fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(0x0192_f0c1_2345_7000_8000_0000_0000_0000 | n)
}

pub fn email(text: &str) -> Email {
    text.parse().unwrap()
}

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub fn password() -> Password {
    Password::try_from("correct horse battery staple".to_owned()).unwrap()
}

pub fn account(id: AccountId, address: &str) -> Account {
    Account::new(id, email(address), Some(name("Somebody")), NOW)
}

/// The key of a picture.
pub const fn avatar() -> AvatarKey {
    AvatarKey::new(AvatarId::new(uuid(0x50)), PictureType::Png)
}

/// Olive's session, with these scopes and this standing.
pub fn access(scopes: ScopeSet, standing: Standing) -> Access {
    Access { standing, ..Access::at_home(OLIVE, Credential::Session(SESSION), scopes) }
}

/// Olive may.
pub fn permit<A>() -> Permit<A> {
    permit_of(OLIVE)
}

/// The owner of this account may, on it.
pub fn permit_of<A>(account: AccountId) -> Permit<A> {
    let scopes = ScopeSet::of(&[Scope::AccountOwner]);
    Permit::unchecked(Access::at_home(account, Credential::Session(SESSION), scopes))
}

/// Ada, on her way in.
pub fn seen_sign_in(status: AccountStatus, email_verified: bool) -> SeenSignIn {
    SeenSignIn {
        account: ADA,
        email: email("ada@example.com"),
        status,
        purge_at: None,
        email_verified,
        password: PasswordHash::from_phc("hash".to_owned()),
        has_factor: false,
        revision: Revision(1),
    }
}

/// Olive has invited Ada.
pub fn invite() -> Invite {
    Invite {
        id: InviteId::new(uuid(0x20)),
        owner: OLIVE,
        email: email("ada@example.com"),
        role: Role::Member,
        token: Digest::of("token"),
        invited_by: Some(OLIVE),
        created_at: EARLIER,
        expires_at: EARLIER.plus(INVITE_LIFE),
        accepted_at: None,
        voided_at: None,
    }
}

/// Ada is a member of Olive's team.
pub fn seen_membership() -> SeenMembership {
    SeenMembership {
        membership: Membership {
            id: MembershipId::new(uuid(0x30)),
            owner: OLIVE,
            member: ADA,
            member_email: email("ada@example.com"),
            role: Role::Member,
            invited_at: EARLIER,
            accepted_at: EARLIER,
            invited_by: Some(OLIVE),
        },
        owner_revision: Revision(1),
        removed_at: None,
    }
}

/// Of a revoked key of Olive's, on its way to an endpoint.
pub fn claimed(n: u128) -> ClaimedDelivery {
    let message = Message {
        id: EventId::new(uuid(n)),
        account: OLIVE,
        kind: EventType::KeyRevoked,
        at: NOW,
        data: EventData::new(),
    };
    ClaimedDelivery { id: DeliveryId::new(uuid(n)), attempts: 0, due_at: NOW, message }
}

/// Olive is told of revoked keys.
pub fn endpoint() -> Endpoint {
    let id = EndpointId::new(uuid(0x60));
    let text = WebhookSecret::parse("whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=").unwrap();
    // As the vault of glass seals it.
    let sealed = Sealed(format!("webhook {id}\0{}", text.expose()).into_bytes());
    Endpoint {
        id,
        account: OLIVE,
        url: WebhookUrl::parse("https://example.com/hooks", Reach::Public).unwrap(),
        secret: Some(SharedSecret { sealed, shown_prefix: "whsec_BwcH".to_owned() }),
        old_secret: None,
        subscription: Subscription::new(&[EventType::KeyRevoked]).unwrap(),
        description: None,
        active: true,
        tally: Tally::default(),
        disabled_at: None,
        created_at: EARLIER,
    }
}

/// An account as staff see it, with its team.
pub fn seen_account(account: Account) -> SeenAccount {
    let team = Team {
        id: TeamId::new(Uuid::from_u128(account.id.uuid().as_u128() + 0x100)),
        owner: account.id,
        name: name("Team"),
        plan: Plan::Free,
        created_at: EARLIER,
        updated_at: EARLIER,
    };
    SeenAccount {
        account,
        staff: false,
        email_verified_at: Some(EARLIER),
        overrides: Overrides::NONE,
        team,
        revision: Revision(1),
        wants_tier_mail: true,
    }
}

/// A profile of Olive's.
pub fn profile() -> Profile {
    Profile {
        id: ProfileId::new(uuid(0x60)),
        account: OLIVE,
        created_by: OLIVE,
        created_with: Credential::Session(SESSION),
        name: name("Shop"),
        archetype: Archetype::default(),
        description: Some("For the shop.".parse().unwrap()),
        metadata: None,
        created_at: NOW,
        updated_at: NOW,
        deleted_at: None,
    }
}

/// A session of Olive's that runs.
pub fn session() -> Session {
    Session {
        id: SessionId::new(uuid(0x61)),
        account: OLIVE,
        created_by: OLIVE,
        created_with: Credential::Session(SESSION),
        archetype: Archetype::default(),
        purpose: Purpose::Customer,
        label: None,
        metadata: None,
        behavior: None,
        profile: None,
        created_at: NOW,
        destroyed_at: None,
    }
}
