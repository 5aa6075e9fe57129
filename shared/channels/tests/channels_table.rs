//! The table of `docs/channels.md` is what the adapters declare.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use channels::{Channel, adapter};
use domain::ChannelKind;

const BEGIN: &str = "<!-- generated: the table below -->\n";
const END: &str = "<!-- generated: until here -->\n";

fn yes(it_is: bool) -> String {
    if it_is { "yes" } else { "no" }.to_owned()
}

fn names(fields: &[&str]) -> String {
    if fields.is_empty() {
        return "–".to_owned();
    }
    fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ")
}

type Row = (&'static str, fn(&dyn Channel) -> String);

const ROWS: [Row; 17] = [
    ("key", |channel| format!("`{}`", channel.kind())),
    ("authorization", |channel| channel.capability().authorization.as_str().to_owned()),
    ("page of consent", |channel| yes(channel.consent().is_some())),
    ("access ends and is renewed", |channel| yes(channel.tokens().is_some())),
    ("credentials required", |channel| names(channel.capability().credentials_required)),
    ("credentials optional", |channel| names(channel.capability().credentials_optional)),
    ("of these, the deployment's where a connection has none", |channel| {
        names(channel.capability().application_keys)
    }),
    ("`endpoint`", |channel| channel.capability().home.map_or("the store's".to_owned(), str::to_owned)),
    ("listings a page", |channel| channel.capability().listing_page_max.to_string()),
    ("listings by time of change", |channel| yes(channel.capability().listing_changes)),
    ("orders a page, by id in a call", |channel| {
        let capability = channel.capability();
        format!("{}, {}", capability.order_page_max, capability.order_ids_max)
    }),
    ("stock numbers a call", |channel| channel.capability().stock_batch_max.to_string()),
    ("stock is compared before it is set", |channel| yes(channel.capability().stock_compare_and_set)),
    ("stock by location", |channel| yes(channel.capability().locations.is_told())),
    ("an order's lines can be raised and lowered", |channel| yes(channel.capability().order_edits)),
    ("a look at new orders before each push", |channel| yes(channel.capability().order_look_before_push)),
    ("units of a part of an order", |channel| channel.partial_shipments().as_str().to_owned()),
];

fn table() -> String {
    let all: Vec<&dyn Channel> = ChannelKind::ALL.into_iter().map(adapter).collect();
    let mut table = String::from("| |");
    for channel in &all {
        table.push_str(&format!(" {} |", channel.capability().name));
    }
    table.push_str(&format!("\n| --- |{}\n", " --- |".repeat(all.len())));
    for (name, of) in ROWS {
        table.push_str(&format!("| {name} |"));
        for channel in &all {
            table.push_str(&format!(" {} |", of(*channel)));
        }
        table.push('\n');
    }
    table
}

/// Compares with the file; with `UPDATE_DOCS=1` in the environment, writes it instead.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
fn the_table_is_what_the_adapters_declare() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/channels.md");
    let kept = std::fs::read_to_string(path).unwrap();
    let (before, rest) = kept.split_once(BEGIN).expect("the mark where the table begins");
    let (_, after) = rest.split_once(END).expect("the mark where the table ends");
    let right = format!("{before}{BEGIN}\n{}\n{END}{after}", table());
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(path, &right).unwrap();
        return;
    }
    assert!(
        kept == right,
        "docs/channels.md is not what the adapters declare: UPDATE_DOCS=1 cargo test -p channels --test channels_table"
    );
}

/// Each channel has its section, which leads to its own page.
#[test]
fn every_channel_has_its_section() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/channels.md");
    let text = std::fs::read_to_string(path).unwrap();
    for kind in ChannelKind::ALL {
        let page = format!("(../shared/channels/src/{kind}/README.md)");
        assert!(
            text.contains(&format!("\n## {}\n", adapter(kind).capability().name)),
            "{kind} has no section"
        );
        assert!(text.contains(&page), "{page} is not linked");
    }
}
