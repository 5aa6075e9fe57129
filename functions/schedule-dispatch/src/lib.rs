//! From the schedule, every minute: the syncs of every connection that is due are started, and the checks of the ledger
//! that are due and the sweeps of buyers' data go on.

use app::{App, AppError};
use aws::event::ScheduleEvent;

/// One tick. What is due is decided by the clock, not by the event: a late tick does what is due now.
pub async fn handle(app: &App, _event: ScheduleEvent) -> Result<(), AppError> {
    let started = app.dispatch_due().await?;
    if started > 0 {
        tracing::info!(connections = started, "syncs started by schedule");
    }
    app.sweep_due().await?;
    app.verify_due().await
}
