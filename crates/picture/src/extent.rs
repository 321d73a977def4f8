//! Where a file ends.
//!
//! A decoder stops when it has its pixels, and paints grey what it misses. So a file that was cut off, or one that is a picture
//! in front and an archive behind, looks fine to it. Here the containers are walked from part to part, without looking inside.

use driftstack_domain::avatar::{PictureRefused, PictureType};

/// Refuses a file that ends before its picture does, or after it.
pub(crate) fn check(bytes: &[u8], content_type: PictureType) -> Result<(), PictureRefused> {
    let end = match content_type {
        PictureType::Png => png(bytes),
        PictureType::Jpeg => jpeg(bytes),
        PictureType::WebP => webp(bytes),
    };
    let rest = end.and_then(|end| bytes.len().checked_sub(end)).ok_or(PictureRefused::Truncated)?;
    if rest > 0 { Err(PictureRefused::Trailing { bytes: rest }) } else { Ok(()) }
}

/// Behind the chunk `IEND`. A chunk is its length, its name, that many bytes, and a checksum.
fn png(bytes: &[u8]) -> Option<usize> {
    let mut at = 8;
    loop {
        let length = usize::try_from(u32::from_be_bytes(array(bytes, at)?)).ok()?;
        let name: [u8; 4] = array(bytes, at + 4)?;
        at = at.checked_add(length)?.checked_add(12)?;
        if name == *b"IEND" {
            return Some(at);
        }
    }
}

/// As long as the header says. Chunks are padded to an even length.
fn webp(bytes: &[u8]) -> Option<usize> {
    let length = usize::try_from(u32::from_le_bytes(array(bytes, 4)?)).ok()?;
    length.checked_add(8)?.checked_next_multiple_of(2)
}

/// Behind the marker for the end of the image.
fn jpeg(bytes: &[u8]) -> Option<usize> {
    const END: u8 = 0xd9;
    const SCAN: u8 = 0xda;
    let mut at = 2;
    loop {
        let (marker, behind) = marker(bytes, at)?;
        if marker == END {
            return Some(behind);
        }
        let length = usize::from(u16::from_be_bytes(array(bytes, behind)?));
        at = behind.checked_add(length)?;
        if marker == SCAN {
            at = behind_entropy(bytes, at)?;
        }
    }
}

/// The marker here, and the place behind it. Any number of `ff` may stand before one.
fn marker(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let (first, rest) = bytes.get(at..)?.split_first()?;
    let fill = rest.iter().position(|byte| *byte != 0xff)?;
    let marker = rest.get(fill)?;
    (*first == 0xff).then_some((*marker, at.checked_add(fill)?.checked_add(2)?))
}

/// The first marker after compressed data, in which `ff` is followed by a zero, or by the number of a restart.
fn behind_entropy(bytes: &[u8], from: usize) -> Option<usize> {
    let inside = |next: u8| next == 0 || (0xd0..=0xd7).contains(&next);
    let rest = bytes.get(from..)?;
    let marker = rest.windows(2).position(|pair| matches!(pair, [0xff, next] if *next != 0xff && !inside(*next)))?;
    from.checked_add(marker)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clean::tests::{TYPES, sample};
    use proptest::prelude::*;

    #[test]
    fn a_whole_file_ends_where_it_ends() {
        for content_type in TYPES {
            assert_eq!(check(&sample(content_type, 40, 30), content_type), Ok(()));
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        for content_type in TYPES {
            let bytes = sample(content_type, 40, 30);
            for length in 12..bytes.len() {
                assert_eq!(
                    check(&bytes[..length], content_type),
                    Err(PictureRefused::Truncated),
                    "{content_type} {length}"
                );
            }
        }
    }

    #[test]
    fn what_follows_is_counted() {
        for content_type in TYPES {
            let bytes = [sample(content_type, 40, 30), b"PK\x03\x04".to_vec()].concat();
            assert_eq!(check(&bytes, content_type), Err(PictureRefused::Trailing { bytes: 4 }));
        }
    }

    #[test]
    fn restarts_and_fill_bytes_are_part_of_a_jpeg() {
        let scan = b"\xff\xd8\xff\xff\xe0\x00\x02\xff\xda\x00\x02ab\xff\x00c\xff\xd0d\xff\xff\xd9";
        assert_eq!(jpeg(scan), Some(scan.len()));
    }

    proptest! {
        #[test]
        fn no_bytes_lead_astray(bytes: Vec<u8>, at in 0_usize..64) {
            for content_type in TYPES {
                let mut file = sample(content_type, 8, 8);
                let at = at.min(file.len());
                file.splice(at..at, bytes.clone());
                let _ = (check(&file, content_type), check(&bytes, content_type));
            }
        }
    }
}
