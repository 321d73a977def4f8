//! Request bodies: JSON into validated types, with the path of what is wrong.

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header,
    web::{self, Bytes},
};
use futures_util::future::LocalBoxFuture;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use utoipa::ToSchema;

use super::{
    codes::Code,
    problem::{Issue, IssueKind, Problem},
};

/// What a body may hold, unless a route says otherwise.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A JSON body of at most `MAX` bytes. An absent or empty one counts as `{}`: published clients send both.
#[derive(Debug)]
pub struct Body<T, const MAX: usize = MAX_BODY_BYTES>(pub T);

impl<T: DeserializeOwned + 'static, const MAX: usize> FromRequest for Body<T, MAX> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, bytes) = (request.clone(), bytes(request, payload, MAX));
        Box::pin(async move { read(&request, &bytes.await?).map(Self) })
    }
}

/// No fields: there is nothing to choose.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NothingBody {}

/// The bytes of a body, of which there may be so many.
pub(super) fn bytes(
    request: &HttpRequest,
    payload: &mut Payload,
    max: usize,
) -> impl Future<Output = Result<Bytes, Problem>> + use<> {
    let payload = web::Payload::from_request(request, payload);
    async move {
        let payload = payload.await.map_err(|_| unreadable())?;
        payload.to_bytes_limited(max).await.map_err(|_| too_large(max))?.map_err(|_| unreadable())
    }
}

pub(super) fn read<T: DeserializeOwned>(request: &HttpRequest, bytes: &[u8]) -> Result<T, Problem> {
    if bytes.is_empty() {
        return parse(b"{}");
    }
    if !is_json(request) {
        return Err(Problem::new(Code::UnsupportedMediaType, "send JSON with `Content-Type: application/json`"));
    }
    parse(bytes)
}

fn is_json(request: &HttpRequest) -> bool {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|text| text.split(';').next()).map(str::trim);
    essence.is_some_and(|text| text.eq_ignore_ascii_case("application/json"))
}

fn too_large(max: usize) -> Problem {
    Problem::new(Code::PayloadTooLarge, format_args!("a body has at most {max} bytes here"))
}

fn unreadable() -> Problem {
    Problem::new(Code::BadRequest, "the body ended early or could not be read")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A list would be taken too, field by field in the order in which they happen to be written here.
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    if !is_object && serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
        let (path, message) = (String::new(), "expected an object".to_owned());
        return Err(Problem::issues(vec![Issue { path, message, kind: IssueKind::Type }]));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| match issue(&error) {
        Ok(first) => Problem::issues(with_others::<T>(bytes, first)),
        Err(problem) => problem,
    })?;
    json.end().map_err(|error| Problem::new(Code::BadRequest, format_args!("the body is not JSON: {error}")))?;
    Ok(value)
}

/// So many issues are told at the most.
const MAX_ISSUES: usize = 10;

/// A parser stops at the first field that is wrong. That field is taken out, and the rest is read again.
fn with_others<T: DeserializeOwned>(bytes: &[u8], first: Issue) -> Vec<Issue> {
    let mut issues = vec![first];
    let Ok(serde_json::Value::Object(mut fields)) = serde_json::from_slice(bytes) else { return issues };
    while issues.len() < MAX_ISSUES {
        let taken = issues.last().and_then(|last| fields.remove(top(&last.path)));
        if taken.is_none() {
            break;
        }
        let rest = serde_json::Value::Object(fields.clone());
        let next = serde_path_to_error::deserialize::<_, T>(rest).err().and_then(|error| issue(&error).ok());
        match next.filter(|next| issues.iter().all(|known| top(&known.path) != top(&next.path))) {
            Some(next) => issues.push(next),
            None => break,
        }
    }
    issues
}

/// The field of the body in which something lies.
fn top(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or(path)
}

/// What is wrong with a body, or the problem that it is no JSON.
fn issue(error: &serde_path_to_error::Error<serde_json::Error>) -> Result<Issue, Problem> {
    let inner = error.inner();
    if !inner.is_data() {
        return Err(Problem::new(Code::BadRequest, format_args!("the body is not JSON: {inner}")));
    }
    let text = inner.to_string();
    // Where the parser stood is noise: the body is one line more often than not.
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    // That of a body as a whole is written so.
    let parent = Some(error.path().to_string()).filter(|path| path != ".").unwrap_or_default();
    let path = match field_in(message) {
        Some(field) if parent.is_empty() => field.to_owned(),
        Some(field) if !parent.ends_with(field) => format!("{parent}.{field}"),
        _ => parent,
    };
    Ok(Issue { path: shortened(&path), message: shortened(&told(message)), kind: kind(message) })
}

/// Of a value that does not fit it is said what would fit. The value itself may be a password, and is known to whoever sent it.
fn told(message: &str) -> String {
    let wanted = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    let Some((_, wanted)) = wanted.and_then(|rest| rest.rsplit_once(", expected ")) else { return message.to_owned() };
    let plain = match wanted {
        "i32" | "i64" | "u8" | "u16" | "u32" | "u64" => "a whole number",
        "f64" => "a number",
        _ if wanted.starts_with("struct ") => "an object",
        _ => wanted,
    };
    format!("expected {plain}")
}

/// The names of fields, and words where one of a few is expected, are told as they came in, but not at any length.
fn shortened(text: &str) -> String {
    const MOST: usize = 300;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn kind(message: &str) -> IssueKind {
    if message.starts_with("missing field") {
        IssueKind::Missing
    } else if message.starts_with("unknown field") {
        IssueKind::Unknown
    } else if message.starts_with("invalid type") {
        IssueKind::Type
    } else {
        IssueKind::Value
    }
}

/// A field that is missing or unknown is named by the message alone.
fn field_in(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("missing field `").or_else(|| message.strip_prefix("unknown field `"))?;
    rest.split('`').next()
}

/// What cannot be undone is said aloud, in the field `confirm`.
pub fn confirmed(said: &str, wanted: &str) -> Result<(), Problem> {
    if said == wanted { Ok(()) } else { Err(Problem::invalid("confirm", format_args!("to go on, say `{wanted}`"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[allow(dead_code)]
        name: driftstack_domain::name::Name,
        #[serde(default)]
        #[allow(dead_code)]
        inner: Option<Box<Sample>>,
    }

    fn problem(json: &str) -> serde_json::Value {
        parse::<Sample>(json.as_bytes()).unwrap_err().document("", "")
    }

    #[test]
    fn a_wrong_field_is_named_by_its_path() {
        assert_eq!(problem(r#"{"name":""}"#)["issues"][0]["path"], "name");
        assert_eq!(problem("{}")["issues"][0]["path"], "name");
        assert_eq!(problem(r#"{"name":"a","nmae":"b"}"#)["issues"][0]["path"], "nmae");
        assert_eq!(problem(r#"{"name":"a","inner":{"name":7}}"#)["issues"][0]["path"], "inner.name");
        assert_eq!(problem(r#"{"name":"a","inner":{}}"#)["issues"][0]["path"], "inner.name");
    }

    #[test]
    fn what_is_no_object_is_no_body() {
        for json in [r#"["a"]"#, "null", "7", r#""name""#, "[]"] {
            let problem = problem(json);
            assert_eq!(problem["type"], "validation-failed", "{json}");
            assert_eq!(
                (&problem["issues"][0]["path"], &problem["issues"][0]["message"]),
                (&"".into(), &"expected an object".into())
            );
        }
    }

    #[test]
    fn what_was_sent_is_not_told() {
        for json in [r#"{"name":"a","inner":"sesame, expected b"}"#, r#"{"name":7331}"#, r#"{"name":{"sesame":1}}"#] {
            let problem = problem(json).to_string();
            assert!(!problem.contains("sesame") && !problem.contains("7331"), "{problem}");
            assert!(!problem.contains("Sample") && problem.contains("expected "), "{problem}");
        }
        let long = format!(r#"{{"name":"a","{}":1}}"#, "x".repeat(60_000));
        assert!(problem(&long).to_string().len() < 2000);
    }

    #[test]
    fn every_wrong_field_is_told_once() {
        let issues = |json: &str| parse::<Sample>(json.as_bytes()).unwrap_err().issues;
        let told = |json: &str| issues(json).into_iter().map(|it| (it.path, it.kind)).collect::<Vec<_>>();
        let issue = |path: &str, kind| (path.to_owned(), kind);
        assert_eq!(
            told(r#"{"name":7,"inner":{"name":""},"nmae":1}"#),
            [issue("name", IssueKind::Type), issue("inner.name", IssueKind::Value), issue("nmae", IssueKind::Unknown)]
        );
        assert_eq!(told("{}"), [issue("name", IssueKind::Missing)]);
        let many: Vec<String> = (0..100).map(|n| format!(r#""x{n}":1"#)).collect();
        assert_eq!(issues(&format!(r#"{{"name":"a",{}}}"#, many.join(","))).len(), MAX_ISSUES);
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for json in ["{", "nonsense", "{} {}", "\u{0}", r#"{"name":"a"} x"#] {
            assert_eq!(
                problem(json)["type"],
                if json.starts_with("{}") { "validation-failed" } else { "bad-request" },
                "{json}"
            );
        }
    }
}
