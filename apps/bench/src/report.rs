//! The table of what was measured.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::Path,
};

use crate::Failure;

/// One figure beside its bar.
pub struct Line {
    what: String,
    bar: Bar,
    measured: f64,
    /// Whether a miss fails the run.
    pub must: bool,
}

enum Bar {
    AtMost(f64),
    AtLeast(f64),
    Free,
}

impl Line {
    pub fn at_most(what: String, bar: f64, measured: f64) -> Self {
        Self { what, bar: Bar::AtMost(bar), measured, must: false }
    }

    pub fn at_least(what: String, bar: f64, measured: f64) -> Self {
        Self { what, bar: Bar::AtLeast(bar), measured, must: false }
    }

    pub fn free(what: String, measured: f64) -> Self {
        Self { what, bar: Bar::Free, measured, must: false }
    }

    #[must_use]
    pub fn must(self) -> Self {
        Self { must: true, ..self }
    }

    pub fn passed(&self) -> bool {
        match self.bar {
            Bar::AtMost(bar) => self.measured <= bar,
            Bar::AtLeast(bar) => self.measured >= bar,
            Bar::Free => true,
        }
    }

    fn row(&self) -> String {
        let (bar, verdict) = match self.bar {
            Bar::AtMost(bar) => (format!("≤ {bar}"), if self.passed() { "pass" } else { "FAIL" }),
            Bar::AtLeast(bar) => (format!("≥ {bar}"), if self.passed() { "pass" } else { "FAIL" }),
            Bar::Free => ("-".to_owned(), "-"),
        };
        format!("| {} | {bar} | {:.2} | {verdict} |", self.what, self.measured)
    }
}

pub fn table(lines: &[Line]) -> String {
    let mut table = "| what | bar | measured | |\n| --- | --: | --: | --- |\n".to_owned();
    for line in lines {
        // Writing to a text does not fail.
        let _ = writeln!(table, "{}", line.row());
    }
    table
}

pub fn print(table: &str) -> io::Result<()> {
    io::stdout().write_all(table.as_bytes())
}

/// Puts the table where the document has a place for it.
pub fn write(path: &Path, place: &str, table: &str) -> Result<(), Failure> {
    let text = fs::read_to_string(path)?;
    let (begin, end) = (format!("<!-- {place}: written by `just {place}` -->\n"), format!("<!-- {place}: end -->"));
    let (before, rest) = text.split_once(&begin).ok_or("the document has no place for the table")?;
    let (_, after) = rest.split_once(&end).ok_or("the table's place has no end")?;
    Ok(fs::write(path, format!("{before}{begin}\n{table}\n{end}{after}"))?)
}
