//! Changing a row that others change too: read, decide, write if nothing came between, else again.

use domain::id::InvalidId;

use crate::AppError;

/// How often a change is decided anew before the caller is told to come back later.
pub(crate) const CHANGES_MAX: u32 = 5;

/// The code of a change that was made dependent on a version which is gone.
pub const PRECONDITION_FAILED: &str = "precondition_failed";

/// Whether the row is still the one that the caller saw. `None`: the caller does not mind.
pub(crate) fn check_version(version: u64, expected: Option<u64>) -> Result<(), AppError> {
    match expected {
        Some(expected) if expected != version => {
            Err(AppError::conflict(PRECONDITION_FAILED, "it was changed since it was read"))
        }
        _ => Ok(()),
    }
}

/// [`crate::Ids`] made what is no id.
pub(crate) fn not_hex(_: InvalidId) -> AppError {
    AppError::Internal("ids must be hex")
}
