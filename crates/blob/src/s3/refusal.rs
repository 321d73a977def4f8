use http_body_util::BodyExt;
use hyper::{Response, body::Incoming};

/// What the operator needs to know of an answer that is no success: the status and the word of S3, such as
/// `SignatureDoesNotMatch`. The rest of the answer repeats what was sent.
pub(super) async fn describe(mut response: Response<Incoming>) -> String {
    let status = response.status().as_u16();
    // An answer is short. Whatever comes after its first piece is not waited for.
    let frame = response.frame().await.and_then(Result::ok);
    let piece = frame.and_then(|frame| frame.into_data().ok()).unwrap_or_default();
    match code(&String::from_utf8_lossy(&piece)) {
        Some(code) => format!("S3 answers {status} {code}"),
        None => format!("S3 answers {status}"),
    }
}

fn code(xml: &str) -> Option<&str> {
    let (_, rest) = xml.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let is_word = (1..=64).contains(&code.len()) && code.chars().all(|c| c.is_ascii_alphanumeric());
    is_word.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_is_taken() {
        assert_eq!(code("<Error><Code>NoSuchBucket</Code><Message>…"), Some("NoSuchBucket"));
        for odd in ["", "<Code>", "<Code></Code>", "<Code>a b</Code>", "<Code>\n</Code>", "<html>"] {
            assert_eq!(code(odd), None, "{odd}");
        }
    }
}
