//! What many streams cost on which nothing happens.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use driftstack_domain::notify::MAX_STREAMS;

use crate::{
    fixture::PASSWORD,
    process::{Binary, Process, printed},
};

const STREAMS: usize = 1000;
const AT_MOST_KIB: u64 = 64 * 1024;

/// Accounts with a key each, enough for all streams.
fn keys(data: &Path) -> Vec<String> {
    let accounts = 0..STREAMS.div_ceil(usize::try_from(MAX_STREAMS).unwrap());
    let key = |n| {
        let email = format!("guest{n}@example.com");
        printed(data, &["admin", "create-account", "--email", &email, "--tier", "enterprise"], PASSWORD);
        printed(data, &["admin", "mint-key", &email, "--scope", "read"], "")
    };
    accounts.map(key).collect()
}

/// Reads up to the blank line behind the first block.
fn follow(service: &Process, key: &str) -> TcpStream {
    let mut stream = TcpStream::connect(service.base.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let path = "/v1/account/me/notifications";
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
    let status = lines.next().unwrap();
    assert!(status.ends_with("200 OK"), "{status}");
    assert!(lines.by_ref().any(|line| line.starts_with("id: ")), "it does not begin");
    stream
}

fn resident_kib(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    resident.trim().trim_end_matches("kB").trim().parse().unwrap()
}

#[test]
fn a_thousand_idle_streams_are_small() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(folder.path());
    let service = Binary::on(folder.path()).with("DRIFTSTACK_HEARTBEAT_SECONDS", "2").serve(&[]);
    drop(follow(&service, &keys[0]));
    let before = resident_kib(&service);
    let streams: Vec<_> = keys.iter().cycle().skip(1).take(STREAMS - 1).map(|key| follow(&service, key)).collect();
    // Each has had its heartbeat, and with it a look at the log.
    std::thread::sleep(Duration::from_secs(5));
    let more = resident_kib(&service) - before;
    println!("{} idle streams take {} KiB more than the {before} KiB before", streams.len(), more);
    assert!(more < AT_MOST_KIB, "{more} KiB");
}
