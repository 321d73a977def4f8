//! The reference page of the policy.

use driftstack_domain::policy::reference;

use crate::golden;

const INTRO: &str = "\
# Who may do what

<!-- Written by a test from the policy table; `BLESS=1 cargo test -p driftstack-domain --test house` writes it anew. -->

Every operation of the service is one row of one table, `crates/domain/src/policy/action.rs`, and nothing else decides. The same
table is printed by `driftstack policy`. A call is allowed when the credential carries **any one** of the scopes *and* whoever holds it
stands at least so on the workspace; neither makes up for the other.

* **Scopes.** `read` satisfies every `read:…`, `write` every `write:…`, `account_owner` and its old name `admin` everything that a
  customer may do. A granular scope satisfies only itself, and writing never implies reading. A web session carries `account_owner`.
* **Workspace.** *own*: the call works on the calling account and ignores `X-Driftstack-Account`. *chosen*: it works on the account
  that the header names, or on the calling account without one. *active*: it works on the organisation that the caller has made the
  active one, or on the own one; there the standing is looked at before the scopes, and a row may need a plan.
* **Standing.** `owner` on one's own account, otherwise the role of the membership: `admin` or `member`. `member` as the least
  standing admits everybody who may enter the workspace.
* **Keys that a member minted** on the owner's account act with the role that their minter has at that moment, on that account
  alone, and pass no row whose least standing is `owner`, whatever their scopes.

Every combination is spelled out in `crates/domain/tests/house/matrix.txt`.

";

#[test]
fn the_page_is_what_the_table_says() {
    golden::compare("../../docs/policy.md", &format!("{INTRO}{}", reference::markdown()));
}
