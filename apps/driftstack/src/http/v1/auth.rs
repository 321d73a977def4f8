//! Signing up and signing in.

use actix_web::{
    HttpRequest,
    http::{Method, header},
    web::Data,
};
use driftstack_domain::{
    auth::{LogInError, Password, SignUpError, VerifyError},
    email::Email,
    id::AccountId,
    name::Name,
    policy::action::{LogIn, LogOut, RefreshSession, ResendVerification, SignUp, VerifyEmail},
    secret::LinkToken,
    time::Timestamp,
    web_session::{Agent, RefreshError, SignedIn},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    http::{Api, Body, Code, Ok200, Open, Problem, gate::retried, limits::Throttle},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/v1/auth/signup", sign_up)
        .route(Method::POST, "/v1/auth/verify-email", verify_email)
        .route(Method::POST, "/v1/auth/resend-verification", resend_verification)
        .route(Method::POST, "/v1/auth/login", log_in)
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
struct TokenBody {
    #[schema(value_type = String)]
    token: SecretString,
}

/// A new session.
#[derive(Serialize, ToSchema)]
struct SessionView {
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

fn agent(request: &HttpRequest) -> Agent {
    let header = request.headers().get(header::USER_AGENT);
    Agent::from_header(header.and_then(|value| value.to_str().ok()))
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
    request: HttpRequest,
    services: Data<Services>,
    body: Body<TokenBody>,
) -> Result<Ok200<SessionView>, Problem> {
    let token = link_token(&body.0.token)?;
    let signed_in = retried(async || services.sign_ins.verify(&token, agent(&request)).await).await?;
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
struct EmailBody {
    #[schema(value_type = String, format = "email")]
    email: Email,
}

#[derive(Serialize, ToSchema)]
struct MailSentView {
    /// Always true, whatever the address.
    sent: bool,
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
}

async fn resend_verification(
    _: Open<ResendVerification>,
    throttle: Throttle,
    services: Data<Services>,
    body: Body<EmailBody>,
) -> Result<Ok200<MailSentView>, Problem> {
    throttle.mail_sending().await?;
    let expires_at = services.links.ask_for_verification(body.0.email).await?;
    Ok(Ok200(MailSentView { sent: true, expires_at }))
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
    request: HttpRequest,
    services: Data<Services>,
    body: Body<LogInBody>,
) -> Result<Ok200<SessionView>, Problem> {
    let Body(LogInBody { email, password }) = body;
    throttle.signing_in(&email).await?;
    let password = Password::shown(password);
    let signed_in = retried(async || services.sign_ins.log_in(&email, &password, agent(&request)).await).await?;
    Ok(Ok200(signed_in.into()))
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
