//! Pictures in a folder, for whoever has a signed URL. A part of the blob store rather than of the API: with S3 it is not there.

use actix_web::{HttpRequest, HttpResponse, guard, http::header, web};
use driftstack_blob::{FolderBlobs, Refused, Ticket};
use driftstack_domain::{avatar::AvatarKey, time::Timestamp};
use serde::Deserialize;

use super::{codes::Code, problem::Problem};
use crate::wire::{Blobs, Services};

pub fn configure(config: &mut web::ServiceConfig) {
    let path = format!("{}/avatars/{{key}}", FolderBlobs::PATH);
    config.route(&path, web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(read));
}

#[derive(Deserialize)]
struct Shown {
    expires: i64,
    signature: String,
}

/// The signature is the credential. It is looked at before anything is said about the picture.
async fn read(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let Blobs::Folder(folder) = &services.blobs else { return Err(nothing()) };
    let key: AvatarKey = request.match_info().query("key").parse().map_err(|_| nothing())?;
    let shown: Shown = serde_urlencoded::from_str(request.query_string()).map_err(|_| Refused::Ticket)?;
    let now = services.clock.now();
    let ticket = Ticket { expires: shown.expires, signature: &shown.signature };
    let bytes = folder.read(key, ticket, now).await?;
    Ok(answer(key, bytes, shown.expires, now))
}

/// Made by strangers, so a browser shall show it in a page and never as one.
fn answer(key: AvatarKey, bytes: Vec<u8>, expires: i64, now: Timestamp) -> HttpResponse {
    let left = expires.saturating_sub(now.unix_seconds());
    HttpResponse::Ok()
        .content_type(key.content_type().as_str())
        .insert_header((header::CONTENT_DISPOSITION, "attachment"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        // The front end is often another origin, and asks with `<img>`.
        .insert_header((header::CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin"))
        .insert_header((header::CACHE_CONTROL, format!("private, max-age={left}, immutable")))
        .body(bytes)
}

fn nothing() -> Problem {
    Problem::not_found("there is nothing at this path")
}

impl From<Refused> for Problem {
    fn from(why: Refused) -> Self {
        match why {
            Refused::Ticket => Self::new(Code::Forbidden, why),
            Refused::Gone => Self::not_found(why),
            Refused::Blobs(_) => Self::unavailable(),
        }
    }
}
