use std::error::Error as _;

use driftstack_domain::mail::MailError;
use lettre::transport::smtp::Error;

/// What we were about when something went wrong.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Connect,
    Encrypt,
    SignIn,
    HandOver,
}

impl Step {
    fn failed(self) -> &'static str {
        match self {
            Self::Connect => "the mail server cannot be reached",
            Self::Encrypt => "the connection to the mail server cannot be encrypted",
            Self::SignIn => "the mail server does not let us sign in",
            Self::HandOver => "the mail server did not take the mail",
        }
    }
}

/// Says what happened in words that may stand in a log.
///
/// Servers like to repeat what they do not like: the address of the recipient, a link of the body. So of an answer only
/// its codes are told.
pub(super) fn fault(step: Step, error: &Error) -> MailError {
    let why = match error.status() {
        Some(code) => {
            format!("it answered {code}{}", enhanced(error).map(|code| format!(" {code}")).unwrap_or_default())
        }
        // As the answer that lettre could not read would be in its words.
        None if error.is_response() => "it closed the connection or answered something that is not SMTP".to_owned(),
        None => error.source().map_or_else(|| error.to_string(), ToString::to_string),
    };
    MailError(format!("{}: {why}", step.failed()))
}

/// The three numbers with which an answer may begin (RFC 3463): `5.1.1` is a mailbox that is not there.
fn enhanced(error: &Error) -> Option<String> {
    let answer = error.source()?.to_string();
    let first = answer.split_whitespace().next()?;
    let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    (first.split('.').count() == 3 && first.split('.').all(number)).then(|| first.to_owned())
}
