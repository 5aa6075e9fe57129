//! What the product must do, row by row: a trial's name begins with the row's id and ends with the channel that it was tried
//! on: `a7_several_listings_link_to_one_item::shopify`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::future::Future;
use std::pin::Pin;

use domain::ChannelKind;
use libtest_mimic::{Arguments, Trial};

mod channel_locations;
mod confirm;
mod connections;
mod contacts;
mod history;
mod matching;
mod order_law;
mod orders;
mod privacy;
mod stock;
mod unlinking;

type Day = Pin<Box<dyn Future<Output = ()>>>;

/// A row's name, and how it is tried on a channel.
pub type Row = (&'static str, fn(ChannelKind) -> Day);

/// Names each function of a list as a row.
#[macro_export]
macro_rules! rows {
    ($($row:ident),+ $(,)?) => {
        pub const ROWS: &[$crate::Row] = &[$((stringify!($row), |on| Box::pin($row(on)))),+];
    };
}

/// Says that a row, or a part of it, is not tried on a channel, and why.
pub fn set_aside(row: &str, on: ChannelKind, why: &str) {
    println!("{row}::{on}: set aside: {why}");
}

/// Amazon's and eBay's listings are kept by their SKU: none is without.
pub fn sku_is_the_key(on: ChannelKind) -> bool {
    matches!(on, ChannelKind::Amazon | ChannelKind::Ebay)
}

const HAS_SKU: &str = "no listing is without a SKU";

fn main() {
    let arguments = Arguments::from_args();
    let rows = [
        matching::ROWS,
        confirm::ROWS,
        orders::ROWS,
        order_law::ROWS,
        contacts::ROWS,
        unlinking::ROWS,
        stock::ROWS,
        channel_locations::ROWS,
        connections::ROWS,
        history::ROWS,
        privacy::ROWS,
    ]
    .concat();
    let mut trials = Vec::new();
    for on in ChannelKind::ALL {
        for (name, row) in &rows {
            let row = *row;
            trials.push(Trial::test(format!("{name}::{on}"), move || {
                let mut runtime = tokio::runtime::Builder::new_current_thread();
                runtime.enable_time().start_paused(true).build()?.block_on(row(on));
                Ok(())
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}
