//! Files that are written by a test and read by people.

use std::{fs, path::Path};

/// Holds `path`, relative to this crate, against what the code says now. With `BLESS=1` in the environment, writes it instead.
///
/// # Panics
/// When the two differ.
pub(crate) fn compare(path: &str, now: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if is_blessing() {
        fs::write(&file, now).unwrap_or_else(|error| panic!("`{}` cannot be written: {error}", file.display()));
        return;
    }
    let golden = fs::read_to_string(&file).unwrap_or_default();
    if let Some(difference) = first_difference(&golden, now) {
        panic!(
            "`{}` is not what the code says.\n{difference}\nIf the change is meant, `BLESS=1 cargo test -p driftstack-domain --test house` writes the \
             file; its diff is what a reviewer reads.",
            file.display()
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the test")]
fn is_blessing() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}

fn first_difference(golden: &str, now: &str) -> Option<String> {
    let (mut before, mut after) = (golden.split('\n'), now.split('\n'));
    for number in 1.. {
        match (before.next(), after.next()) {
            (None, None) => return None,
            (was, is) if was == is => {}
            (was, is) => {
                let (was, is) = (was.unwrap_or("(end of file)"), is.unwrap_or("(end of file)"));
                return Some(format!("line {number}, file: {was}\nline {number}, code: {is}"));
            }
        }
    }
    None
}

#[test]
fn the_first_line_that_differs_is_shown() {
    assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
    assert_eq!(first_difference("a\nb\n", "a\nc\n").unwrap(), "line 2, file: b\nline 2, code: c");
    assert_eq!(first_difference("a\n", "a\nc\n").unwrap(), "line 2, file: \nline 2, code: c");
    assert_eq!(first_difference("", "a").unwrap(), "line 1, file: \nline 1, code: a");
    assert_eq!(first_difference("a", "a\n").unwrap(), "line 2, file: (end of file)\nline 2, code: ");
}
