//! A session, and the challenge that may stand before it.

use driftstack_domain::{auth::Entered, id::AccountId, time::Timestamp, web_session::SignedIn};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

/// A new session.
#[derive(Serialize, ToSchema)]
pub struct SessionView {
    session: SessionToken,
}

#[derive(Serialize, ToSchema)]
struct SessionToken {
    /// Send it as `Authorization: Bearer <token>`.
    token: String,
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
    #[schema(value_type = String)]
    account_id: AccountId,
}

impl From<SignedIn> for SessionView {
    fn from(signed_in: SignedIn) -> Self {
        let token = signed_in.token.expose_secret().to_owned();
        Self { session: SessionToken { token, expires_at: signed_in.expires_at, account_id: signed_in.account } }
    }
}

/// A session, or the challenge that stands before it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum EntranceView {
    SignedIn(SessionView),
    Challenged(ChallengeView),
}

/// Answer it at `/v1/auth/mfa/challenge`, from the same address.
#[derive(Serialize, ToSchema)]
pub(super) struct ChallengeView {
    /// Always true.
    mfa_required: bool,
    challenge_token: String,
    #[schema(value_type = String, format = "date-time")]
    challenge_expires_at: Timestamp,
}

impl From<Entered> for EntranceView {
    fn from(entered: Entered) -> Self {
        match entered {
            Entered::SignedIn(signed_in) => Self::SignedIn(signed_in.into()),
            Entered::Challenged { token, expires_at } => Self::Challenged(ChallengeView {
                mfa_required: true,
                challenge_token: token.expose().to_owned(),
                challenge_expires_at: expires_at,
            }),
        }
    }
}
