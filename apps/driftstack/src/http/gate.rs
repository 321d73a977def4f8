//! The gate of every route: who is calling, may they, and how often.

use std::time::Duration;

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header, web::Data};
use driftstack_domain::{
    access::{AdmitError, Fee, Knock, NotAuthenticated, Permit, Presented},
    api_key::looks_like_a_key,
    change::{MaybeStale, again_if_stale},
    id::AccountId,
    policy::{Denied, Operation},
    secret::{ApiKeySecret, SessionTokens},
};
use futures_util::future::LocalBoxFuture;

use super::{
    codes::Code,
    limits::{self, Charged},
    problem::Problem,
};
use crate::wire::Services;

/// Names the workspace to act on.
pub const WORKSPACE_HEADER: &str = "x-driftstack-account";

/// A caller who may do `A`, and what is needed to ask again.
pub struct Gate<A> {
    permit: Permit<A>,
    presented: Presented,
    wanted: Option<AccountId>,
    services: Data<Services>,
}

impl<A: Operation> Gate<A> {
    pub fn permit(&self) -> &Permit<A> {
        &self.permit
    }

    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Asks again, in one round trip: a stream goes on only for somebody who still may.
    ///
    /// Whoever acts in another workspace by now (they were removed, or have gone to another organisation) is refused: what was
    /// asked for was meant for the one of before.
    pub async fn again(&self) -> Result<Permit<A>, AdmitError> {
        let permit: Permit<A> = self.services.doorkeeper.admit(&self.presented, self.wanted).await?;
        if permit.workspace() == self.permit.workspace() {
            return Ok(permit);
        }
        Err(AdmitError::Denied(Denied::NoMembership))
    }

    /// Runs a change. When something was committed between the decision and the write, the caller is asked again who they are
    /// and whether they still may, and the change is decided afresh.
    pub async fn change<T, E>(&self, act: impl AsyncFn(&Permit<A>) -> Result<T, E>) -> Result<T, Problem>
    where
        E: MaybeStale + Into<Problem>,
    {
        let mut first = true;
        let attempt = async || {
            if std::mem::take(&mut first) {
                return act(&self.permit).await.map_err(Attempt::Act);
            }
            let permit = self.again().await.map_err(Attempt::Admit)?;
            act(&permit).await.map_err(Attempt::Act)
        };
        again_if_stale(attempt, pause).await.map_err(|error| match error {
            Attempt::Admit(error) => error.into(),
            Attempt::Act(error) => error.into(),
        })
    }
}

/// Runs a change of somebody who needs no permit, again where it is stale.
pub async fn retried<T, E>(act: impl AsyncFnMut() -> Result<T, E>) -> Result<T, Problem>
where
    E: MaybeStale + Into<Problem>,
{
    again_if_stale(act, pause).await.map_err(Into::into)
}

enum Attempt<E> {
    Admit(AdmitError),
    Act(E),
}

impl<E: MaybeStale> MaybeStale for Attempt<E> {
    fn is_stale(&self) -> bool {
        match self {
            Self::Admit(_) => false,
            Self::Act(error) => error.is_stale(),
        }
    }
}

/// Jittered, so that those who collided do not collide again; at most 8 ms at first, doubling up to a quarter of a second.
async fn pause(tries: u32) {
    let at_most = 4_u64 << tries.min(6);
    tokio::time::sleep(Duration::from_millis(fastrand::u64(1..=at_most))).await;
}

impl<A: Operation> FromRequest for Gate<A> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { open(&request).await })
    }
}

async fn open<A: Operation>(request: &HttpRequest) -> Result<Gate<A>, Problem> {
    let Visit { knock, presented, wanted, services } = knock::<A>(request).await?;
    Ok(Gate::opened(knock.answer?, presented, wanted, services))
}

/// Somebody is known and has paid for the call; whether they may is in the knock.
pub(super) struct Visit<A> {
    pub(super) knock: Knock<A>,
    pub(super) presented: Presented,
    pub(super) wanted: Option<AccountId>,
    pub(super) services: Data<Services>,
}

impl<A: Operation> Gate<A> {
    pub(super) fn opened(
        permit: Permit<A>,
        presented: Presented,
        wanted: Option<AccountId>,
        services: Data<Services>,
    ) -> Self {
        if permit.access().to_be_touched {
            note_use(&services, &permit);
        }
        Self { permit, presented, wanted, services }
    }

    /// The gate of another operation of the same call, whose use is noted already.
    pub(super) fn beside<B>(&self, permit: Permit<B>) -> Gate<B> {
        Gate { permit, presented: self.presented, wanted: self.wanted, services: self.services.clone() }
    }
}

pub(super) async fn knock<A: Operation>(request: &HttpRequest) -> Result<Visit<A>, Problem> {
    let services = services(request)?.clone();
    let presented = presented(request, services.tokens.as_ref())?;
    let wanted = if A::ACTION.gates().honours_workspace() { wanted_workspace(request)? } else { None };
    let knock = services.doorkeeper.knock::<A>(&presented, wanted).await?;

    let Fee { key, bucket, quota } = knock.fee();
    let verdict = services.limiter.charge(key, quota).await;
    let charged = Charged { bucket, quota, verdict };
    request.extensions_mut().insert(charged);
    if !verdict.allowed {
        return Err(charged.refusal());
    }
    if let Some(Fee { key, quota, .. }) = knock.owners_fee() {
        // What is shown stays what the caller has: how much the owner has left is nobody else's business.
        let verdict = services.limiter.charge(key, quota).await;
        if !verdict.allowed {
            return Err(limits::too_many());
        }
    }
    Ok(Visit { knock, presented, wanted, services })
}

/// Nobody waits for it, and nothing depends on it: the worst that happens is a last use that is shown a minute older.
fn note_use<A>(services: &Data<Services>, permit: &Permit<A>) {
    let (services, credential) = (services.clone(), permit.access().credential);
    tokio::spawn(async move {
        if let Err(error) = services.doorkeeper.touch(credential).await {
            tracing::warn!(%error, "the use of a credential was not noted");
        }
    });
}

pub fn services(request: &HttpRequest) -> Result<&Data<Services>, Problem> {
    request.app_data::<Data<Services>>().ok_or_else(Problem::internal)
}

/// The kind of a credential is told by its shape.
fn presented(request: &HttpRequest, tokens: &dyn SessionTokens) -> Result<Presented, Problem> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let header = values.next().and_then(|value| value.to_str().ok());
    if values.next().is_some() {
        return Err(Problem::new(Code::BadRequest, "`Authorization`: given more than once"));
    }
    let (scheme, token) = header.and_then(|text| text.split_once(' ')).ok_or(NotAuthenticated::Missing)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(NotAuthenticated::Missing.into());
    }
    if looks_like_a_key(token) {
        let secret = ApiKeySecret::parse(token).ok_or(NotAuthenticated::InvalidKey)?;
        return Ok(Presented::Key(secret.digest()));
    }
    if !token.starts_with("v4.local.") {
        return Err(NotAuthenticated::InvalidKey.into());
    }
    let claims = tokens.open(token).map_err(|_| NotAuthenticated::SessionOver)?;
    Ok(Presented::Session { id: claims.session, generation: claims.generation })
}

fn wanted_workspace(request: &HttpRequest) -> Result<Option<AccountId>, Problem> {
    let malformed =
        |why: &dyn std::fmt::Display| Problem::new(Code::BadRequest, format_args!("`X-Driftstack-Account`: {why}"));
    let mut values = request.headers().get_all(WORKSPACE_HEADER);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed(&"given more than once"));
    }
    let text = value.to_str().map_err(|_| malformed(&"expected text"))?;
    text.trim().parse().map(Some).map_err(|error| malformed(&error))
}
