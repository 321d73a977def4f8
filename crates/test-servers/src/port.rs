use std::net::{Ipv4Addr, TcpListener};

/// A port of this machine where nobody listens, of those that the system gives to no connection: a server that is started
/// again must find it free.
pub fn free_port() -> u16 {
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    (0..1000).map(|_| fastrand::u16(15_000..32_000)).find(free).expect("there is a free port")
}
