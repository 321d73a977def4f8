use std::{
    fs::{DirBuilder, File},
    io::{self, ErrorKind, Read, Write},
    path::Path,
};

use secrecy::{ExposeSecret, SecretSlice};

use crate::keys::KeysError;

/// Some hundred keys. Whatever is larger is another file.
const MAX_BYTES: u64 = 64 * 1024;

/// `None` when there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<SecretSlice<u8>>, KeysError> {
    let failed = |source| failed(path, "read", source);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    // Asked of the open file: the path may lead to another one by now.
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(failed(io::Error::new(ErrorKind::InvalidInput, "it is not a file")));
    }
    if metadata.len() > MAX_BYTES {
        return Err(failed(io::Error::new(ErrorKind::FileTooLarge, "it is too large to be one")));
    }
    if is_exposed(&metadata) {
        return Err(KeysError::Exposed { path: path.to_owned() });
    }
    Ok(Some(read_all(file, metadata.len()).map_err(failed)?))
}

/// Makes the file whole or not at all, and answers what is in it then: what another process wrote, if that was faster.
pub(crate) fn create(path: &Path, content: &SecretSlice<u8>) -> Result<SecretSlice<u8>, KeysError> {
    match write_new(path, content.expose_secret()) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed(path, "create", error)),
        _ => read(path)?.ok_or_else(|| failed(path, "read", ErrorKind::NotFound.into())),
    }
}

fn failed(path: &Path, doing: &'static str, source: io::Error) -> KeysError {
    KeysError::Io { path: path.to_owned(), doing, source }
}

fn read_all(file: File, length: u64) -> io::Result<SecretSlice<u8>> {
    // Room for all of it, and for the end to be found: a buffer that grows would leave copies of the keys behind.
    let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 64);
    file.take(MAX_BYTES).read_to_end(&mut content)?;
    Ok(content.into())
}

/// Writes beside the place and then links it there: a crash leaves no half file, and a file that is there stays.
fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    private_folder().recursive(true).create(folder)?;
    // A temporary file is made with mode 0600.
    let mut file = tempfile::Builder::new().prefix(".keys-").tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

#[cfg(unix)]
fn is_exposed(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(unix)]
fn private_folder() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut folder = DirBuilder::new();
    folder.mode(0o700);
    folder
}

/// Keys that were used before a crash must be there after it.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a file has the access rules of its folder.
#[cfg(not(unix))]
fn is_exposed(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(not(unix))]
fn private_folder() -> DirBuilder {
    DirBuilder::new()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
