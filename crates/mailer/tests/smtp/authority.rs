//! Certificates of our own making: an authority that nobody knows, and a server's certificate from it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// An authority, with a certificate for one host.
pub struct Authority(TempDir);

/// Rustls refuses an authority's certificate as a server's own, so there are two.
const SERVER: &str = "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n";
const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

impl Authority {
    pub fn for_host(host: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("server.ext"), format!("{SERVER}subjectAltName=DNS:{host}\n")).unwrap();
        openssl(folder.path(), &format!("req -x509 {KEY} -keyout ca.key -out ca.pem -days 2 -subj /CN=nobody"));
        openssl(folder.path(), &format!("req {KEY} -keyout server.key -out server.csr -subj /CN=server"));
        openssl(
            folder.path(),
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out server.pem",
        );
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).into_os_string().into_string().unwrap()
    }

    /// The parameter that makes a mailer trust it.
    pub fn parameter(&self) -> String {
        format!("ca={}", self.path("ca.pem"))
    }

    /// A file that is there and has no certificate.
    pub fn key_file(&self) -> PathBuf {
        self.0.path().join("ca.key")
    }

    /// The arguments of a server with the certificate.
    pub fn arguments(&self, tls: &str) -> Vec<String> {
        let (certificate, key) = (self.path("server.pem"), self.path("server.key"));
        ["--tls", tls, "--certificate", &certificate, "--key", &key].map(str::to_owned).to_vec()
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").current_dir(folder).args(arguments.split(' ')).output();
    let output = output.expect("openssl is not installed; run `bash .ci/tools`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
