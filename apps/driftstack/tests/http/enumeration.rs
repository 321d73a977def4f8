//! Nobody finds out whether an address has an account: not by an answer, and not by how long it takes.
//!
//! Signing up is the exception, as the contract has it: it says 409 to an address that is taken.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Answer, House, PASSWORD, send};

/// Of each kind. Known and unknown take turns, and turns in being first, so that whatever else the machine does is in both.
const SAMPLES: usize = 60;

/// The chance that an answer to an unknown address took longer than one to a known address. Without any difference it is 0.5,
/// and with these samples chance alone strays further than this less than once in ten thousand runs: the standard deviation of
/// what is measured is `sqrt((2 * 60 + 1) / (12 * 60 * 60))`, or 0.053. A way that skipped the hashing would be at 0 or 1.
const STRAY: f64 = 0.21;

/// What the two kinds of address have in common; the request differs in nothing else.
struct Question {
    path: &'static str,
    password: Option<&'static str>,
}

impl Question {
    async fn ask(&self, house: &House, email: &str) -> (Answer, Duration) {
        let mut body = json!({ "email": email });
        if let Some(password) = self.password {
            body["password"] = json!(password);
        }
        let request = house.request(Method::POST, self.path).header("x-request-id", "the-same").json(&body);
        let begun = Instant::now();
        let answer = send(request).await;
        (answer, begun.elapsed())
    }
}

/// Status, headers and body, without what the time of day does to them.
fn said(answer: &Answer) -> (u16, Vec<(String, String)>, Value) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "date");
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    (answer.status, headers, answer.json())
}

/// By the statistic of Mann and Whitney, over all pairs.
fn chance_of_longer(unknown: &[Duration], known: &[Duration]) -> f64 {
    let pairs = unknown.iter().flat_map(|u| known.iter().map(move |k| (u, k)));
    let longer: f64 = pairs
        .map(|(u, k)| match u.cmp(k) {
            Ordering::Greater => 1.0,
            Ordering::Equal => 0.5,
            Ordering::Less => 0.0,
        })
        .sum();
    longer / f64::from(u32::try_from(unknown.len() * known.len()).unwrap())
}

async fn assert_alike(house: &House, question: Question, known: &[String]) {
    let (mut of_known, mut of_unknown) = (Vec::new(), Vec::new());
    let known_people = known.len();
    for n in 0..SAMPLES {
        let known = &known[n % known.len()];
        // As long as the other, so that it is not the length that is measured.
        let unknown = format!("{n:0>width$}@example.com", width = known.len() - "@example.com".len());
        // Whatever a request leaves for the next one to wait for must not always fall on the same kind.
        let known_first = (n / known_people).is_multiple_of(2);
        let (first, second) =
            if known_first { (known.as_str(), unknown.as_str()) } else { (&*unknown, known.as_str()) };
        let (one, other) = (question.ask(house, first).await, question.ask(house, second).await);
        let ((here, took_here), (there, took_there)) = if known_first { (one, other) } else { (other, one) };
        assert_eq!(said(&here), said(&there), "{}", question.path);
        of_known.push(took_here);
        of_unknown.push(took_there);
    }
    let chance = chance_of_longer(&of_unknown, &of_known);
    println!("{}: an unknown address takes longer in {:.0} of 100", question.path, chance * 100.0);
    assert!((chance - 0.5).abs() < STRAY, "{}: {chance}; {of_known:?} {of_unknown:?}", question.path);
}

/// Somebody who can sign in, somebody who never followed the link, and somebody who has no password.
async fn known(house: &House) -> Vec<String> {
    let olive = house.person("olive").await.email;
    let bo = "bobby@example.com";
    house.post("/v1/auth/signup", json!({ "email": bo, "password": PASSWORD })).await.expect(200);
    vec![olive, bo.to_owned(), without_a_password(house).await]
}

/// A magic link that verifies the address takes the password away.
async fn without_a_password(house: &House) -> String {
    let cleo = "cleopatra@example.com";
    house.post("/v1/auth/signup", json!({ "email": cleo, "password": PASSWORD })).await.expect(200);
    house.mails(cleo, 1).await;
    house.pass(Duration::from_mins(1));
    house.post("/v1/auth/magic-link/request", json!({ "email": cleo })).await.expect(200);
    house.mails(cleo, 2).await;
    let token = house.mailed_token(cleo).await;
    house.post("/v1/auth/magic-link/consume", json!({ "token": token })).await.expect(200);
    cleo.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_address_are_one_and_the_same() {
    let house = House::open().await;
    let known = known(&house).await;
    let question = Question { path: "/v1/auth/login", password: Some("not the password at all") };
    assert_alike(&house, question, &known).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_a_link_is_the_same_for_everybody() {
    let house = House::open().await;
    let known = known(&house).await;
    for path in ["/v1/auth/resend-verification", "/v1/auth/magic-link/request", "/v1/auth/password-reset/request"] {
        assert_alike(&house, Question { path, password: None }, &known).await;
    }
}

#[test]
fn a_difference_is_noticed() {
    let quick: Vec<_> = (0..60).map(Duration::from_millis).collect();
    let slow: Vec<_> = (30..90).map(Duration::from_millis).collect();
    assert!((chance_of_longer(&slow, &quick) - 0.5).abs() > STRAY);
    assert!((chance_of_longer(&quick, &quick) - 0.5).abs() < 0.01);
}
