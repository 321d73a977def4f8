use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use driftstack_domain::time::Timestamp;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    halt::halt,
    ring::{Entry, Key, KeyId, Pair},
};

/// What is wrong with the content of a keys file. It tells the place and never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyTextError {
    #[error("is not a JSON list of keys: see line {line}, column {column}")]
    Json { line: usize, column: usize },
    #[error("has no key")]
    Empty,
    #[error("has a wrong key: {wrong} of key {number}")]
    Key { number: usize, wrong: WrongKey },
}

/// What is wrong with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongKey {
    #[error("1 to {} letters, digits, `-` or `_` are expected as the `id`", KeyId::MAX_CHARS)]
    Id,
    #[error("an earlier key has the `id`")]
    SameId,
    #[error("64 hexadecimal digits are expected as the `token_key`")]
    TokenKey,
    #[error("64 hexadecimal digits are expected as the `vault_key`")]
    VaultKey,
}

/// The message of serde is left out, since it quotes what it has read.
impl From<serde_json::Error> for KeyTextError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json { line: error.line(), column: error.column() }
    }
}

/// An entry as it is written. It borrows, so that reading it leaves no copy of a key behind.
#[derive(Serialize, Deserialize)]
struct Row<'a> {
    id: &'a str,
    created_at: Timestamp,
    token_key: &'a str,
    vault_key: &'a str,
}

/// The entries in the order of the text.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<Entry>, KeyTextError> {
    let rows: Vec<Row<'_>> = serde_json::from_slice(text)?;
    let mut entries: Vec<Entry> = Vec::with_capacity(rows.len());
    for (row, number) in rows.iter().zip(1..) {
        let entry = row.read().map_err(|wrong| KeyTextError::Key { number, wrong })?;
        if entries.iter().any(|earlier| earlier.id == entry.id) {
            return Err(KeyTextError::Key { number, wrong: WrongKey::SameId });
        }
        entries.push(entry);
    }
    Ok(entries)
}

impl Row<'_> {
    fn read(&self) -> Result<Entry, WrongKey> {
        let pair = Pair {
            token: key(self.token_key).ok_or(WrongKey::TokenKey)?,
            vault: key(self.vault_key).ok_or(WrongKey::VaultKey)?,
        };
        Ok(Entry { id: KeyId::parse(self.id).ok_or(WrongKey::Id)?, created_at: self.created_at, pair })
    }
}

fn key(hex: &str) -> Option<Key> {
    let mut key = Key::default();
    let bytes = key.expose_secret_mut();
    let fits = HEXLOWER_PERMISSIVE.decode_len(hex.len()) == Ok(bytes.len());
    (fits && HEXLOWER_PERMISSIVE.decode_mut(hex.as_bytes(), bytes).is_ok()).then_some(key)
}

/// A list of one.
pub(crate) fn write(entry: &Entry) -> SecretSlice<u8> {
    let hex = |key: &Key| SecretString::from(HEXLOWER.encode(key.expose_secret()));
    let (token_key, vault_key) = (hex(&entry.pair.token), hex(&entry.pair.vault));
    let row = Row {
        id: entry.id.as_str(),
        created_at: entry.created_at,
        token_key: token_key.expose_secret(),
        vault_key: vault_key.expose_secret(),
    };
    // Room for all of it: a buffer that grows would leave copies of the keys behind.
    let mut text = Vec::with_capacity(512);
    match serde_json::to_writer_pretty(&mut text, &[row]) {
        Ok(()) => text.push(b'\n'),
        Err(_) => halt("a list of texts is JSON"),
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftstack_domain::testing::people::NOW;
    use rstest::rstest;

    fn error(text: &str) -> KeyTextError {
        parse(text.as_bytes()).err().unwrap()
    }

    fn text(id: &str, token_key: &str, vault_key: &str) -> String {
        let created_at = "2026-01-01T00:00:00Z";
        format!(r#"{{"id":"{id}","created_at":"{created_at}","token_key":"{token_key}","vault_key":"{vault_key}"}}"#)
    }

    #[test]
    fn what_was_written_reads_back() {
        let entry = Entry::generate(NOW);
        let written = write(&entry);
        let [read] = parse(written.expose_secret()).unwrap().try_into().ok().unwrap();
        assert_eq!((read.id, read.created_at), (entry.id, NOW));
        assert_eq!(read.pair.token.expose_secret(), entry.pair.token.expose_secret());
        assert_eq!(read.pair.vault.expose_secret(), entry.pair.vault.expose_secret());
    }

    #[rstest]
    #[case::id("a b", "5e", "5E", WrongKey::Id)]
    #[case::no_id("", "5e", "5e", WrongKey::Id)]
    #[case::token_key("a", "5g", "5e", WrongKey::TokenKey)]
    #[case::short_key("a", "5", "5e", WrongKey::TokenKey)]
    #[case::long_key("a", "5e", "5e5", WrongKey::VaultKey)]
    fn a_wrong_key(#[case] id: &str, #[case] token: &str, #[case] vault: &str, #[case] wrong: WrongKey) {
        let good = text("good", &"5e".repeat(32), &"5E".repeat(32));
        let bad = text(id, &token.repeat(32), &vault.repeat(32));
        assert_eq!(error(&format!("[{good},{bad}]")), KeyTextError::Key { number: 2, wrong });
    }

    #[test]
    fn two_keys_of_one_name_are_refused() {
        let key = text("a", &"5e".repeat(32), &"5e".repeat(32));
        assert_eq!(error(&format!("[{key},{key}]")), KeyTextError::Key { number: 2, wrong: WrongKey::SameId });
    }

    #[test]
    fn a_file_of_a_later_release_with_more_fields_reads() {
        let key = text("a", &"5e".repeat(32), &"5e".repeat(32)).replace('{', r#"{"later":1,"#);
        assert_eq!(parse(format!("[{key}]").as_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn an_error_tells_the_place() {
        assert_eq!(error("[\n  {\"id\": 1}]"), KeyTextError::Json { line: 2, column: 10 });
    }
}
