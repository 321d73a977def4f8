//! The only way for an error to leave the service: a problem document (RFC 9457).

use std::fmt;

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{StatusCode, header},
};
use driftstack_domain::{
    access::{AdmitError, NotAuthenticated},
    change::{CommitError, StoreError},
    policy::{Denied, Proof},
    secret::PasswordsBusy,
};
use serde_json::{Map, Value, json};

use super::codes::Code;

/// What went wrong, for the caller.
#[derive(Debug, Clone)]
pub struct Problem {
    pub code: Code,
    pub(super) detail: String,
    pub(super) issues: Vec<Issue>,
    pub(super) members: Map<String, Value>,
    /// Whole seconds.
    pub(super) retry_after: Option<u64>,
    /// The rule that refused, for dialects that tell it in their own words.
    pub(super) denied: Option<Denied>,
}

/// One part of a request that is wrong.
#[derive(Debug, Clone)]
pub struct Issue {
    pub path: String,
    pub message: String,
    pub kind: IssueKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueKind {
    /// It is not there.
    Missing,
    /// Nothing of that name is known here.
    Unknown,
    /// It is of another JSON type.
    Type,
    /// It has a value that it may not have.
    Value,
}

impl Problem {
    pub fn new(code: Code, detail: impl fmt::Display) -> Self {
        let (issues, members) = (Vec::new(), Map::new());
        Self { code, detail: detail.to_string(), issues, members, retry_after: None, denied: None }
    }

    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(Code::NotFound, what)
    }

    /// One field of the request is wrong; an empty path is the request as a whole.
    pub fn invalid(path: &str, message: impl fmt::Display) -> Self {
        Self::issues(vec![Issue { path: path.to_owned(), message: message.to_string(), kind: IssueKind::Value }])
    }

    /// Several parts are wrong.
    pub fn issues(issues: Vec<Issue>) -> Self {
        let told = issues.iter().map(
            |Issue { path, message, .. }| {
                if path.is_empty() { message.clone() } else { format!("`{path}`: {message}") }
            },
        );
        let detail = told.collect::<Vec<_>>().join("; ");
        Self { issues, ..Self::new(Code::ValidationFailed, detail) }
    }

    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    /// Says when to come back, in the header and in the body.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }.with("retry_after_seconds", seconds)
    }

    /// Away or overloaded: it may work in a second.
    pub fn unavailable() -> Self {
        Self::new(Code::Unavailable, "the service cannot answer right now; try again in a moment").retry_after(1)
    }

    /// Says nothing of the inside: that is for the log, under the request id.
    pub fn internal() -> Self {
        Self::new(Code::Internal, "the error was noted under the request id in `instance`")
    }

    /// For an error that the framework made.
    pub fn of_status(status: StatusCode) -> Self {
        let code = Code::ALL.iter().find(|code| code.status() == status);
        match (code, status.is_client_error()) {
            (Some(Code::NotFound), _) => Self::not_found("there is nothing at this path"),
            (Some(code), true) => Self::new(*code, code.title()),
            (None, true) => Self::new(Code::BadRequest, "the request could not be read"),
            _ => Self::internal(),
        }
    }

    /// The finished document. `type_base` is a setting: published clients know the whole URI.
    pub fn document(&self, type_base: &str, request_id: &str) -> Value {
        let mut document = self.members.clone();
        if !self.issues.is_empty() {
            let issue = |issue: &Issue| json!({ "path": issue.path, "message": issue.message });
            document.insert("issues".into(), self.issues.iter().map(issue).collect());
        }
        document.insert("type".into(), format!("{type_base}{}", self.code.slug()).into());
        document.insert("title".into(), self.code.title().into());
        document.insert("status".into(), self.code.status().as_u16().into());
        document.insert("detail".into(), self.detail.clone().into());
        document.insert("instance".into(), request_id.into());
        Value::Object(document)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.slug(), self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    /// Bare: the envelope turns the problem in the extensions into the document, as it knows the request id.
    fn error_response(&self) -> HttpResponse {
        let mut builder = HttpResponseBuilder::new(self.status_code());
        if let Some(seconds) = self.retry_after {
            builder.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.code.status() == StatusCode::UNAUTHORIZED {
            builder.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let response = builder.finish();
        let (mut response, body) = response.into_parts();
        response.extensions_mut().insert(self.clone());
        response.set_body(body)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "the store is unavailable");
                Self::unavailable()
            }
            StoreError::Corrupt { .. } | StoreError::Failed(_) => {
                tracing::error!(%error, "the store failed");
                Self::internal()
            }
        }
    }
}

impl From<CommitError> for Problem {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Stale => {
                tracing::warn!("a change was stale at its last attempt");
                Self::unavailable()
            }
            CommitError::Taken(what) => {
                tracing::error!(?what, "taken, and no use case says so");
                Self::internal()
            }
            CommitError::Full { held } => {
                tracing::error!(held, "no room, and no use case says so");
                Self::internal()
            }
            CommitError::Store(error) => error.into(),
        }
    }
}

impl From<PasswordsBusy> for Problem {
    fn from(_: PasswordsBusy) -> Self {
        tracing::warn!("too many passwords are waiting to be hashed");
        Self::unavailable()
    }
}

impl From<NotAuthenticated> for Problem {
    fn from(why: NotAuthenticated) -> Self {
        let code = match why {
            NotAuthenticated::Missing | NotAuthenticated::SessionOver => Code::Unauthorized,
            NotAuthenticated::InvalidKey => Code::InvalidKey,
            NotAuthenticated::RevokedKey => Code::RevokedKey,
            NotAuthenticated::ExpiredKey => Code::ExpiredKey,
        };
        Self::new(code, why)
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let problem = match denied {
            Denied::ProofNeeded { has } => Self::new(Code::MfaStepUpRequired, denied)
                .with("requires_mfa_step_up", true)
                .with("reason", if has == Proof::Never { "never_satisfied" } else { "expired" }),
            Denied::AccountSuspended
            | Denied::WorkspaceSuspended
            | Denied::NoMembership
            | Denied::KeyStaysHome
            | Denied::Scope { .. }
            | Denied::Standing { .. }
            | Denied::KeyInMembersHands
            | Denied::SessionNeeded
            | Denied::Plan(_) => Self::new(Code::Forbidden, denied),
        };
        Self { denied: Some(denied), ..problem }
    }
}

impl From<AdmitError> for Problem {
    fn from(error: AdmitError) -> Self {
        match error {
            AdmitError::NotAuthenticated(why) => why.into(),
            AdmitError::Denied(denied) => denied.into(),
            AdmitError::Store(error) => error.into(),
        }
    }
}
