//! The tables, as queries see them. `migrations/` says what is behind each column.

macro_rules! tables {
    ($($table:ident ($($key:ident),+) { $($column:ident -> $type:ty,)+ })+) => {
        $(diesel::table! {
            use diesel::sql_types::*;
            use crate::types::{Id, Moment};
            $table ($($key),+) { $($column -> $type,)+ }
        })+
        diesel::allow_tables_to_appear_in_same_query!($($table),+);
    };
}

tables! {
    accounts (id) {
        id -> Id,
        email -> Text,
        name -> Nullable<Text>,
        tier -> Text,
        status -> Text,
        staff -> Bool,
        time_zone -> Nullable<Text>,
        slug -> Nullable<Text>,
        region -> Nullable<Text>,
        onboarding_completed_at -> Nullable<Moment>,
        password_hash -> Text,
        email_verified_at -> Nullable<Moment>,
        created_at -> Moment,
        updated_at -> Moment,
        revision -> BigInt,
        audit_seq -> BigInt,
        audit_hash -> Binary,
        avatar -> Nullable<Text>,
        limit_overrides -> Nullable<Text>,
        active_team -> Nullable<Id>,
        severe_declined -> Bool,
        purge_at -> Nullable<Moment>,
        purged_at -> Nullable<Moment>,
    }

    account_numbers (account) {
        account -> Id,
        number -> BigInt,
    }

    team_numbers (team) {
        team -> Id,
        number -> BigInt,
    }

    account_keys (account, nth) {
        account -> Id,
        nth -> Integer,
        sealed -> Binary,
    }

    avatars (key) {
        key -> Text,
        account -> Id,
        sweep_at -> Nullable<Moment>,
        sweeps -> Integer,
    }

    teams (id) {
        id -> Id,
        owner -> Id,
        name -> Text,
        created_at -> Moment,
        updated_at -> Moment,
        plan -> Text,
    }

    memberships (id) {
        id -> Id,
        owner -> Id,
        member -> Id,
        role -> Text,
        invited_at -> Moment,
        accepted_at -> Moment,
        invited_by -> Nullable<Id>,
        removed_at -> Nullable<Moment>,
    }

    invites (id) {
        id -> Id,
        owner -> Id,
        email -> Text,
        role -> Text,
        token -> Binary,
        invited_by -> Nullable<Id>,
        created_at -> Moment,
        expires_at -> Moment,
        accepted_at -> Nullable<Moment>,
        voided_at -> Nullable<Moment>,
    }

    api_keys (id) {
        id -> Id,
        account -> Id,
        name -> Text,
        digest -> Binary,
        shown_prefix -> Text,
        scopes -> Text,
        minted_by -> Id,
        minted_with -> Nullable<Text>,
        created_at -> Moment,
        expires_at -> Nullable<Moment>,
        revoked_at -> Nullable<Moment>,
        last_used_at -> Nullable<Moment>,
    }

    web_sessions (id) {
        id -> Id,
        account -> Id,
        generation -> Integer,
        os -> Text,
        browser -> Text,
        created_at -> Moment,
        expires_at -> Moment,
        ended_at -> Nullable<Moment>,
        last_used_at -> Nullable<Moment>,
        proven_at -> Nullable<Moment>,
    }

    links (id) {
        id -> Id,
        kind -> Text,
        account -> Id,
        new_email -> Nullable<Text>,
        token -> Binary,
        created_at -> Moment,
        expires_at -> Moment,
        used_at -> Nullable<Moment>,
        voided_at -> Nullable<Moment>,
    }

    link_requests (id) {
        id -> Id,
        kind -> Text,
        email -> Text,
        account -> Nullable<Id>,
        at -> Moment,
    }

    factors (id) {
        id -> Id,
        account -> Id,
        secret -> Binary,
        created_at -> Moment,
        enrolled_at -> Nullable<Moment>,
        last_step -> Nullable<BigInt>,
        last_used_at -> Nullable<Moment>,
        wrong -> Integer,
        wrong_since -> Nullable<Moment>,
        paused_until -> Nullable<Moment>,
    }

    recovery_codes (factor, digest) {
        factor -> Id,
        digest -> Binary,
        used_at -> Nullable<Moment>,
    }

    challenges (id) {
        id -> Id,
        account -> Id,
        token -> Binary,
        address -> Binary,
        created_at -> Moment,
        expires_at -> Moment,
        answered_at -> Nullable<Moment>,
    }

    audit_entries (account, seq) {
        account -> Id,
        seq -> BigInt,
        id -> Id,
        at -> Moment,
        actor_type -> Text,
        actor_account -> Nullable<Id>,
        actor_credential -> Nullable<Text>,
        action -> Text,
        target -> Nullable<Text>,
        payload -> Text,
        prev_hash -> Binary,
        hash -> Binary,
        commitments -> Nullable<Text>,
        personal -> Nullable<Binary>,
    }

    mails (id) {
        id -> Id,
        recipient -> Text,
        content -> Text,
        token -> Nullable<Binary>,
        at -> Moment,
        attempts -> Integer,
        due_at -> Nullable<Moment>,
        sent_at -> Nullable<Moment>,
        problem -> Nullable<Text>,
        account -> Nullable<Id>,
    }

    idempotency (slot) {
        slot -> Binary,
        holder -> Id,
        request -> Binary,
        leased_until -> Moment,
        expires_at -> Moment,
        answer -> Nullable<Binary>,
    }

    activations (id) {
        id -> Id,
        device -> Binary,
        user_code -> Binary,
        client -> Text,
        created_at -> Moment,
        expires_at -> Moment,
        account -> Nullable<Id>,
        session -> Nullable<Id>,
    }

    sessions (id) {
        id -> Id,
        account -> Id,
        created_by -> Id,
        created_with -> Text,
        archetype -> Text,
        purpose -> Text,
        label -> Nullable<Text>,
        metadata -> Nullable<Text>,
        behavior -> Nullable<Text>,
        profile -> Nullable<Id>,
        created_at -> Moment,
        destroyed_at -> Nullable<Moment>,
    }

    profiles (id) {
        id -> Id,
        account -> Id,
        created_by -> Id,
        created_with -> Text,
        name -> Text,
        archetype -> Text,
        description -> Nullable<Text>,
        metadata -> Nullable<Text>,
        created_at -> Moment,
        updated_at -> Moment,
        deleted_at -> Nullable<Moment>,
    }

    usage_days (account, day) {
        account -> Id,
        day -> Integer,
        session_minutes -> BigInt,
    }

    webhook_endpoints (id) {
        id -> Id,
        account -> Id,
        url -> Text,
        secret -> Nullable<Binary>,
        secret_prefix -> Text,
        old_secret -> Nullable<Binary>,
        old_secret_prefix -> Nullable<Text>,
        old_secret_until -> Nullable<Moment>,
        events -> Text,
        description -> Nullable<Text>,
        active -> Bool,
        delivered -> BigInt,
        failed -> BigInt,
        dlq -> BigInt,
        consecutive_failures -> BigInt,
        last_success_at -> Nullable<Moment>,
        last_failure_at -> Nullable<Moment>,
        disabled_at -> Nullable<Moment>,
        created_at -> Moment,
        last_seq -> BigInt,
        due_at -> Nullable<Moment>,
        lease -> Nullable<Id>,
        leased_until -> Moment,
    }

    webhook_events (id) {
        id -> Id,
        account -> Id,
        kind -> Text,
        at -> Moment,
        data -> Text,
        about -> Nullable<Id>,
    }

    webhook_deliveries (id) {
        id -> Id,
        endpoint -> Id,
        event -> Id,
        seq -> BigInt,
        status -> Text,
        attempts -> Integer,
        next_attempt_at -> Moment,
        response_status -> Nullable<Integer>,
        response_excerpt -> Nullable<Text>,
        error -> Nullable<Text>,
        settled_at -> Nullable<Moment>,
        created_at -> Moment,
        replayed_at -> Nullable<Moment>,
    }

    declined_mails (account, mail) {
        account -> Id,
        mail -> Text,
    }
}
