use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{id::AvatarId, word::words};

words! {
    /// What a picture is sent, stored and served as.
    PictureType, PictureTypeError, "content type of a picture" {
        Png = "image/png",
        Jpeg = "image/jpeg",
        WebP = "image/webp",
    }
}

impl PictureType {
    const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
        }
    }
}

/// The name of one picture, which says what it is: `<uuid>.png`.
///
/// A picture never changes under its name, and the name says nothing of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AvatarKey {
    id: AvatarId,
    content_type: PictureType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a UUID and one of `.png`, `.jpg`, `.webp`")]
pub struct AvatarKeyError;

impl AvatarKey {
    pub const fn new(id: AvatarId, content_type: PictureType) -> Self {
        Self { id, content_type }
    }

    pub const fn content_type(self) -> PictureType {
        self.content_type
    }

    /// Where it lies in a blob store: a path of two plain segments.
    pub fn object(self) -> String {
        format!("avatars/{self}")
    }
}

impl fmt::Display for AvatarKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.id, self.content_type.extension())
    }
}

impl FromStr for AvatarKey {
    type Err = AvatarKeyError;

    fn from_str(text: &str) -> Result<Self, AvatarKeyError> {
        let (id, extension) = text.split_once('.').ok_or(AvatarKeyError)?;
        let known = PictureType::ALL.iter().find(|content_type| content_type.extension() == extension);
        let content_type = *known.ok_or(AvatarKeyError)?;
        Ok(Self { id: id.parse().map_err(|_| AvatarKeyError)?, content_type })
    }
}

/// Bytes that somebody sent as a picture. Nobody has looked at them yet.
#[derive(Clone, PartialEq, Eq)]
pub struct SentPicture(Vec<u8>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a picture has at most {} bytes", SentPicture::MAX_BYTES)]
pub struct PictureSizeError;

impl SentPicture {
    /// 2 MiB.
    pub const MAX_BYTES: usize = 2 * 1024 * 1024;

    pub fn new(bytes: Vec<u8>) -> Result<Self, PictureSizeError> {
        if bytes.len() > Self::MAX_BYTES { Err(PictureSizeError) } else { Ok(Self(bytes)) }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A picture that was written anew by [`Pictures`](super::Pictures): pixels, and nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct CleanPicture {
    pub content_type: PictureType,
    pub bytes: Vec<u8>,
}

// By hand: two million numbers help nobody.
impl fmt::Debug for SentPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SentPicture({} bytes)", self.0.len())
    }
}

impl fmt::Debug for CleanPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CleanPicture({}, {} bytes)", self.content_type, self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::people;
    use rstest::rstest;

    #[rstest]
    #[case(PictureType::Png, ".png")]
    #[case(PictureType::Jpeg, ".jpg")]
    #[case(PictureType::WebP, ".webp")]
    fn a_key_says_what_it_names(#[case] content_type: PictureType, #[case] end: &str) {
        let key = AvatarKey::new(AvatarId::new(people::uuid(1)), content_type);
        assert!(key.to_string().ends_with(end));
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(key.object(), format!("avatars/{key}"));
    }

    #[rstest]
    #[case::empty("")]
    #[case::no_extension("0192f0c1-2345-7000-8000-000000000001")]
    #[case::another_extension("0192f0c1-2345-7000-8000-000000000001.html")]
    #[case::two_extensions("0192f0c1-2345-7000-8000-000000000001.png.png")]
    #[case::upper_case("0192F0C1-2345-7000-8000-000000000001.png")]
    #[case::a_path("../0192f0c1-2345-7000-8000-000000000001.png")]
    #[case::a_nul("0192f0c1-2345-7000-8000-000000000001\0.png")]
    fn another_name_is_no_key(#[case] text: &str) {
        assert_eq!(text.parse::<AvatarKey>(), Err(AvatarKeyError));
    }

    #[test]
    fn two_mebibytes_are_enough() {
        assert!(SentPicture::new(vec![0; SentPicture::MAX_BYTES]).is_ok());
        assert_eq!(SentPicture::new(vec![0; SentPicture::MAX_BYTES + 1]), Err(PictureSizeError));
    }
}
