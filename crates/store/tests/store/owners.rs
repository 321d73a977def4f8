//! Whose each row is. Whoever adds a table says here what becomes of its rows when the team gets another owner: and is reminded that
//! a purge (`queries/ending.rs`) and an export (`queries/holding.rs`) have to know it too.

use std::collections::BTreeSet;

use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};

use crate::backend::sqlite_file;

/// What becomes of the rows at a transfer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Transfer {
    /// `queries/transfer.rs` moves the rows.
    Moves,
    /// They stay with the account, for that reason.
    Stays(&'static str),
}

use Transfer::{Moves, Stays};

const PERSON: &str = "they are of the person, who signs in as before";
const RECORDS: &str = "what ran, and what was used, is of the account that paid for it";
const LISTENERS: &str = "they hear of the account that they were made on";
/// Of a reference that is not the owner of the row.
const WHO_DID_IT: &str = "it names who did it";

/// Every reference to an account, by table and column; of a table that has none, the table.
const OWNERS: &[(&str, Transfer)] = &[
    ("account_keys.account", Stays("the log under them stays")),
    ("account_numbers.account", Stays(PERSON)),
    ("accounts", Stays(PERSON)),
    ("activations.account", Stays(PERSON)),
    ("api_keys.account", Moves),
    ("api_keys.minted_by", Stays("a key stays in the hands that it is in")),
    ("audit_entries.account", Stays("a log does not begin to speak of another person")),
    ("avatars.account", Stays(PERSON)),
    ("challenges.account", Stays(PERSON)),
    ("declined_mails.account", Stays(PERSON)),
    ("factors.account", Stays(PERSON)),
    ("idempotency", Stays("who asks again is the one who has asked")),
    ("invites.invited_by", Stays(WHO_DID_IT)),
    ("invites.owner", Moves),
    ("link_requests.account", Stays(PERSON)),
    ("links.account", Stays(PERSON)),
    ("mails.account", Stays(PERSON)),
    ("memberships.invited_by", Stays(WHO_DID_IT)),
    ("memberships.member", Stays(PERSON)),
    ("memberships.owner", Moves),
    ("profiles.account", Stays(RECORDS)),
    ("profiles.created_by", Stays(WHO_DID_IT)),
    ("recovery_codes", Stays(PERSON)),
    ("sessions.account", Stays(RECORDS)),
    ("sessions.created_by", Stays(WHO_DID_IT)),
    ("team_numbers", Stays("they are of the team, whose record moves")),
    ("teams.owner", Moves),
    ("usage_days.account", Stays(RECORDS)),
    ("web_sessions.account", Stays(PERSON)),
    ("webhook_deliveries", Stays(LISTENERS)),
    ("webhook_endpoints.account", Stays(LISTENERS)),
    ("webhook_events.account", Stays(LISTENERS)),
];

#[derive(QueryableByName)]
struct Reference {
    #[diesel(sql_type = Text)]
    name: String,
}

async fn schema() -> BTreeSet<String> {
    let file = sqlite_file().await;
    let found: Vec<Reference> = sql_query(
        "SELECT m.name || COALESCE('.' || f.\"from\", '') AS name
         FROM sqlite_schema m LEFT JOIN pragma_foreign_key_list(m.name) f ON f.\"table\" = 'accounts'
         WHERE m.type = 'table' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .load(&mut file.connect())
    .unwrap();
    found.into_iter().map(|it| it.name).collect()
}

/// The other engine has the same tables: `parity.rs`.
#[tokio::test(flavor = "multi_thread")]
async fn of_every_table_it_is_said_whose_it_is() {
    let said: BTreeSet<String> = OWNERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(said.len(), OWNERS.len());
    assert_eq!(schema().await, said);
}

/// What is said is also done: the file that moves rows names each column that moves as its own, and no other.
#[test]
fn a_transfer_moves_what_is_said_to_move() {
    const TRANSFER: &str = include_str!("../../src/queries/transfer.rs");
    for (name, transfer) in OWNERS {
        let Some((table, column)) = name.split_once('.') else { continue };
        let sets = TRANSFER.contains(&format!(".set({table}::{column}.eq("));
        // A team is taken out and put back.
        let inserts = TRANSFER.contains(&format!("insert_into({table}::table)"));
        assert_eq!(sets || inserts, *transfer == Moves, "{name}");
    }
}
