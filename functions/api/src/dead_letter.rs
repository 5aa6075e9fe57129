//! `/v1/dead-letters`: work that its queue gave up.

use app::dead_letter::{DeadLetter, DeadLetterId};
use axum::extract::State;
use domain::{ConnectionId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::audit::Reason;
use crate::auth::{Reader, Writer};
use crate::input::{Filter, Id, Nothing, OptionalBody, PageQuery};
use crate::output::{List, Single};
use crate::problem::Problem;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub struct DeadLetterBody {
    id: String,
    /// The queue that gave it up.
    queue: String,
    #[schema(value_type = Option<String>)]
    connection_id: Option<ConnectionId>,
    /// What was to be done; `null` where the message cannot be read.
    task: Option<&'static str>,
    /// Why it was given up.
    #[schema(pattern = "^(never_finished|unreadable_message|unknown_message_version)$")]
    code: &'static str,
    /// What that means, and what to do.
    reason: &'static str,
    /// How often it was tried, looks at it included.
    receive_count: u32,
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
}

impl From<DeadLetter> for DeadLetterBody {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id.to_string(),
            queue: letter.id.queue.to_string(),
            connection_id: letter.connection_id,
            task: letter.task,
            code: letter.code,
            reason: letter.reason,
            receive_count: letter.receive_count,
            sent_at: letter.sent_at,
        }
    }
}

/// Oldest first. Of each queue the first hundred are looked through; what is behind them is seen as they are redriven.
#[utoipa::path(get, path = "/v1/dead-letters", tag = "operation", params(PageQuery),
    responses((status = 200, body = List<DeadLetterBody>)))]
pub async fn list_dead_letters(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<PageQuery>,
) -> Result<List<DeadLetterBody>, Problem> {
    let page = query.request()?;
    let channels = api.app.channels_of(&caller.organization_id).await?;
    let letters = api.app.dead_letters(&caller.organization_id, &channels).await?;
    List::part(letters.into_iter().map(DeadLetterBody::from).collect(), "dead-letters", &page)
}

/// Puts it back into its queue, to be tried anew. Noted in the audit. 404 where it is not there, or not any more.
#[utoipa::path(post, path = "/v1/dead-letters/{id}/redrive", tag = "operation", params(("id" = String, Path),
    ("X-Reason" = Option<String>, Header, description = "Why, for the audit.")),
    responses((status = 200, body = DeadLetterBody)))]
pub async fn redrive_dead_letter(
    State(api): State<Api>,
    Writer(caller): Writer,
    reason: Reason,
    Id(id): Id<DeadLetterId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<DeadLetterBody>, Problem> {
    let by = reason.of(&caller);
    Ok(Single::ok(api.app.redrive(&caller.organization_id, &by, &id).await?.into()))
}
