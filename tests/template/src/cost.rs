//! `docs/cost.md`: its tables are computed here, from prices, counted operations and named assumptions.

use crate::document::root;

/// US dollars of 10^-12, so that no price needs a fraction.
type Pico = u64;
const MICRO: Pico = 1_000_000;

// Prices of us-east-1, on demand, as the page states them.
const WRITE_UNIT: Pico = 625_000;
const READ_UNIT: Pico = 125_000;
const QUEUE_REQUEST: Pico = 500_000;
const STANDARD_QUEUE_REQUEST: Pico = 400_000;
const HTTP_REQUEST: Pico = MICRO;
const INVOCATION: Pico = 200_000;
const GB_SECOND: Pico = 13_333_400;
const BUS_EVENT: Pico = MICRO;
const KEY_REQUEST: Pico = 3 * MICRO;
const LOG_KB: Pico = 500_000;
const STORED_GB_MONTH: Pico = 450_000 * MICRO;
const ALARM_METRIC: Pico = 100_000 * MICRO;
const OWN_METRIC: Pico = 300_000 * MICRO;
const DASHBOARD: Pico = 3_000_000 * MICRO;
const KEY_AND_SECRET: Pico = 1_400_000 * MICRO;

const MINUTES_A_MONTH: u64 = 30 * 24 * 60;
/// Five pollers, each asking for 20 seconds.
const POLLS_A_QUEUE: u64 = MINUTES_A_MONTH * 5 * 3;
/// Every four hours.
const SYNCS_A_MONTH: u64 = 30 * 6;

/// What something uses.
#[derive(Clone, Copy, Default)]
struct Use {
    writes: u64,
    half_reads: u64,
    queue: u64,
    http: u64,
    invocations: u64,
    /// Milliseconds of one GB.
    gb_ms: u64,
    events: u64,
    key: u64,
    log_kb: u64,
}

impl Use {
    fn parts(self) -> [(&'static str, u64, Pico); 9] {
        [
            ("write units", self.writes, self.writes * WRITE_UNIT),
            ("read units", self.half_reads / 2, self.half_reads * READ_UNIT / 2),
            ("queue requests", self.queue, self.queue * QUEUE_REQUEST),
            ("HTTP requests", self.http, self.http * HTTP_REQUEST),
            ("invocations", self.invocations, self.invocations * INVOCATION),
            ("GB-seconds", self.gb_ms / 1000, self.gb_ms * (GB_SECOND / 1000)),
            ("events told", self.events, self.events * BUS_EVENT),
            ("key requests", self.key, self.key * KEY_REQUEST),
            ("KB of log", self.log_kb, self.log_kb * LOG_KB),
        ]
    }

    fn price(self) -> Pico {
        self.parts().iter().map(|(_, _, price)| price).sum()
    }
}

/// Orders of two lines with two items, on `connections` that sell both: new, and told twice more.
fn orders(count: u64, connections: u64) -> Use {
    let each = Use {
        writes: 13 + 1 + 3 * connections,
        half_reads: 15 + 2 * 10 + 4 + 13 * connections,
        queue: 3 * (3 + connections),
        http: 3,
        invocations: 3 + 3 + 1 + 3 + connections,
        // Intake 256 MB 50 ms, import 512 MB 600 ms, fan-out and telling 256 MB 100 ms, push 512 MB 1 s.
        gb_ms: 3 * 13 + 3 * 300 + 25 + 3 * 25 + 500 * connections,
        events: 5,
        key: 1 + 3 + connections,
        log_kb: 2 * (10 + connections),
    };
    scaled(each, count)
}

/// Listings told a new number, a hundred a push.
fn pushes(listings: u64) -> Use {
    let batches = listings.div_ceil(100);
    Use {
        writes: listings + batches,
        half_reads: 3 * listings + 11 * batches,
        queue: 3 * batches,
        invocations: 2 * batches,
        // A push of 512 MB for 2 s, a fan-out of 256 MB for 1 s.
        gb_ms: batches * (1_000 + 250),
        key: batches,
        log_kb: 4 * batches,
        ..Use::default()
    }
}

/// A sync of listings that finds nothing new, for each 1,000 of them.
fn syncs(thousands: u64) -> Use {
    let each = Use {
        writes: 86,
        half_reads: 2 * 678,
        queue: 15,
        invocations: 5,
        gb_ms: 5 * 5_000,
        key: 5,
        log_kb: 10,
        ..Use::default()
    };
    scaled(each, thousands)
}

/// The schedule's ticks of a month.
fn ticks() -> Use {
    let each = Use { half_reads: 10, invocations: 1, gb_ms: 13, log_kb: 1, ..Use::default() };
    scaled(each, MINUTES_A_MONTH)
}

fn scaled(each: Use, times: u64) -> Use {
    Use {
        writes: each.writes * times,
        half_reads: each.half_reads * times,
        queue: each.queue * times,
        http: each.http * times,
        invocations: each.invocations * times,
        gb_ms: each.gb_ms * times,
        events: each.events * times,
        key: each.key * times,
        log_kb: each.log_kb * times,
    }
}

fn alarm_metrics(channels: u64) -> u64 {
    40 + 8 * channels
}

/// What Amazon's queue of notifications costs a month beside those of every channel, with its two alarms.
fn amazon_s_own() -> Pico {
    POLLS_A_QUEUE * STANDARD_QUEUE_REQUEST + 2 * ALARM_METRIC
}

fn idle(channels: u64) -> Vec<(&'static str, Pico)> {
    vec![
        ("polling", 4 * channels * POLLS_A_QUEUE * QUEUE_REQUEST),
        ("schedule", ticks().price()),
        ("alarms", alarm_metrics(channels) * ALARM_METRIC),
        ("figures", 10 * OWN_METRIC),
        ("dashboard", DASHBOARD),
        ("key and secret", KEY_AND_SECRET),
    ]
}

/// What AWS gives free every month to an account that uses nothing else: a million queue requests, 10 alarm metrics, 10
/// metrics, 3 dashboards.
fn given(channels: u64) -> Pico {
    let polling = (4 * channels * POLLS_A_QUEUE).min(1_000_000) * QUEUE_REQUEST;
    polling + 10 * ALARM_METRIC + 10 * OWN_METRIC + DASHBOARD
}

fn dollars(price: Pico) -> String {
    let tenths_of_a_cent = (price + 500 * MICRO) / (1_000 * MICRO);
    format!("${}.{:03}", tenths_of_a_cent / 1000, tenths_of_a_cent % 1000)
}

fn tables() -> String {
    let mut text = String::from(
        "| | 1,000 orders, 2 lines, 2 connections | | 10,000 pushes | |\n| --- | --- | --- | --- | --- |\n",
    );
    let (order, push) = (orders(1_000, 2), pushes(10_000));
    for ((name, used, price), (_, pushed, push_price)) in order.parts().into_iter().zip(push.parts()) {
        text += &format!("| {name} | {used} | {} | {pushed} | {} |\n", dollars(price), dollars(push_price));
    }
    text +=
        &format!("| **together** | | **{}** | | **{}** |\n", dollars(order.price()), dollars(push.price()));

    text += "\n| idle, a month | 1 channel | 2 | 3 | 4 | 5 |\n| --- | --- | --- | --- | --- | --- |\n";
    for (row, (name, _)) in idle(1).into_iter().enumerate() {
        let prices: Vec<String> = (1..=5).map(|channels| dollars(idle(channels)[row].1)).collect();
        text += &format!("| {name} | {} |\n", prices.join(" | "));
    }
    let sum = |channels| idle(channels).iter().map(|(_, price)| price).sum::<Pico>();
    let row =
        |price: &dyn Fn(u64) -> Pico| (1..=5).map(|n| dollars(price(n))).collect::<Vec<_>>().join(" | ");
    text += &format!("| **list price** | {} |\n", row(&sum));
    text += &format!("| **less what is free** | {} |\n", row(&|channels| sum(channels) - given(channels)));

    text += &format!(
        "\nWhere Amazon is one of them, its queue of notifications and two alarms cost {} more, here and below.\n",
        dollars(amazon_s_own())
    );

    text += "\n| a month | small | medium | large |\n| --- | --- | --- | --- |\n";
    let sizes = [(1, 1_000, 300, 2_000), (3, 5_000, 5_000, 50_000), (5, 50_000, 100_000, 1_000_000)];
    let mut columns: Vec<[String; 9]> = Vec::new();
    for (channels, listings, sold, pushed) in sizes {
        let idle = sum(channels) - given(channels);
        let synced = syncs(channels * listings / 1_000 * SYNCS_A_MONTH).price();
        let ordered = orders(sold, channels).price();
        let told = pushes(pushed).price();
        // 3 KB a listing with its item, 4 KB an order, kept a year, in MB.
        let stored_mb = (channels * listings * 3 + sold * 12 * 4) / 1_000;
        let stored = stored_mb * (STORED_GB_MONTH / 1_000);
        columns.push([
            format!("{channels} × {listings}"),
            sold.to_string(),
            pushed.to_string(),
            dollars(idle),
            dollars(synced),
            dollars(ordered),
            dollars(told),
            dollars(stored),
            format!("**{}**", dollars(idle + synced + ordered + told + stored)),
        ]);
    }
    let names = [
        "channels × listings",
        "orders",
        "pushes beside them",
        "idle, less what is free",
        "item syncs",
        "orders",
        "pushes",
        "storage",
        "**together**",
    ];
    for (at, name) in names.into_iter().enumerate() {
        let cells: Vec<&str> = columns.iter().map(|column| column[at].as_str()).collect();
        text += &format!("| {name} | {} |\n", cells.join(" | "));
    }
    text
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
fn the_page_has_what_its_numbers_come_to() {
    const BEGIN: &str = "<!-- computed: tests/template/src/cost.rs -->\n\n";
    const END: &str = "\n<!-- end -->";
    let path = root().join("docs/cost.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", tables())).unwrap();
    } else {
        assert_eq!(written, tables(), "run with UPDATE_DOCS=1");
    }
}

#[test]
fn the_alarms_are_as_many_as_are_counted() {
    let template = crate::document::load();
    let (mut always, mut by_channel, mut amazon_s) = (0, 0, 0);
    for (_, alarm) in crate::document::resources(&template, "AWS::CloudWatch::Alarm") {
        match alarm["Properties"]["Metrics"].as_array() {
            None if alarm["Condition"] == "AmazonEnabled" => amazon_s += 1,
            None => always += 1,
            Some(metrics) => {
                let choices = metrics.iter().filter(|metric| metric["Fn::If"].is_array()).count();
                by_channel += choices;
                always += metrics.iter().filter(|metric| metric["MetricStat"].is_object()).count();
            }
        }
    }
    assert_eq!((by_channel, amazon_s), (5 * 8, 2));
    assert_eq!(u64::try_from(always + by_channel).unwrap(), alarm_metrics(5));
}
