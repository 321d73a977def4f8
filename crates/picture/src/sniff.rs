use driftstack_domain::avatar::{PictureRefused, PictureType};

/// What the first bytes say they are.
fn kind(bytes: &[u8]) -> Option<PictureType> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(PictureType::Png);
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        return Some(PictureType::Jpeg);
    }
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    is_webp.then_some(PictureType::WebP)
}

/// Refuses bytes that are something else than they were sent as.
pub(crate) fn check(bytes: &[u8], says: PictureType) -> Result<(), PictureRefused> {
    match kind(bytes) {
        None => Err(PictureRefused::NoPicture),
        Some(is) if is != says => Err(PictureRefused::AnotherType { is }),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::png(b"\x89PNG\r\n\x1a\n....", Some(PictureType::Png))]
    #[case::jpeg(b"\xff\xd8\xff\xe0....", Some(PictureType::Jpeg))]
    #[case::webp(b"RIFF\0\0\0\0WEBP", Some(PictureType::WebP))]
    #[case::other_riff(b"RIFF\0\0\0\0WAVE", None)]
    #[case::gif(b"GIF89a......", None)]
    #[case::svg(b"<svg xmlns=''/>", None)]
    #[case::html_with_a_png_inside(b"<html>\x89PNG\r\n\x1a\n", None)]
    #[case::half_a_signature(b"\x89PNG", None)]
    #[case::nothing(b"", None)]
    fn cases(#[case] bytes: &[u8], #[case] expected: Option<PictureType>) {
        assert_eq!(kind(bytes), expected);
    }
}
