//! Of what the caller wants to be told.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    mail::OptionalMail,
    organisation::{Notice, NoticeChoice, NoticeError},
    policy::action::{ReadNotices, SetNotices},
};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Object, ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};

use super::envelope::Said;
use crate::{
    http::{Api, Body, Code, Gate, Problem},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/api/v1/account/notifications", list).route(
        Method::PUT,
        "/api/v1/account/notifications",
        set,
    )
}

/// Any of them, at least one; the others stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoticesBody {
    #[serde(rename = "signup-welcome")]
    signup_welcome: Option<bool>,
    #[serde(rename = "session-success-first")]
    session_success_first: Option<bool>,
    #[serde(rename = "session-failed-first")]
    session_failed_first: Option<bool>,
    #[serde(rename = "tier-changed")]
    tier_changed: Option<bool>,
    #[serde(rename = "billing-receipt")]
    billing_receipt: Option<bool>,
    #[serde(rename = "billing-renewal-reminder")]
    billing_renewal_reminder: Option<bool>,
    /// Whether entries of high severity are told on the streams of `GET /v1/account/me/notifications`.
    audit_high_severity: Option<bool>,
}

impl NoticesBody {
    fn wish(&self, notice: Notice) -> Option<NoticeChoice> {
        let wanted = match notice {
            Notice::Mail(OptionalMail::SignupWelcome) => self.signup_welcome,
            Notice::Mail(OptionalMail::SessionSuccessFirst) => self.session_success_first,
            Notice::Mail(OptionalMail::SessionFailedFirst) => self.session_failed_first,
            Notice::Mail(OptionalMail::TierChanged) => self.tier_changed,
            Notice::Mail(OptionalMail::BillingReceipt) => self.billing_receipt,
            Notice::Mail(OptionalMail::BillingRenewalReminder) => self.billing_renewal_reminder,
            Notice::SevereEntries => self.audit_high_severity,
        };
        wanted.map(|wanted| NoticeChoice { notice, wanted })
    }
}

/// Whether each kind is wanted, by its name, in the order of the domain.
struct NoticesView(Vec<NoticeChoice>);

impl Serialize for NoticesView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|choice| (choice.notice.as_str(), choice.wanted)))
    }
}

impl PartialSchema for NoticesView {
    fn schema() -> RefOr<Schema> {
        let object = Notice::all().fold(ObjectBuilder::new(), |object, notice| {
            object.property(notice.as_str(), Object::with_type(Type::Boolean)).required(notice.as_str())
        });
        object.into()
    }
}

impl ToSchema for NoticesView {}

async fn list(gate: Gate<ReadNotices>, services: Data<Services>) -> Result<Said<NoticesView>, Problem> {
    Ok(Said(NoticesView(services.organisations.notices(gate.permit()).await?)))
}

async fn set(
    gate: Gate<SetNotices>,
    services: Data<Services>,
    body: Body<NoticesBody>,
) -> Result<Said<NoticesView>, Problem> {
    let wished: Vec<NoticeChoice> = Notice::all().filter_map(|notice| body.0.wish(notice)).collect();
    let then = gate.change(async |by| services.organisations.set_notices(by, &wished).await).await?;
    Ok(Said(NoticesView(then)))
}

impl From<NoticeError> for Problem {
    fn from(error: NoticeError) -> Self {
        match error {
            NoticeError::NothingToChange => Self::invalid("", error),
            NoticeError::QuietedByAnother => Self::new(Code::Forbidden, error),
            NoticeError::Commit(error) => error.into(),
        }
    }
}
