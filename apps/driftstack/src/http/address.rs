//! Where a request comes from. The address is used for limits and never stored.

use std::net::IpAddr;

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The client's address: the peer's, or what a trusted proxy says it is.
///
/// The list in `X-Forwarded-For` (or `Forwarded`) is read from its end, where our own proxies write, up to the first address
/// that is not one of them: whatever a client wrote further to the front counts for nothing.
pub fn client_address(request: &HttpRequest, trusted: &[IpNet]) -> String {
    let Some(peer) = request.peer_addr().map(|address| address.ip()) else { return "unknown".to_owned() };
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    if !is_trusted(&peer) {
        return peer.to_string();
    }
    let mut client = peer;
    for hop in forwarded(request).iter().rev() {
        let Some(address) = parse_hop(hop) else { break };
        client = address;
        if !is_trusted(&address) {
            break;
        }
    }
    client.to_string()
}

/// The hops in the order they were written.
fn forwarded(request: &HttpRequest) -> Vec<String> {
    let values = |name: &str| -> Vec<String> {
        let lines = request.headers().get_all(name).filter_map(|value| value.to_str().ok());
        lines.flat_map(|line| line.split(',')).map(|hop| hop.trim().to_owned()).collect()
    };
    let hops = values("x-forwarded-for");
    if !hops.is_empty() {
        return hops;
    }
    let for_part = |hop: String| {
        let pairs = hop.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(key, _)| key.eq_ignore_ascii_case("for")).map(|(_, value)| value.to_owned()).next()
    };
    values("forwarded").into_iter().filter_map(for_part).collect()
}

/// An address with or without quotes, brackets and a port.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim_matches('"');
    if let Ok(address) = hop.parse() {
        return Some(address);
    }
    let bare = match hop.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => hop.rsplit_once(':').map_or(hop, |(address, _)| address),
    };
    bare.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn from(peer: &str, header: (&'static str, &str)) -> String {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let request = TestRequest::default().peer_addr(format!("{peer}:4000").parse().unwrap()).insert_header(header);
        client_address(&request.to_http_request(), &trusted)
    }

    #[test]
    fn a_stranger_cannot_choose_an_address() {
        assert_eq!(from("203.0.113.9", ("X-Forwarded-For", "198.51.100.1")), "203.0.113.9");
    }

    #[test]
    fn a_trusted_proxy_is_believed_up_to_the_first_stranger() {
        assert_eq!(from("10.0.0.1", ("X-Forwarded-For", "1.1.1.1, 198.51.100.1, 10.0.0.2")), "198.51.100.1");
        assert_eq!(
            from("10.0.0.1", ("Forwarded", "for=1.1.1.1, for=\"[2001:db8::1]:4711\";proto=https")),
            "2001:db8::1"
        );
        assert_eq!(from("10.0.0.1", ("X-Forwarded-For", "198.51.100.1:51000")), "198.51.100.1");
    }

    #[test]
    fn rubbish_falls_back_to_the_last_address_that_was_read() {
        assert_eq!(from("10.0.0.1", ("X-Forwarded-For", "rubbish")), "10.0.0.1");
        assert_eq!(from("10.0.0.1", ("X-Forwarded-For", "rubbish, 10.0.0.7")), "10.0.0.7");
    }
}
