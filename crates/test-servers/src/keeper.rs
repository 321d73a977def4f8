use std::{
    fs,
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// A server in a folder of its own, under a shell that waits for the end of its input. That comes when we close it, and also when
/// we are gone for whatever reason. Then the shell ends the server, and removes the folder unless it was told something.
pub(crate) struct Keeper {
    start: &'static str,
    arguments: Vec<String>,
    folder: TempDir,
    shell: Child,
}

/// After lines that have started the server in the background and said by which `$signal` it ends.
const UNTIL_THE_END: &str = r#"
echo $! >pid
told=$(cat)
kill "-$signal" $!
wait
[ "$told" ] || rm -rf "$PWD"
"#;

impl Keeper {
    /// The script writes into the file `log`.
    pub(crate) fn start(start: &'static str, arguments: Vec<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shell = shell(start, &arguments, folder.path());
        Self { start, arguments, folder, shell }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Ends the server and keeps its folder.
    pub(crate) fn stop(&mut self) {
        self.shell.stdin.take().unwrap().write_all(b"it will be started again").unwrap();
        self.shell.wait().unwrap();
    }

    /// After it was stopped.
    pub(crate) fn start_again(&mut self) {
        // Else the words of the last one would be taken for those of this one.
        fs::remove_file(self.folder.path().join("log")).unwrap();
        self.shell = shell(self.start, &self.arguments, self.folder.path());
    }

    pub(crate) fn has_given_up(&mut self) -> bool {
        self.shell.try_wait().unwrap().is_some()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = fs::read_to_string(self.folder.path().join("pid")).unwrap();
        assert!(Command::new("kill").args([signal, pid.trim()]).status().unwrap().success());
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

fn shell(start: &str, arguments: &[String], folder: &Path) -> Child {
    Command::new("sh")
        .args(["-c", &format!("{start}{UNTIL_THE_END}"), "sh"])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
