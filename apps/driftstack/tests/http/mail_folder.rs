//! The folder that mails are written to.

use std::{path::PathBuf, time::Duration};

pub struct MailFolder(pub PathBuf);

impl MailFolder {
    /// The token of the newest mail to an address, when it has arrived.
    pub async fn token(&self, to: &str) -> String {
        let mails = self.wait_for(to, 1).await;
        let (_, after) = mails.last().unwrap().rsplit_once("?token=").unwrap();
        after.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect()
    }

    /// The mails to an address, oldest first, as soon as there are so many.
    pub async fn wait_for(&self, to: &str, at_least: usize) -> Vec<String> {
        for _ in 0..2000 {
            let found = self.to(to);
            if found.len() >= at_least {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no {at_least} mails to {to} in 20 s");
    }

    pub fn to(&self, to: &str) -> Vec<String> {
        let texts = self.paths().into_iter().map(|path| std::fs::read_to_string(path).unwrap());
        texts.filter(|text| text.lines().any(|line| line.starts_with("To:") && line.contains(to))).collect()
    }

    /// Of all mails, oldest first.
    pub fn paths(&self) -> Vec<PathBuf> {
        let Ok(folder) = std::fs::read_dir(&self.0) else { return Vec::new() };
        let paths = folder.map(|entry| entry.unwrap().path());
        let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == "eml")).collect();
        paths.sort();
        paths
    }
}
