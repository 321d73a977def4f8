//! What operators and tools ask: alive, ready, and the reference.

use std::{future::ready, sync::OnceLock};

use actix_web::{
    HttpResponse, guard,
    http::header,
    web::{self, Bytes},
};
use serde_json::json;

use super::{
    codes::Code,
    openapi,
    problem::Problem,
    route::{Api, method_not_allowed},
};
use crate::{doors::Doors, readiness::Readiness, wire::Services};

pub fn configure(config: &mut web::ServiceConfig) {
    // Load balancers probe with HEAD.
    let read = || web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
    let at = |path, answer| {
        web::resource(path).route(answer).default_service(web::to(|| ready(method_not_allowed("GET, HEAD"))))
    };
    config
        .service(at("/healthz", read().to(healthz)))
        .service(at("/readyz", read().to(readyz)))
        .service(at("/openapi.json", read().to(openapi_json)))
        .service(at("/docs", read().to(docs)));
}

/// The process is alive.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// The process can serve: its database has the right tables and answers, and nobody has asked it to stop. A blob store that is
/// away is told, and is no reason to send all the other calls elsewhere.
async fn readyz(
    services: web::Data<Services>,
    doors: web::Data<Doors>,
    readiness: web::Data<Readiness>,
) -> Result<HttpResponse, Problem> {
    if doors.are_closing() {
        return Err(Problem::new(Code::Unavailable, "stopping; ask another process").retry_after(1));
    }
    if !doors.are_open() {
        return Err(Problem::unavailable());
    }
    readiness.ask(services.health.as_ref()).await?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ready", "pictures": services.blob_health.word().await })))
}

/// What the routes say of themselves. Making it takes milliseconds, and anybody may ask for it: it is made once, when somebody
/// does.
#[derive(Default)]
pub struct Reference {
    document: OnceLock<Bytes>,
    page: OnceLock<Bytes>,
}

impl Reference {
    fn document(&self, api: &Api, type_base: &str) -> Bytes {
        self.document.get_or_init(|| openapi::document(api, type_base).to_string().into()).clone()
    }

    fn page(&self, api: &Api, type_base: &str) -> Bytes {
        self.page.get_or_init(|| super::docs::page(&openapi::document(api, type_base)).into()).clone()
    }
}

async fn openapi_json(
    services: web::Data<Services>,
    api: web::Data<Api>,
    reference: web::Data<Reference>,
) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(reference.document(&api, &services.problem_type_base))
}

/// A page without scripts or anything from elsewhere.
async fn docs(services: web::Data<Services>, api: web::Data<Api>, reference: web::Data<Reference>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"))
        .body(reference.page(&api, &services.problem_type_base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_made_once() {
        let (api, reference) = (crate::http::api(), Reference::default());
        let document = reference.document(&api, "https://errors.example.com/");
        assert_eq!(document.as_ptr(), reference.document(&api, "https://errors.example.com/").as_ptr());
        assert_eq!(document, openapi::document(&api, "https://errors.example.com/").to_string());
        let page = reference.page(&api, "https://errors.example.com/");
        assert_eq!(page.as_ptr(), reference.page(&api, "https://errors.example.com/").as_ptr());
    }
}
