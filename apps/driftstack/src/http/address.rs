//! Where a request comes from. The address is used for limits and never stored.

use std::net::IpAddr;

use actix_web::{
    HttpRequest,
    http::header::{HeaderMap, HeaderValue},
};
use ipnet::{IpNet, Ipv6Net};

/// The client's address: the peer's, or what a trusted proxy says it is. Of an IPv6 address the network of 64 bits: whoever has
/// one address in it has them all.
///
/// The list in `X-Forwarded-For` (or `Forwarded`) is read from its end, where our own proxies write, up to the first address
/// that is not one of them: whatever a client wrote further to the front counts for nothing.
pub fn client_address(request: &HttpRequest, trusted: &[IpNet]) -> String {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    peer.map_or_else(|| "unknown".to_owned(), |peer| network(client(request.headers(), peer, trusted)))
}

fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => Ipv6Net::new(address, 64).map_or(address.to_string(), |net| net.trunc().to_string()),
    }
}

/// A hop of which nothing can be known, such as `unknown`, is `None`.
type Hops = Vec<Option<IpAddr>>;

fn client(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    if !is_trusted(&peer) {
        return peer;
    }
    let walk = |hops: Hops| {
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            let Some(address) = hop else { break };
            client = address;
            if !is_trusted(&address) {
                break;
            }
        }
        client
    };
    match (x_forwarded_for(headers).map(walk), forwarded(headers).map(walk)) {
        (Some(one), Some(other)) if one != other => {
            // Our proxy writes one of the two. The client wrote the other, and nobody knows which it is.
            peer
        }
        (one, other) => one.or(other).unwrap_or(peer),
    }
}

/// The hops in the order they were written. As bytes: a line that is not text still ends in what our proxy has put there.
fn x_forwarded_for(headers: &HeaderMap) -> Option<Hops> {
    let lines = headers.get_all("x-forwarded-for").map(HeaderValue::as_bytes);
    let hops: Hops = lines
        .flat_map(|line| line.split(|byte| *byte == b','))
        .map(|hop| std::str::from_utf8(hop).ok().and_then(parse_hop))
        .collect();
    (!hops.is_empty()).then_some(hops)
}

/// The same of RFC 7239. A list whose quotes do not match tells nothing: a quote that a client has left open would hide what
/// our proxy wrote behind it.
fn forwarded(headers: &HeaderMap) -> Option<Hops> {
    let lines: Vec<_> = headers.get_all("forwarded").map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    let hops = |elements: Vec<&str>| elements.into_iter().map(for_part).collect();
    (!lines.is_empty()).then(|| split(&lines.join(","), ',').map(hops).unwrap_or_default())
}

fn for_part(element: &str) -> Option<IpAddr> {
    let pairs = split(element, ';')?;
    let mut pairs = pairs.into_iter().filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| key.eq_ignore_ascii_case("for")).and_then(|(_, value)| parse_hop(value))
}

/// Splits outside quotes; `None` where the last quote is open.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(|c| {
        let separates = c == separator && !quoted;
        (quoted, escaped) = match c {
            _ if escaped => (quoted, false),
            '\\' => (quoted, quoted),
            '"' => (!quoted, false),
            _ => (quoted, false),
        };
        separates
    });
    let parts = parts.collect();
    (!quoted).then_some(parts)
}

/// An address with or without quotes, brackets, a zone and a port.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim().trim_matches('"');
    let bare = match hop.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if hop.matches(':').count() == 1 => hop.split_once(':')?.0,
        None => hop,
    };
    let without_zone = bare.split_once('%').map_or(bare, |(address, _)| address);
    without_zone.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use rstest::rstest;

    const XFF: &str = "X-Forwarded-For";
    const RFC7239: &str = "Forwarded";

    fn told(peer: &str, lines: &[(&'static str, &[u8])]) -> String {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut request = TestRequest::default().peer_addr(peer.parse().unwrap());
        for (name, value) in lines {
            request = request.append_header((*name, HeaderValue::from_bytes(value).unwrap()));
        }
        client_address(&request.to_http_request(), &trusted)
    }

    fn from_proxy(lines: &[(&'static str, &[u8])]) -> String {
        told("10.0.0.1:4000", lines)
    }

    #[test]
    fn a_stranger_cannot_choose_an_address() {
        assert_eq!(told("203.0.113.9:4000", &[(XFF, b"198.51.100.1")]), "203.0.113.9");
        assert_eq!(told("203.0.113.9:4000", &[(RFC7239, b"for=198.51.100.1")]), "203.0.113.9");
    }

    #[rstest]
    #[case::the_list_of_a_client(XFF, b"1.1.1.1, 198.51.100.1, 10.0.0.2")]
    #[case::with_a_port(XFF, b"198.51.100.1:51000")]
    #[case::mapped(XFF, b"::ffff:198.51.100.1")]
    #[case::not_text(XFF, b"\xff\xfe, 198.51.100.1")]
    #[case::empty_hops(XFF, b",,198.51.100.1")]
    #[case::rfc(RFC7239, b"for=1.1.1.1, for=\"198.51.100.1:4711\";proto=https")]
    #[case::rfc_in_capitals(RFC7239, b"proto=https;FOR=198.51.100.1")]
    #[case::rfc_with_a_list_in_a_quote(RFC7239, b"for=198.51.100.1;host=\"x, for=1.1.1.1\"")]
    #[case::rfc_with_an_escaped_quote(RFC7239, b"host=\"\\\", for=1.1.1.1\", for=198.51.100.1")]
    #[case::rfc_not_text(RFC7239, b"for=\xff, for=198.51.100.1")]
    fn a_trusted_proxy_is_believed_up_to_the_first_stranger(#[case] header: &'static str, #[case] line: &[u8]) {
        assert_eq!(from_proxy(&[(header, line)]), "198.51.100.1");
    }

    #[rstest]
    #[case::rubbish(XFF, b"rubbish")]
    #[case::unknown(XFF, b"1.1.1.1, unknown")]
    #[case::obfuscated(RFC7239, b"for=1.1.1.1, for=_hidden")]
    #[case::without_a_client(RFC7239, b"for=1.1.1.1, proto=https")]
    #[case::a_quote_left_open(RFC7239, b"for=\"1.1.1.1, for=198.51.100.1")]
    #[case::a_bracket_left_open(XFF, b"[2001:db8::1")]
    #[case::empty(XFF, b"")]
    fn what_cannot_be_read_is_not_believed(#[case] header: &'static str, #[case] line: &[u8]) {
        assert_eq!(from_proxy(&[(header, line)]), "10.0.0.1");
    }

    #[test]
    fn what_was_read_before_the_rubbish_counts() {
        assert_eq!(from_proxy(&[(XFF, b"rubbish, 10.0.0.7")]), "10.0.0.7");
    }

    #[test]
    fn later_lines_stand_behind_earlier_ones() {
        assert_eq!(from_proxy(&[(XFF, b"1.1.1.1"), (XFF, b"198.51.100.1")]), "198.51.100.1");
        assert_eq!(from_proxy(&[(RFC7239, b"for=1.1.1.1"), (RFC7239, b"for=198.51.100.1")]), "198.51.100.1");
    }

    #[test]
    fn of_two_headers_that_disagree_neither_is_believed() {
        assert_eq!(from_proxy(&[(XFF, b"1.1.1.1"), (RFC7239, b"for=198.51.100.1")]), "10.0.0.1");
        assert_eq!(from_proxy(&[(XFF, b"\xff"), (RFC7239, b"for=1.1.1.1")]), "10.0.0.1");
        assert_eq!(from_proxy(&[(XFF, b"198.51.100.1"), (RFC7239, b"for=198.51.100.1")]), "198.51.100.1");
    }

    #[test]
    fn a_long_list_is_read_from_its_end() {
        let list = "10.9.9.9, ".repeat(500) + "198.51.100.1, 10.0.0.2";
        assert_eq!(from_proxy(&[(XFF, list.as_bytes())]), "198.51.100.1");
    }

    #[test]
    fn a_proxy_is_known_by_its_mapped_address_too() {
        assert_eq!(told("[::ffff:10.0.0.1]:4000", &[(XFF, b"198.51.100.1")]), "198.51.100.1");
        assert_eq!(told("[::ffff:203.0.113.9]:4000", &[(XFF, b"198.51.100.1")]), "203.0.113.9");
    }

    #[test]
    fn who_has_one_address_of_a_network_has_them_all() {
        for line in
            [&b"2001:db8:1:2::1"[..], b"2001:db8:1:2:ffff::9", b"[2001:db8:1:2::3]:443", b"2001:db8:1:2::1%eth0"]
        {
            assert_eq!(from_proxy(&[(XFF, line)]), "2001:db8:1:2::/64");
        }
        assert_eq!(from_proxy(&[(RFC7239, b"for=\"[2001:db8:1:3::1]:4711\"")]), "2001:db8:1:3::/64");
        assert_eq!(told("[2001:db8:1:2::9]:4000", &[]), "2001:db8:1:2::/64");
        assert_eq!(told("[fd00::1]:4000", &[(XFF, b"2001:db8:1:4::1")]), "2001:db8:1:4::/64");
    }
}
