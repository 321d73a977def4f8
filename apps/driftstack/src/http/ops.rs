//! What operators and tools ask: alive, ready, and the reference.

use actix_web::{HttpResponse, guard, http::header, web};
use serde_json::json;

use super::{codes::Code, openapi, problem::Problem, route::Api};
use crate::{doors::Doors, wire::Services};

pub fn configure(config: &mut web::ServiceConfig) {
    // Load balancers probe with HEAD.
    let read = || web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
    config
        .route("/healthz", read().to(healthz))
        .route("/readyz", read().to(readyz))
        .route("/openapi.json", read().to(openapi_json))
        .route("/docs", read().to(docs));
}

/// The process is alive.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// The process can serve: its database has the right tables and answers, and nobody has asked it to stop. A blob store that is
/// away is told, and is no reason to send all the other calls elsewhere.
async fn readyz(services: web::Data<Services>, doors: web::Data<Doors>) -> Result<HttpResponse, Problem> {
    if doors.are_closing() {
        return Err(Problem::new(Code::Unavailable, "stopping; ask another process").retry_after(1));
    }
    if !doors.are_open() {
        return Err(Problem::unavailable());
    }
    services.health.ping().await?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ready", "pictures": services.blob_health.word().await })))
}

async fn openapi_json(services: web::Data<Services>, api: web::Data<Api>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .json(openapi::document(&api, &services.problem_type_base))
}

/// A page without scripts or anything from elsewhere.
async fn docs(services: web::Data<Services>, api: web::Data<Api>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"))
        .body(super::docs::page(&openapi::document(&api, &services.problem_type_base)))
}
