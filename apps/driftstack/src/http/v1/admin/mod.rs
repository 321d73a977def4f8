//! What staff do on the accounts of others.

mod change;
mod look;
mod note;
mod overrides;
mod transfer;
mod view;

use actix_web::http::Method;
use driftstack_domain::staff::StaffError;

use crate::http::{Api, Problem};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/v1/admin/accounts", look::list)
        .route(Method::GET, "/v1/admin/accounts/{id}", look::read)
        .route(Method::POST, "/v1/admin/accounts/{id}/tier", change::tier)
        .route(Method::POST, "/v1/admin/accounts/{id}/plan", change::plan)
        .route(Method::POST, "/v1/admin/accounts/{id}/suspend", change::suspend)
        .route(Method::POST, "/v1/admin/accounts/{id}/unsuspend", change::unsuspend)
        .route(Method::PUT, "/v1/admin/accounts/{id}/rate-limit-overrides", overrides::set)
        .route(Method::DELETE, "/v1/admin/accounts/{id}/rate-limit-overrides", overrides::clear)
        .route(Method::POST, "/v1/admin/accounts/{id}/transfer-ownership", transfer::transfer)
        .route(Method::POST, "/v1/admin/accounts/{id}/support-notes", note::write)
}

impl From<StaffError> for Problem {
    fn from(error: StaffError) -> Self {
        match error {
            StaffError::NotFound => Self::not_found(error),
            StaffError::Commit(error) => error.into(),
        }
    }
}
