//! Who did, or saw, what: the words of the audit.

use serde::{Deserialize, Serialize};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// A buyer's data was shown.
    CustomerRevealed,
    /// What a person wrote of a contact was shown.
    ContactRevealed,
    /// A slip with a buyer's name and address was made.
    SlipPrinted,
    /// All that is kept of one person was shown.
    PersonalDataExported,
    /// All that was kept of one person was deleted.
    PersonalDataErased,
    DeadLetterRedriven,
    ApiKeyCreated,
    ApiKeyDeleted,
    OrganizationChanged,
    ConnectionCreated,
    ConnectionChanged,
    ConnectionDeleted,
    ConnectionEnabled,
    ConnectionDisabled,
    ConnectionAuthorized,
}
