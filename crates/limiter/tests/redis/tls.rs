//! `rediss://`: the certificate is checked against those that the system trusts.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use driftstack_domain::limit::Quota;
use driftstack_limiter::{OpenError, RedisLimiter, RemoteLimiter};

use crate::{KEY, server::Server};

const QUOTA: Quota = Quota::new(3, 1, Duration::from_hours(1));

fn open(url: &str) -> RedisLimiter {
    RedisLimiter::open(url).unwrap().answer_within(Duration::from_secs(30))
}

/// A certificate that is its own authority, `cert.pem`, and its key.
fn certify(folder: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2"])
        .args(["-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .current_dir(folder)
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl is not installed; run `bash .ci/tools`").success());
}

fn start(folder: &Path) -> Server {
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.join(name).display().to_string());
    Server::start_with(&[
        ["--port", "0"],
        ["--tls-port", "{port}"],
        ["--tls-cert-file", &cert],
        ["--tls-key-file", &key],
        ["--tls-ca-cert-file", &cert],
        ["--tls-auth-clients", "no"],
    ])
}

#[tokio::test]
async fn a_charge_goes_over_tls_to_a_server_that_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let server = start(folder.path());
    let url = server.url().replace("redis://", "rediss://");

    let refused = open(&url).try_charge(KEY, QUOTA).await.unwrap_err();
    assert!(refused.to_string().contains("certificate"), "{refused}");

    // Whom the system trusts is said in the environment, which a test cannot change but for another process.
    let trusting = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tls::where_the_certificate_is_trusted", "--ignored"])
        .env("SSL_CERT_FILE", folder.path().join("cert.pem"))
        .env("TEST_REDIS_URL", &url)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&trusting.stdout);
    assert!(trusting.status.success() && told.contains("1 passed"), "{told}");
}

#[tokio::test]
#[ignore = "is started by another test"]
#[expect(clippy::disallowed_methods, reason = "there is no other way from one process to the other")]
async fn where_the_certificate_is_trusted() {
    let limiter = open(&std::env::var("TEST_REDIS_URL").unwrap());
    assert_eq!(limiter.try_charge(KEY, QUOTA).await.unwrap().remaining, 2);
}

#[tokio::test]
async fn a_certificate_is_always_checked() {
    assert_eq!(RedisLimiter::open("rediss://localhost/#insecure").unwrap_err(), OpenError::Insecure);
}
