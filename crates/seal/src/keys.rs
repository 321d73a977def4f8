use std::{
    io,
    path::{Path, PathBuf},
};

use aes_gcm::{Aes256Gcm, KeyInit};
use driftstack_domain::time::Timestamp;
use hmac::Hmac;
use pasetors::{keys::SymmetricKey, version4::V4};
use secrecy::ExposeSecret;
use sha2::Sha256;

use crate::{
    halt::halt,
    key_file,
    key_text::{self, KeyTextError},
    ring::{Entry, Pair, Ring},
    signature,
};

/// The keys that a deployment seals with: a JSON file with a list of them.
///
/// ```json
/// [{"id": "2026-11", "created_at": "2026-11-22T09:00:00Z", "token_key": "…", "vault_key": "…"}]
/// ```
///
/// A key is 32 random bytes in hex. The entry that was created last seals, and every entry opens; so to replace a key, add an
/// entry and restart, and take the old one out when nothing that it sealed is needed any more.
#[derive(Debug)]
pub struct KeyRing {
    keys: Ring<Pair>,
}

/// Why there are no keys. It names the file and never quotes it.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("cannot {doing} the keys file `{}`: {source}", path.display())]
    Io { path: PathBuf, doing: &'static str, source: io::Error },
    #[error("others may read the keys file `{0}`; run `chmod 600 {0}`, and replace the keys if somebody did", path.display())]
    Exposed { path: PathBuf },
    #[error("the keys file `{}` {source}", path.display())]
    Content { path: PathBuf, source: KeyTextError },
}

impl KeyRing {
    /// Reads the file, or makes it, readable by its owner only, when there is none.
    ///
    /// Of several processes that start at once one makes the file, and all of them get the same ring.
    pub fn open_or_create(path: &Path, now: Timestamp) -> Result<Self, KeysError> {
        let content = match key_file::read(path)? {
            Some(content) => content,
            None => key_file::create(path, &key_text::write(&Entry::generate(now)))?,
        };
        let wrong = |source| KeysError::Content { path: path.to_owned(), source };
        let entries = key_text::parse(content.expose_secret()).map_err(wrong)?;
        Self::of(entries).ok_or_else(|| wrong(KeyTextError::Empty))
    }

    /// `None` when there is no key. Of keys from the same moment the later one in the list is the newest.
    pub(crate) fn of(mut entries: Vec<Entry>) -> Option<Self> {
        entries.sort_by_key(|entry| entry.created_at);
        let newest = entries.pop()?;
        let older = entries.into_iter().map(|entry| (entry.id, entry.pair));
        Some(Self { keys: Ring::new((newest.id, newest.pair), older.collect()) })
    }

    pub(crate) fn token_keys(&self) -> Ring<SymmetricKey<V4>> {
        self.keys.map(|pair| match SymmetricKey::from(pair.token.expose_secret()) {
            Ok(key) => key,
            Err(_) => halt("a v4.local key has 32 bytes"),
        })
    }

    pub(crate) fn fingerprint_keys(&self) -> Ring<Hmac<Sha256>> {
        self.keys.map(|pair| signature::derived(pair.vault.expose_secret(), b"driftstack fingerprint 1"))
    }

    pub(crate) fn signature_keys(&self) -> Ring<Hmac<Sha256>> {
        self.keys.map(|pair| signature::derived(pair.vault.expose_secret(), b"driftstack signatures 1"))
    }

    pub(crate) fn vault_keys(&self) -> Ring<Aes256Gcm> {
        self.keys.map(|pair| Aes256Gcm::new(pair.vault.expose_secret().into()))
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::ring::{Key, KeyId};

    /// Fresh keys with these names, created at these milliseconds.
    pub(crate) fn ring_of(keys: &[(&str, i64)]) -> KeyRing {
        let entry = |(id, millis): &(&str, i64)| Entry {
            id: KeyId::parse(id).unwrap(),
            ..Entry::generate(Timestamp::from_millis(*millis).unwrap())
        };
        KeyRing::of(keys.iter().map(entry).collect()).unwrap()
    }

    pub(crate) fn ring() -> KeyRing {
        ring_of(&[("a", 1)])
    }

    /// The ring of a deployment before and after it got a new key.
    pub(crate) fn before_and_after() -> (KeyRing, KeyRing) {
        let old = || Entry { id: KeyId::parse("old").unwrap(), ..Entry::generate(Timestamp::from_millis(1).unwrap()) };
        let (before, mut again) = (old(), old());
        again.pair.token = Key::init_with(|| *before.pair.token.expose_secret());
        again.pair.vault = Key::init_with(|| *before.pair.vault.expose_secret());
        let new = Entry::generate(Timestamp::from_millis(2).unwrap());
        (KeyRing::of(vec![before]).unwrap(), KeyRing::of(vec![new, again]).unwrap())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AesVault, PasetoTokens};
    use driftstack_domain::{
        secret::{SessionTokens, Vault},
        testing::people::{self, NOW},
        web_session::SessionClaims,
    };
    use std::{fs, sync::Barrier, thread};

    fn opened(path: &Path) -> Result<KeyRing, String> {
        KeyRing::open_or_create(path, NOW).map_err(|error| error.to_string())
    }

    fn write(path: &Path, mode: u32, content: &str) {
        fs::write(path, content).unwrap();
        set_mode(path, mode);
    }

    #[cfg(unix)]
    fn set_mode(path: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[cfg(unix)]
    fn mode(path: &Path) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn key(id: &str, created_at: &str) -> String {
        let hex = "5e".repeat(32);
        format!(r#"{{"id":"{id}","created_at":"{created_at}","token_key":"{hex}","vault_key":"{hex}"}}"#)
    }

    #[test]
    fn the_first_start_makes_the_file_and_the_next_one_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data").join("keys.json");
        let sealed = AesVault::new(&opened(&path).unwrap()).seal("c", b"secret");
        let content = fs::read(&path).unwrap();
        let vault = AesVault::new(&opened(&path).unwrap());
        assert_eq!(vault.unseal("c", &sealed).unwrap(), b"secret");
        assert_eq!(fs::read(&path).unwrap(), content);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data").join("keys.json");
        opened(&path).unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        for mode in [0o640, 0o604, 0o660, 0o644] {
            write(&path, mode, &format!("[{}]", key("a", "2026-01-01T00:00:00Z")));
            let error = opened(&path).unwrap_err();
            assert!(error.contains(&format!("chmod 600 {}", path.display())), "{mode:o}: {error}");
        }
        for mode in [0o600, 0o400] {
            set_mode(&path, mode);
            assert!(opened(&path).is_ok(), "{mode:o}");
        }
    }

    #[test]
    fn processes_that_start_at_once_get_the_same_ring() {
        const STARTS: usize = 12;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let together = Barrier::new(STARTS);
        let start = || {
            together.wait();
            opened(&path).unwrap()
        };
        let rings: Vec<KeyRing> = thread::scope(|scope| {
            let starts: Vec<_> = (0..STARTS).map(|_| scope.spawn(start)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        let sealed = AesVault::new(&rings[0]).seal("c", b"secret");
        assert!(rings.iter().all(|ring| AesVault::new(ring).unseal("c", &sealed).is_ok()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file was left behind");
    }

    #[test]
    fn the_key_that_was_created_last_seals_wherever_it_stands() {
        let (old, new) = (key("old", "2026-01-01T00:00:00Z"), key("new", "2026-02-01T00:00:00Z"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        for list in [format!("[{old},{new}]"), format!("[{new},{old}]")] {
            write(&path, 0o600, &list);
            let ring = opened(&path).unwrap();
            assert_eq!(ring.keys.newest().0.as_str(), "new");
            assert!(ring.keys.named(b"old").is_some());
        }
    }

    #[test]
    fn an_error_names_the_file_and_quotes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        for content in ["", "[]", "\"s3cret\"", "[{\"id\":\"s3cret\"}]", "[s3cret", "{\"s3cret\":1}", "[\"s3cret\"]"] {
            write(&path, 0o600, content);
            let error = opened(&path).unwrap_err();
            assert!(error.contains(&path.display().to_string()), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_a_keys_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(opened(folder.path()).unwrap_err().contains("cannot read the keys file"));
        write(&folder.path().join("large"), 0o600, &" ".repeat(64 * 1024 + 1));
        assert!(opened(&folder.path().join("large")).unwrap_err().contains("too large"));
        let below_a_file = folder.path().join("file").join("keys.json");
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(opened(&below_a_file).unwrap_err().contains(&below_a_file.display().to_string()));
    }

    #[test]
    fn no_key_is_printed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        write(&path, 0o600, &format!("[{}]", key("a", "2026-01-01T00:00:00Z")));
        let ring = opened(&path).unwrap();
        let printed = format!("{ring:?} {:?} {:?}", PasetoTokens::new(&ring), AesVault::new(&ring));
        assert_eq!(printed, "KeyRing { keys: [a] } PasetoTokens([a]) AesVault([a])");
    }

    #[test]
    fn one_key_is_not_used_for_two_things() {
        let ring = testing::ring();
        let (token, vault) =
            ring.keys.map(|pair| (*pair.token.expose_secret(), *pair.vault.expose_secret())).newest().1.to_owned();
        assert_ne!(token, vault);
        let claims = SessionClaims { session: people::SESSION, account: people::OLIVE, generation: 1, expires_at: NOW };
        assert!(PasetoTokens::new(&ring).open(PasetoTokens::new(&ring).seal(&claims).expose_secret()).is_ok());
    }
}
