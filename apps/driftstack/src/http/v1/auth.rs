//! Signing up and signing in.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    auth::{Entered, LinkKind, LogInError, Password, ResetError, SignUpError, VerifyError},
    email::Email,
    id::AccountId,
    name::Name,
    policy::action::{
        FollowMagicLink, LogIn, LogOut, RefreshSession, RequestMagicLink, RequestReset, ResendVerification,
        ResetPassword, SignUp, VerifyEmail,
    },
    secret::LinkToken,
    time::Timestamp,
    web_session::{RefreshError, SignedIn},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    http::{Api, Body, Calling, Code, Ok200, Open, Problem, gate::retried, limits::Throttle},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/v1/auth/signup", sign_up)
        .route(Method::POST, "/v1/auth/verify-email", verify_email)
        .route(Method::POST, "/v1/auth/resend-verification", resend_verification)
        .route(Method::POST, "/v1/auth/login", log_in)
        .route(Method::POST, "/v1/auth/magic-link/request", request_magic_link)
        .route(Method::POST, "/v1/auth/magic-link/consume", follow_magic_link)
        .route(Method::POST, "/v1/auth/password-reset/request", request_reset)
        .route(Method::POST, "/v1/auth/password-reset/confirm", reset_password)
        .route(Method::POST, "/v1/auth/refresh", refresh)
        .route(Method::POST, "/v1/auth/logout", log_out)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignUpBody {
    #[schema(value_type = String, format = "email")]
    email: Email,
    /// 12 to 128 characters.
    #[schema(value_type = String)]
    password: Password,
    /// 1 to 120 characters.
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
}

#[derive(Serialize, ToSchema)]
struct SignUpView {
    #[schema(value_type = String, format = "date-time")]
    verification_email_expires_at: Timestamp,
}

async fn sign_up(
    _: Open<SignUp>,
    throttle: Throttle,
    services: Data<Services>,
    body: Body<SignUpBody>,
) -> Result<Ok200<SignUpView>, Problem> {
    throttle.mail_sending().await?;
    let Body(SignUpBody { email, password, name }) = body;
    let verification_email_expires_at = services.sign_ups.sign_up(email, &password, name).await?;
    Ok(Ok200(SignUpView { verification_email_expires_at }))
}

impl From<SignUpError> for Problem {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::EmailTaken => Self::new(Code::EmailAlreadyRegistered, error),
            SignUpError::Busy(busy) => busy.into(),
            SignUpError::Commit(error) => error.into(),
        }
    }
}

/// A token that somebody shows. It is never printed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    #[schema(value_type = String)]
    pub(super) token: SecretString,
}

/// A new session.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionView {
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
enum EntranceView {
    SignedIn(SessionView),
    Challenged(ChallengeView),
}

/// Answer it at `/v1/auth/mfa/challenge`, from the same address.
#[derive(Serialize, ToSchema)]
struct ChallengeView {
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

/// What a text that cannot be a link's token gets: the same as one that is not.
pub(super) fn link_token(text: &SecretString) -> Result<LinkToken, Problem> {
    let token = LinkToken::parse(text.expose_secret());
    token.ok_or_else(|| {
        Problem::new(Code::InvalidAuthToken, "this token is unknown, used or too old; ask for a new one")
    })
}

async fn verify_email(
    _: Open<VerifyEmail>,
    client: Calling,
    services: Data<Services>,
    body: Body<TokenBody>,
) -> Result<Ok200<SessionView>, Problem> {
    let token = link_token(&body.0.token)?;
    let signed_in = retried(async || services.sign_ins.verify(&token, client.0.agent.clone()).await).await?;
    Ok(Ok200(signed_in.into()))
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::InvalidToken => Self::new(Code::InvalidAuthToken, error),
            VerifyError::Commit(error) => error.into(),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EmailBody {
    #[schema(value_type = String, format = "email")]
    pub(super) email: Email,
}

#[derive(Serialize, ToSchema)]
pub(super) struct MailSentView {
    /// Always true, whatever the address.
    pub(super) sent: bool,
    #[schema(value_type = String, format = "date-time")]
    pub(super) expires_at: Timestamp,
}

async fn resend_verification(
    _: Open<ResendVerification>,
    throttle: Throttle,
    services: Data<Services>,
    body: Body<EmailBody>,
) -> Result<Ok200<MailSentView>, Problem> {
    mail_link(LinkKind::Verification, &throttle, &services, body.0).await
}

/// The same whatever the address: it is a worker that looks it up.
async fn mail_link(
    kind: LinkKind,
    throttle: &Throttle,
    services: &Services,
    body: EmailBody,
) -> Result<Ok200<MailSentView>, Problem> {
    throttle.mail_sending().await?;
    let expires_at = services.links.ask(kind, body.email).await?;
    Ok(Ok200(MailSentView { sent: true, expires_at }))
}

async fn request_magic_link(
    _: Open<RequestMagicLink>,
    throttle: Throttle,
    services: Data<Services>,
    body: Body<EmailBody>,
) -> Result<Ok200<MailSentView>, Problem> {
    mail_link(LinkKind::MagicLink, &throttle, &services, body.0).await
}

async fn request_reset(
    _: Open<RequestReset>,
    throttle: Throttle,
    services: Data<Services>,
    body: Body<EmailBody>,
) -> Result<Ok200<MailSentView>, Problem> {
    mail_link(LinkKind::PasswordReset, &throttle, &services, body.0).await
}

async fn follow_magic_link(
    _: Open<FollowMagicLink>,
    client: Calling,
    services: Data<Services>,
    body: Body<TokenBody>,
) -> Result<Ok200<EntranceView>, Problem> {
    let token = link_token(&body.0.token)?;
    let entered = retried(async || services.sign_ins.follow(&token, &client.0).await).await?;
    Ok(Ok200(entered.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResetBody {
    #[schema(value_type = String)]
    token: SecretString,
    /// 12 to 128 characters. `password` is another name for it.
    #[serde(alias = "password")]
    #[schema(value_type = String)]
    new_password: Password,
}

async fn reset_password(
    _: Open<ResetPassword>,
    client: Calling,
    services: Data<Services>,
    body: Body<ResetBody>,
) -> Result<Ok200<EntranceView>, Problem> {
    let token = link_token(&body.0.token)?;
    let reset = async || services.sign_ins.reset(&token, &body.0.new_password, &client.0).await;
    Ok(Ok200(retried(reset).await?.into()))
}

impl From<ResetError> for Problem {
    fn from(error: ResetError) -> Self {
        match error {
            ResetError::InvalidToken => Self::new(Code::InvalidAuthToken, error),
            ResetError::Busy(busy) => busy.into(),
            ResetError::Commit(error) => error.into(),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogInBody {
    #[schema(value_type = String, format = "email")]
    email: Email,
    #[schema(value_type = String)]
    password: SecretString,
}

async fn log_in(
    _: Open<LogIn>,
    throttle: Throttle,
    client: Calling,
    services: Data<Services>,
    body: Body<LogInBody>,
) -> Result<Ok200<EntranceView>, Problem> {
    let Body(LogInBody { email, password }) = body;
    throttle.signing_in(&email).await?;
    let password = Password::shown(password);
    let entered = retried(async || services.sign_ins.log_in(&email, &password, &client.0).await).await?;
    Ok(Ok200(entered.into()))
}

impl From<LogInError> for Problem {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::InvalidCredentials => Self::new(Code::InvalidCredentials, error),
            LogInError::EmailNotVerified => Self::new(Code::EmailNotVerified, error),
            LogInError::AccountSuspended => Self::new(Code::Forbidden, error),
            LogInError::Busy(busy) => busy.into(),
            LogInError::Commit(error) => error.into(),
        }
    }
}

async fn refresh(
    _: Open<RefreshSession>,
    services: Data<Services>,
    body: Body<TokenBody>,
) -> Result<Ok200<SessionView>, Problem> {
    let signed_in = retried(async || services.web_sessions.refresh(&body.0.token).await).await?;
    Ok(Ok200(signed_in.into()))
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::SessionOver => Self::new(Code::Unauthorized, error),
            RefreshError::AccountSuspended => Self::new(Code::Forbidden, error),
            RefreshError::Commit(error) => error.into(),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct LoggedOutView {
    /// Always true: a session that was over already needs no ending.
    ok: bool,
}

async fn log_out(
    _: Open<LogOut>,
    services: Data<Services>,
    body: Body<TokenBody>,
) -> Result<Ok200<LoggedOutView>, Problem> {
    retried(async || services.web_sessions.log_out(&body.0.token).await).await?;
    Ok(Ok200(LoggedOutView { ok: true }))
}
