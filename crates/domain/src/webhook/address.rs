//! Which addresses belong to the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a stranger's URL may lead there. Whatever is private, special, or another spelling of such an address, is refused.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Stretches that are not public, as the address they begin with and the bits that count.
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 17] = [
    // This host, and private networks.
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Behind a carrier's translation; some clouds have their metadata there.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // The link, with the metadata of most clouds.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // A public number under which one cloud answers its own machines.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    // Protocol assignments, documentation, relays and measurements.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // To many at once, and what is reserved, with the broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    !NOT_PUBLIC_V4.iter().any(|(start, bits)| (address.to_bits() ^ start.to_bits()) >> (32 - bits) == 0)
}

/// Within the unicast space: what carries an IPv4 address, or is for protocols and documentation.
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 4] = [
    // Protocol assignments, with Teredo, which carries an IPv4 address.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Only unicast addresses that were given out (`2000::/3`) can be public. The loopback, unique local and link-local addresses,
/// multicast, and the mapped, compatible and translated forms of IPv4 all lie outside.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let in_stretch = |start: Ipv6Addr, bits: u32| (address.to_bits() ^ start.to_bits()) >> (128 - bits) == 0;
    in_stretch(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3)
        && !NOT_PUBLIC_V6.iter().any(|(start, bits)| in_stretch(*start, *bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    fn the_public_internet_is_public(
        #[values(
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2000::1",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2a00::1",
            "3fff:1000::1"
        )]
        address: &str,
    ) {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }

    #[rstest]
    fn what_is_not_is_refused(
        #[values(
            // This host, the loopback, private networks.
            "0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "10.0.0.1", "10.255.255.255", "172.16.0.1",
            "172.31.255.255", "192.168.0.1", "192.168.255.255", "::", "::1", "fc00::1", "fdff::1", "fec0::1",
            // The link, and the metadata of clouds.
            "169.254.0.1", "169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16",
            "fe80::1", "febf::1", "fd00:ec2::254",
            // Translated by a carrier, measurements, documentation, relays.
            "100.64.0.1", "100.127.255.255", "198.18.0.1", "198.19.255.255", "192.0.0.1", "192.0.2.1",
            "198.51.100.7", "203.0.113.9", "192.88.99.1", "2001:db8::1", "3fff::1", "100::1", "2001:2::1",
            // To many, and reserved.
            "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "ff02::1", "ff0e::1", "4000::1", "e000::1",
            // IPv4 in disguise: mapped, compatible, translated, NAT64, 6to4, Teredo. Also of public addresses: there is no
            // need for a second spelling.
            "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::127.0.0.1",
            "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::10.0.0.1",
            "2002:7f00:1::1", "2002:a9fe:a9fe::1", "2001:0:1:2:3:4:5:6"
        )]
        address: &str,
    ) {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
}
