//! Amazon's own shipment on the page of one to Amazon: which it is, what Amazon says of it, and what there is to do.

use app::AppError;
use app::inbound_amazon::InboundPatch;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::InboundShipmentId;
use domain::inbound::{InboundRef, InboundTask};
use domain::transfer::TransferState;
use store::api_key::Scope;
use store::inbound::AtAmazon;

use crate::Console;
use crate::fault::Fault;
use crate::form::{Fields, Posted};
use crate::page::Moment;
use crate::text::ENGLISH;
use crate::visitor::{Visitor, done};

/// As the page shows it; the ids are empty where nobody said which it is.
pub struct AmazonPart {
    pub plan: String,
    pub shipment: String,
    pub status: Option<String>,
    pub confirmation: Option<String>,
    pub checked: Option<Moment>,
    pub task: Option<&'static str>,
    /// SKU and units that Amazon expects, and that were not sent from here.
    pub others: Vec<(String, u32)>,
    pub left_out: u32,
}

impl AmazonPart {
    pub fn new(amazon: Option<&AtAmazon>, state: TransferState, visitor: &Visitor) -> Self {
        let reference = amazon.map(|at| &at.reference);
        let word = amazon.and_then(|at| at.word.as_ref());
        let others =
            word.iter().flat_map(|word| word.others()).map(|one| (one.sku.clone(), one.quantity.get()));
        Self {
            plan: reference.map(|one| one.inbound_plan_id.to_string()).unwrap_or_default(),
            shipment: reference.map(|one| one.shipment_id.to_string()).unwrap_or_default(),
            status: word.and_then(|word| word.status.clone()),
            confirmation: word.and_then(|word| word.confirmation_id.clone()),
            checked: word.map(|word| visitor.at(word.checked_at)),
            task: word.and_then(|word| word.task(state)).map(|task| match task {
                InboundTask::ClosedAtAmazon => ENGLISH.inbound_closed,
                InboundTask::GoneAtAmazon => ENGLISH.inbound_gone,
            }),
            others: others.collect(),
            left_out: word.map_or(0, |word| word.left_out),
        }
    }
}

fn parsed(id: &str) -> Result<InboundShipmentId, AppError> {
    id.parse().map_err(|_| AppError::NotFound("inbound shipment"))
}

fn place(id: &str) -> String {
    format!("/stock/inbound-shipments/{id}")
}

/// Both ids, or none of them.
fn reference(fields: &Fields) -> Result<Option<InboundRef>, AppError> {
    if fields.filled("inbound_plan_id").is_none() && fields.filled("shipment_id").is_none() {
        return Ok(None);
    }
    let (inbound_plan_id, shipment_id) = (fields.parsed("inbound_plan_id")?, fields.parsed("shipment_id")?);
    Ok(Some(InboundRef { inbound_plan_id, shipment_id }))
}

/// Says which of Amazon's shipments it is, or none.
pub async fn tie(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let tied = async {
        let patch = InboundPatch { amazon: Some(reference(&fields)?), reference: None };
        console.app.change_inbound(visitor.id(), &parsed(&id)?, None, &patch).await
    };
    done(tied.await.map(|_| ENGLISH.saved), &place(&id))
}

/// Asks Amazon now.
pub async fn refresh(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let asked = async { console.app.refresh_inbound(visitor.id(), &parsed(&id)?).await };
    done(asked.await.map(|_| ENGLISH.outbound_refreshed), &place(&id))
}
