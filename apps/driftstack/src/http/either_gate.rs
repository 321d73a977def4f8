//! The gate of a route that is two operations, of which the body says which one is asked for.

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use driftstack_domain::policy::{Denied, Operation};
use futures_util::future::LocalBoxFuture;

use super::{
    gate::{Gate, Visit, knock},
    problem::Problem,
};

/// A caller who may do `A`, or `B`, or both, in one workspace. Whoever may do neither does not get here.
pub struct EitherGate<A, B> {
    main: Result<Gate<A>, Denied>,
    other: Result<Gate<B>, Denied>,
}

impl<A: Operation, B: Operation> EitherGate<A, B> {
    /// Says why not.
    pub fn main(&self) -> Result<&Gate<A>, Problem> {
        self.main.as_ref().map_err(|denied| (*denied).into())
    }

    pub fn other(&self) -> Result<&Gate<B>, Problem> {
        self.other.as_ref().map_err(|denied| (*denied).into())
    }
}

impl<A: Operation, B: Operation> FromRequest for EitherGate<A, B> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { open(&request).await })
    }
}

async fn open<A: Operation, B: Operation>(request: &HttpRequest) -> Result<EitherGate<A, B>, Problem> {
    let Visit { knock, presented, wanted, services } = knock::<A>(request).await?;
    let other = knock.also::<B>();
    match knock.answer {
        Ok(permit) => {
            let main = Gate::opened(permit, presented, wanted, services);
            let other = other.map(|permit| main.beside(permit));
            Ok(EitherGate { main: Ok(main), other })
        }
        Err(denied) => {
            let other = other.map_err(|_| denied)?;
            Ok(EitherGate { main: Err(denied), other: Ok(Gate::opened(other, presented, wanted, services)) })
        }
    }
}
