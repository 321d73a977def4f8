//! Pictures that strangers send: looked at, decoded within limits, set upright, made small, and written anew.
//!
//! What comes out is made of pixels alone. Metadata, colour profiles, further frames and whatever else a file may carry stay
//! behind; a file that carries something after its end is refused.
//!
//! * `sniff` holds the bytes against what they were sent as.
//! * `extent` finds where a file ends, since decoders do not mind what is missing there, or what follows.
//! * `webp` finds what a file claims inside, where its decoder would believe it.
//! * `clean` decodes and encodes. [`BoundedPictures`] does so a few at a time.

mod bounded;
mod clean;
mod extent;
mod sniff;
mod webp;

pub use bounded::BoundedPictures;
pub use clean::{MAX_PIXELS, MAX_SIDE, STORED_SIDE, clean};
