//! Where settings come from: the environment over a file.

use std::{
    collections::BTreeMap,
    env::VarError,
    fmt::Display,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

/// A setting that cannot be used. One line that names it; the value is not repeated, as it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("DRIFTSTACK_{}: {problem}", .name.to_uppercase())]
    Bad { name: &'static str, problem: String },
    #[error("{path}: {problem}")]
    File { path: PathBuf, problem: String },
}

/// The settings that were given, as texts.
#[derive(Debug, Default)]
pub(super) struct Values(pub(super) BTreeMap<String, String>);

impl Values {
    /// Those of this process: the environment wins over the file.
    pub(super) fn of_process(file: Option<&Path>, names: &[&'static str]) -> Result<Self, SettingsError> {
        let mut values = file.map(|path| read_file(path, names)).transpose()?.unwrap_or_default();
        values.extend(environment(names)?);
        Ok(Self(values))
    }

    /// An empty value counts as absent.
    pub(super) fn text(&self, name: &'static str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn parsed<T: FromStr>(
        &self,
        name: &'static str,
        default: &str,
        expected: &str,
    ) -> Result<T, SettingsError> {
        self.text(name).unwrap_or(default).parse().map_err(|_| bad(name, expected))
    }

    /// A value whose error says what is wrong without repeating it.
    pub(super) fn optional<T: FromStr<Err: Display>>(&self, name: &'static str) -> Result<Option<T>, SettingsError> {
        self.text(name).map(|text| text.parse().map_err(|error| bad(name, error))).transpose()
    }

    /// A number within bounds: it may become the length of something, or be added to a time.
    pub(super) fn whole<T: FromStr + PartialOrd + Display>(
        &self,
        name: &'static str,
        default: T,
        bounds: &RangeInclusive<T>,
        unit: &str,
    ) -> Result<T, SettingsError> {
        let number = self.text(name).map_or(Some(default), |text| text.parse().ok());
        let expected = || bad(name, format_args!("expected {unit} from {} to {}", bounds.start(), bounds.end()));
        number.filter(|number| bounds.contains(number)).ok_or_else(expected)
    }

    pub(super) fn seconds(
        &self,
        name: &'static str,
        default: u64,
        bounds: &RangeInclusive<u64>,
    ) -> Result<Duration, SettingsError> {
        self.whole(name, default, bounds, "whole seconds").map(Duration::from_secs)
    }

    /// Parts with commas between them.
    pub(super) fn list<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Option<T>,
        expected: &str,
    ) -> Result<Vec<T>, SettingsError> {
        let parts = self.text(name).unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| parse(part).ok_or_else(|| bad(name, expected))).collect()
    }
}

pub(super) fn bad(name: &'static str, problem: impl Display) -> SettingsError {
    SettingsError::Bad { name, problem: problem.to_string() }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place where the environment is read")]
fn environment(names: &[&'static str]) -> Result<BTreeMap<String, String>, SettingsError> {
    let mut values = BTreeMap::new();
    for name in names {
        match std::env::var(format!("DRIFTSTACK_{}", name.to_uppercase())) {
            Ok(value) => drop(values.insert((*name).to_owned(), value)),
            Err(VarError::NotPresent) => {}
            Err(VarError::NotUnicode(_)) => return Err(bad(name, "expected text in UTF-8")),
        }
    }
    Ok(values)
}

fn read_file(path: &Path, names: &[&str]) -> Result<BTreeMap<String, String>, SettingsError> {
    let problem = |problem: String| SettingsError::File { path: path.to_owned(), problem };
    let text = std::fs::read_to_string(path).map_err(|error| problem(error.to_string()))?;
    // The parser's message would quote the line, and with it a password.
    let values: BTreeMap<String, String> = toml::from_str(&text)
        .map_err(|_| problem("expected lines such as `listen = \"127.0.0.1:8080\"`, every value in quotes".into()))?;
    match values.keys().find(|name| !names.contains(&name.as_str())) {
        Some(unknown) => Err(problem(format!("unknown setting `{unknown}`"))),
        None => Ok(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_an_unknown_setting_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "lisen = \"127.0.0.1:1\"").unwrap();
        assert!(read_file(file.path(), &["listen"]).unwrap_err().to_string().contains("lisen"));
        std::fs::write(file.path(), "listen = \"127.0.0.1:1\"").unwrap();
        assert_eq!(read_file(file.path(), &["listen"]).unwrap()["listen"], "127.0.0.1:1");
    }
}
