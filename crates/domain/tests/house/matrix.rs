//! Who may do what, in full: every action, every kind of credential, every scope.

use std::fmt::Write;

use driftstack_domain::{
    access::{Access, Credential},
    id::ApiKeyId,
    policy::{Action, Callers, Denied, Gates, Proof, Scope, ScopeSet, Standing, Workspace, decide},
    testing::people::{self, ADA, OLIVE, SESSION},
    tier::Plan,
};

use crate::golden;

const LEGEND: &str = "\
# Who may do what: every action, for every kind of credential, with every single scope.
#
# `allowed` lists the scopes that suffice, each alone; after it stand the refusals of the others. `rest` is every scope that
# no other part of the line names, `all` is every scope there is.
#
# key of the owner       an API key that the owner minted
# session of the owner   a web session on its own account
# proven session         the same, of somebody who has just proven that it is them
# session as admin       a web session in a workspace it is an admin of, chosen with the workspace header or as the active
#                        organisation
# session as member      the same, as a member
# key of an admin        an API key that an admin minted on the owner's account
# key of a member        an API key whose minter is a member by now
# owner, plan free       the session of an owner whose organisation is on the lowest plan; the others are on the highest
";

/// How somebody holds the credential that is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    OwnersKey,
    OwnersSession,
    ProvenSession,
    SessionAs(Standing),
    MembersKey(Standing),
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::OwnersKey,
        Self::OwnersSession,
        Self::ProvenSession,
        Self::SessionAs(Standing::Admin),
        Self::SessionAs(Standing::Member),
        Self::MembersKey(Standing::Admin),
        Self::MembersKey(Standing::Member),
    ];

    fn name(self) -> String {
        match self {
            Self::OwnersKey => "key of the owner".to_owned(),
            Self::OwnersSession => "session of the owner".to_owned(),
            Self::ProvenSession => "proven session".to_owned(),
            Self::SessionAs(standing) => format!("session as {}", standing.as_str()),
            Self::MembersKey(Standing::Admin) => "key of an admin".to_owned(),
            Self::MembersKey(standing) => format!("key of a {}", standing.as_str()),
        }
    }

    /// A session that names a workspace enters it only where the operation honours one.
    fn stays_home(self, gates: &Gates) -> bool {
        matches!(self, Self::SessionAs(_)) && gates.workspace == Workspace::Own
    }

    fn access(self, scope: Scope, plan: Plan) -> Access {
        let key = Credential::Key(ApiKeyId::new(people::uuid(0x40)));
        let session = Credential::Session(SESSION);
        let scopes = ScopeSet::of(&[scope]);
        let mut access = self.credential(scopes, key, session);
        access.plan = Some(plan);
        access
    }

    fn credential(self, scopes: ScopeSet, key: Credential, session: Credential) -> Access {
        match self {
            Self::OwnersKey => Access::at_home(OLIVE, key, scopes),
            Self::OwnersSession => Access::at_home(OLIVE, session, scopes),
            Self::ProvenSession => {
                let mut access = Access::at_home(OLIVE, session, scopes);
                access.proof = Proof::Fresh;
                access
            }
            Self::SessionAs(standing) => {
                let mut access = Access::at_home(ADA, session, scopes);
                (access.workspace, access.standing) = (OLIVE, standing);
                access
            }
            Self::MembersKey(standing) => {
                let mut access = Access::at_home(OLIVE, key, scopes);
                (access.hands, access.standing) = (ADA, standing);
                access
            }
        }
    }
}

#[test]
fn the_matrix_is_what_was_reviewed() {
    golden::compare("tests/house/matrix.txt", &matrix());
}

fn matrix() -> String {
    let mut page = LEGEND.to_owned();
    for action in Action::ALL {
        let gates = action.gates();
        let _ = write!(page, "\n{}\n", gates.name);
        if gates.callers == Callers::Anybody {
            page.push_str("  everybody: no credential is looked at\n");
            continue;
        }
        for kind in Kind::ALL {
            let line = if kind.stays_home(gates) {
                "stays at home: the header is ignored".to_owned()
            } else {
                outcomes(*action, kind, Plan::Enterprise)
            };
            let _ = writeln!(page, "  {:21} {line}", kind.name());
        }
        if gates.feature.is_some() {
            let line = outcomes(*action, Kind::OwnersSession, Plan::Free);
            let _ = writeln!(page, "  {:21} {line}", "owner, plan free");
        }
    }
    page
}

/// The scopes, grouped by what comes of each.
fn outcomes(action: Action, kind: Kind, plan: Plan) -> String {
    let mut groups: Vec<(String, Vec<Scope>)> = vec![("allowed".to_owned(), Vec::new())];
    for &scope in Scope::ALL {
        let outcome = outcome(decide(&kind.access(scope, plan), action));
        match groups.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, scopes)) => scopes.push(scope),
            None => groups.push((outcome, vec![scope])),
        }
    }
    let largest = groups.iter().enumerate().max_by_key(|(_, (_, scopes))| scopes.len()).map(|(place, _)| place);
    let parts = groups.iter().enumerate().map(|(place, (outcome, scopes))| {
        let list = match scopes.len() {
            0 => "none".to_owned(),
            n if n == Scope::ALL.len() => "all".to_owned(),
            _ if Some(place) == largest => "rest".to_owned(),
            _ => scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
        };
        format!("{outcome}: {list}")
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// A word or two for each answer. The scopes that a refusal names are in the reference and need not stand in each line.
fn outcome(answer: Result<(), Denied>) -> String {
    match answer {
        Ok(()) => "allowed".to_owned(),
        Err(Denied::Scope { .. }) => "lacks scope".to_owned(),
        Err(Denied::Standing { needs, .. }) => format!("needs {}", needs.as_str()),
        Err(Denied::KeyInMembersHands) => "in a member's hands".to_owned(),
        Err(Denied::Plan(gate)) => format!("needs the plan {}", gate.required),
        Err(Denied::SessionNeeded) => "needs a session".to_owned(),
        Err(Denied::ProofNeeded { .. }) => "needs a proof".to_owned(),
        Err(
            other @ (Denied::AccountSuspended
            | Denied::WorkspaceSuspended
            | Denied::NoMembership
            | Denied::KeyStaysHome),
        ) => {
            unreachable!("the table answered with what only the door can know: {other}")
        }
    }
}
