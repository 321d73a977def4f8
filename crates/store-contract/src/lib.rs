//! What every store of driftstack must do, as tests.
//!
//! The ports of the domain say MUST in their documentation; here is a case for each, written once and run under the same
//! name on every engine. Whoever writes another store implements [`Backend`] for it and says, in an integration test:
//!
//! ```text
//! driftstack_store_contract::store_contract!(my_engine, my_backend);
//!
//! async fn my_backend() -> MyBackend { … }
//! ```
//!
//! Records reach the store as they do in the service: through the domain's use cases, by callers whom the
//! [`Doorkeeper`](driftstack_domain::access::Doorkeeper) has admitted. Where a case needs a record that no honest use case
//! would make (decided on a state that is over), [`forge`] makes it by lying to one.

// A library of tests: a broken expectation is a panic, and a panic is a failed test.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_used
)]

mod backend;
pub mod cases;
mod fakes;
pub mod forge;
pub mod world;

pub use backend::Backend;
pub use fakes::{Letterbox, MovableClock, PlainPasswords, PlainPictures, PlainTokens, Shelf};
pub use world::{Attempt, Person, World};

/// Runs every case against the backends that `$make` (an `async fn` without arguments) hands out, one for each case.
#[macro_export]
macro_rules! store_contract {
    ($engine:ident, $make:ident) => {
        mod $engine {
            $crate::expand_cases! { $make
                accounts {
                    an_account_is_read_as_it_was_written
                    what_is_cleared_is_gone
                    ones_own_account_comes_with_its_teams_but_for_deleted_owners
                    a_taken_slug_is_refused_and_nothing_is_written
                    a_slug_that_was_given_up_is_free
                    a_team_is_renamed
                }
                activations {
                    an_activation_is_read_as_it_was_written
                    a_user_code_is_that_of_one_device
                    a_bound_device_gets_a_key_once
                    a_device_that_does_not_come_back_leaves_no_key
                    whoever_signs_out_takes_the_binding_back
                    of_many_who_type_one_code_one_has_the_device
                    of_many_who_ask_at_once_one_gets_the_key
                    what_is_bound_or_gone_cannot_be_moved
                    what_is_over_is_forgotten
                }
                api_keys {
                    a_key_is_read_as_it_was_written
                    keys_are_listed_newest_first_whatever_their_state
                    a_key_of_another_account_is_not_seen
                    a_rotation_shortens_the_old_key_and_stores_the_successor
                    a_key_that_is_revoked_is_neither_rotated_nor_revoked_again
                    there_may_be_a_thousand_keys
                }
                audit {
                    entries_are_filtered
                    a_walk_visits_every_entry_once
                    entries_are_read_downwards
                    entries_are_read_upwards
                    an_entry_has_a_number_on_its_own_log_alone
                    a_log_without_entries_has_an_empty_head
                    every_commit_moves_the_revision_and_the_head
                    an_entry_survives_the_store_unchanged
                }
                avatars {
                    a_picture_is_worn
                    a_picture_is_due_when_another_takes_its_place
                    a_removed_picture_is_due
                    an_upload_that_nobody_wears_is_due
                    a_worn_picture_is_never_due
                    what_was_claimed_is_nobodys_any_more
                    a_picture_of_another_account_cannot_be_worn
                    what_was_not_claimed_is_not_forgotten
                    a_sweep_that_failed_is_made_again
                    of_two_uploads_at_once_one_is_worn
                    of_a_sweep_and_a_change_one_comes_first
                    two_sweepers_share_no_picture
                }
                callers {
                    a_key_is_seen_with_its_account
                    a_members_key_is_seen_with_its_minter
                    a_key_that_is_over_is_seen_all_the_same
                    a_session_is_seen_with_its_generation
                    an_unknown_credential_is_not_seen
                    a_workspace_is_seen_only_by_its_members
                    a_touch_moves_no_revision_and_the_later_one_stays
                }
                idempotency {
                    a_slot_is_claimed_by_one_alone
                    a_claim_is_given_up_by_its_holder_alone
                    an_abandoned_claim_is_taken_over_after_its_lease
                    an_answer_is_kept_with_the_change_or_not_at_all
                    nothing_is_changed_for_a_claim_that_is_lost
                    every_creation_keeps_its_answer
                    what_has_expired_is_forgotten_in_batches
                    an_expired_answer_is_not_given_again
                    of_sixteen_who_repeat_each_other_one_creates
                    a_holder_and_its_successor_make_one_change
                }
                endings {
                    a_deletion_ends_everything_at_once
                    a_deletion_is_told_to_the_owners_and_to_its_own_endpoints
                    a_deletion_that_is_asked_for_twice_is_one
                    a_deletion_of_somebody_who_has_joined_a_team_meanwhile_is_stale
                    a_deletion_ends_the_sessions_that_run
                    a_sign_in_brings_a_deleted_account_back
                    what_was_handed_out_does_not_come_back
                    the_second_factor_comes_before_the_return
                    address_and_handle_are_free_after_the_purge_alone
                    a_purge_is_due_after_the_grace
                    a_purge_leaves_nobody_in_any_table
                    a_purge_of_one_leaves_the_others_alone
                    a_purge_needs_a_deleted_account_that_is_due
                    a_purge_that_fails_half_way_has_erased_nothing
                    what_a_log_says_of_people_is_told_until_the_purge
                    a_log_has_one_key
                    a_key_that_the_vault_has_lost_keeps_nobody_from_the_log
                    what_is_held_is_read_by_page
                    what_is_deleted_is_held_too
                    of_a_deletion_and_a_sign_in_one_comes_first
                    of_a_return_and_a_purge_one_comes_first
                    two_purgers_purge_once
                    a_deletion_and_a_joining_leave_no_member_behind
                    a_picture_that_the_sweeper_has_keeps_no_account
                    a_purge_and_its_deliveries_wait_for_each_other_in_one_order
                }
                endpoint_cap {
                    one_of_eight_gets_the_last_place
                }
                email_changes {
                    a_wish_does_not_depend_on_an_account
                    a_wish_wakes_the_clerk
                    a_later_wish_voids_the_earlier_link_at_once
                    a_link_goes_to_a_free_address_alone
                    a_confirmed_change_is_stored_whole
                    a_confirmed_change_forgets_the_challenges
                    a_change_that_is_spent_moves_nobody
                    an_address_that_was_taken_meanwhile_moves_nobody
                    nobody_moves_who_may_not_sign_in
                    a_reset_voids_the_wish
                }
                invites {
                    an_invite_is_read_as_it_was_written
                    only_pending_invites_are_listed
                    a_second_invite_voids_the_first
                    an_invite_is_seen_by_its_owner_alone
                    a_token_is_seen_with_the_taker
                    an_invite_that_is_over_cannot_be_moved
                    an_acceptance_makes_a_member
                    an_acceptance_that_fails_half_way_leaves_the_invite_pending
                }
                links {
                    a_request_does_not_depend_on_an_account
                    requests_are_served_oldest_first
                    a_new_link_voids_the_older_ones_and_moves_no_revision
                    a_link_of_another_kind_is_left_alone
                    a_request_is_served_once
                    asking_wakes_the_clerk
                }
                mails {
                    mails_are_claimed_by_one_alone
                    a_lease_that_ran_out_can_be_claimed_again
                    a_sent_mail_is_never_claimed_again_and_its_token_is_forgotten
                    a_failed_mail_is_due_at_its_time_and_a_dead_one_never
                    what_was_sent_cannot_fail_afterwards
                    a_commit_with_a_mail_wakes_the_postman
                    a_refused_commit_leaves_no_mail
                    a_dead_mail_is_listed_and_may_be_requeued
                }
                memberships {
                    members_are_listed_newest_first
                    owners_are_listed_but_for_deleted_ones
                    a_membership_is_seen_after_its_end
                    a_role_changes
                    a_removal_revokes_the_members_keys_and_no_other
                    a_membership_that_ended_cannot_be_moved
                    a_removal_that_fails_half_way_has_removed_nobody
                    somebody_who_left_can_be_invited_again
                    a_walk_is_stable_while_members_come_and_go
                }
                mfa {
                    a_factor_asks_nobody_before_its_first_code
                    an_activation_is_stored_whole
                    an_enrolled_factor_is_neither_replaced_nor_activated_again
                    a_factor_is_given_up_with_its_codes
                    new_recovery_codes_replace_the_older_ones
                    a_challenge_is_answered_once
                    what_an_answer_spends_is_spent_once
                    the_next_challenge_takes_those_with_it_that_are_over
                    wrong_answers_are_counted_and_pause_the_factor
                    of_two_guesses_at_once_each_counts
                    a_proof_is_noted_at_its_session_alone
                    a_reset_forgets_the_challenges_and_asks_for_the_factor
                }
                minters {
                    a_members_key_writes_nothing_after_its_minters_suspension
                    a_members_key_writes_nothing_after_its_minter_has_gone
                    of_a_suspension_and_the_writes_of_a_key_none_comes_after
                    keys_held_in_each_others_hands_do_not_wait_in_a_circle
                }
                notifications {
                    a_severe_entry_rings_for_its_account_alone
                    what_is_not_committed_does_not_ring
                    a_follower_is_told_everything_once_while_many_write
                }
                operator {
                    an_account_is_found_by_its_address_unless_it_is_deleted
                    a_tier_is_changed_with_a_mail
                    a_declined_mail_is_not_wanted
                    staff_is_given_and_taken
                    an_operators_key_is_in_the_accounts_own_hands
                    a_plan_is_kept_with_the_team
                }
                organisations {
                    every_account_and_team_has_a_number_of_its_own
                    a_member_is_seen_in_an_organisation
                    an_organisation_counts_its_members
                    an_organisation_is_seen_by_its_number
                    organisations_are_listed_but_for_those_of_suspended_owners
                    a_session_is_seen_where_its_account_went
                    a_key_is_seen_where_it_was_minted
                    whoever_does_not_belong_any_more_is_seen_at_home
                    an_organisation_that_was_left_meanwhile_is_not_gone_to
                    a_team_that_moves_keeps_its_number_and_its_visitors
                    what_is_declined_is_kept
                }
                profiles {
                    a_profile_is_read_as_it_was_written
                    profiles_are_listed_newest_first
                    a_name_is_that_of_one_profile_of_an_account
                    of_sixty_at_once_as_many_are_kept_as_there_is_room_for
                    one_name_goes_to_one_of_eight
                    a_lower_tier_deletes_nothing_and_the_highest_has_no_cap
                    a_profile_goes_when_nothing_runs_on_it
                    a_profile_that_is_gone_cannot_be_moved
                    of_two_who_change_a_profile_at_once_neither_is_lost
                    of_a_launch_and_a_deletion_one_comes_first
                }
                races {
                    one_slug_goes_to_one_of_sixteen_accounts
                    one_invite_makes_one_member
                    one_address_makes_one_account
                    one_link_verifies_once
                    one_address_is_moved_to_by_one_of_eight_accounts
                    one_link_moves_once
                    one_session_is_renewed_once
                    one_code_opens_once
                    one_recovery_code_opens_once
                    many_guesses_at_once_are_ten_guesses
                    a_role_that_was_taken_away_makes_the_write_stale
                    no_key_of_a_removed_member_lives
                    everybody_gets_on_the_log_in_the_end
                    two_claimers_share_no_mail
                    a_stale_record_writes_nothing
                    two_staff_set_tiers_at_once
                    a_caller_sees_an_override_whole
                    a_team_that_moves_is_not_mixed_with_another
                }
                sessions {
                    a_session_is_read_as_it_was_written
                    sessions_are_listed_newest_first_whatever_their_state
                    a_session_of_another_account_is_not_seen
                    a_session_ends_once
                    of_many_who_end_a_session_at_once_one_does
                    what_is_over_the_cap_is_refused_and_writes_nothing
                    a_lower_tier_ends_nothing_and_refuses_more
                    of_sixty_at_once_as_many_begin_as_there_is_room_for
                    many_who_begin_and_end_never_exceed_the_cap
                    what_begins_and_ends_makes_nobody_stale
                    a_role_that_was_taken_away_begins_and_ends_nothing
                    a_key_that_creates_all_the_time_is_revoked
                }
                sign_in {
                    a_registration_is_stored_whole
                    a_taken_address_is_refused_and_nothing_is_written
                    an_account_is_seen_whatever_its_status
                    a_link_verifies_and_signs_in
                    a_link_that_is_spent_verifies_nothing
                    a_sign_in_begins_a_session
                    a_magic_link_signs_in_once
                    a_magic_link_verifies_the_address_and_takes_the_password_away
                    a_magic_link_that_is_opened_after_the_verification_keeps_the_password
                    a_reset_changes_the_password_and_ends_everything_else
                    a_reset_verifies_the_address
                    the_holder_of_an_account_is_seen
                    what_is_declined_is_seen_with_the_link
                }
                staff {
                    accounts_are_listed_newest_first_but_for_deleted_ones
                    accounts_are_found_by_the_beginning_of_their_address
                    an_override_is_seen_with_the_caller_until_it_is_cleared
                    a_suspension_shuts_the_door_and_its_end_opens_it
                    a_status_that_has_changed_is_not_changed_again
                    what_staff_do_stands_on_both_logs
                    somebody_who_is_no_longer_staff_writes_nothing
                    a_team_moves_with_its_members_invites_and_keys
                    a_team_moves_only_to_a_member_without_a_team
                    a_transfer_that_fails_half_way_has_moved_nothing
                }
                told {
                    an_address_is_forgotten_in_what_others_were_told
                }
                usage {
                    the_days_are_those_of_the_sessions
                    only_the_days_that_are_wanted_are_read
                    no_minute_is_lost_or_counted_twice_while_sessions_end
                }
                web_sessions {
                    a_session_is_renewed
                    a_renewal_needs_the_generation_it_was_decided_on
                    a_session_that_is_over_is_not_renewed
                    a_session_ends_once
                    live_sessions_are_listed_newest_first
                    every_session_but_one_ends
                    a_sign_in_between_makes_the_ending_of_the_others_stale
                    a_preference_is_kept
                }
                webhooks {
                    an_endpoint_is_read_as_it_was_written
                    endpoints_are_listed_newest_first_but_for_deleted_ones
                    an_endpoint_is_changed
                    a_deleted_endpoint_keeps_no_secret_and_gives_up_what_waits
                    what_is_deleted_is_not_changed
                    a_secret_is_rotated_from_the_one_that_was_seen
                    of_sixteen_who_register_at_once_ten_do
                    an_event_is_written_with_its_change
                    what_nobody_wants_to_hear_is_not_written
                    the_team_tells_of_its_members
                    a_refused_commit_tells_nobody
                    a_commit_with_an_event_wakes_the_dispatcher
                    a_ping_is_for_one_endpoint
                    deliveries_are_numbered_in_the_order_of_the_commits
                    an_endpoint_is_claimed_by_one_alone
                    many_who_claim_share_no_endpoint
                    a_lease_that_ran_out_is_taken_over_with_the_same_ids
                    what_was_claimed_and_not_sent_waits_again
                    what_failed_waits_and_holds_up_nothing
                    retries_and_what_is_new_take_turns
                    where_a_stint_is_one_attempt_the_one_that_has_waited_longest_is_made
                    a_slow_endpoint_goes_to_the_back_of_the_queue
                    what_fails_six_times_is_given_up
                    what_has_waited_for_too_long_is_given_up_unsent
                    a_backlog_is_given_up_in_pieces_before_anything_is_sent
                    what_is_replayed_has_all_its_time_again
                    what_waited_for_too_long_while_paused_is_given_up
                    whoever_delivers_hears_of_a_change
                    whoever_has_lost_the_lease_notes_nothing
                    a_paused_endpoint_waits_and_goes_on
                    a_resumed_endpoint_is_still_delivered_to_by_one
                    the_tally_is_kept_with_the_marks
                    a_delivery_is_replayed_from_the_status_it_was_seen_in
                    deliveries_are_listed_newest_first_by_status
                    what_was_settled_long_ago_is_forgotten
                    a_deleted_endpoint_is_forgotten_after_its_deliveries
                    what_was_never_made_is_not_seen
                    what_happens_while_a_lease_ends_is_not_forgotten
                    what_is_replayed_while_a_lease_ends_is_not_forgotten
                    what_is_replayed_is_not_forgotten_meanwhile
                    of_a_deletion_and_a_claim_one_comes_first
                }
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! expand_cases {
    ($make:ident $($module:ident { $($case:ident)+ })+) => { $(
        mod $module {
            #[allow(unused_imports)]
            use super::super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    $crate::cases::$module::$case($make().await).await;
                }
            )+
        }
    )+ };
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    /// A case that nobody expands is a MUST that nobody tests.
    #[test]
    fn every_case_is_in_the_list() {
        let list = include_str!("lib.rs");
        for file in files_below(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/cases"))) {
            let text = fs::read_to_string(file).unwrap();
            for case in text.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
                let name = case.split('<').next().unwrap();
                assert!(list.lines().any(|line| line.trim() == name), "{name}");
            }
        }
    }

    fn files_below(folder: &Path) -> Vec<PathBuf> {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
    }
}
