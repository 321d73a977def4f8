//! The second factor of the calling account, and proofs with it.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    auth::{ChallengeError, Password, Proven, StepUpError},
    mfa::{
        Answer, AnswerError, DIGITS, EnrollError, MfaStatus, PERIOD, RecoveryCode, RegenerateError, TotpCode,
        VerifyFactorError,
    },
    policy::action::{
        AnswerChallenge, DisableMfa, EnrollMfa, ReadMfa, RegenerateRecoveryCodes, StepUpWithCode, StepUpWithPassword,
        VerifyMfa,
    },
    time::Timestamp,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{SessionView, link_token};
use crate::{
    http::{
        Api, Body, Calling, Code, Gate, NoContent, NothingBody, Ok200, Open, Problem,
        body::confirmed,
        gate::retried,
        limits::{Throttle, whole_seconds},
    },
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/v1/auth/mfa/challenge", challenge)
        .route(Method::POST, "/v1/auth/mfa/step-up", step_up_with_code)
        .route(Method::POST, "/v1/auth/step-up", step_up_with_password)
        .route(Method::GET, "/v1/account/mfa", status)
        .route(Method::POST, "/v1/account/mfa/enroll", enroll)
        .route(Method::POST, "/v1/account/mfa/verify", verify)
        .route(Method::DELETE, "/v1/account/mfa", disable)
        .alias(Method::POST, "/v1/account/mfa/disable", disable)
        .route(Method::POST, "/v1/account/mfa/recovery-codes/regenerate", regenerate)
}

/// One of the two, and not both.
fn answer(code: Option<TotpCode>, recovery_code: Option<RecoveryCode>) -> Result<Answer, Problem> {
    match (code, recovery_code) {
        (Some(code), None) => Ok(Answer::Code(code)),
        (None, Some(code)) => Ok(Answer::Recovery(code)),
        _ => Err(Problem::invalid("code", "send either `code` or `recovery_code`")),
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChallengeBody {
    #[schema(value_type = String)]
    challenge_token: SecretString,
    /// Six digits.
    #[schema(value_type = Option<String>)]
    code: Option<TotpCode>,
    /// Instead of `code`: such as `ABCDE-FGHJK`.
    #[schema(value_type = Option<String>)]
    recovery_code: Option<RecoveryCode>,
}

#[derive(Serialize, ToSchema)]
struct AnsweredView {
    #[serde(flatten)]
    session: SessionView,
    /// `totp` or `recovery_code`.
    via: &'static str,
}

async fn challenge(
    _: Open<AnswerChallenge>,
    throttle: Throttle,
    client: Calling,
    services: Data<Services>,
    body: Body<ChallengeBody>,
) -> Result<Ok200<AnsweredView>, Problem> {
    let Body(ChallengeBody { challenge_token, code, recovery_code }) = body;
    let answer = answer(code, recovery_code)?;
    let token = link_token(&challenge_token)?;
    throttle.answering(&token).await?;
    let (signed_in, via) = retried(async || services.sign_ins.answer(&token, &answer, &client.0).await).await?;
    Ok(Ok200(AnsweredView { session: signed_in.into(), via: via.as_str() }))
}

impl From<ChallengeError> for Problem {
    fn from(error: ChallengeError) -> Self {
        match error {
            ChallengeError::InvalidToken => Self::new(Code::InvalidAuthToken, error),
            ChallengeError::Answer(error) => error.into(),
        }
    }
}

impl From<AnswerError> for Problem {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::WrongCode => Self::invalid("code", error),
            AnswerError::WrongRecoveryCode => Self::invalid("recovery_code", error),
            AnswerError::Paused { wait } => Self::new(Code::RateLimited, &error).retry_after(whole_seconds(wait)),
            AnswerError::Commit(error) => error.into(),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StepUpBody {
    /// Six digits.
    #[schema(value_type = Option<String>)]
    code: Option<TotpCode>,
    /// Instead of `code`: such as `ABCDE-FGHJK`.
    #[schema(value_type = Option<String>)]
    recovery_code: Option<RecoveryCode>,
}

/// The proof is good for 15 minutes.
#[derive(Serialize, ToSchema)]
struct ProvenView {
    /// `totp`, `recovery_code` or `password`.
    via: &'static str,
    #[schema(value_type = String, format = "date-time")]
    mfa_satisfied_at: Timestamp,
}

impl From<Proven> for ProvenView {
    fn from(proven: Proven) -> Self {
        Self { via: proven.via.as_str(), mfa_satisfied_at: proven.at }
    }
}

async fn step_up_with_code(
    gate: Gate<StepUpWithCode>,
    services: Data<Services>,
    body: Body<StepUpBody>,
) -> Result<Ok200<ProvenView>, Problem> {
    let answer = answer(body.0.code, body.0.recovery_code)?;
    let proven = gate.change(async |by| services.step_ups.with_factor(by, &answer).await).await?;
    Ok(Ok200(proven.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordBody {
    #[schema(value_type = String)]
    password: SecretString,
}

async fn step_up_with_password(
    gate: Gate<StepUpWithPassword>,
    throttle: Throttle,
    services: Data<Services>,
    body: Body<PasswordBody>,
) -> Result<Ok200<ProvenView>, Problem> {
    throttle.proving(gate.permit().workspace()).await?;
    let password = Password::shown(body.0.password);
    let proven = gate.change(async |by| services.step_ups.with_password(by, &password).await).await?;
    Ok(Ok200(proven.into()))
}

impl From<StepUpError> for Problem {
    fn from(error: StepUpError) -> Self {
        match error {
            StepUpError::NoFactor | StepUpError::FactorEnrolled => Self::new(Code::Conflict, error),
            StepUpError::WrongPassword => Self::new(Code::InvalidCredentials, error),
            StepUpError::Answer(error) => error.into(),
            StepUpError::Busy(busy) => busy.into(),
            StepUpError::Commit(error) => error.into(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct StatusView {
    enrolled: bool,
    #[schema(value_type = Option<String>, format = "date-time")]
    enrolled_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    last_used_at: Option<Timestamp>,
    unused_recovery_codes: usize,
}

impl From<MfaStatus> for StatusView {
    fn from(status: MfaStatus) -> Self {
        Self {
            enrolled: status.enrolled_at.is_some(),
            enrolled_at: status.enrolled_at,
            last_used_at: status.last_used_at,
            unused_recovery_codes: status.unused_recovery_codes,
        }
    }
}

async fn status(gate: Gate<ReadMfa>, services: Data<Services>) -> Result<Ok200<StatusView>, Problem> {
    Ok(Ok200(services.mfa.status(gate.permit()).await?.into()))
}

/// For an authenticator. It is shown now and never again.
#[derive(Serialize, ToSchema)]
struct EnrollmentView {
    /// `otpauth://totp/…`, to be shown as a QR code.
    otpauth_uri: String,
    /// The same secret in base32, to be typed.
    secret: String,
    /// Always `SHA1`.
    algorithm: &'static str,
    digits: u8,
    period_seconds: u64,
}

async fn enroll(
    gate: Gate<EnrollMfa>,
    services: Data<Services>,
    _: Body<NothingBody>,
) -> Result<Ok200<EnrollmentView>, Problem> {
    let enrollment = gate.change(async |by| services.mfa.enroll(by).await).await?;
    Ok(Ok200(EnrollmentView {
        otpauth_uri: enrollment.uri.expose_secret().to_owned(),
        secret: enrollment.secret.expose_secret().to_owned(),
        algorithm: "SHA1",
        digits: DIGITS,
        period_seconds: PERIOD.as_secs(),
    }))
}

impl From<EnrollError> for Problem {
    fn from(error: EnrollError) -> Self {
        match error {
            EnrollError::AlreadyEnrolled => Self::new(Code::Conflict, error),
            EnrollError::Commit(error) => error.into(),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VerifyBody {
    /// The six digits that the authenticator shows.
    #[schema(value_type = String)]
    code: TotpCode,
}

/// They are shown now and never again. Each works once.
#[derive(Serialize, ToSchema)]
struct RecoveryCodesView {
    recovery_codes: Vec<String>,
}

impl From<Vec<RecoveryCode>> for RecoveryCodesView {
    fn from(codes: Vec<RecoveryCode>) -> Self {
        Self { recovery_codes: codes.iter().map(|code| code.expose().to_owned()).collect() }
    }
}

async fn verify(
    gate: Gate<VerifyMfa>,
    services: Data<Services>,
    body: Body<VerifyBody>,
) -> Result<Ok200<RecoveryCodesView>, Problem> {
    let codes = gate.change(async |by| services.mfa.verify(by, &body.0.code).await).await?;
    Ok(Ok200(codes.into()))
}

impl From<VerifyFactorError> for Problem {
    fn from(error: VerifyFactorError) -> Self {
        match error {
            VerifyFactorError::AlreadyEnrolled | VerifyFactorError::NothingPending => Self::new(Code::Conflict, error),
            VerifyFactorError::WrongCode => Self::invalid("code", error),
            VerifyFactorError::Commit(error) => error.into(),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DisableBody {
    /// Must be `disable-mfa`.
    confirm: String,
}

async fn disable(
    gate: Gate<DisableMfa>,
    services: Data<Services>,
    body: Body<DisableBody>,
) -> Result<NoContent, Problem> {
    confirmed(&body.0.confirm, "disable-mfa")?;
    gate.change(async |by| services.mfa.disable(by).await).await?;
    Ok(NoContent)
}

async fn regenerate(
    gate: Gate<RegenerateRecoveryCodes>,
    services: Data<Services>,
    _: Body<NothingBody>,
) -> Result<Ok200<RecoveryCodesView>, Problem> {
    let codes = gate.change(async |by| services.mfa.regenerate(by).await).await?;
    Ok(Ok200(codes.into()))
}

impl From<RegenerateError> for Problem {
    fn from(error: RegenerateError) -> Self {
        match error {
            RegenerateError::NotEnrolled(_) => Self::not_found(error),
            RegenerateError::Commit(error) => error.into(),
        }
    }
}
