//! What a picture of two mebibytes costs: processor time and memory. Fails at the bar. Linux only.
//!
//! ```sh
//! cargo bench -p driftstack-picture --bench bar
//! ```

#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unchecked_time_subtraction,
    clippy::unwrap_used,
    reason = "a measurement that fails may panic, and its samples need no exact arithmetic"
)]

use std::{
    env, fs,
    io::Cursor,
    process::{self, Command},
    time::Duration,
};

use driftstack_domain::avatar::{PictureType, SentPicture};
use driftstack_picture::{MAX_PIXELS, clean};
use image::{DynamicImage, ImageFormat, RgbImage};

const RUNS: usize = 31;
const CPU_BAR: Duration = Duration::from_millis(60);
const MEMORY_BAR: usize = 64 << 20;

struct Cost {
    /// At the median.
    cpu: Duration,
    /// At the peak, of the first run.
    memory: usize,
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, command, file, content_type] = arguments.as_slice()
        && command == "measure"
    {
        let Cost { cpu, memory } = measure(&fs::read(file).unwrap(), content_type.parse().unwrap());
        return println!("{} {memory}", cpu.as_nanos());
    }
    let mut times = Vec::new();
    for (name, content_type, bytes) in samples() {
        let mib = bytes.len() as f64 / f64::from(1 << 20);
        let Cost { cpu, memory } = measured_alone(&bytes, content_type);
        println!("{name:44} {mib:5.2} MiB sent  {cpu:>10.2?} at the median  {:>3} MiB at the peak", memory >> 20);
        assert!(memory < MEMORY_BAR, "{name}: the bar is {} MiB", MEMORY_BAR >> 20);
        times.push(cpu);
    }
    let median = median(times);
    println!("median over all of them: {median:.2?}");
    assert!(median < CPU_BAR, "the bar is {CPU_BAR:?}");
}

/// In a process of its own: what this one has freed would be used again, and not be seen.
fn measured_alone(bytes: &[u8], content_type: PictureType) -> Cost {
    let file = env::temp_dir().join(format!("driftstack-bar-{}", process::id()));
    fs::write(&file, bytes).unwrap();
    let mut measuring = Command::new(env::current_exe().unwrap());
    let output = measuring.arg("measure").arg(&file).arg(content_type.as_str()).output().unwrap();
    fs::remove_file(&file).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let (cpu, memory) = text.trim().split_once(' ').unwrap();
    Cost { cpu: Duration::from_nanos(cpu.parse().unwrap()), memory: memory.parse().unwrap() }
}

fn measure(bytes: &[u8], content_type: PictureType) -> Cost {
    let before = peak_memory();
    let sent = SentPicture::new(bytes.to_vec()).expect("at most two mebibytes");
    let run = || {
        let begun = cpu_time();
        clean(&sent, content_type).expect("a good picture");
        cpu_time() - begun
    };
    run();
    let memory = peak_memory() - before;
    Cost { cpu: median((0..RUNS).map(|_| run()).collect()), memory }
}

/// Of this thread, which does all the work.
fn cpu_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn peak_memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<usize>().unwrap() * 1024
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}

/// Of each kind the largest that is taken, in bytes or in pixels.
fn samples() -> Vec<(&'static str, PictureType, Vec<u8>)> {
    let large = photograph(2048, MAX_PIXELS / 2048, 12);
    let small = photograph(1600, 1200, 12);
    vec![
        ("JPEG, 1600 × 1200", PictureType::Jpeg, jpeg(&small, false)),
        ("JPEG, 2048 × 3072", PictureType::Jpeg, jpeg(&large, false)),
        ("progressive JPEG, 2048 × 3072", PictureType::Jpeg, jpeg(&large, true)),
        ("PNG, as large as fits", PictureType::Png, lossless(ImageFormat::Png)),
        ("PNG, 2048 × 3072, sixteen bits, transparent", PictureType::Png, deep_png()),
        ("WebP, as large as fits", PictureType::WebP, lossless(ImageFormat::WebP)),
    ]
}

/// Waves with grain on them, which is what keeps a photograph from being compressed well.
fn photograph(width: u32, height: u32, grain: u32) -> RgbImage {
    let mut noise = 0x9e37_79b9_u32;
    RgbImage::from_fn(width, height, |x, y| {
        let wave = |phase: f64| 128.0 + 80.0 * (f64::from(x) / 90.0 + phase).sin() * (f64::from(y) / 70.0).cos();
        image::Rgb([0.0, 1.0, 2.0].map(|phase| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (wave(phase) + f64::from((noise >> 16) % grain)) as u8
        }))
    })
}

/// As good as fits into two mebibytes.
fn jpeg(picture: &RgbImage, progressive: bool) -> Vec<u8> {
    let (width, height) = (picture.width().try_into().unwrap(), picture.height().try_into().unwrap());
    let at = |quality| {
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, quality);
        encoder.set_progressive(progressive);
        encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_1_1);
        encoder.encode(picture, width, height, jpeg_encoder::ColorType::Rgb).unwrap();
        bytes
    };
    (20..=100).rev().step_by(2).map(at).find(|bytes| bytes.len() <= SentPicture::MAX_BYTES).unwrap()
}

/// As large as fits into two mebibytes.
fn lossless(format: ImageFormat) -> Vec<u8> {
    let at = |side: u32| {
        let mut bytes = Cursor::new(Vec::new());
        photograph(side * 4, side * 3, 40).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    (100..300).rev().step_by(10).map(at).find(|bytes| bytes.len() <= SentPicture::MAX_BYTES).unwrap()
}

fn deep_png() -> Vec<u8> {
    let flat = DynamicImage::from(photograph(64, 96, 1)).resize_exact(2048, 3072, image::imageops::FilterType::Nearest);
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(flat.into_rgba16()).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}
