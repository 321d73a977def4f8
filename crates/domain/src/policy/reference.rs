//! The policy table for people and for programs: Markdown, aligned text, JSON. All from [`Action::ALL`], so none can be stale.

use std::fmt::Write;

use serde_json::{Value, json};

use super::action::{Action, Callers, Gates, Workspace};
use super::scope::Scope;
use crate::organisation::Feature;

const TITLES: [&str; 7] =
    ["Action", "Caller", "Any one of these scopes", "Workspace", "Least standing", "Bucket", "What it does"];
const SUMMARY: usize = 6;

type Cells = [String; 7];

/// A Markdown table, one row an action.
pub fn markdown() -> String {
    let mut page = format!("| {} |\n|{}\n", TITLES.join(" | "), " --- |".repeat(TITLES.len()));
    for action in Action::ALL {
        let gates = action.gates();
        page.push_str(&markdown_row(&[
            format!("`{}`", gates.name),
            caller(gates).to_owned(),
            scopes_or(gates, |scope| format!("`{scope}`")),
            workspace(gates).to_owned(),
            standing(gates).to_owned(),
            bucket(gates),
            summary(gates),
        ]));
    }
    page
}

/// Aligned columns for a terminal, one line an action.
pub fn table() -> String {
    let mut rows = vec![TITLES.map(str::to_owned)];
    rows.extend(Action::ALL.iter().map(|action| {
        let gates = action.gates();
        [
            gates.name.to_owned(),
            caller(gates).to_owned(),
            scopes_or(gates, |scope| scope.as_str().to_owned()),
            workspace(gates).to_owned(),
            standing(gates).to_owned(),
            bucket(gates),
            summary(gates),
        ]
    }));
    aligned(&rows)
}

/// An array of objects. `scopes` is empty where no particular one is asked for; `workspace` and `least_standing` are null where
/// nobody is asked who they are.
pub fn json() -> Value {
    Action::ALL
        .iter()
        .map(|action| {
            let gates = action.gates();
            let known = gates.callers != Callers::Anybody;
            json!({
                "action": gates.name,
                "summary": gates.summary,
                "credential": known,
                "session": matches!(gates.callers, Callers::Session | Callers::Proven),
                "step_up": gates.callers == Callers::Proven,
                "feature": gates.feature.map(Feature::as_str),
                "scopes": gates.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
                "workspace": known.then(|| workspace(gates)),
                "least_standing": known.then(|| standing(gates)),
                "bucket": known.then(|| gates.bucket()),
                "owners_bucket_too": gates.charge.owner_too,
            })
        })
        .collect()
}

fn markdown_row(cells: &Cells) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn aligned(rows: &[Cells]) -> String {
    let mut widths = [0; 7];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    let mut text = String::new();
    for row in rows {
        for (cell, width) in row.iter().zip(widths).take(SUMMARY) {
            // Writing to a string cannot fail.
            let _ = write!(text, "{cell:width$}  ");
        }
        text.extend(row.iter().skip(SUMMARY).map(String::as_str));
        text.push('\n');
    }
    text
}

fn caller(gates: &Gates) -> &'static str {
    match gates.callers {
        Callers::Anybody => "anybody",
        Callers::Credential => "key or session",
        Callers::Session => "session",
        Callers::Proven => "session, step-up",
    }
}

fn scopes_or(gates: &Gates, spell: impl Fn(&Scope) -> String) -> String {
    match (gates.callers, gates.scopes) {
        (Callers::Anybody, _) => "-".to_owned(),
        (_, []) => "any".to_owned(),
        (_, scopes) => scopes.iter().map(spell).collect::<Vec<_>>().join(", "),
    }
}

fn summary(gates: &Gates) -> String {
    let needs = gates.feature.map(|feature| format!(" Needs the plan `{}`.", feature.least_plan()));
    gates.summary.to_owned() + needs.as_deref().unwrap_or_default()
}

fn workspace(gates: &Gates) -> &'static str {
    match (gates.callers, gates.workspace) {
        (Callers::Anybody, _) => "-",
        (_, Workspace::Own) => "own",
        (_, Workspace::Chosen) => "chosen",
        (_, Workspace::Active) => "active",
    }
}

fn bucket(gates: &Gates) -> String {
    match (gates.callers, gates.charge.owner_too) {
        (Callers::Anybody, _) => "-".to_owned(),
        (_, false) => gates.bucket().to_owned(),
        (_, true) => format!("{}, also the owner's", gates.bucket()),
    }
}

fn standing(gates: &Gates) -> &'static str {
    match gates.callers {
        Callers::Anybody => "-",
        Callers::Credential | Callers::Session | Callers::Proven => gates.standing.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_in_each_form_once() {
        let objects = json();
        for action in Action::ALL {
            let name = action.gates().name;
            assert_eq!(markdown().matches(&format!("| `{name}` |")).count(), 1, "{name}");
            assert_eq!(table().lines().filter(|line| line.split(' ').next() == Some(name)).count(), 1, "{name}");
            assert_eq!(objects.as_array().unwrap().iter().filter(|row| row["action"] == name).count(), 1, "{name}");
        }
    }

    #[test]
    fn no_cell_breaks_the_markdown_table() {
        let columns: Vec<_> = markdown().lines().map(|line| line.matches('|').count()).collect();
        assert!(columns.iter().all(|bars| *bars == TITLES.len() + 1), "{columns:?}");
    }

    #[test]
    fn the_columns_of_the_text_line_up() {
        let text = table();
        let at = text.lines().next().unwrap().find("What it does").unwrap();
        for (line, action) in text.lines().skip(1).zip(Action::ALL) {
            assert!(line[at..].starts_with(action.gates().summary), "{line}");
        }
    }
}
