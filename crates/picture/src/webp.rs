//! What the parts inside a WebP file claim.
//!
//! The header of an extended file has dimensions, and so has every frame inside it. A decoder goes by those of the frame first,
//! and finds only afterwards that they do not fit the header: a tiny picture could make it decode a huge one.

/// Chunks of a RIFF file: a name, a length, that many bytes, padded to an even length.
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = (&'a [u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.0.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?.min(rest.len());
        let (content, _) = rest.split_at_checked(length)?;
        self.0 = rest.get(length.next_multiple_of(2)..).unwrap_or_default();
        Some((name, content))
    }
}

/// Width and height of each frame, as its own data says.
pub(crate) fn frames(file: &[u8]) -> Vec<(u32, u32)> {
    let outer = Chunks(file.get(12..).unwrap_or_default());
    // A frame of an animation is a chunk of chunks, behind sixteen bytes that say where it belongs.
    let inner = |(name, content): (&'_ [u8; 4], &'_ [u8])| match name {
        b"ANMF" => Chunks(content.get(16..).unwrap_or_default()).filter_map(dimensions).collect(),
        _ => Vec::from_iter(dimensions((name, content))),
    };
    outer.flat_map(inner).collect()
}

fn dimensions((name, content): (&[u8; 4], &[u8])) -> Option<(u32, u32)> {
    match name {
        // Fourteen bits each; the two above them say how to scale.
        b"VP8 " => {
            let [w0, w1, h0, h1] = *content.get(6..)?.first_chunk()?;
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            Some((side(w0, w1), side(h0, h1)))
        }
        // Fourteen bits each, less one.
        b"VP8L" => {
            let bits = u32::from_le_bytes(*content.get(1..)?.first_chunk()?);
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clean::tests::{lossy_webp, moving_webp, sample};
    use driftstack_domain::avatar::PictureType;
    use proptest::prelude::*;

    #[test]
    fn every_frame_is_found() {
        assert_eq!(frames(&sample(PictureType::WebP, 40, 30)), [(40, 30)]);
        assert_eq!(frames(&moving_webp()), [(8, 8), (8, 8)]);
        assert_eq!(frames(&lossy_webp(300, 200)), [(300, 200)]);
    }

    proptest! {
        #[test]
        fn no_bytes_lead_astray(bytes: Vec<u8>) {
            let _ = frames(&[b"RIFF\0\0\0\0WEBPVP8L\xff\0\0\0".to_vec(), bytes.clone()].concat());
            let _ = frames(&[b"RIFF\0\0\0\0WEBPANMF".to_vec(), bytes].concat());
        }
    }
}
