//! The WooCommerce adapter against exchanges recorded with a real shop (`tests/fixtures/woocommerce`): what it asks, what
//! it makes of the answers, and that it steps around the traps which they hold.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod identity;
mod listings;
mod orders;
mod replay;
mod shipments;
mod stock;
mod webhooks;
