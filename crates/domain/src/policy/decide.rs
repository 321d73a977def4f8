//! May this caller do that? A pure look-up in the table.

use std::fmt;

use super::action::{Action, Callers, Gates, Workspace};
use super::proof::Proof;
use super::scope::Scope;
use super::standing::Standing;
use crate::{
    access::{Access, Credential},
    organisation::{Feature, TierGate},
    tier::Plan,
};

/// Which rule refused, and what would be needed. This is what a 403 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The account that the credential belongs to is suspended.
    AccountSuspended,
    /// The owner of the workspace is suspended.
    WorkspaceSuspended,
    /// No membership there, or no such account: the two are not told apart.
    NoMembership,
    /// A key that a member minted acts on the account it was minted on and nowhere else.
    KeyStaysHome,
    Scope {
        needs: &'static [Scope],
    },
    Standing {
        has: Standing,
        needs: Standing,
    },
    /// The operation is the owner's, and the key is in a member's hands.
    KeyInMembersHands,
    /// The operation is for a person at a web session, not for a key.
    SessionNeeded,
    /// The holder of the session must prove once more that it is them.
    ProofNeeded {
        has: Proof,
    },
    /// The plan of the organisation has not what the operation needs.
    Plan(TierGate),
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AccountSuspended => f.write_str("this account is suspended; contact support"),
            Self::WorkspaceSuspended => f.write_str("the owner of this workspace is suspended"),
            Self::NoMembership => f.write_str("you have no membership on the account that `X-Driftstack-Account` names"),
            Self::KeyStaysHome => f.write_str("this key was minted by a member and acts only on the account it was minted on; leave out `X-Driftstack-Account`"),
            Self::Scope { needs } => {
                f.write_str("this credential lacks the scope for it; one of these is needed:")?;
                let mut separator = " ";
                for scope in *needs {
                    write!(f, "{separator}`{scope}`")?;
                    separator = ", ";
                }
                Ok(())
            }
            Self::Standing { has, needs } => {
                write!(f, "your role here is `{}`; `{}` is needed", has.as_str(), needs.as_str())
            }
            Self::KeyInMembersHands => f.write_str("only the owner may do this, and this key was minted by a member"),
            Self::SessionNeeded => f.write_str("an API key may not do this; sign in and use the token of the session"),
            Self::ProofNeeded { .. } => f.write_str("prove that it is you: with a code at `/v1/auth/mfa/step-up`, or with your password at `/v1/auth/step-up` if there is no second factor"),
            Self::Plan(gate) => gate.fmt(f),
        }
    }
}

/// Asks the table. Costs a few nanoseconds and allocates nothing.
///
/// Both the scopes of the credential and the standing on the workspace must allow the action: neither makes up for the other.
pub fn decide(access: &Access, action: Action) -> Result<(), Denied> {
    let gates = action.gates();
    match gates.workspace {
        // There the role governs, whatever the credential: a viewer hears of their role before anything else.
        Workspace::Active => {
            has_standing(access, gates)?;
            has_scope(access, action)?;
        }
        Workspace::Own | Workspace::Chosen => {
            has_scope(access, action)?;
            has_standing(access, gates)?;
        }
    }
    prove(access, gates.callers)?;
    gates.feature.map_or(Ok(()), |feature| has_feature(access, feature))
}

fn has_scope(access: &Access, action: Action) -> Result<(), Denied> {
    let wanted = action.wanted_scopes();
    if wanted.is_empty() || access.scopes.satisfied().intersects(wanted) {
        return Ok(());
    }
    Err(Denied::Scope { needs: action.gates().scopes })
}

fn has_standing(access: &Access, gates: &Gates) -> Result<(), Denied> {
    if access.standing >= gates.standing {
        return Ok(());
    }
    Err(match gates.standing {
        Standing::Owner if access.in_members_hands() => Denied::KeyInMembersHands,
        needs => Denied::Standing { has: access.standing, needs },
    })
}

/// Of a caller whose plan nobody has looked up, nothing is assumed.
fn has_feature(access: &Access, feature: Feature) -> Result<(), Denied> {
    access.plan.unwrap_or(Plan::Free).allows(feature).map_err(Denied::Plan)
}

/// Whether the credential is of a kind that may, and its holder known to be there.
fn prove(access: &Access, callers: Callers) -> Result<(), Denied> {
    match (callers, access.credential) {
        (Callers::Anybody | Callers::Credential, _) | (Callers::Session, Credential::Session(_)) => Ok(()),
        (Callers::Session | Callers::Proven, Credential::Key(_)) => Err(Denied::SessionNeeded),
        (Callers::Proven, Credential::Session(_)) => match access.proof {
            Proof::Fresh => Ok(()),
            has @ (Proof::Never | Proof::Expired) => Err(Denied::ProofNeeded { has }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ScopeSet;
    use crate::testing::people;
    use proptest::prelude::*;
    use rstest::rstest;

    fn access(scopes: &[Scope], standing: Standing) -> Access {
        people::access(ScopeSet::of(scopes), standing)
    }

    #[rstest]
    #[case::owner_edits(&[Scope::AccountOwner], Standing::Owner, Action::EditAccount, Ok(()))]
    #[case::read_key_reads(&[Scope::Read], Standing::Owner, Action::ReadAccount, Ok(()))]
    #[case::read_key_edits_not(&[Scope::Read], Standing::Owner, Action::EditAccount, Err(Denied::Scope { needs: &[Scope::AccountOwner] }))]
    #[case::member_reads_keys(&[Scope::AccountOwner], Standing::Member, Action::ListKeys, Ok(()))]
    #[case::member_mints_not(&[Scope::AccountOwner], Standing::Member, Action::MintKey, Err(Denied::Standing { has: Standing::Member, needs: Standing::Admin }))]
    #[case::admin_mints(&[Scope::AccountOwner], Standing::Admin, Action::MintKey, Ok(()))]
    #[case::admin_invites_not(&[Scope::AccountOwner], Standing::Admin, Action::InviteMember, Err(Denied::Standing { has: Standing::Admin, needs: Standing::Owner }))]
    #[case::any_credential_asks_who_it_is(&[], Standing::Member, Action::WhoAmI, Ok(()))]
    fn cases(
        #[case] scopes: &[Scope],
        #[case] standing: Standing,
        #[case] action: Action,
        #[case] expected: Result<(), Denied>,
    ) {
        assert_eq!(decide(&access(scopes, standing), action), expected);
    }

    #[test]
    fn a_refusal_says_what_would_be_needed() {
        let denied = decide(&access(&[Scope::Read], Standing::Owner), Action::SetPreference).unwrap_err();
        assert_eq!(
            denied.to_string(),
            "this credential lacks the scope for it; one of these is needed: `write`, `account_owner`, `admin`"
        );
    }

    #[rstest]
    #[case::viewer_without_a_scope(&[], Standing::Member, Plan::Free, Some("your role here is `member`; `admin` is needed"))]
    #[case::no_scope(&[Scope::Read], Standing::Admin, Plan::Free, Some("this credential lacks the scope for it; one of these is needed: `account_owner`, `admin`"))]
    #[case::no_plan(&[Scope::AccountOwner], Standing::Admin, Plan::Standard, Some("API keys need the plan `professional`"))]
    #[case::all_of_it(&[Scope::AccountOwner], Standing::Admin, Plan::Professional, None)]
    fn in_an_organisation_the_role_comes_first_and_the_plan_last(
        #[case] scopes: &[Scope],
        #[case] standing: Standing,
        #[case] plan: Plan,
        #[case] refusal: Option<&str>,
    ) {
        let access = Access { plan: Some(plan), ..access(scopes, standing) };
        let answer = decide(&access, Action::MintOrganisationKey).map_err(|denied| denied.to_string());
        assert_eq!(answer.err().as_deref(), refusal);
    }

    fn any_action() -> impl Strategy<Value = Action> {
        proptest::sample::select(Action::ALL.to_vec())
    }

    fn any_scopes() -> impl Strategy<Value = ScopeSet> {
        proptest::sample::subsequence(Scope::ALL.to_vec(), 0..=Scope::ALL.len()).prop_map(ScopeSet::from_iter)
    }

    fn any_standing() -> impl Strategy<Value = Standing> {
        proptest::sample::select(Standing::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn an_admin_never_outranks_the_owner(scopes in any_scopes(), action in any_action(), standing in any_standing()) {
            let lesser = decide(&people::access(scopes, standing), action).is_ok();
            let owner = decide(&people::access(scopes, Standing::Owner), action).is_ok();
            prop_assert!(owner || !lesser);
        }

        #[test]
        fn acting_for_somebody_never_widens_what_a_credential_may_do(scopes in any_scopes(), action in any_action(), standing in any_standing()) {
            let elsewhere = decide(&people::access(scopes, standing), action).is_ok();
            let at_home = decide(&people::access(scopes, Standing::Owner), action).is_ok();
            prop_assert!(at_home || !elsewhere);
        }

        #[test]
        fn rights_are_the_intersection_of_credential_and_standing(scopes in any_scopes(), action in any_action(), standing in any_standing()) {
            let both = decide(&people::access(scopes, standing), action).is_ok();
            let by_credential = decide(&people::access(scopes, Standing::Owner), action).is_ok();
            let every_scope = ScopeSet::of(Scope::ALL);
            let by_standing = decide(&people::access(every_scope, standing), action).is_ok();
            prop_assert_eq!(both, by_credential && by_standing);
        }
    }
}
