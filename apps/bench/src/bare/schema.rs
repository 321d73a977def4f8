//! The columns that the bare handlers touch.

/// Ids and times have a type of their own in each engine.
macro_rules! schema {
    ($id:ident, $moment:ident) => {
        diesel::table! {
            accounts (id) {
                id -> $id,
                email -> Text,
                name -> Nullable<Text>,
                tier -> Text,
                status -> Text,
                time_zone -> Nullable<Text>,
                slug -> Nullable<Text>,
                region -> Nullable<Text>,
                onboarding_completed_at -> Nullable<$moment>,
                updated_at -> $moment,
                revision -> BigInt,
                audit_seq -> BigInt,
                audit_hash -> Binary,
            }
        }

        diesel::table! {
            memberships (id) {
                id -> $id,
                owner -> $id,
                member -> $id,
                role -> Text,
                removed_at -> Nullable<$moment>,
            }
        }

        diesel::table! {
            api_keys (id) {
                id -> $id,
                account -> $id,
                minted_by -> $id,
                digest -> Binary,
                scopes -> Text,
                expires_at -> Nullable<$moment>,
                revoked_at -> Nullable<$moment>,
            }
        }

        diesel::table! {
            audit_entries (account, seq) {
                account -> $id,
                seq -> BigInt,
                id -> $id,
                at -> $moment,
                actor_type -> Text,
                actor_account -> Nullable<$id>,
                actor_credential -> Nullable<Text>,
                action -> Text,
                target -> Nullable<Text>,
                payload -> Text,
                prev_hash -> Binary,
                hash -> Binary,
            }
        }

        diesel::table! {
            factors (id) {
                id -> $id,
                account -> $id,
                enrolled_at -> Nullable<$moment>,
            }
        }

        diesel::table! {
            sessions (id) {
                id -> $id,
                account -> $id,
                created_by -> $id,
                created_with -> Text,
                archetype -> Text,
                purpose -> Text,
                created_at -> $moment,
                destroyed_at -> Nullable<$moment>,
            }
        }

        diesel::table! {
            profiles (id) {
                id -> $id,
                account -> $id,
                deleted_at -> Nullable<$moment>,
            }
        }

        diesel::allow_tables_to_appear_in_same_query!(
            accounts,
            factors,
            memberships,
            api_keys,
            audit_entries,
            sessions,
            profiles
        );
    };
}

pub(super) use schema;
