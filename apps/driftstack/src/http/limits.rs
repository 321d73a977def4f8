//! Rate limits as HTTP shows them, and those of callers without a credential.

use std::{fmt::Display, time::Duration};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{HeaderMap, HeaderName, HeaderValue},
    web::Data,
};
use driftstack_domain::{
    email::Email,
    id::AccountId,
    limit::{LimitKey, Quota, Verdict},
    secret::{Digest, LinkToken},
    tier::{BINDING, EXCHANGING, INITIATING, INVITING, MAIL_SENDING, SIGNING_IN},
    time::Timestamp,
};
use futures_util::future::{Ready, ready};

use super::{address::client_address, codes::Code, gate::services, problem::Problem};
use crate::wire::Services;

/// A charge that this request has made.
#[derive(Debug, Clone, Copy)]
pub struct Charged {
    pub bucket: &'static str,
    pub quota: Quota,
    pub verdict: Verdict,
}

impl Charged {
    pub fn refusal(&self) -> Problem {
        let seconds = whole_seconds(self.verdict.retry_after).max(1);
        Problem::new(Code::RateLimited, format_args!("the bucket `{}` is empty; try again in {seconds} s", self.bucket))
            .retry_after(seconds)
    }

    /// `x-ratelimit-reset` is a point in time, `ratelimit-reset` is seconds from now.
    pub fn write(&self, headers: &mut HeaderMap, now: Timestamp) {
        let full_after = whole_seconds(self.verdict.full_after);
        let reset_at = u64::try_from(now.unix_seconds()).unwrap_or(0).saturating_add(full_after);
        let (limit, remaining) = (u64::from(self.quota.capacity()), u64::from(self.verdict.remaining));
        headers.insert(HeaderName::from_static("x-ratelimit-bucket"), HeaderValue::from_static(self.bucket));
        for (name, value) in [
            ("x-ratelimit-limit", limit),
            ("x-ratelimit-remaining", remaining),
            ("x-ratelimit-reset", reset_at),
            ("ratelimit-limit", limit),
            ("ratelimit-remaining", remaining),
            ("ratelimit-reset", full_after),
        ] {
            headers.insert(HeaderName::from_static(name), value.into());
        }
    }
}

/// When to try again where the bucket of somebody else is empty, whatever that bucket gives: a published client waits no
/// longer.
const SECONDS_ELSEWHERE: u64 = 10;

/// A refusal that tells nothing of whose bucket is empty, how large it is and when it is not any more.
pub fn too_many() -> Problem {
    let detail = format_args!("too many requests; try again in {SECONDS_ELSEWHERE} s");
    Problem::new(Code::RateLimited, detail).retry_after(SECONDS_ELSEWHERE)
}

/// Rounded up: told a second too few, a client would come back too early.
pub fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// Limits beside those of an account's tier, mostly on callers without a credential, by their address. What is counted by is
/// hashed before it becomes a key.
pub struct Throttle {
    address: String,
    services: Data<Services>,
}

impl Throttle {
    /// Calls that send a mail.
    pub async fn mail_sending(&self) -> Result<(), Problem> {
        self.charge("mail", "", MAIL_SENDING).await
    }

    /// Sign-ins, per address and account.
    pub async fn signing_in(&self, email: &Email) -> Result<(), Problem> {
        self.charge("sign-in", email.as_str(), SIGNING_IN).await
    }

    /// Answers to a challenge, which stands for the account.
    pub async fn answering(&self, challenge: &LinkToken) -> Result<(), Problem> {
        self.charge("sign-in", challenge.expose(), SIGNING_IN).await
    }

    /// Passwords that are shown at a session.
    pub async fn proving(&self, account: AccountId) -> Result<(), Problem> {
        self.charge("sign-in", &account.to_string(), SIGNING_IN).await
    }

    /// Devices that begin.
    pub async fn initiating(&self) -> Result<(), Problem> {
        self.charge("initiate", "", INITIATING).await
    }

    /// Devices that ask whether their key is there.
    pub async fn exchanging(&self) -> Result<(), Problem> {
        self.charge("exchange", "", EXCHANGING).await
    }

    /// User codes that are typed, per account and wherever that is: a guesser may have many addresses.
    pub async fn binding(&self, account: AccountId) -> Result<(), Problem> {
        self.charge_to("bind", &account.to_string(), BINDING).await
    }

    /// Invites of an account to one address, or one invite that is sent again; wherever from.
    pub async fn inviting(&self, account: AccountId, whom: impl Display) -> Result<(), Problem> {
        self.charge_to("invite", &format!("{account}\n{whom}"), INVITING).await
    }

    async fn charge(&self, bucket: &'static str, whom: &str, quota: Quota) -> Result<(), Problem> {
        self.charge_to(bucket, &format!("{}\n{whom}", self.address), quota).await
    }

    async fn charge_to(&self, bucket: &'static str, whom: &str, quota: Quota) -> Result<(), Problem> {
        let key = LimitKey::Anonymous(Digest::of(&format!("{bucket}\n{whom}")));
        let verdict = self.services.limiter.charge(key, quota).await;
        if verdict.allowed { Ok(()) } else { Err(Charged { bucket, quota, verdict }.refusal()) }
    }
}

impl FromRequest for Throttle {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(services(request).map(|services| Self {
            address: client_address(request, &services.trusted_proxies),
            services: services.clone(),
        }))
    }
}
