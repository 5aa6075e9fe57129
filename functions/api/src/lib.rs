//! HTTP for merchants and their software: the contract over the use cases.
//!
//! JSON in, domain values to a use case of `app`, JSON out. No rule is decided here but what a request must look like.
//! The OpenAPI document is made from the handlers; `tests/openapi.rs` compares it with `infra/openapi.json`.

#![allow(unused_qualifications, reason = "utoipa's macros write them")]

use std::sync::{Arc, OnceLock};

use app::App;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::{from_fn, from_fn_with_state};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

mod adjustment;
mod api_key;
mod audit;
mod auth;
mod bulk_listing;
mod channel;
mod channel_location;
mod connection;
mod connection_input;
mod consent;
mod contact;
mod csv;
mod dead_letter;
mod document_input;
mod edge;
mod fba;
mod idempotency;
mod inbound;
mod inbound_amazon;
mod input;
mod item;
mod item_stock;
mod listing;
mod location;
mod manual_order;
mod openapi;
mod order;
mod order_body;
mod order_document;
mod order_line;
mod organization;
mod outbound;
mod output;
mod plan;
mod privacy;
mod problem;
mod purchase_receive;
mod session;
mod slip;
mod suggestion;
mod sync;
mod transfer;
mod trust;
mod value;

pub use ::slip::Fonts as SlipFonts;
pub use input::BODY_BYTES_MAX;
pub use problem::Problem;

use edge::QueryNames;

/// What a deployment decides.
#[derive(Debug, Clone, Default)]
pub struct ApiSettings {
    /// SHA-256 of the operator's key, in hex ([`app::secret::digest`]). `None`: nobody makes organizations here.
    pub operator_key_digest: Option<String>,
    /// What slips are written in.
    pub slip_fonts: SlipFonts,
}

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Api {
    app: App,
    settings: ApiSettings,
    document: Arc<str>,
}

/// The whole contract as one service.
pub fn router(app: App, settings: ApiSettings) -> Router {
    let Documented { routes, names, text } = documented();
    let api = Api { app, settings, document: Arc::clone(text) };
    let Routes { open, operator, merchant, personal } = routes.clone();
    let known =
        |routes: Router<Api>| routes.route_layer(from_fn_with_state(names.clone(), edge::known_query));
    let limited = |routes: OpenApiRouter<Api>| {
        let routes = Router::from(routes).route_layer(from_fn_with_state(api.clone(), audit::noted));
        known(routes.route_layer(from_fn_with_state(api.clone(), idempotency::idempotent)))
    };
    let operator = limited(operator).route_layer(from_fn_with_state(api.clone(), auth::operator));
    let merchant = limited(merchant).merge(known(Router::from(personal)));
    let merchant = merchant.route_layer(from_fn_with_state(api.clone(), auth::merchant));
    Router::from(open)
        .merge(operator)
        .merge(merchant)
        .fallback(|| async { Problem::of_status(StatusCode::NOT_FOUND) })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(edge::finish))
        .with_state(api)
}

/// The OpenAPI document, indented as in `infra/openapi.json`.
pub fn openapi_json() -> String {
    let document: Value = serde_json::from_str(&documented().text).unwrap_or_default();
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

#[derive(Clone)]
struct Routes {
    open: OpenApiRouter<Api>,
    operator: OpenApiRouter<Api>,
    merchant: OpenApiRouter<Api>,
    /// The merchant's too; nothing of what is asked or answered here is kept.
    personal: OpenApiRouter<Api>,
}

/// The routes and what they say of themselves.
struct Documented {
    routes: Routes,
    names: QueryNames,
    text: Arc<str>,
}

/// Made once in a process: what all handlers say of themselves is long.
fn documented() -> &'static Documented {
    static DOCUMENTED: OnceLock<Documented> = OnceLock::new();
    DOCUMENTED.get_or_init(|| {
        let routes = Routes {
            open: open_routes(),
            operator: operator_routes(),
            merchant: merchant_routes(),
            personal: personal_routes(),
        };
        let mut document = openapi::base();
        for part in [&routes.open, &routes.operator, &routes.merchant, &routes.personal] {
            document.merge(part.get_openapi().clone());
        }
        let document = openapi::complete(&document);
        Documented { names: QueryNames::of(&document), text: document.to_string().into(), routes }
    })
}

fn open_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(healthz))
        .routes(routes!(get_openapi))
        .routes(routes!(consent::finish_consent, consent::take_consent))
}

fn operator_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::base()).routes(routes!(organization::create_organization))
}

fn merchant_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::problem_schema())
        .routes(routes!(organization::get_organization, organization::change_organization))
        .routes(routes!(api_key::list_api_keys, api_key::create_api_key))
        .routes(routes!(api_key::get_api_key, api_key::delete_api_key))
        .routes(routes!(session::create_session))
        .routes(routes!(location::list_locations, location::create_location))
        .routes(routes!(location::get_location, location::change_location, location::delete_location))
        .routes(routes!(item::list_items, item::create_item))
        .routes(routes!(item::get_item, item::change_item, item::delete_item))
        .routes(routes!(item_stock::get_item_stock))
        .routes(routes!(item_stock::list_movements))
        .routes(routes!(item_stock::list_item_listings))
        .routes(routes!(item_stock::get_availability))
        .routes(routes!(item_stock::push_item))
        .routes(routes!(item_stock::unlink_item))
        .routes(routes!(adjustment::list_adjustments, adjustment::create_adjustment))
        .routes(routes!(adjustment::get_adjustment))
        .routes(routes!(adjustment::void_adjustment))
        .routes(routes!(purchase_receive::list_purchase_receives, purchase_receive::create_purchase_receive))
        .routes(routes!(purchase_receive::get_purchase_receive))
        .routes(routes!(purchase_receive::void_purchase_receive))
        .routes(routes!(transfer::list_transfers, transfer::create_transfer))
        .routes(routes!(transfer::get_transfer))
        .routes(routes!(transfer::receive_transfer))
        .routes(routes!(transfer::void_transfer))
        .routes(routes!(channel::list_channels))
        .routes(routes!(connection::list_connections, connection::create_connection))
        .routes(routes!(
            connection::get_connection,
            connection::change_connection,
            connection::delete_connection
        ))
        .routes(routes!(channel_location::list_channel_locations))
        .routes(routes!(connection::enable_connection))
        .routes(routes!(connection::disable_connection))
        .routes(routes!(fba::enable_fba, fba::disable_fba))
        .routes(routes!(fba::get_fba_stock))
        .routes(routes!(fba::adjust_fba_stock))
        .routes(routes!(fba::mark_fulfilment))
        .routes(routes!(inbound::list_inbound_shipments, inbound::create_inbound_shipment))
        .routes(routes!(inbound::get_inbound_shipment, inbound::change_inbound_shipment))
        .routes(routes!(inbound::refresh_inbound_shipment))
        .routes(routes!(inbound::receive_inbound_shipment))
        .routes(routes!(consent::authorize_connection))
        .routes(routes!(sync::start_sync))
        .routes(routes!(sync::list_syncs))
        .routes(routes!(sync::get_sync))
        .routes(routes!(sync::list_sync_records))
        .routes(routes!(sync::resync))
        .routes(routes!(trust::approve_sync))
        .routes(routes!(trust::cancel_sync))
        .routes(routes!(trust::reconcile))
        .routes(routes!(trust::list_drift))
        .routes(routes!(trust::verify))
        .routes(routes!(trust::get_verification))
        .routes(routes!(listing::list_listings))
        .routes(routes!(bulk_listing::get_summary))
        .routes(routes!(bulk_listing::bulk_listings))
        .routes(routes!(listing::get_listing, listing::change_listing))
        .routes(routes!(listing::release_listing))
        .routes(routes!(suggestion::list_suggestions))
        .routes(routes!(listing::confirm_listing))
        .routes(routes!(listing::link_listing))
        .routes(routes!(listing::unlink_listing))
        .routes(routes!(csv::export_items))
        .routes(routes!(csv::export_orders))
        .routes(routes!(csv::export_movements))
        .routes(routes!(csv::import_items))
        .routes(routes!(audit::list_audit))
        .routes(routes!(dead_letter::list_dead_letters))
        .routes(routes!(dead_letter::redrive_dead_letter))
        .merge(order_routes())
}

fn personal_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(privacy::export_person))
        .routes(routes!(privacy::erase_person))
}

fn order_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(order::list_orders, manual_order::create_order))
        .routes(routes!(order::get_order, manual_order::change_order))
        .routes(routes!(order::get_customer))
        .routes(routes!(order_line::confirm_lines))
        .routes(routes!(order_line::link_line))
        .routes(routes!(manual_order::void_order))
        .routes(routes!(manual_order::fulfil_order))
        .routes(routes!(manual_order::clone_order))
        .routes(routes!(manual_order::list_comments, manual_order::comment_order))
        .routes(routes!(order_document::list_invoices, order_document::create_invoice))
        .routes(routes!(order_document::get_invoice))
        .routes(routes!(order_document::list_packages, order_document::create_package))
        .routes(routes!(order_document::get_package))
        .routes(routes!(order_document::list_shipments, order_document::create_shipment))
        .routes(routes!(order_document::get_shipment))
        .routes(routes!(order_document::deliver_shipment))
        .routes(routes!(slip::package_slip))
        .routes(routes!(slip::shipment_slip))
        .routes(routes!(order_document::push_shipment))
        .routes(routes!(order_document::list_returns, order_document::create_return))
        .routes(routes!(order_document::get_return))
        .routes(routes!(outbound::list_outbound_shipments, outbound::create_outbound_shipment))
        .routes(routes!(outbound::get_outbound_shipment))
        .routes(routes!(outbound::refresh_outbound_shipment))
        .routes(routes!(outbound::cancel_outbound_shipment))
        .routes(routes!(contact::list_contacts, contact::create_contact))
        .routes(routes!(contact::get_contact))
        .routes(routes!(contact::reveal_contact))
}

/// That the process answers.
#[utoipa::path(get, path = "/healthz", tag = "service", responses((status = 200)))]
async fn healthz() -> axum::Json<Value> {
    axum::Json(serde_json::json!({"status": "ok"}))
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "service", responses((status = 200)))]
async fn get_openapi(State(api): State<Api>) -> impl axum::response::IntoResponse {
    ([(CONTENT_TYPE, "application/json")], api.document.to_string())
}
