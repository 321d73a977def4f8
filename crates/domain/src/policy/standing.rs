//! How a person stands to a workspace.

use serde::{Deserialize, Serialize};

use crate::word::words;

words! {
    /// The role a membership gives. Ownership is not a role: it is never assigned and cannot be taken away.
    Role, RoleError, "role" {
        /// Reads.
        Member = "member",
        /// Reads and writes.
        Admin = "admin",
    }
}

/// How somebody stands to a workspace, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    Member,
    Admin,
    Owner,
}

impl Standing {
    pub const ALL: [Self; 3] = [Self::Member, Self::Admin, Self::Owner];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl From<Role> for Standing {
    fn from(role: Role) -> Self {
        match role {
            Role::Member => Self::Member,
            Role::Admin => Self::Admin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_role_reaches_the_owner() {
        assert!(Role::ALL.iter().all(|role| Standing::from(*role) < Standing::Owner));
        assert!(Standing::Member < Standing::Admin);
    }

    #[test]
    fn owner_is_not_a_role_that_can_be_asked_for() {
        assert!("owner".parse::<Role>().is_err());
    }
}
