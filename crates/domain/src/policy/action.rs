//! The policy table: every operation of the service, once, with its gates as data.

use super::scope::{Scope, ScopeSet};
use super::standing::Standing;
use crate::{limit::Bucket, organisation::Feature};

/// Who may knock at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callers {
    /// No credential is asked for; one that is sent is not looked at.
    Anybody,
    /// An API key or a web session.
    Credential,
    /// A web session: what a person does by hand. A program's key is refused.
    Session,
    /// A web session whose holder has proven a short while ago that it is still them; see [`Proof`](super::Proof).
    Proven,
}

/// Which workspace an operation works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workspace {
    /// The caller's own account. The workspace header is ignored.
    Own,
    /// The account that the workspace header names, or the caller's own without one.
    Chosen,
    /// The active organisation of the caller, which may be their own; see [`crate::organisation`]. The header is ignored.
    Active,
}

impl Workspace {
    pub(crate) const fn is(self, other: Self) -> bool {
        matches!((self, other), (Self::Own, Self::Own) | (Self::Chosen, Self::Chosen) | (Self::Active, Self::Active))
    }
}

/// Out of which bucket an operation takes a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    pub bucket: Bucket,
    /// On another's workspace, one of the owner's too: what their team may do there comes out of one budget.
    pub owner_too: bool,
}

/// What a row says: nothing is [`Bucket::Global`], the caller's alone; `shares X` is the bucket `X`, and the owner's too.
macro_rules! charge {
    () => {
        Charge { bucket: Bucket::Global, owner_too: false }
    };
    ($bucket:ident) => {
        Charge { bucket: Bucket::$bucket, owner_too: true }
    };
}

/// What an operation asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gates {
    /// Stable, dotted, from the broad to the narrow.
    pub name: &'static str,
    /// One line for the reference.
    pub summary: &'static str,
    pub callers: Callers,
    /// Any one satisfies; none listed means that every credential will do.
    pub scopes: &'static [Scope],
    pub workspace: Workspace,
    pub charge: Charge,
    /// The least standing on the workspace.
    pub standing: Standing,
    /// What the plan of the organisation must have.
    pub feature: Option<Feature>,
}

impl Gates {
    pub const fn honours_workspace(&self) -> bool {
        matches!(self.workspace, Workspace::Chosen)
    }

    /// The name of the bucket that a call takes a token from. What is done in the active organisation is counted for the
    /// organisation, all its members together, by its plan.
    pub const fn bucket(&self) -> &'static str {
        match self.workspace {
            Workspace::Own | Workspace::Chosen => self.charge.bucket.as_str(),
            Workspace::Active => "organisation",
        }
    }
}

/// An operation as a type, so that a permit for one cannot be used for another.
pub trait Operation: Send + Sync + 'static {
    const ACTION: Action;
}

macro_rules! actions {
    (@feature) => { None };
    (@feature $feature:ident) => { Some(Feature::$feature) };
    ($($variant:ident $name:literal $callers:ident $workspace:ident $standing:ident [$($scope:ident),*] $(shares $bucket:ident)? $summary:literal $(=> $feature:ident)?)+) => {
        /// Every operation there is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $($variant,)+ }

        impl Action {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The row of the table.
            pub const fn gates(self) -> &'static Gates {
                match self { $(Self::$variant => &Gates {
                    name: $name,
                    summary: $summary,
                    callers: Callers::$callers,
                    scopes: &[$(Scope::$scope),*],
                    workspace: Workspace::$workspace,
                    charge: charge!($($bucket)?),
                    standing: Standing::$standing,
                    feature: actions!(@feature $($feature)?),
                },)+ }
            }

            pub(super) const fn wanted_scopes(self) -> ScopeSet {
                match self { $(Self::$variant => const { ScopeSet::of(&[$(Scope::$scope),*]) },)+ }
            }
        }

        $(
            #[doc = $summary]
            #[derive(Debug, Clone, Copy)]
            pub enum $variant {}

            impl Operation for $variant {
                const ACTION: Action = Action::$variant;
            }
        )+
    };
}

// `Member` as the least standing means: everybody who may enter the workspace. A row whose least standing is `Owner` is also
// closed to a key that a member minted on the owner's account, whatever its scopes. What stands behind `=>` is what the plan of
// the organisation must have.
actions! {
    SignUp             "auth.sign_up"              Anybody    Own    Member []                            "Create an account; a verification link is mailed."
    VerifyEmail        "auth.verify_email"         Anybody    Own    Member []                            "Redeem a verification link and sign in."
    ResendVerification "auth.resend_verification"  Anybody    Own    Member []                            "Mail a new verification link; older ones stop working."
    LogIn              "auth.log_in"               Anybody    Own    Member []                            "Sign in with e-mail address and password."
    RequestMagicLink   "auth.magic_link.request"   Anybody    Own    Member []                            "Mail a link that signs in."
    FollowMagicLink    "auth.magic_link.consume"   Anybody    Own    Member []                            "Sign in with the token of such a link."
    RequestReset       "auth.password_reset.request" Anybody  Own    Member []                            "Mail a link that sets a new password."
    ResetPassword      "auth.password_reset.confirm" Anybody  Own    Member []                            "Set a new password with the token of such a link; every sign-in ends."
    AnswerChallenge    "auth.mfa.challenge"        Anybody    Own    Member []                            "Answer the challenge of a sign-in with a code of the second factor."
    StepUpWithCode     "auth.mfa.step_up"          Session    Own    Owner  []                            "Prove with a code of the second factor that it is still you."
    StepUpWithPassword "auth.step_up"              Session    Own    Owner  []                            "Prove it with the password, where there is no second factor."
    RefreshSession     "auth.refresh"              Anybody    Own    Member []                            "Exchange a session token for a new one; the old one stops working."
    LogOut             "auth.log_out"              Anybody    Own    Member []                            "End the session of a token."

    InitiateDevice     "auth.cli.initiate"         Anybody    Own    Member []                            "Begin the activation of a device; it gets a code for itself and one to show."
    BindDevice         "auth.cli.bind"             Session    Own    Owner  [AccountOwner]                "Give the device that shows a code a key of the calling account."
    ExchangeDevice     "auth.cli.exchange"         Anybody    Own    Member []                            "Ask for the key of a device; it is handed out once."

    WhoAmI             "account.whoami"            Credential Own    Member []                            "Say whose credential this is and what it carries."
    ReadAccount        "account.me.read"           Credential Own    Member [Read]                        "Read the calling account."
    EditAccount        "account.me.edit"           Credential Own    Owner  [AccountOwner]                "Change name, time zone, slug, region or the onboarding mark of the calling account."
    DeleteAccount      "account.me.delete"         Proven     Own    Owner  [AccountOwner]                "Delete the calling account; signing in brings it back for 30 days."
    ExportAccount      "account.export"            Credential Own    Owner  [AccountOwner]                "Export everything that is held on the calling account."
    UploadAvatar       "account.avatar.upload"     Credential Own    Owner  [AccountOwner]                "Give the calling account a picture."
    RemoveAvatar       "account.avatar.remove"     Credential Own    Owner  [AccountOwner]                "Take the picture of the calling account away."
    ChangeEmail        "account.email_change.request" Proven  Own    Owner  [AccountOwner]                "Ask for another e-mail address: a link is mailed there, a notice to the present one."
    ConfirmEmailChange "account.email_change.confirm" Anybody Own    Member []                            "Move an account to the new address with the token of such a link."
    ReadRateLimits     "account.rate_limits.read"  Credential Own    Member [Read]                        "Read the effective rate limits of the calling account."

    FollowNotifications "account.notifications.follow" Credential Own Owner [Read]                        "Follow the entries of high severity on the log of the calling account, as server-sent events."

    ReadMfa            "account.mfa.read"          Credential Own    Owner  [Read]                        "Say whether there is a second factor."
    EnrollMfa          "account.mfa.enroll"        Session    Own    Owner  [AccountOwner]                "Get the secret of a second factor."
    VerifyMfa          "account.mfa.verify"        Session    Own    Owner  [AccountOwner]                "Show its first code: from then on it is asked for."
    DisableMfa         "account.mfa.disable"       Proven     Own    Owner  [AccountOwner]                "Give the second factor up."
    RegenerateRecoveryCodes "account.mfa.recovery_codes.regenerate" Proven Own Owner [AccountOwner]       "Get ten new recovery codes; the older ones stop working."
    ListSessions       "account.web_sessions.list"          Credential Own  Owner [Read]                  "List the live sign-ins of the calling account."
    RevokeSession      "account.web_sessions.revoke"        Credential Own  Owner [AccountOwner]          "End a sign-in."
    RevokeOtherSessions "account.web_sessions.revoke_others" Session   Own  Owner [AccountOwner]          "End every sign-in but the calling one."

    InviteMember       "team.invites.send"         Credential Own    Owner  [AccountOwner]                "Invite somebody to the team by mail."
    ListInvites        "team.invites.list"         Credential Own    Member [Read]                        "List the pending invites of the team."
    RevokeInvite       "team.invites.revoke"       Credential Own    Owner  [AccountOwner]                "Revoke a pending invite."
    ResendInvite       "team.invites.resend"       Credential Own    Owner  [AccountOwner]                "Mail an invite again with a new link and a new expiry."
    AcceptInvite       "team.invites.accept"       Credential Own    Owner  [AccountOwner]                "Accept an invite with the token from its mail."
    ListMembers        "team.members.list"         Credential Own    Member [Read]                        "List the members of the team."
    ChangeRole         "team.members.change_role"  Credential Own    Owner  [AccountOwner]                "Give a member another role."
    RemoveMember       "team.members.remove"       Credential Own    Owner  [AccountOwner]                "Remove a member and revoke the keys they minted here."
    ListOwners         "team.owners.list"          Credential Own    Member [Read]                        "List the teams that the calling account is a member of."
    LeaveTeam          "team.owners.leave"         Credential Own    Owner  [AccountOwner]                "Leave a team."
    ListTeams          "team.list"                 Credential Own    Member [Read]                        "Read the record of the team."
    RenameTeam         "team.rename"               Credential Own    Owner  [AccountOwner]                "Rename the team."

    MintKey            "api_keys.mint"             Credential Chosen Admin  [AccountOwner, Admin]         "Mint an API key; its text is shown once."
    ListKeys           "api_keys.list"             Credential Chosen Member [ReadApiKeys]                 "List the API keys of the workspace."
    RotateKey          "api_keys.rotate"           Credential Chosen Admin  [AccountOwner, Admin]         "Mint a successor of an API key; the old one lives on for 24 hours at the most."
    RevokeKey          "api_keys.revoke"           Credential Chosen Admin  [AccountOwner, Admin]         "Revoke an API key at once."

    ReadAudit          "audit.read"                Credential Chosen Member [ReadAudit]                   "Read the audit log of the workspace."
    ExportAudit        "audit.export"              Credential Chosen Member [ReadAudit]                   "Export the audit log of the workspace with its hash chain."

    ReadPreferences    "email_preferences.read"    Credential Chosen Member [Read]                        "Read which mails the workspace wants."
    SetPreference      "email_preferences.set"     Credential Chosen Admin  [Write, AccountOwner, Admin]  "Choose whether the workspace wants a kind of mail."

    CreateEndpoint     "webhooks.create"           Credential Chosen Admin  [AccountOwner, Admin]         "Register a webhook endpoint; its signing secret is shown once."
    ListEndpoints      "webhooks.list"             Credential Chosen Member [ReadWebhooks]                "List the webhook endpoints of the workspace."
    ReadEndpoint       "webhooks.read"             Credential Chosen Member [ReadWebhooks]                "Read a webhook endpoint."
    EditEndpoint       "webhooks.edit"             Credential Chosen Admin  [AccountOwner, Admin]         "Change, pause or resume a webhook endpoint."
    DeleteEndpoint     "webhooks.delete"           Credential Chosen Admin  [AccountOwner, Admin]         "Delete a webhook endpoint; what waits for it is given up."
    RotateSecret       "webhooks.rotate_secret"    Credential Chosen Admin  [AccountOwner, Admin]         "Give a webhook endpoint a new secret; the old one signs along for 24 hours."
    TestEndpoint       "webhooks.test"             Credential Chosen Admin  [AccountOwner, Admin]         "Send a `test.ping` to a webhook endpoint."
    ListDeliveries     "webhooks.deliveries.list"  Credential Chosen Member [ReadWebhooks]                "List what was or will be delivered to a webhook endpoint."
    ReplayDelivery     "webhooks.deliveries.replay" Credential Chosen Admin [AccountOwner, Admin]         "Deliver an event to a webhook endpoint again."
    CreateSession      "sessions.create"           Credential Chosen Admin  [WriteSessions, Admin] shares SessionsCreate "Start a session on the workspace; on one of its profiles, the owner alone may."
    BrowseSessions     "sessions.list"             Credential Chosen Member [ReadSessions] shares Global  "List the sessions of the workspace."
    ReadSession        "sessions.read"             Credential Chosen Member [ReadSessions] shares Global  "Read a session."
    DestroySession     "sessions.destroy"          Credential Chosen Admin  [WriteSessions, Admin] shares Global "End a session."
    CreateProfile      "profiles.create"           Credential Chosen Admin  [WriteProfiles, Admin]        "Keep another profile on the workspace."
    ListProfiles       "profiles.list"             Credential Chosen Member [ReadProfiles]                "List the profiles of the workspace."
    ReadProfile        "profiles.read"             Credential Chosen Member [ReadProfiles]                "Read a profile."
    UpdateProfile      "profiles.update"           Credential Chosen Admin  [WriteProfiles, Admin]        "Change a profile."
    DeleteProfile      "profiles.delete"           Credential Chosen Admin  [WriteProfiles, Admin]        "Delete a profile on which nothing runs."
    ReadUsage          "usage.read"                Credential Chosen Member [Read]                        "Read what the workspace has used this month."
    ReadUsageSeries    "usage.series"              Credential Chosen Member [Read]                        "Read what the workspace has used day by day."
    ReadMember         "organisation.me.read"                Credential Active Member [Read]                        "Read who is calling, and in which organisation."
    EditMember         "organisation.me.edit"                Credential Active Admin  [Write, AccountOwner, Admin]  "Change the name of whoever is calling."
    SwitchOrganisation "organisation.switch"                 Session    Active Member [AccountOwner]                "Make another organisation the active one."
    ListOrganisations  "organisation.list"                   Session    Active Member [AccountOwner]                "List the organisations that can be made the active one."
    ReadOrganisation   "organisation.read"                   Credential Active Member [Read]                        "Read the active organisation."
    RenameOrganisation "organisation.rename"                 Credential Active Admin  [Write, AccountOwner, Admin]  "Rename the active organisation."
    ReadNotices        "organisation.notifications.read"     Credential Active Member [Read]                        "Read of what whoever is calling wants to be told."
    SetNotices         "organisation.notifications.set"      Credential Active Admin  [Write, AccountOwner, Admin]  "Choose of what to be told."
    ListOrganisationKeys  "organisation.api_keys.list"       Credential Active Member [ReadApiKeys]                 "List the API keys of the active organisation." => ApiKeys
    MintOrganisationKey   "organisation.api_keys.mint"       Credential Active Admin  [AccountOwner, Admin]         "Mint an API key on the active organisation; its text is shown once." => ApiKeys
    RevokeOrganisationKey "organisation.api_keys.revoke"     Credential Active Admin  [AccountOwner, Admin]         "Revoke an API key of the active organisation at once." => ApiKeys

    ListAccounts       "admin.accounts.list"                 Session Own Owner [InternalAdmin]            "List and search accounts."
    ReadAnyAccount     "admin.accounts.read"                 Session Own Owner [InternalAdmin]            "Read an account."
    SetTier            "admin.accounts.set_tier"             Session Own Owner [InternalAdmin]            "Give an account another tier."
    SetPlan            "admin.accounts.set_plan"             Session Own Owner [InternalAdmin]            "Give the team of an account another plan."
    SuspendAccount     "admin.accounts.suspend"              Session Own Owner [InternalAdmin]            "Suspend an account: nobody gets in any more."
    UnsuspendAccount   "admin.accounts.unsuspend"            Session Own Owner [InternalAdmin]            "End the suspension of an account."
    SetOverride        "admin.accounts.rate_limits.set"      Session Own Owner [InternalAdmin]            "Override a rate limit of an account until a date."
    ClearOverride      "admin.accounts.rate_limits.clear"    Session Own Owner [InternalAdmin]            "End the override of a rate limit."
    TransferOwnership  "admin.accounts.transfer_ownership"   Session Own Owner [InternalAdmin]            "Move the team of an account, with its members and keys, to one of the members."
    WriteSupportNote   "admin.accounts.note"                 Session Own Owner [InternalAdmin]            "Write a note on the audit log of an account."
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_name_is_there_once() {
        let names: HashSet<_> = Action::ALL.iter().map(|action| action.gates().name).collect();
        assert_eq!(names.len(), Action::ALL.len());
    }

    #[test]
    fn what_asks_for_no_credential_asks_for_nothing_else() {
        for gates in Action::ALL.iter().map(|action| action.gates()).filter(|gates| gates.callers == Callers::Anybody) {
            assert!(gates.scopes.is_empty() && gates.standing == Standing::Member, "{}", gates.name);
        }
    }

    #[test]
    fn what_is_for_staff_is_for_nobody_else() {
        for gates in Action::ALL.iter().map(|action| action.gates()) {
            let for_staff = gates.name.starts_with("admin.");
            assert_eq!(gates.scopes.contains(&Scope::InternalAdmin), for_staff, "{}", gates.name);
            assert!(!for_staff || gates.scopes.len() == 1, "{}", gates.name);
        }
    }
}
