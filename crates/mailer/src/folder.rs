use std::{
    fs::{DirBuilder, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use driftstack_domain::mail::{Mail, MailError, Mailer};
use tokio::task::spawn_blocking;

use crate::{
    PublicUrl, Sender,
    body::Channel,
    message::message,
    render::{Rendered, render},
};

/// Delivers into a folder: one `.eml` file per mail, which its owner only may read.
///
/// A file is named after the mail's time and id, so names sort by time, and a mail that is sent again replaces itself. Each
/// mail is logged with its link, so that somebody who tries the service on a laptop can click it; so this mailer is not for a
/// place whose log others read.
#[derive(Debug)]
pub struct FolderMailer {
    folder: PathBuf,
    from: Sender,
    base: PublicUrl,
}

impl FolderMailer {
    /// The folder is made when the first mail is written.
    pub fn new(folder: impl Into<PathBuf>, from: Sender, base: PublicUrl) -> Self {
        Self { folder: folder.into(), from, base }
    }

    fn path(&self, mail: &Mail) -> PathBuf {
        // Thirteen digits last until the year 2286, and the padding makes earlier times sort too.
        self.folder.join(format!("{:013}-{}.eml", mail.at.millis(), mail.id))
    }
}

#[async_trait]
impl Mailer for FolderMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let rendered = render(mail, &self.base)?;
        let content = message(&self.from, mail, &rendered, Channel::EightBit)?.formatted();
        let path = self.path(mail);
        let written = spawn_blocking({
            let (folder, path) = (self.folder.clone(), path.clone());
            move || write(&folder, &path, &content)
        });
        let failed = |error: &dyn std::fmt::Display| MailError(format!("cannot write `{}`: {error}", path.display()));
        written.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        log(mail, &path, &rendered);
        Ok(())
    }
}

fn log(mail: &Mail, path: &Path, rendered: &Rendered) {
    let kind = mail.content.kind().as_str();
    tracing::info!(kind, path = %path.display(), link = rendered.link, "mail written");
}

/// Whole or not at all, and there after a crash.
fn write(folder: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    private_folder().recursive(true).create(folder)?;
    // A temporary file is made with mode 0600. Its name begins with a dot, so nobody takes it for a mail.
    let mut file = tempfile::Builder::new().prefix(".mail-").tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

#[cfg(unix)]
fn private_folder() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut folder = DirBuilder::new();
    folder.mode(0o700);
    folder
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a file has the access rules of its folder.
#[cfg(not(unix))]
fn private_folder() -> DirBuilder {
    DirBuilder::new()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{BASE, Log, TOKEN, invite, mail};
    use driftstack_domain::{
        id::MailId,
        mail::MailContent,
        policy::Role,
        testing::people::{self, EARLIER, LATER},
    };
    use std::{fs, sync::Arc};

    fn mailer(folder: &Path) -> FolderMailer {
        FolderMailer::new(folder, "Driftstack <no-reply@example.org>".parse().unwrap(), BASE.parse().unwrap())
    }

    fn verification() -> Mail {
        mail(MailContent::SignupVerification { expires_at: LATER })
    }

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_mail_is_one_file_that_sorts_by_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = mailer(folder.path());
        let late = verification();
        let early = Mail { id: MailId::new(people::uuid(0x41)), at: EARLIER, ..late.clone() };
        let first = Mail { at: "1970-01-01T00:00:01Z".parse().unwrap(), ..late.clone() };
        for mail in [&late, &early, &first] {
            mailer.send(mail).await.unwrap();
        }
        let id = |n: u128| people::uuid(n);
        let expected = [
            format!("0000000001000-{}.eml", id(0x40)),
            format!("1778587200000-{}.eml", id(0x41)),
            format!("1778590800000-{}.eml", id(0x40)),
        ];
        assert_eq!(names(folder.path()), expected);
    }

    #[tokio::test]
    async fn a_mail_that_is_sent_again_replaces_itself() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = Arc::new(mailer(folder.path()));
        let sends: Vec<_> = (0..8)
            .map(|_| {
                let mailer = mailer.clone();
                tokio::spawn(async move { mailer.send(&verification()).await })
            })
            .collect();
        for send in sends {
            send.await.unwrap().unwrap();
        }
        assert_eq!(names(folder.path()).len(), 1);
    }

    #[tokio::test]
    async fn the_link_is_found_with_grep() {
        let folder = tempfile::tempdir().unwrap();
        for content in [verification().content, invite("Ærøskøbing ?token=株式会社", Role::Admin)] {
            let mailer = mailer(folder.path());
            mailer.send(&mail(content)).await.unwrap();
            let content = fs::read_to_string(mailer.path(&verification())).unwrap();
            let ends =
                |line: &&str| line.starts_with("https://example.com/") && line.ends_with(&format!("?token={TOKEN}"));
            // On a line of its own in the text, and again in the page.
            assert_eq!(content.lines().filter(ends).count(), 2, "{content}");
        }
    }

    /// `grep -o 'token=[A-Za-z0-9_-]*' | tail -n 1`, which the README suggests.
    #[tokio::test]
    async fn the_last_token_of_a_file_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        for base in [BASE, "https://example.com/token=base&"] {
            for content in [verification().content, invite("token=abc?token=", Role::Admin)] {
                let mailer = FolderMailer { base: base.parse().unwrap(), ..mailer(folder.path()) };
                mailer.send(&mail(content)).await.unwrap();
                let content = fs::read_to_string(mailer.path(&verification())).unwrap();
                let (_, last) = content.rsplit_once("token=").unwrap();
                let token = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
                assert_eq!(last.chars().take_while(token).collect::<String>(), TOKEN);
            }
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_may_read_a_mail() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data").join("mail");
        let mailer = mailer(&folder);
        mailer.send(&verification()).await.unwrap();
        assert_eq!((mode(&folder), mode(&mailer.path(&verification()))), (0o700, 0o600));
    }

    #[tokio::test]
    async fn a_mail_that_cannot_be_written_is_an_error_without_its_link() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("file");
        fs::write(&folder, "").unwrap();
        let error = mailer(&folder).send(&verification()).await.unwrap_err().to_string();
        assert!(error.contains("cannot write") && !error.contains(TOKEN), "{error}");
    }

    #[tokio::test]
    async fn a_mail_that_cannot_be_rendered_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let mail = Mail { token: None, ..verification() };
        assert!(mailer(folder.path()).send(&mail).await.is_err());
        assert!(names(folder.path()).is_empty());
    }

    #[tokio::test]
    async fn the_log_has_the_kind_the_path_and_the_link() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = mailer(folder.path());
        let (log, _guard) = Log::start();
        mailer.send(&verification()).await.unwrap();
        let line = log.text();
        let path = mailer.path(&verification());
        for field in [
            " INFO ".to_owned(),
            "mail written".to_owned(),
            "kind=\"signup-verification\"".to_owned(),
            format!("path={}", path.display()),
            format!("link=\"https://example.com/verify-email?token={TOKEN}\""),
        ] {
            assert!(line.contains(&field), "{field} is not in {line}");
        }
    }

    #[tokio::test]
    async fn a_mail_without_a_link_is_logged_without_one() {
        let folder = tempfile::tempdir().unwrap();
        let (log, _guard) = Log::start();
        mailer(folder.path()).send(&mail(MailContent::SignupWelcome)).await.unwrap();
        assert!(log.text().contains("mail written") && !log.text().contains("link="), "{}", log.text());
    }
}
