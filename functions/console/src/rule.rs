//! `/stock/rules`: what holds for all shops, with a preview of what it would change on the channels.

use app::AppError;
use app::organization::OrganizationPatch;
use app::plan::Executed;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::audit::AuditAction;
use domain::availability::RuleSetting;
use domain::fulfilment::StockDeductedOn;
use domain::matching::AutoLink;
use domain::order::OrderPreference;
use store::api_key::Scope;

use crate::Console;
use crate::fault::{Fault, explained};
use crate::form::{Fields, Posted};
use crate::listing_page::{execution, rule_of};
use crate::order::word;
use crate::page::{Choice, Section, Shell, render};
use crate::plan::PlanView;
use crate::text::ENGLISH;
use crate::visitor::{Visitor, go_saying};

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage {
    shell: Shell,
    buffer: String,
    max_listed: String,
    percent: String,
    auto_link: Vec<Choice>,
    order_sync: Vec<Choice>,
    deducted_on: Vec<Choice>,
    taxes: bool,
    plan: Option<PlanView>,
    refused: Option<String>,
}

/// What the form has: what holds, or what was just said.
struct Draft {
    rule: RuleSetting,
    auto_link: AutoLink,
    order_sync: OrderPreference,
    deducted_on: StockDeductedOn,
    taxes: bool,
}

fn page(
    visitor: &Visitor,
    draft: &Draft,
    plan: Option<PlanView>,
    refused: Option<String>,
) -> Result<Response, Fault> {
    let RuleSetting { buffer, max_listed, percent } = draft.rule;
    let link = |one, value: &str, label: &str| Choice::new(value, label, one == draft.auto_link);
    let sync = |one, value: &str, label: &str| Choice::new(value, label, one == draft.order_sync);
    let on = |one, value: &str, label: &str| Choice::new(value, label, one == draft.deducted_on);
    let view = RulesPage {
        shell: Shell::new(visitor, Section::Stock, ENGLISH.rules),
        buffer: buffer.map(|units| units.to_string()).unwrap_or_default(),
        max_listed: max_listed.map(|units| units.to_string()).unwrap_or_default(),
        percent: percent.map(|percent| percent.get().to_string()).unwrap_or_default(),
        auto_link: vec![
            link(AutoLink::SkuOrName, "sku_or_name", ENGLISH.link_sku_or_name),
            link(AutoLink::Sku, "sku", ENGLISH.link_sku),
            link(AutoLink::Off, "off", ENGLISH.link_off),
        ],
        order_sync: vec![
            sync(OrderPreference::ConfirmedAndFulfilled, "confirmed_and_fulfilled", ENGLISH.orders_all),
            sync(OrderPreference::Confirmed, "confirmed", ENGLISH.orders_confirmed),
        ],
        deducted_on: vec![
            on(StockDeductedOn::Shipment, "shipment", ENGLISH.on_shipment),
            on(StockDeductedOn::Invoice, "invoice", ENGLISH.on_invoice),
        ],
        taxes: draft.taxes,
        plan,
        refused,
    };
    render(visitor, &view)
}

fn stored(visitor: &Visitor) -> Draft {
    let organization = &visitor.organization;
    Draft {
        rule: organization.stock_rule,
        auto_link: organization.auto_link,
        order_sync: organization.order_sync,
        deducted_on: organization.stock_deducted_on,
        taxes: organization.taxes_enabled,
    }
}

pub async fn show(visitor: Visitor) -> Result<Response, Fault> {
    page(&visitor, &stored(&visitor), None, None)
}

fn said(fields: &Fields, visitor: &Visitor) -> Result<Draft, AppError> {
    let rule = rule_of(fields)?;
    let before = stored(visitor);
    Ok(Draft {
        rule: RuleSetting {
            buffer: rule.buffer.flatten(),
            max_listed: rule.max_listed.flatten(),
            percent: rule.percent.flatten(),
        },
        auto_link: word(fields.text("auto_link")).unwrap_or(before.auto_link),
        order_sync: word(fields.text("order_sync")).unwrap_or(before.order_sync),
        deducted_on: word(fields.text("stock_deducted_on")).unwrap_or(before.deducted_on),
        taxes: fields.is_on("taxes_enabled"),
    })
}

/// First what would change; with the plan's id, that and nothing else.
pub async fn save(
    State(console): State<Console>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    let how = execution(&fields);
    let (draft, rule) = match said(&fields, &visitor).and_then(|draft| Ok((draft, rule_of(&fields)?))) {
        Ok(both) => both,
        Err(error) => return page(&visitor, &stored(&visitor), None, explained(&error)),
    };
    let patch = OrganizationPatch {
        taxes_enabled: Some(draft.taxes),
        order_sync: Some(draft.order_sync),
        stock_deducted_on: Some(draft.deducted_on),
        auto_link: Some(draft.auto_link),
        stock_rule: rule,
        ..OrganizationPatch::default()
    };
    match console.app.change_organization_planned(visitor.id(), None, &patch, &how).await {
        Ok(Executed::Done(_)) => {
            visitor.note(&console.app, AuditAction::OrganizationChanged, visitor.id().as_str()).await;
            Ok(go_saying("/stock/rules", ENGLISH.rule_saved))
        }
        Ok(Executed::Plan(plan)) => {
            let plan = PlanView::new(&console.app, visitor.id(), plan).await?;
            page(&visitor, &draft, Some(plan), None)
        }
        Err(error) => match explained(&error) {
            Some(text) => page(&visitor, &draft, None, Some(text)),
            None => Err(error.into()),
        },
    }
}
