//! The picture of the calling account.

use std::fmt;

use actix_web::{http::Method, web::Data};
use data_encoding::BASE64;
use driftstack_domain::{
    avatar::{ChangeAvatarError, PictureRefused, PictureSizeError, PictureType, SentPicture, UploadError},
    policy::action::{RemoveAvatar, UploadAvatar},
};
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

use crate::{
    http::{Api, Body, Code, Gate, NoContent, Ok200, Problem},
    wire::Services,
};

/// 3.5 MiB: room for the largest picture in base64, and for odd white space around it.
const MAX_UPLOAD_BYTES: usize = 3_670_016;

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/v1/account/me/avatar", upload).route(Method::DELETE, "/v1/account/me/avatar", remove)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AvatarBody {
    /// The file in base64: the standard alphabet, with padding. At most 2 MiB of it.
    #[schema(value_type = String)]
    data_base64: Base64,
    /// `image/png`, `image/jpeg` or `image/webp`, which the file must be.
    #[schema(value_type = String)]
    content_type: PictureType,
}

/// Decoded where it stands, so that the text is not copied first.
struct Base64(Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const EXPECTED: &str = "base64 in the standard alphabet (`+` and `/`) with padding, on one line";

        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = Base64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Base64, E> {
                // What was sent is not repeated: it may be millions of characters.
                let wrong = |_| E::custom(format_args!("expected {EXPECTED}"));
                BASE64.decode(text.as_bytes()).map(Base64).map_err(wrong)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[derive(Serialize, ToSchema)]
struct AvatarView {
    /// Works for an hour, without a credential.
    avatar_url: String,
    /// Of what is kept.
    #[schema(value_type = String)]
    content_type: PictureType,
    /// Of what is kept: not of what was sent.
    bytes: usize,
}

async fn upload(
    gate: Gate<UploadAvatar>,
    services: Data<Services>,
    body: Body<AvatarBody, MAX_UPLOAD_BYTES>,
) -> Result<Ok200<AvatarView>, Problem> {
    let AvatarBody { data_base64, content_type } = body.0;
    let sent = SentPicture::new(data_base64.0)?;
    // Once, however often the change that follows is made afresh.
    let uploaded = services.avatars.upload(gate.permit(), sent, content_type).await?;
    gate.change(async |by| services.avatars.wear(by, &uploaded).await).await?;
    let key = uploaded.key();
    let avatar_url = services.avatars.url(key).ok_or(UploadError::NotConfigured)?;
    Ok(Ok200(AvatarView { avatar_url, content_type: key.content_type(), bytes: uploaded.bytes() }))
}

async fn remove(gate: Gate<RemoveAvatar>, services: Data<Services>) -> Result<NoContent, Problem> {
    gate.change(async |by| services.avatars.remove(by).await).await?;
    Ok(NoContent)
}

impl From<PictureSizeError> for Problem {
    fn from(error: PictureSizeError) -> Self {
        Self::new(Code::PayloadTooLarge, error)
    }
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::NotConfigured => Self::new(Code::FeatureUnavailable, error),
            UploadError::Refused(why) => why.into(),
            UploadError::Busy => {
                tracing::warn!("too many pictures are waiting");
                Self::unavailable()
            }
            UploadError::Blobs(error) => {
                tracing::warn!(%error, "a picture was not kept");
                Self::unavailable()
            }
            UploadError::Store(error) => error.into(),
        }
    }
}

impl From<PictureRefused> for Problem {
    fn from(why: PictureRefused) -> Self {
        let field = match why {
            PictureRefused::AnotherType { .. } => "content_type",
            PictureRefused::NoPicture
            | PictureRefused::Truncated
            | PictureRefused::Trailing { .. }
            | PictureRefused::TooLarge { .. }
            | PictureRefused::Unreadable => "data_base64",
        };
        Self::invalid(field, why)
    }
}

impl From<ChangeAvatarError> for Problem {
    fn from(error: ChangeAvatarError) -> Self {
        match error {
            ChangeAvatarError::Commit(error) => error.into(),
        }
    }
}
