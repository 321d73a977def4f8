//! Getting a second factor: a secret first, and then a code that shows that it has arrived.

use secrecy::SecretString;

use super::{
    Mfa,
    noun::{Factor, Tries},
    recovery::{RECOVERY_CODES, RecoveryCode},
    totp::{TotpCode, TotpSecret},
};
use crate::{
    access::{Credential, Permit},
    audit::AuditAction,
    change::{Change, CommitError, Effects, StoreError, commits},
    id::{AccountId, FactorId, WebSessionId},
    mail::MailContent,
    policy::action::{EnrollMfa, VerifyMfa},
    secret::Digest,
    time::Timestamp,
};

/// A factor that waits for its first code, in place of one that waited before.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Enrolment {
    pub factor: Factor,
    pub change: Change,
}

/// What the authenticator needs, and nobody can read again.
#[derive(Debug)]
pub struct NewSecret {
    pub uri: SecretString,
    pub secret: SecretString,
}

#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    #[error("a second factor is enrolled already; disable it first")]
    AlreadyEnrolled,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(EnrollError);

/// A factor that asks from now on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FactorActivation {
    /// What its sessions have proven before, without the factor, counts no more.
    pub account: AccountId,
    pub factor: FactorId,
    pub at: Timestamp,
    /// The step of the code that was shown: it is used.
    pub step: i64,
    pub recovery: Vec<Digest>,
    /// The session that has thereby proven whose it is.
    pub session: WebSessionId,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyFactorError {
    #[error("a second factor is enrolled already")]
    AlreadyEnrolled,
    #[error("nothing is waiting to be verified; enroll first")]
    NothingPending,
    #[error("this code is wrong; check the clock of the authenticator")]
    WrongCode,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(VerifyFactorError);

impl Mfa {
    /// Hands out a new secret. It asks for nothing before [`Self::verify`], so an enrolment that is given up does no harm.
    pub async fn enroll(&self, by: &Permit<EnrollMfa>) -> Result<NewSecret, EnrollError> {
        let seen = self.store.seen_enrolment(by.workspace()).await?;
        if seen.factor.is_some_and(|factor| factor.enrolled_at.is_some()) {
            return Err(EnrollError::AlreadyEnrolled);
        }
        let secret = TotpSecret::generate(self.desk.secrets.as_ref());
        let id = FactorId::new(self.desk.ids.next());
        let factor = Factor {
            id,
            account: by.workspace(),
            secret: secret.seal(id, self.desk.vault.as_ref()),
            created_at: self.desk.now(),
            enrolled_at: None,
            last_step: None,
            last_used_at: None,
            tries: Tries::default(),
        };
        let it = Enrolment { factor, change: Change::new(by, Effects::none()) };
        self.store.commit_enrolment(&it).await?;
        Ok(NewSecret { uri: secret.to_uri(&seen.email), secret: secret.to_base32() })
    }

    /// Makes the factor ask from now on, and hands out its recovery codes.
    pub async fn verify(
        &self,
        by: &Permit<VerifyMfa>,
        code: &TotpCode,
    ) -> Result<Vec<RecoveryCode>, VerifyFactorError> {
        let seen = self.store.seen_enrolment(by.workspace()).await?;
        let factor = seen.factor.ok_or(VerifyFactorError::NothingPending)?;
        if factor.enrolled_at.is_some() {
            return Err(VerifyFactorError::AlreadyEnrolled);
        }
        let step = factor.accepts(code, self.desk.now(), self.desk.vault.as_ref());
        let step = step.map_err(|error| StoreError::Failed(format!("the secret of a factor: {error}")))?;
        let step = step.ok_or(VerifyFactorError::WrongCode)?;
        let Credential::Session(session) = by.access().credential else {
            return Err(VerifyFactorError::NothingPending);
        };
        let codes = self.fresh_codes();
        let entry = self.desk.audit(by, AuditAction::MfaEnrolled).on(by.workspace());
        let mail = self.desk.mail(seen.email, MailContent::MfaEnrolled);
        let it = FactorActivation {
            account: by.workspace(),
            factor: factor.id,
            at: self.desk.now(),
            step,
            recovery: self.fingerprints(factor.id, &codes),
            session,
            change: Change::new(by, Effects::audited(entry).mailed([mail])),
        };
        self.store.commit_activation(&it).await?;
        Ok(codes)
    }

    pub(super) fn fresh_codes(&self) -> Vec<RecoveryCode> {
        (0..RECOVERY_CODES).map(|_| RecoveryCode::generate(self.desk.secrets.as_ref())).collect()
    }

    pub(super) fn fingerprints(&self, factor: FactorId, codes: &[RecoveryCode]) -> Vec<Digest> {
        codes.iter().map(|code| code.fingerprint(factor, self.desk.vault.as_ref())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mfa::{port::MockMfaStore, port::SeenEnrolment, testing},
        testing::{desk, people},
    };
    use std::sync::Arc;

    fn mfa(store: MockMfaStore) -> Mfa {
        Mfa::new(Arc::new(store), desk())
    }

    fn store(factor: Option<Factor>) -> MockMfaStore {
        let mut store = MockMfaStore::new();
        store.expect_seen_enrolment().returning(move |_| {
            Ok(SeenEnrolment { factor: factor.clone(), email: people::email("olive@example.com") })
        });
        store
    }

    fn pending() -> Factor {
        Factor { enrolled_at: None, ..testing::factor() }
    }

    #[tokio::test]
    async fn a_secret_is_committed_sealed_and_handed_out_once() {
        let mut store = store(Some(pending()));
        store
            .expect_commit_enrolment()
            .times(1)
            .withf(|it| it.factor.enrolled_at.is_none() && it.change.effects.audit.is_empty())
            .returning(|_| Ok(()));
        assert!(mfa(store).enroll(&people::permit()).await.is_ok());
    }

    #[tokio::test]
    async fn whoever_has_a_factor_gets_no_second_one() {
        let refused = mfa(store(Some(testing::factor()))).enroll(&people::permit()).await;
        assert!(matches!(refused, Err(EnrollError::AlreadyEnrolled)));
        let refused = mfa(store(Some(testing::factor()))).verify(&people::permit(), &testing::totp(people::NOW)).await;
        assert!(matches!(refused, Err(VerifyFactorError::AlreadyEnrolled)));
    }

    #[tokio::test]
    async fn the_first_code_makes_it_ask() {
        let mut store = store(Some(pending()));
        store
            .expect_commit_activation()
            .times(1)
            .withf(|it| {
                it.recovery.len() == RECOVERY_CODES
                    && it.session == people::SESSION
                    && it.step == people::NOW.unix_seconds() / 30
                    && (it.change.effects.audit.len(), it.change.effects.mails.len()) == (1, 1)
            })
            .returning(|_| Ok(()));
        let codes = mfa(store).verify(&people::permit(), &testing::totp(people::NOW)).await.unwrap();
        let distinct: std::collections::HashSet<_> = codes.iter().map(RecoveryCode::expose).collect();
        assert_eq!(distinct.len(), RECOVERY_CODES);
    }

    #[tokio::test]
    async fn a_wrong_first_code_and_a_code_for_nothing_are_refused() {
        let wrong = mfa(store(Some(pending()))).verify(&people::permit(), &testing::totp(people::LATER)).await;
        assert!(matches!(wrong, Err(VerifyFactorError::WrongCode)));
        let nothing = mfa(store(None)).verify(&people::permit(), &testing::totp(people::NOW)).await;
        assert!(matches!(nothing, Err(VerifyFactorError::NothingPending)));
    }
}
