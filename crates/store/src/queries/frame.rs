//! The frame: what every record with a change has in common. Nothing else opens a transaction for one.
//!
//! It holds the accounts of the guard and compares their revisions, counts where there must be room, runs the body, links the
//! audit drafts into their chains, writes the mails and the events, keeps the answer for whoever asks again, and moves the
//! revision and the head of every account that got an entry. All of it is committed, or none.

use std::collections::BTreeMap;

use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    account::ProfileChange,
    activation::{Binding, Handover},
    api_key::{KeyRevocation, Minting, Rotation},
    audit::{
        AuditDraft,
        chain::{self, ChainHash, Head},
    },
    auth::{
        ChallengeAnswer, EmailChange, EmailWish, LinkRenewal, LinkSignIn, PasswordReset, Registration, SignIn, StepUp,
        Verification,
    },
    avatar::AvatarChange,
    change::{Change, CommitError, Effects, Guard, Revision, StoreError},
    ending::{Deletion, Purge},
    id::AccountId,
    mail::PreferenceChange,
    membership::{Acceptance, Invitation, InviteRevocation, Removal, Resending, RoleChange},
    mfa::{Enrolment, FactorActivation, FactorRemoval, Miss, NewRecoveryCodes},
    organisation::{MemberChange, NoticeChange},
    profile::{ProfileCreation, ProfileDeletion, ProfileUpdate},
    secret::Sealed,
    session::{SessionCreation, SessionDestruction},
    staff::{
        OperatorKey, OverrideChange, OwnershipTransfer, PlanChange, StaffChange, StatusChange, SupportNote, TierChange,
    },
    team::Renaming,
    web_session::{OtherSessionsEnd, SessionEnd},
    webhook::{EndpointChange, EndpointCreation, EndpointRemoval, Replay, SecretRotation, TestPing},
};
use futures_util::{FutureExt, future::BoxFuture};

use super::{super::Store, Answer, Conn, Fault, audit, delivery, dialect, idempotency, mail, room};
use crate::{
    cached::update,
    rows::seen,
    schema::{accounts, audit_entries},
    types::b,
};

/// A record of the domain that is committed with a change.
pub(super) trait Record: Clone + Send + Sync + 'static {
    fn change(&self) -> &Change;
}

macro_rules! records {
    ($($record:ident),+ $(,)?) => { $(
        impl Record for $record {
            fn change(&self) -> &Change {
                &self.change
            }
        }
    )+ };
}

records! {
    Acceptance, AvatarChange, Binding, ChallengeAnswer, Deletion, EmailChange, EmailWish, EndpointChange, EndpointCreation,
    EndpointRemoval, Enrolment, FactorActivation, FactorRemoval, Handover, Invitation, InviteRevocation, KeyRevocation,
    LinkRenewal, LinkSignIn, MemberChange, Minting, Miss, NewRecoveryCodes, NoticeChange, OperatorKey, OtherSessionsEnd,
    OverrideChange, OwnershipTransfer, PasswordReset, PlanChange, PreferenceChange, ProfileChange, ProfileCreation,
    ProfileDeletion, ProfileUpdate, Purge, Registration, Removal, Renaming, Replay, Resending, RoleChange, Rotation,
    SecretRotation, SessionCreation, SessionDestruction, SessionEnd, SignIn, StaffChange, StatusChange, StepUp, SupportNote,
    TestPing, TierChange, Verification,
}

/// Writes the rows of a record.
pub(super) type Body<T> = for<'c> fn(&'c mut Conn, &'c T) -> BoxFuture<'c, Answer<()>>;

seen! {
    /// The part of an account that a commit is about: its revision, and where its log ends.
    #[derive(Clone, Copy)]
    pub(crate) struct Held {
        revision: Revision = accounts.revision,
        seq: i64 = accounts.audit_seq,
        hash: ChainHash = accounts.audit_hash,
    }
}

impl Held {
    pub(crate) fn columns() -> (accounts::revision, accounts::audit_seq, accounts::audit_hash) {
        (accounts::revision, accounts::audit_seq, accounts::audit_hash)
    }

    fn head(self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }
}

impl Store {
    /// Commits a record whole, or says why not.
    pub(super) async fn commit<T: Record>(&self, it: &T, body: Body<T>) -> Result<(), CommitError> {
        let effects = &it.change().effects;
        let writes_mail = !effects.mails.is_empty();
        let tells = !effects.events.is_empty();
        let severe: Vec<_> =
            effects.audit.iter().filter(|draft| draft.is_severe()).map(|draft| draft.account).collect();
        let accounts = it.change().guard.accounts().iter().map(|(account, _)| *account).collect();
        let it = it.clone();
        self.write_holding(accounts, move |c| framed(c, it, body).boxed()).await?;
        for account in severe {
            self.severe_entry().ring(account);
        }
        if writes_mail {
            self.mail_written().ring();
        }
        if tells {
            self.event_written().ring();
        }
        Ok(())
    }
}

async fn framed<T: Record>(c: &mut Conn, it: T, body: Body<T>) -> Answer<()> {
    let Change { guard, effects, answer, .. } = it.change();
    let held = hold(c, guard).await?;
    if let Some(cap) = guard.cap() {
        room::for_one_more(c, cap).await?;
    }
    body(c, &it).await?;
    for (account, drafts) in by_account(effects) {
        let end = match held.get(&account) {
            Some(held) => held.head(),
            // The body has just made it.
            None => dialect::hold(c, account).await?.ok_or(Fault::Stale)?.head(),
        };
        append(c, account, end, &drafts).await?;
        if drafts.iter().any(|draft| draft.is_severe()) {
            dialect::announce(c, account).await?;
        }
    }
    for mail in &effects.mails {
        mail::insert(c, mail, it.change().about()).await?;
    }
    for event in &effects.events {
        delivery::record(c, event).await?;
    }
    if let Some(answer) = answer {
        idempotency::keep(c, answer).await?;
    }
    Ok(())
}

/// Takes the locks in the order of the guard, which is the same for everybody.
async fn hold(c: &mut Conn, guard: &Guard) -> Answer<BTreeMap<AccountId, Held>> {
    let mut accounts = BTreeMap::new();
    for (id, seen) in guard.accounts() {
        let held = dialect::hold(c, *id).await?.filter(|held| held.revision == *seen).ok_or(Fault::Stale)?;
        accounts.insert(*id, held);
    }
    Ok(accounts)
}

fn by_account(effects: &Effects) -> BTreeMap<AccountId, Vec<&AuditDraft>> {
    let mut logs: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for draft in &effects.audit {
        logs.entry(draft.account).or_default().push(draft);
    }
    logs
}

/// What a draft says of people, sealed. One that says nothing of anybody asks for no key.
async fn personal(c: &mut Conn, draft: &AuditDraft) -> Answer<Option<Sealed>> {
    if draft.personal.is_empty() {
        return Ok(None);
    }
    let keys = audit::own_keys(c, draft.account).await?;
    if let Some(sealed) = keys.last().and_then(|newest| draft.seal_personal(newest)) {
        return Ok(Some(sealed));
    }
    // There is none yet, or the vault has lost what it was sealed with: neither keeps anybody from what they do.
    let sealed = draft.fresh_key().and_then(|fresh| Some((draft.seal_personal(&fresh)?, fresh)));
    let (sealed, fresh) = sealed.ok_or_else(|| StoreError::Failed("a fresh key does not open".to_owned()))?;
    audit::add_own_key(c, draft.account, keys.len(), &fresh).await?;
    Ok(Some(sealed))
}

/// Puts the drafts at the end of an account's log, and moves the account on.
async fn append(c: &mut Conn, account: AccountId, head: Head, drafts: &[&AuditDraft]) -> Answer<()> {
    let mut end = head;
    let mut last = None;
    for draft in drafts {
        let mut entry = chain::link(end, draft);
        entry.personal = personal(c, draft).await?;
        end = Head { seq: entry.seq, hash: entry.hash };
        if let Some(before) = last.replace(entry) {
            dsl::insert_into(audit_entries::table).values(&before).execute(c).await?;
        }
    }
    let Some(last) = last else { return Ok(()) };
    let moves = drafts.iter().any(|draft| draft.action.moves_the_revision());
    let inserted = dsl::insert_into(audit_entries::table).values(&last);
    let moved = update(accounts::table.find(b(&account)).filter(accounts::audit_seq.eq(head.seq))).set((
        accounts::revision.eq(accounts::revision + i64::from(moves)),
        accounts::audit_seq.eq(end.seq),
        accounts::audit_hash.eq(b(&end.hash)),
    ));
    let (_, moved) = dialect::execute_both!(c, inserted, moved)?;
    Fault::unless_one(moved)
}
