//! The console: what a merchant looks at. Pages written on the server over the use cases of `app`; every one works
//! without JavaScript, and better with it.
//!
//! No rule is decided here but what a form must look like. All words are in `text.rs`.

use app::App;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post};

mod asset;
mod channel_location;
mod chart;
mod connect;
mod connection;
mod connection_settings;
mod contact;
mod dashboard;
mod edge;
mod explain;
mod export;
mod fault;
mod fba;
mod form;
mod history;
mod import;
mod inbound_amazon;
mod item;
mod item_form;
mod item_page;
mod key;
mod listing;
mod listing_page;
mod location;
mod names;
mod oidc;
mod order;
mod order_action;
mod order_form;
mod order_page;
mod order_paper;
mod page;
mod pick;
mod plan;
mod rule;
mod sign_in;
mod stock;
mod stock_form;
mod text;
mod visitor;

pub use ::slip::Fonts as SlipFonts;

/// Longest form, in bytes.
pub const FORM_BYTES_MAX: usize = 1024 * 1024;

/// What a deployment decides.
#[derive(Debug, Clone, Default)]
pub struct ConsoleSettings {
    /// What slips are written in.
    pub slip_fonts: SlipFonts,
}

/// What the pages share.
#[derive(Clone)]
pub(crate) struct Console {
    app: App,
    settings: ConsoleSettings,
}

/// All pages as one service, for the root of a host.
pub fn router(app: App, settings: ConsoleSettings) -> Router {
    Router::new()
        .route("/", get(dashboard::show))
        .route("/assets/{name}", get(asset::serve))
        .route("/sign-in", get(sign_in::ask).post(sign_in::sign_in))
        .route("/sign-in/oidc", get(oidc::begin))
        .route("/sign-in/oidc/done", get(oidc::finish))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/keys", get(key::list).post(key::create))
        .route("/keys/{id}/revoke", post(key::revoke))
        .route("/exports/{file}", get(export::serve))
        .merge(orders())
        .merge(listings())
        .merge(connections())
        .merge(items())
        .merge(stock())
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(from_fn(edge::finish))
        .with_state(Console { app, settings })
}

fn orders() -> Router<Console> {
    Router::new()
        .route("/orders", get(order::list))
        .route("/orders/new", get(order_form::blank).post(order_form::work))
        .route("/orders/new/items", get(order_form::find))
        .route("/contacts", get(contact::list))
        .route("/contacts/{id}", get(contact::show))
        .route("/contacts/{id}/reveal", post(contact::reveal))
        .route("/orders/{id}", get(order_page::show))
        .route("/orders/{id}/{kind}", get(order_paper::form).post(order_paper::make))
        .route("/orders/{id}/clone", post(order_form::copy))
        .route("/orders/{id}/reveal", post(order_page::reveal))
        .route("/orders/{id}/confirm", post(order_action::confirm))
        .route("/orders/{id}/lines/{line}", get(order_page::line).post(order_action::link))
        .route("/orders/{id}/comments", post(order_action::comment))
        .route("/orders/{id}/void", post(order_action::void))
        .route("/orders/{id}/documents/{document}/deliver", post(order_action::deliver))
        .route("/orders/{id}/documents/{document}/push", post(order_action::push))
        .route("/orders/{id}/documents/{document}/refresh", post(order_action::refresh))
        .route("/orders/{id}/documents/{document}/cancel", post(order_action::cancel))
        .route("/orders/{id}/documents/{document}/slip.pdf", get(order_action::slip))
}

fn listings() -> Router<Console> {
    Router::new()
        .route("/listings", get(listing::list))
        .route("/listings/bulk", post(listing::bulk))
        .route("/listings/{id}", get(listing_page::show))
        .route("/listings/{id}/confirm", post(listing_page::confirm))
        .route("/listings/{id}/link", post(listing_page::link))
        .route("/listings/{id}/unlink", post(listing_page::unlink))
        .route("/listings/{id}/dismiss", post(listing_page::dismiss))
        .route("/listings/{id}/restore", post(listing_page::restore))
        .route("/listings/{id}/release", post(listing_page::release))
        .route("/listings/{id}/rule", post(listing_page::rule))
        .route("/listings/{id}/fba-stock", get(fba::show).post(fba::adjust))
}

fn connections() -> Router<Console> {
    Router::new()
        .route("/connections", get(connection::list))
        .route("/connections/new", get(connect::choose))
        .route("/connections/new/{channel}", get(connect::form).post(connect::connect))
        .route("/connections/{id}", get(connection::show))
        .route("/connections/{id}/authorize", post(connect::authorize))
        .route("/connections/{id}/credentials", post(connect::renew))
        .route("/connections/{id}/settings", get(connection_settings::form).post(connection_settings::save))
        .route("/connections/{id}/locations", get(channel_location::form).post(channel_location::save))
        .route("/connections/{id}/fba", post(fba::set))
        .route("/connections/{id}/sync", post(connection::sync))
        .route("/connections/{id}/reconcile", post(connection::reconcile))
        .route("/connections/{id}/enable", post(connection::enable))
        .route("/connections/{id}/disable", post(connection::disable))
        .route("/connections/{id}/delete", post(connection::delete))
        .route("/connections/{id}/history", get(history::list))
        .route("/connections/{id}/history/{sync}", get(history::show))
        .route("/connections/{id}/history/{sync}/progress", get(history::progress))
        .route("/connections/{id}/history/{sync}/{action}", post(history::act))
}

fn items() -> Router<Console> {
    Router::new()
        .route("/items", get(item::list))
        .route("/items/mark", post(item::mark))
        .route("/items/import", get(import::form).post(import::import))
        .route("/items/new", get(item_form::blank).post(item_form::create))
        .route("/items/{id}", get(item_page::show))
        .route("/items/{id}/edit", get(item_form::edit).post(item_form::change))
        .route("/items/{id}/push", post(item_page::push))
        .route("/items/{id}/mark", post(item_page::mark))
        .route("/items/{id}/unlink", post(item_page::unlink))
        .route("/items/{id}/delete", post(item_page::delete))
        .route("/items/{id}/explain", get(explain::show))
}

fn stock() -> Router<Console> {
    Router::new()
        .route("/stock", get(stock::list))
        .route("/stock/{kind}/new", get(stock_form::form).post(stock_form::post))
        .route("/stock/{kind}/{id}", get(stock::show))
        .route("/stock/{kind}/{id}/void", post(stock::void))
        .route("/stock/{kind}/{id}/receive", post(stock::receive))
        .route("/stock/inbound-shipments/{id}/amazon", post(inbound_amazon::tie))
        .route("/stock/inbound-shipments/{id}/refresh", post(inbound_amazon::refresh))
        .route("/stock/locations", get(location::list).post(location::create))
        .route("/stock/locations/{id}", get(location::show).post(location::change))
        .route("/stock/locations/{id}/delete", post(location::delete))
        .route("/stock/rules", get(rule::show).post(rule::save))
}
