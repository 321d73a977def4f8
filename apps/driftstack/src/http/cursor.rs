//! Where a list goes on, as text that only its reader can use.

use data_encoding::BASE64URL_NOPAD;
use driftstack_domain::{
    access::Permit,
    page::Position,
    policy::Operation,
    secret::{Sealed, Vault},
};

use super::problem::Problem;

/// A cursor is never longer.
const MAX_CHARS: usize = 512;

/// A cursor is sealed: nobody can read, forge or carry one to another list or another account.
///
/// `list` tells apart the lists of one operation, where it has several.
fn context<A: Operation>(list: &str, by: &Permit<A>) -> String {
    format!("cursor {}{list} {}", A::ACTION.gates().name, by.workspace())
}

pub fn seal<A: Operation>(position: Position, list: &str, by: &Permit<A>, vault: &dyn Vault) -> String {
    BASE64URL_NOPAD.encode(&vault.seal(&context(list, by), &position.0.to_be_bytes()).0)
}

pub fn open<A: Operation>(text: &str, list: &str, by: &Permit<A>, vault: &dyn Vault) -> Result<Position, Problem> {
    let opened = unsealed(text, &context(list, by), vault);
    opened.ok_or_else(|| Problem::invalid("cursor", "not a cursor of this list; start again without one"))
}

fn unsealed(text: &str, context: &str, vault: &dyn Vault) -> Option<Position> {
    if text.len() > MAX_CHARS {
        return None;
    }
    let sealed = Sealed(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?);
    let bytes = vault.unseal(context, &sealed).ok()?;
    Some(Position(u128::from_be_bytes(bytes.try_into().ok()?)))
}
