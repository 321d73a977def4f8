//! The table of error codes: slug, status and title. `docs/errors.md` is made from it.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $slug:literal $status:ident $title:literal;)+) => {
        /// What went wrong, as a class that clients may switch on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* $code,)+ }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$code),+];

            /// The last part of the problem's `type`.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$code => $slug,)+ }
            }

            pub const fn status(self) -> StatusCode {
                match self { $(Self::$code => StatusCode::$status,)+ }
            }

            pub const fn title(self) -> &'static str {
                match self { $(Self::$code => $title,)+ }
            }
        }
    };
}

codes! {
    BadRequest = "bad-request" BAD_REQUEST "The request is malformed";
    ValidationFailed = "validation-failed" BAD_REQUEST "A field is not valid";
    InvalidAuthToken = "invalid-auth-token" BAD_REQUEST "The token is not valid";
    Unauthorized = "unauthorized" UNAUTHORIZED "A credential is needed";
    InvalidKey = "invalid-key" UNAUTHORIZED "The API key does not exist";
    RevokedKey = "revoked-key" UNAUTHORIZED "The API key was revoked";
    ExpiredKey = "expired-key" UNAUTHORIZED "The API key has expired";
    InvalidCredentials = "invalid-credentials" UNAUTHORIZED "Address and password do not belong together";
    Forbidden = "forbidden" FORBIDDEN "Not allowed";
    EmailNotVerified = "email-not-verified" FORBIDDEN "The e-mail address is not verified";
    MfaStepUpRequired = "mfa-step-up-required" FORBIDDEN "A fresh proof of who you are is needed";
    NotFound = "not-found" NOT_FOUND "Not found";
    MethodNotAllowed = "method-not-allowed" METHOD_NOT_ALLOWED "The method is not allowed here";
    Conflict = "conflict" CONFLICT "In conflict with what is there";
    EmailAlreadyRegistered = "email-already-registered" CONFLICT "The e-mail address already has an account";
    PayloadTooLarge = "payload-too-large" PAYLOAD_TOO_LARGE "The body is too large";
    UnsupportedMediaType = "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE "The content type is not supported";
    RateLimited = "rate-limited" TOO_MANY_REQUESTS "Too many requests";
    ConcurrencyLimit = "concurrency-limit" TOO_MANY_REQUESTS "Too many at once";
    TierLimit = "tier-limit" TOO_MANY_REQUESTS "More than the tier allows";
    Internal = "internal" INTERNAL_SERVER_ERROR "Something went wrong on our side";
    /// Beyond the published list: the store is away or overloaded. It comes with `Retry-After`.
    Unavailable = "unavailable" SERVICE_UNAVAILABLE "Not available right now";
    FeatureUnavailable = "feature-unavailable" SERVICE_UNAVAILABLE "Not a part of this deployment";
}

/// The reference of errors, as Markdown.
pub fn reference() -> String {
    let rows =
        Code::ALL.iter().map(|code| format!("| `{}` | {} | {} |\n", code.slug(), code.status().as_u16(), code.title()));
    format!("| slug | status | title |\n| --- | --: | --- |\n{}", rows.collect::<String>())
}
