//! Which mails a workspace wants.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    mail::{MailPreference, OptionalMail, SetPreferenceError},
    policy::action::{ReadPreferences, SetPreference},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    http::{Api, Body, Gate, NoContent, Ok200, Problem},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/v1/account/email-preferences", list).route(
        Method::PUT,
        "/v1/account/email-preferences",
        set,
    )
}

#[derive(Serialize, ToSchema)]
struct PreferenceView {
    #[schema(value_type = String)]
    event_type: OptionalMail,
    opted_in: bool,
}

#[derive(Serialize, ToSchema)]
struct PreferencesView {
    data: Vec<PreferenceView>,
}

impl From<MailPreference> for PreferenceView {
    fn from(preference: MailPreference) -> Self {
        Self { event_type: preference.mail, opted_in: preference.opted_in }
    }
}

async fn list(gate: Gate<ReadPreferences>, services: Data<Services>) -> Result<Ok200<PreferencesView>, Problem> {
    let preferences = services.preferences.list(gate.permit()).await?;
    Ok(Ok200(PreferencesView { data: preferences.into_iter().map(PreferenceView::from).collect() }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PreferenceBody {
    /// An optional kind of mail. Critical kinds cannot be declined.
    #[schema(value_type = String)]
    event_type: OptionalMail,
    opted_in: bool,
}

async fn set(
    gate: Gate<SetPreference>,
    services: Data<Services>,
    body: Body<PreferenceBody>,
) -> Result<NoContent, Problem> {
    let preference = MailPreference { mail: body.0.event_type, opted_in: body.0.opted_in };
    gate.change(async |by| services.preferences.set(by, preference).await).await?;
    Ok(NoContent)
}

impl From<SetPreferenceError> for Problem {
    fn from(error: SetPreferenceError) -> Self {
        error.0.into()
    }
}
