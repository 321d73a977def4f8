//! Pictures to send.

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage};

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn gradient() -> DynamicImage {
    let byte = |n: u32| u8::try_from(n % 256).unwrap();
    RgbImage::from_fn(1024, 768, |x, y| Rgb([byte(x / 4), byte(y / 3), 90])).into()
}

pub fn png() -> Vec<u8> {
    written(&gradient(), ImageFormat::Png)
}

pub fn jpeg() -> Vec<u8> {
    written(&gradient(), ImageFormat::Jpeg)
}

pub fn webp() -> Vec<u8> {
    written(&gradient(), ImageFormat::WebP)
}

/// Few bytes, nine million pixels.
pub fn huge() -> Vec<u8> {
    written(&GrayImage::new(3000, 3000).into(), ImageFormat::Png)
}

/// A PNG of so many bytes, most of them in a chunk that nobody needs.
pub fn padded(length: usize) -> Vec<u8> {
    let whole = png();
    let filling = vec![0; length - whole.len() - 12];
    let size = u32::try_from(filling.len()).unwrap().to_be_bytes();
    [&whole[..33], &size, b"fiLl", &filling, &[0; 4], &whole[33..]].concat()
}
