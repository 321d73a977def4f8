//! Every sample is made here: by other encoders where these can, byte by byte where none would.

use std::io::Write as _;

use driftstack_domain::avatar::{PictureRefused, PictureType, SentPicture};
use image::{DynamicImage, GenericImageView as _, ImageReader, Luma, Rgb, RgbImage, Rgba};
use proptest::prelude::*;
use rstest::rstest;

use super::*;

pub(crate) const TYPES: [PictureType; 3] = [PictureType::Png, PictureType::Jpeg, PictureType::WebP];

const RED: [u8; 3] = [200, 30, 40];
const BLUE: [u8; 3] = [30, 40, 200];

/// Red above, blue below.
fn flag(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |_, y| Rgb(if y < height / 2 { RED } else { BLUE })).into()
}

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub(crate) fn sample(content_type: PictureType, width: u32, height: u32) -> Vec<u8> {
    written(&flag(width, height), format(content_type))
}

fn cleaned(bytes: Vec<u8>, says: PictureType) -> Result<Vec<u8>, PictureRefused> {
    let clean = clean(&SentPicture::new(bytes).unwrap(), says)?;
    assert_eq!(clean.content_type, says);
    Ok(clean.bytes)
}

/// Reads what was written, which must be what it says.
fn read(bytes: &[u8], content_type: PictureType) -> DynamicImage {
    assert_eq!(image::guess_format(bytes).unwrap(), format(content_type));
    ImageReader::with_format(Cursor::new(bytes), format(content_type)).decode().unwrap()
}

fn is_about(pixel: Rgba<u8>, colour: [u8; 3]) -> bool {
    pixel.0.iter().zip(colour).all(|(is, wanted)| is.abs_diff(wanted) < 24)
}

#[track_caller]
fn assert_flag(picture: &DynamicImage) {
    let (width, height) = picture.dimensions();
    assert!(is_about(picture.get_pixel(width / 2, 1), RED), "{:?}", picture.get_pixel(width / 2, 1));
    assert!(is_about(picture.get_pixel(width / 2, height - 2), BLUE));
}

#[rstest]
fn each_type_stays_itself_and_keeps_its_pixels(
    #[values(PictureType::Png, PictureType::Jpeg, PictureType::WebP)] content_type: PictureType,
) {
    let picture = read(&cleaned(sample(content_type, 40, 30), content_type).unwrap(), content_type);
    assert_eq!(picture.dimensions(), (40, 30));
    assert_flag(&picture);
}

#[rstest]
#[case::wide((1024, 256), (512, 128))]
#[case::tall((300, 900), (171, 512))]
#[case::a_line((8192, 1), (512, 1))]
#[case::small((512, 512), (512, 512))]
#[case::a_point((1, 1), (1, 1))]
fn what_is_large_becomes_small_in_its_proportions(#[case] from: (u32, u32), #[case] to: (u32, u32)) {
    let bytes = cleaned(sample(PictureType::Png, from.0, from.1), PictureType::Png).unwrap();
    assert_eq!(read(&bytes, PictureType::Png).dimensions(), to);
}

#[test]
fn a_lie_about_the_type_is_refused() {
    for is in TYPES {
        for says in TYPES.into_iter().filter(|says| *says != is) {
            assert_eq!(cleaned(sample(is, 8, 8), says), Err(PictureRefused::AnotherType { is }));
        }
    }
}

#[rstest]
#[case::nothing(b"")]
#[case::text(b"hello")]
#[case::a_page(b"<!doctype html><script>alert(1)</script>")]
#[case::a_drawing(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>")]
#[case::gif(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;")]
#[case::zeros(&[0; 64])]
fn what_is_no_picture_is_refused(#[case] bytes: &[u8]) {
    for says in TYPES {
        assert_eq!(cleaned(bytes.to_vec(), says), Err(PictureRefused::NoPicture));
    }
}

#[test]
fn a_file_that_was_cut_is_refused_wherever_it_was() {
    for content_type in TYPES {
        let whole = sample(content_type, 64, 48);
        for length in 12..whole.len() {
            assert_eq!(
                cleaned(whole[..length].to_vec(), content_type),
                Err(PictureRefused::Truncated),
                "{content_type} {length}"
            );
        }
    }
}

#[test]
fn a_picture_in_front_and_an_archive_behind_is_refused() {
    for content_type in TYPES {
        let bytes = [sample(content_type, 8, 8), b"PK\x05\x06".to_vec(), vec![0; 18]].concat();
        assert_eq!(cleaned(bytes, content_type), Err(PictureRefused::Trailing { bytes: 22 }));
    }
}

#[test]
fn a_signature_with_nonsense_behind_it_is_unreadable() {
    let nonsense = [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(*b"IHDR", &[1; 13]), chunk(*b"IEND", b"")].concat();
    assert_eq!(cleaned(nonsense, PictureType::Png), Err(PictureRefused::Unreadable));
    assert_eq!(cleaned(b"\xff\xd8\xff\xd9".to_vec(), PictureType::Jpeg), Err(PictureRefused::Unreadable));
    assert_eq!(cleaned(b"RIFF\x04\0\0\0WEBP".to_vec(), PictureType::WebP), Err(PictureRefused::Unreadable));
}

/// A chunk of a PNG with a checksum that holds.
fn chunk(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::new(&mut bytes, 1, 1).write_header().unwrap();
    writer.write_chunk(png::chunk::ChunkType(name), content).unwrap();
    drop(writer);
    let at = bytes.windows(4).position(|window| window == name).unwrap() - 4;
    bytes[at..at + 12 + content.len()].to_vec()
}

#[test]
fn a_bomb_is_refused_before_it_is_decoded() {
    let huge = |width: u32, height: u32| {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Sixteen);
        let mut writer = encoder.write_header().unwrap();
        writer.write_chunk(png::chunk::IDAT, b"\x78\x9c\x03\x00\x00\x00\x00\x01").unwrap();
        drop(writer);
        bytes
    };
    for (width, height) in [(0x7fff_ffff, 1), (1, 0x7fff_ffff), (60_000, 60_000), (MAX_SIDE + 1, 1), (2049, 3072)] {
        let refused = cleaned(huge(width, height), PictureType::Png);
        assert_eq!(refused, Err(TOO_LARGE), "{width} × {height}");
    }
    // As large as it may be, and there are no pixels.
    assert_eq!(cleaned(huge(2048, 3072), PictureType::Png), Err(PictureRefused::Unreadable));
}

#[test]
fn a_jpeg_and_a_webp_that_claim_too_much_are_refused() {
    let mut jpeg = sample(PictureType::Jpeg, 8, 8);
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    assert_eq!(cleaned(jpeg, PictureType::Jpeg), Err(TOO_LARGE));
    let mut webp = sample(PictureType::WebP, 8, 8);
    let header = webp.windows(4).position(|window| window == b"VP8L").unwrap() + 9;
    webp[header..header + 4].copy_from_slice(&[0xfe, 0xbf, 0xff, 0x0f]);
    assert_eq!(cleaned(webp, PictureType::WebP), Err(TOO_LARGE));
}

#[test]
fn a_bomb_in_a_colour_profile_takes_no_memory() {
    let mut deflated = Vec::new();
    let zeros = flate2::write::ZlibEncoder::new(&mut deflated, flate2::Compression::best());
    let mut zeros = zeros;
    for _ in 0..256 {
        zeros.write_all(&vec![0; 1 << 20]).unwrap();
    }
    zeros.finish().unwrap();
    let whole = sample(PictureType::Png, 8, 8);
    let profile = chunk(*b"iCCP", &[b"p\0\0".to_vec(), deflated].concat());
    let bytes = [&whole[..33], &profile, &whole[33..]].concat();
    let before = peak_memory();
    // Refused or ignored: both will do.
    let _ = cleaned(bytes, PictureType::Png);
    assert!(peak_memory() - before < 96 << 20, "{} MiB", (peak_memory() - before) >> 20);
}

fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<usize>().unwrap() * 1024
}

/// The block that cameras write, with the orientation alone.
fn exif(orientation: u8) -> Vec<u8> {
    let entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
    [b"MM\0\x2a\0\0\0\x08\0\x01".to_vec(), entry.to_vec(), vec![0; 4]].concat()
}

fn jpeg_with_exif(picture: &DynamicImage, orientation: u8) -> Vec<u8> {
    let whole = written(picture, ImageFormat::Jpeg);
    let block = [b"Exif\0\0".to_vec(), exif(orientation), b"GPS 52.37 N".to_vec()].concat();
    let length = u16::try_from(block.len() + 2).unwrap().to_be_bytes();
    [&whole[..2], &[0xff, 0xe1], &length, &block, &whole[2..]].concat()
}

#[rstest]
#[case::upside_down(3, DynamicImage::rotate180)]
#[case::on_its_right(6, DynamicImage::rotate270)]
#[case::on_its_left(8, DynamicImage::rotate90)]
#[case::mirrored(4, DynamicImage::flipv)]
fn a_picture_is_set_upright(#[case] orientation: u8, #[case] taken: fn(&DynamicImage) -> DynamicImage) {
    let bytes = jpeg_with_exif(&taken(&flag(60, 40)), orientation);
    let picture = read(&cleaned(bytes, PictureType::Jpeg).unwrap(), PictureType::Jpeg);
    assert_eq!(picture.dimensions(), (60, 40));
    assert_flag(&picture);
}

#[test]
fn a_png_is_set_upright_too() {
    let whole = written(&flag(60, 40).rotate180(), ImageFormat::Png);
    let bytes = [&whole[..33], &chunk(*b"eXIf", &exif(3)), &whole[33..]].concat();
    assert_flag(&read(&cleaned(bytes, PictureType::Png).unwrap(), PictureType::Png));
}

#[test]
fn metadata_is_gone() {
    let has = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    let jpeg = jpeg_with_exif(&flag(60, 40), 1);
    assert!(has(&jpeg, b"GPS") && has(&jpeg, b"Exif"));
    let clean = cleaned(jpeg, PictureType::Jpeg).unwrap();
    assert!(!has(&clean, b"GPS") && !has(&clean, b"Exif"));

    let whole = sample(PictureType::Png, 8, 8);
    let text = chunk(*b"tEXt", b"Comment\0<script>alert(1)</script>");
    let clean = cleaned([&whole[..33], &text, &whole[33..]].concat(), PictureType::Png).unwrap();
    assert!(!has(&clean, b"script") && !has(&clean, b"tEXt"));
}

#[rstest]
#[case::gray(DynamicImage::ImageLuma8(image::GrayImage::from_pixel(9, 9, Luma([90]))), [90; 3])]
#[case::gray_16(DynamicImage::ImageLuma16(image::ImageBuffer::from_pixel(9, 9, Luma([0x5a5a]))), [90; 3])]
#[case::rgb_16(DynamicImage::ImageRgb16(image::ImageBuffer::from_pixel(9, 9, Rgb([0x5a5a, 0, 0xffff]))), [90, 0, 255])]
#[case::rgba_16(DynamicImage::ImageRgba16(image::ImageBuffer::from_pixel(900, 9, Rgba([0x5a5a, 0, 0xffff, 0xffff]))), [90, 0, 255])]
fn every_depth_becomes_eight_bits(#[case] picture: DynamicImage, #[case] colour: [u8; 3]) {
    let clean = read(&cleaned(written(&picture, ImageFormat::Png), PictureType::Png).unwrap(), PictureType::Png);
    assert!(is_about(clean.get_pixel(4, 4), colour), "{:?}", clean.get_pixel(4, 4));
    assert!(matches!(clean, DynamicImage::ImageRgb8(_) | DynamicImage::ImageRgba8(_)));
}

#[test]
fn a_palette_with_one_bit_is_read() {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 8, 8);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_palette([RED, BLUE].concat());
    encoder.write_header().unwrap().write_image_data(&[0, 0, 0, 0, 255, 255, 255, 255]).unwrap();
    assert_flag(&read(&cleaned(bytes, PictureType::Png).unwrap(), PictureType::Png));
}

#[rstest]
#[case::cmyk(jpeg_encoder::ColorType::Cmyk)]
#[case::ycck(jpeg_encoder::ColorType::CmykAsYcck)]
fn the_colours_of_print_are_read(#[case] kind: jpeg_encoder::ColorType) {
    let mut bytes = Vec::new();
    let ink: Vec<u8> = (0..32 * 32).flat_map(|_| [0, 255, 255, 0]).collect();
    jpeg_encoder::Encoder::new(&mut bytes, 95).encode(&ink, 32, 32, kind).unwrap();
    let clean = read(&cleaned(bytes, PictureType::Jpeg).unwrap(), PictureType::Jpeg);
    let Rgba([red, green, blue, _]) = clean.get_pixel(16, 16);
    // Which way round ink is counted differs between programs; one colour stays one colour.
    assert!(green.abs_diff(blue) < 24 && red.abs_diff(green) > 200, "{:?}", clean.get_pixel(16, 16));
}

#[test]
fn a_progressive_jpeg_is_read() {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
    encoder.set_progressive(true);
    encoder.encode(&flag(64, 64).to_rgb8(), 64, 64, jpeg_encoder::ColorType::Rgb).unwrap();
    assert_flag(&read(&cleaned(bytes, PictureType::Jpeg).unwrap(), PictureType::Jpeg));
}

#[rstest]
#[case(PictureType::Png)]
#[case(PictureType::WebP)]
fn transparency_stays(#[case] content_type: PictureType) {
    let glass: DynamicImage = image::RgbaImage::from_pixel(600, 600, Rgba([1, 2, 3, 0])).into();
    let clean = read(&cleaned(written(&glass, format(content_type)), content_type).unwrap(), content_type);
    assert_eq!((clean.dimensions(), clean.get_pixel(3, 3).0[3]), ((512, 512), 0));
}

#[test]
fn of_a_moving_png_the_first_frame_is_kept() {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 8, 8);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(2, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&flag(8, 8).to_rgb8()).unwrap();
    writer.write_image_data(&flag(8, 8).flipv().to_rgb8()).unwrap();
    writer.finish().unwrap();
    let clean = cleaned(bytes, PictureType::Png).unwrap();
    assert_flag(&read(&clean, PictureType::Png));
    assert!(!clean.windows(4).any(|window| window == b"acTL" || window == b"fdAT"));
}

/// A part of a WebP file.
fn riff(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&name[..], &length, content, &vec![0; content.len() % 2]].concat()
}

/// Red above, then blue above.
pub(crate) fn moving_webp() -> Vec<u8> {
    let frame = |picture: &DynamicImage| {
        let still = written(picture, ImageFormat::WebP);
        // Where it is, one less than its sides, for how long, and how it is blended.
        let place = [&[0; 6][..], &[7, 0, 0], &[7, 0, 0], &[100, 0, 0], &[0]].concat();
        riff(*b"ANMF", &[&place, &still[12..]].concat())
    };
    let parts = [
        b"WEBP".to_vec(),
        riff(*b"VP8X", &[2, 0, 0, 0, 7, 0, 0, 7, 0, 0]),
        riff(*b"ANIM", &[0; 6]),
        frame(&flag(8, 8)),
        frame(&flag(8, 8).flipv()),
    ];
    riff(*b"RIFF", &parts.concat())
}

/// The head of a lossy WebP inside an extended one of 8 × 8, and no pixels.
pub(crate) fn lossy_webp(width: u16, height: u16) -> Vec<u8> {
    let head = [&[0x10, 0, 0, 0x9d, 0x01, 0x2a][..], &width.to_le_bytes(), &height.to_le_bytes(), &[0; 4000]].concat();
    let parts = [b"WEBP".to_vec(), riff(*b"VP8X", &[0, 0, 0, 0, 7, 0, 0, 7, 0, 0]), riff(*b"VP8 ", &head)];
    riff(*b"RIFF", &parts.concat())
}

#[test]
fn a_huge_frame_in_a_small_webp_is_refused() {
    assert_eq!(cleaned(lossy_webp(16_383, 16_383), PictureType::WebP), Err(TOO_LARGE));
    assert_eq!(cleaned(lossy_webp(9, 9), PictureType::WebP), Err(PictureRefused::Unreadable));
}

#[test]
fn a_picture_without_pixels_is_unreadable() {
    // One more than the fourteen bits of a side hold.
    let mut webp = sample(PictureType::WebP, 8, 8);
    let header = webp.windows(4).position(|window| window == b"VP8L").unwrap() + 9;
    webp[header..header + 4].copy_from_slice(&[0xff, 0x3f, 0, 0]);
    assert!(cleaned(webp, PictureType::WebP).is_err());
    assert_eq!(cleaned(lossy_webp(0, 0), PictureType::WebP), Err(PictureRefused::Unreadable));
}

#[test]
fn of_a_moving_webp_the_first_frame_is_kept() {
    let clean = cleaned(moving_webp(), PictureType::WebP).unwrap();
    assert_flag(&read(&clean, PictureType::WebP));
    assert!(!clean.windows(4).any(|window| window == b"ANMF"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is changed inside a file: an answer, and no panic.
    #[test]
    fn damage_is_answered(kind in 0_usize..3, at: prop::sample::Index, changed: u8, cut: prop::sample::Index) {
        let mut bytes = sample(TYPES[kind], 24, 24);
        let place = at.index(bytes.len());
        bytes[place] = changed;
        let other = cut.index(bytes.len());
        bytes[other] ^= 0x55;
        let _ = cleaned(bytes, TYPES[kind]);
    }
}
