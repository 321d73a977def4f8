use std::io::Cursor;

use driftstack_domain::avatar::{CleanPicture, PictureRefused, PictureType, SentPicture};
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, codecs::jpeg::JpegEncoder,
    metadata::Orientation,
};

use crate::{extent, sniff, webp};

/// Pixels on a side that a picture may have.
pub const MAX_SIDE: u32 = 8192;

/// Pixels that a picture may have. A progressive JPEG of three full channels takes nine bytes for each while it is decoded,
/// a PNG with sixteen bits a channel takes eight: so no picture takes more than 54 MiB.
pub const MAX_PIXELS: u32 = 6 * 1024 * 1024;

/// Pixels on the longer side of what is written: enough for an avatar on any screen.
pub const STORED_SIDE: u32 = 512;

/// From 1 to 100: no loss that is seen at this size.
const JPEG_QUALITY: u8 = 90;

/// Makes a clean picture of what was sent, of the same type: upright, at most [`STORED_SIDE`] pixels on a side, opaque where
/// the type knows no transparency, eight bits a channel. Of an animation the first frame is kept.
///
/// Takes tens of milliseconds.
pub fn clean(sent: &SentPicture, says: PictureType) -> Result<CleanPicture, PictureRefused> {
    let bytes = sent.as_bytes();
    sniff::check(bytes, says)?;
    extent::check(bytes, says)?;
    if says == PictureType::WebP {
        webp::frames(bytes).into_iter().try_for_each(check_size)?;
    }
    let picture = decode(bytes, says)?;
    let bytes = encode(&picture, says).map_err(|error| refusal(&error))?;
    Ok(CleanPicture { content_type: says, bytes })
}

/// The pixels, upright and small.
fn decode(bytes: &[u8], content_type: PictureType) -> Result<DynamicImage, PictureRefused> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format(content_type));
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(|error| refusal(&error))?;
    check_size(decoder.dimensions())?;
    // A file whose metadata is damaged still has its pixels.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let whole = DynamicImage::from_decoder(decoder).map_err(|error| refusal(&error))?;
    let mut small = shrink(whole);
    small.apply_orientation(orientation);
    Ok(small)
}

/// For the decoders that look at it before they say how large the picture is.
fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    // Sixteen bits in four channels. The buffers that a decoder cannot be told about are bounded by the pixels alone.
    limits.max_alloc = Some(8 * u64::from(MAX_PIXELS));
    limits
}

fn check_size((width, height): (u32, u32)) -> Result<(), PictureRefused> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(PictureRefused::Unreadable);
    }
    if width > MAX_SIDE || height > MAX_SIDE || pixels > u64::from(MAX_PIXELS) {
        return Err(TOO_LARGE);
    }
    Ok(())
}

fn shrink(picture: DynamicImage) -> DynamicImage {
    let small = if picture.width().max(picture.height()) > STORED_SIDE {
        picture.thumbnail(STORED_SIDE, STORED_SIDE)
    } else {
        picture
    };
    if small.color().has_alpha() { small.into_rgba8().into() } else { small.into_rgb8().into() }
}

fn encode(picture: &DynamicImage, content_type: PictureType) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    match content_type {
        PictureType::Png | PictureType::WebP => picture.write_to(&mut bytes, format(content_type))?,
        PictureType::Jpeg => {
            picture.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))?;
        }
    }
    Ok(bytes.into_inner())
}

const fn format(content_type: PictureType) -> ImageFormat {
    match content_type {
        PictureType::Png => ImageFormat::Png,
        PictureType::Jpeg => ImageFormat::Jpeg,
        PictureType::WebP => ImageFormat::WebP,
    }
}

const TOO_LARGE: PictureRefused = PictureRefused::TooLarge { max_side: MAX_SIDE, max_pixels: MAX_PIXELS };

fn refusal(error: &ImageError) -> PictureRefused {
    tracing::debug!(%error, "a picture was not readable");
    if matches!(error, ImageError::Limits(_)) { TOO_LARGE } else { PictureRefused::Unreadable }
}

#[cfg(test)]
pub(crate) mod tests;
