//! Who did, or saw, what, and why. A look at personal data is noted before anything is shown: where it cannot be noted,
//! nothing is.

use domain::audit::AuditAction;
use domain::stock::Actor;
use domain::{AuditId, OrganizationId};
use store::audit::AuditRecord;

use crate::change::not_hex;
use crate::{App, AppError};

/// Who asks, and what for.
#[derive(Debug, Clone)]
pub struct Witness {
    pub actor: Actor,
    pub reason: Option<String>,
}

impl App {
    pub async fn note(
        &self,
        organization: &OrganizationId,
        by: &Witness,
        action: AuditAction,
        object: &(impl ToString + ?Sized),
    ) -> Result<(), AppError> {
        let at = self.clock.now();
        let record = AuditRecord {
            id: AuditId::from_body(&self.ids.next(at)).map_err(not_hex)?,
            actor: by.actor.clone().into(),
            action,
            object: object.to_string(),
            reason: by.reason.clone(),
            at,
        };
        Ok(self.store.put_audit(organization, &record).await?)
    }
}
