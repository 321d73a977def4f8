//! The reads that every request pays for, or that grow with a workspace: each engine must serve them by an index.

use driftstack_domain::{
    id::{AccountId, LeaseId},
    page::PageRequest,
    secret::Digest,
    time::Timestamp,
    webhook::Claim,
};
use uuid::Uuid;

pub(crate) fn account() -> AccountId {
    AccountId::new(Uuid::from_u128(1))
}

pub(crate) fn digest() -> Digest {
    Digest::from_bytes([7; 32])
}

pub(crate) fn page() -> PageRequest {
    PageRequest::default()
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(1).unwrap()
}

pub(crate) fn claim() -> Claim {
    let holder = LeaseId::new(Uuid::from_u128(1));
    Claim { holder, now: now(), until: now(), limit: 100, too_late: now(), why: "" }
}

/// Hands the list to `$check`: a name, and the query with its arguments after the connection.
macro_rules! hot_reads {
    ($check:ident) => {
        $check! {
            a_caller_by_key: caller::by_key(digest(), None);
            a_caller_by_key_who_goes_elsewhere: caller::by_key(digest(), Some(account()));
            a_caller_by_session: caller::by_session(WebSessionId::new(Uuid::from_u128(1)), None);
            a_caller_by_session_who_goes_elsewhere:
                caller::by_session(WebSessionId::new(Uuid::from_u128(1)), Some(account()));
            a_caller_by_key_in_their_organisation: caller::by_key_in_organisation(digest());
            a_caller_by_session_in_their_organisation:
                caller::by_session_in_organisation(WebSessionId::new(Uuid::from_u128(1)));
            a_member_in_an_organisation: organisation::seen_member(account(), account());
            an_organisation: organisation::organisation(account());
            an_organisation_by_its_number: organisation::seen_organisation(1.try_into().unwrap(), account());
            the_organisations_of_a_member: organisation::organisations_of(account(), 100);
            what_a_member_wants_to_be_told: organisation::seen_notices(account());
            ones_own_account: account::own_account(account());
            a_page_of_keys: api_key::keys(account(), page());
            a_page_of_members: membership::members(account(), page());
            a_page_of_owners: membership::owners(account(), page());
            a_membership: membership::seen_membership(MembershipId::new(Uuid::from_u128(1)));
            the_keys_that_are_not_revoked: api_key::unrevoked(account());
            how_many_keys_work: api_key::count_working(account(), now());
            the_keys_in_somebodys_hands: membership::keys_in_hands_of(account(), account());
            a_page_of_pending_invites: invite::pending(account(), now(), page());
            an_invite_by_its_token: invite::seen_token(digest(), account());
            an_invitee: invite::seen_invitee(account(), "ada@example.com".parse::<Email>().unwrap());
            a_page_of_the_log: audit::entries(account(), AuditFilter::default(), page());
            a_page_of_one_action: audit::entries(
                account(),
                AuditFilter { action: Some(ActionFilter::Prefix("team.".to_owned())), ..AuditFilter::default() },
                page()
            );
            a_stretch_of_the_log: audit::down_from(account(), 100, 100);
            the_keys_of_a_log: audit::own_keys(account());
            what_is_new_on_the_log: audit::up_from(account(), 100, 100);
            a_sign_in: auth::seen_sign_in("ada@example.com".parse::<Email>().unwrap());
            a_link: auth::seen_link(digest());
            a_challenge: challenge::seen_challenge(digest());
            a_page_of_sign_ins: web_session::live_sessions(account(), now(), page());
            a_page_of_all_sign_ins: holding::every_sign_in(account(), page());
            a_page_of_all_invites: holding::every_invite(account(), page());
            a_page_of_pending_links: holding::pending_links(account(), now(), page());
            a_page_of_the_mails_of_an_account: holding::caused_mails(account(), page());
            a_page_of_all_usage: holding::every_usage_day(account(), page());
            a_page_of_all_profiles: holding::every_profile(account(), page());
            a_page_of_all_endpoints: holding::every_endpoint(account(), page());
            a_page_of_all_events: holding::every_event(account(), page());
            what_others_were_told_of_somebody: ending::told_of(account());
            the_accounts_that_are_to_be_purged: ending::due(now(), None, 16);
            the_pictures_that_are_due: avatar::claim(now(), now(), 16);
            a_device_that_waits: activation::seen_activation(digest());
            an_account_for_staff: staff::by_id(account());
            an_account_for_the_operator: staff::by_email("ada@example.com".parse::<Email>().unwrap());
            a_page_of_accounts: staff::newest(page());
            a_page_of_addresses: staff::beginning_so("ada".parse::<EmailStart>().unwrap(), page());
            a_tie: staff::tie(account(), account());
            a_page_of_sessions: session::sessions(account(), page());
            a_session: session::session(account(), SessionId::new(Uuid::from_u128(1)));
            sessions_that_run: session::count_running(account());
            a_page_of_profiles: profile::profiles(account(), page());
            a_profile: profile::profile(account(), ProfileId::new(Uuid::from_u128(1)));
            profiles_that_are_kept: profile::count(account());
            what_runs_on_a_profile: profile::running_on(account(), ProfileId::new(Uuid::from_u128(1)));
            the_usage_of_a_quarter: usage::seen_usage(account(), Day::from_number(20_000)..=Day::from_number(20_090));
            the_endpoints_of_an_account: webhook::endpoints(account());
            an_endpoint: webhook::seen_endpoint(account(), EndpointId::new(Uuid::from_u128(1)));
            a_delivery: webhook::seen_delivery(account(), DeliveryId::new(Uuid::from_u128(1)));
            a_page_of_deliveries: webhook::deliveries(EndpointId::new(Uuid::from_u128(1)), None, page());
            a_page_of_dead_deliveries:
                webhook::deliveries(EndpointId::new(Uuid::from_u128(1)), Some(DeliveryStatus::Dlq), page());
            the_endpoint_that_is_due: delivery::claim(claim());
            what_is_too_late: delivery::give_up(EndpointId::new(Uuid::from_u128(1)), claim());
            the_deliveries_that_are_due: delivery::due(EndpointId::new(Uuid::from_u128(1)), now(), 100);
            when_the_next_delivery_is_due: delivery::next_due(EndpointId::new(Uuid::from_u128(1)), now());
            what_is_forgotten: delivery::forget(now(), now(), 100);
            the_mails_that_are_due: mail::claim(now(), now(), 16);
        }
    };
}

pub(crate) use hot_reads;
