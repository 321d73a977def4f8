//! What is kept of a user agent: the family of its system and of its browser, and nothing more.

/// Families, such as `macOS` and `Firefox`; `Unknown` where nothing fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    pub os: String,
    pub browser: String,
}

const UNKNOWN: &str = "Unknown";

/// The first that occurs wins: Android says Linux too, and an iPad says Mac OS X.
const SYSTEMS: [(&str, &str); 9] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
    ("X11", "Linux"),
];

/// The first that occurs wins: nearly every browser also calls itself Chrome or Safari.
const BROWSERS: [(&str, &str); 15] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chrome"),
    ("Safari/", "Safari"),
    ("driftstack-sdk", "Driftstack SDK"),
    ("curl/", "curl"),
    ("python", "Python"),
];

impl Agent {
    /// Reduces a `User-Agent` header; a missing one is an unknown one.
    pub fn from_header(header: Option<&str>) -> Self {
        let family = |table: &[(&str, &str)]| {
            let found = header.and_then(|text| table.iter().find(|(mark, _)| text.contains(mark)));
            found.map_or(UNKNOWN, |(_, family)| family).to_owned()
        };
        Self { os: family(&SYSTEMS), browser: family(&BROWSERS) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36",
        "Windows",
        "Chrome"
    )]
    #[case(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 Edg/125.0.0.0",
        "Windows",
        "Edge"
    )]
    #[case(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
        "macOS",
        "Safari"
    )]
    #[case("Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0", "Linux", "Firefox")]
    #[case(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
        "iOS",
        "Safari"
    )]
    #[case(
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile Safari/537.36",
        "Android",
        "Chrome"
    )]
    #[case("driftstack-sdk-python/0.3.0", "Unknown", "Driftstack SDK")]
    #[case("", "Unknown", "Unknown")]
    fn families(#[case] header: &str, #[case] os: &str, #[case] browser: &str) {
        assert_eq!(Agent::from_header(Some(header)), Agent { os: os.to_owned(), browser: browser.to_owned() });
    }

    #[test]
    fn nothing_of_an_unknown_header_is_kept() {
        let agent = Agent::from_header(Some("my-name-is-ana/1.0 (10.1.2.3)"));
        assert_eq!((agent.os.as_str(), agent.browser.as_str()), (UNKNOWN, UNKNOWN));
        assert_eq!(Agent::from_header(None), agent);
    }
}
