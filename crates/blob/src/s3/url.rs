use std::{fmt, str::FromStr};

use rusty_s3::{Bucket, UrlStyle};
use secrecy::SecretString;
use url::Url;

/// `s3://<bucket>?endpoint=<url>&region=<region>&style=<path or virtual-host>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Url(pub(super) Bucket);

/// What the key of a bucket consists of.
#[derive(Clone)]
pub struct S3Credentials {
    pub access_key_id: String,
    pub secret_access_key: SecretString,
}

// By hand: not even the id helps anybody who reads a log.
impl fmt::Debug for S3Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S3Credentials(…)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum S3UrlError {
    #[error(
        "expected `s3://<bucket>?endpoint=<url>`, such as `s3://pictures?endpoint=https://s3.example.com&region=auto`"
    )]
    Shape,
    #[error("the bucket has 3 to 63 characters of a-z, 0-9, `-` and `.`")]
    Bucket,
    #[error("`endpoint` is an `http://` or `https://` URL with nothing behind the host and the port")]
    Endpoint,
    #[error("`region` is a word such as `auto` or `eu-central-1`")]
    Region,
    #[error("`style` is `path` or `virtual-host`")]
    Style,
    #[error("each of `endpoint`, `region` and `style` may be given once, and nothing else")]
    Parameter,
    #[error("passwords do not belong into the URL")]
    Secret,
}

impl FromStr for S3Url {
    type Err = S3UrlError;

    fn from_str(text: &str) -> Result<Self, S3UrlError> {
        let url = Url::parse(text).map_err(|_| S3UrlError::Shape)?;
        let bucket = url.host_str().filter(|_| url.scheme() == "s3").ok_or(S3UrlError::Shape)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(S3UrlError::Secret);
        }
        if url.port().is_some() || !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(S3UrlError::Shape);
        }
        let Parameters { endpoint, region, style } = Parameters::read(&url)?;
        let endpoint = endpoint.ok_or(S3UrlError::Shape)?;
        let bucket = if is_bucket(bucket) { bucket.to_owned() } else { return Err(S3UrlError::Bucket) };
        let region = region.unwrap_or_else(|| "auto".to_owned());
        Bucket::new(endpoint, style.unwrap_or(UrlStyle::Path), bucket, region)
            .map(Self)
            .map_err(|_| S3UrlError::Endpoint)
    }
}

#[derive(Default)]
struct Parameters {
    endpoint: Option<Url>,
    region: Option<String>,
    style: Option<UrlStyle>,
}

impl Parameters {
    fn read(url: &Url) -> Result<Self, S3UrlError> {
        let mut read = Self::default();
        for (name, value) in url.query_pairs() {
            let again = match name.as_ref() {
                "endpoint" => read.endpoint.replace(endpoint(&value)?).is_some(),
                "region" => read.region.replace(region(&value)?).is_some(),
                "style" => read.style.replace(style(&value)?).is_some(),
                _ => true,
            };
            if again {
                return Err(S3UrlError::Parameter);
            }
        }
        Ok(read)
    }
}

fn endpoint(text: &str) -> Result<Url, S3UrlError> {
    let url = Url::parse(text).map_err(|_| S3UrlError::Endpoint)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(S3UrlError::Secret);
    }
    let bare = matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none();
    if bare && url.fragment().is_none() && url.has_host() { Ok(url) } else { Err(S3UrlError::Endpoint) }
}

fn region(text: &str) -> Result<String, S3UrlError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = (1..=64).contains(&text.len()) && text.chars().all(plain);
    fits.then(|| text.to_owned()).ok_or(S3UrlError::Region)
}

fn style(text: &str) -> Result<UrlStyle, S3UrlError> {
    match text {
        "path" => Ok(UrlStyle::Path),
        "virtual-host" => Ok(UrlStyle::VirtualHost),
        _ => Err(S3UrlError::Style),
    }
}

fn is_bucket(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len()) && name.chars().all(plain) && name.starts_with(ends) && name.ends_with(ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn base(text: &str) -> Result<String, S3UrlError> {
        text.parse::<S3Url>().map(|url| url.0.base_url().to_string())
    }

    #[rstest]
    #[case::r2(
        "s3://pics?endpoint=https://abc.r2.cloudflarestorage.com&region=auto",
        "https://abc.r2.cloudflarestorage.com/pics/"
    )]
    #[case::a_port("s3://pics?endpoint=http://127.0.0.1:9000", "http://127.0.0.1:9000/pics/")]
    #[case::encoded("s3://pics?endpoint=https%3A%2F%2Fs3.example.com%2F", "https://s3.example.com/pics/")]
    #[case::virtual_host(
        "s3://pics/?style=virtual-host&endpoint=https://s3.example.com",
        "https://pics.s3.example.com/"
    )]
    fn good_ones(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(base(text), Ok(expected.to_owned()));
    }

    #[test]
    fn the_region_is_auto_unless_told() {
        let region = |text: &str| text.parse::<S3Url>().unwrap().0.region().to_owned();
        assert_eq!(region("s3://pics?endpoint=https://e.example"), "auto");
        assert_eq!(region("s3://pics?endpoint=https://e.example&region=eu-central-1"), "eu-central-1");
    }

    #[rstest]
    #[case::nothing("", S3UrlError::Shape)]
    #[case::another_scheme("https://pics?endpoint=https://e.example", S3UrlError::Shape)]
    #[case::no_bucket("s3://?endpoint=https://e.example", S3UrlError::Shape)]
    #[case::no_endpoint("s3://pics", S3UrlError::Shape)]
    #[case::a_path("s3://pics/folder?endpoint=https://e.example", S3UrlError::Shape)]
    #[case::a_port("s3://pics:80?endpoint=https://e.example", S3UrlError::Shape)]
    #[case::upper_case("s3://Pics?endpoint=https://e.example", S3UrlError::Bucket)]
    #[case::short("s3://ab?endpoint=https://e.example", S3UrlError::Bucket)]
    #[case::hyphen("s3://-pics?endpoint=https://e.example", S3UrlError::Bucket)]
    #[case::endpoint_is_no_url("s3://pics?endpoint=e.example", S3UrlError::Endpoint)]
    #[case::endpoint_is_a_file("s3://pics?endpoint=file:///etc", S3UrlError::Endpoint)]
    #[case::endpoint_has_a_path("s3://pics?endpoint=https://e.example/pics", S3UrlError::Endpoint)]
    #[case::virtual_host_of_an_address("s3://pics?endpoint=http://[::1]:9000&style=virtual-host", S3UrlError::Endpoint)]
    #[case::region("s3://pics?endpoint=https://e.example&region=EU", S3UrlError::Region)]
    #[case::empty_region("s3://pics?endpoint=https://e.example&region=", S3UrlError::Region)]
    #[case::style("s3://pics?endpoint=https://e.example&style=dns", S3UrlError::Style)]
    #[case::twice("s3://pics?endpoint=https://e.example&endpoint=https://f.example", S3UrlError::Parameter)]
    #[case::misspelt("s3://pics?endpiont=https://e.example", S3UrlError::Parameter)]
    #[case::a_key("s3://id:secret@pics?endpoint=https://e.example", S3UrlError::Secret)]
    #[case::a_key_inside("s3://pics?endpoint=https://id:secret@e.example", S3UrlError::Secret)]
    fn bad_ones(#[case] text: &str, #[case] expected: S3UrlError) {
        assert_eq!(base(text), Err(expected));
    }
}
