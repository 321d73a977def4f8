//! Keys for programs on other devices: the device-code flow.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    activation::{BindError, Bound, DeviceCode, DeviceState, ExchangeError, Exchanged, UserCode},
    id::AccountId,
    idempotency::Creation,
    name::Name,
    policy::action::{BindDevice, ExchangeDevice, InitiateDevice},
    time::Timestamp,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    http::{Api, Body, Code, Gate, NewBody, Ok200, Once, Open, Problem, gate::retried, limits::Throttle},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/v1/auth/cli-authorize/initiate", initiate)
        .route(Method::POST, "/v1/auth/cli-authorize/bind-device-code", bind)
        .route(Method::POST, "/v1/auth/cli-authorize/exchange", exchange)
}

/// Where the codes are typed, behind the public URL.
const PAGE: &str = "/cli-authorize";

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InitiateBody {
    /// 16 to 128 printable characters that the device makes up at random and keeps.
    #[schema(value_type = String)]
    state: StateText,
    /// What the device calls itself, 1 to 120 characters; the name of its key.
    #[schema(value_type = Option<String>)]
    client_label: Option<Name>,
}

/// A state that has been looked at.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct StateText(DeviceState);

impl TryFrom<String> for StateText {
    type Error = driftstack_domain::activation::StateError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.try_into().map(Self)
    }
}

#[derive(Serialize, ToSchema)]
struct InitiatedView {
    /// For the device alone.
    code: String,
    /// To be shown, and typed at `browser_url`.
    user_code: String,
    browser_url: String,
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
}

async fn initiate(
    _: Open<InitiateDevice>,
    throttle: Throttle,
    services: Data<Services>,
    body: Body<InitiateBody>,
) -> Result<Ok200<InitiatedView>, Problem> {
    throttle.initiating().await?;
    let Body(InitiateBody { state: StateText(state), client_label }) = body;
    let begun = retried(async || services.activations.initiate(&state, client_label.clone()).await).await?;
    Ok(Ok200(InitiatedView {
        code: begun.code.expose().to_owned(),
        user_code: begun.user_code.to_string(),
        browser_url: format!("{}{PAGE}", services.public_url),
        expires_at: begun.expires_at,
    }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BindBody {
    /// As the device shows it; case, hyphens and spaces do not matter.
    user_code: String,
}

#[derive(Serialize, ToSchema)]
struct BoundView {
    /// Always true.
    bound: bool,
    /// What the device calls itself.
    client_label: String,
    /// The device has until then to collect its key.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
}

impl From<&Bound> for BoundView {
    fn from(bound: &Bound) -> Self {
        Self { bound: true, client_label: bound.client.as_str().to_owned(), expires_at: bound.expires_at }
    }
}

async fn bind(
    gate: Gate<BindDevice>,
    throttle: Throttle,
    services: Data<Services>,
    new: NewBody<BindBody>,
) -> Result<Once<Ok200<BoundView>>, Problem> {
    throttle.binding(gate.permit().access().account).await?;
    let code = UserCode::parse(&new.body.user_code).ok_or(BindError::NoSuchDevice)?;
    let bind = async |by: Creation<'_, _, _>| services.activations.bind(by, &code).await;
    gate.create(&new.repeatable, bind, |bound| Ok200(bound.into())).await
}

impl From<BindError> for Problem {
    fn from(error: BindError) -> Self {
        match error {
            BindError::NoSuchDevice => Self::not_found(error),
            BindError::Commit(error) => error.into(),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExchangeBody {
    #[schema(value_type = String)]
    code: SecretString,
    /// The same as at the beginning.
    #[schema(value_type = String)]
    state: StateText,
}

#[derive(Serialize, ToSchema)]
struct ExchangedView {
    /// `pending`: ask again in five seconds. `bound`: here is the key. `expired`: start again.
    status: &'static str,
    /// Once, with `bound`.
    api_key: Option<String>,
    #[schema(value_type = Option<String>)]
    account_id: Option<AccountId>,
}

impl From<Exchanged> for ExchangedView {
    fn from(exchanged: Exchanged) -> Self {
        match exchanged {
            Exchanged::Pending => Self { status: "pending", api_key: None, account_id: None },
            Exchanged::Bound { secret, account } => {
                Self { status: "bound", api_key: Some(secret.expose().to_owned()), account_id: Some(account) }
            }
            Exchanged::Expired => Self { status: "expired", api_key: None, account_id: None },
        }
    }
}

impl From<ExchangeError> for Problem {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Full { .. } => Self::new(Code::Conflict, error),
            ExchangeError::Commit(error) => error.into(),
        }
    }
}

async fn exchange(
    _: Open<ExchangeDevice>,
    throttle: Throttle,
    services: Data<Services>,
    body: Body<ExchangeBody>,
) -> Result<Ok200<ExchangedView>, Problem> {
    throttle.exchanging().await?;
    let Body(ExchangeBody { code, state: StateText(state) }) = body;
    let Some(code) = DeviceCode::parse(code.expose_secret()) else { return Ok(Ok200(Exchanged::Expired.into())) };
    let exchanged = retried(async || services.activations.exchange(&code, &state).await).await?;
    Ok(Ok200(exchanged.into()))
}
