//! Who is at the other end of a request, as signing in wants to know it.

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header};
use driftstack_domain::{auth::Client, web_session::Agent};
use futures_util::future::{Ready, ready};

use super::{address::client_address, gate::services, problem::Problem};

/// The client of a request.
#[derive(Debug)]
pub struct Calling(pub Client);

impl FromRequest for Calling {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(services(request).map(|services| {
            let address = client_address(request, &services.trusted_proxies);
            Self(Client { agent: agent(request), address })
        }))
    }
}

fn agent(request: &HttpRequest) -> Agent {
    let header = request.headers().get(header::USER_AGENT);
    Agent::from_header(header.and_then(|value| value.to_str().ok()))
}
