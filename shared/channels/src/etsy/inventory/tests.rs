use domain::Quantity;
use domain::listing::ListingRef;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A listing of products `Red`, `Blue`, …: units and whether they are enabled.
fn listing(state: &str, products: &[(i64, bool)]) -> Listing {
    pooled(state, products, &[513])
}

fn pooled(state: &str, products: &[(i64, bool)], quantity_on_property: &[u64]) -> Listing {
    let product = |(n, (quantity, enabled)): (usize, &(i64, bool))| {
        json!({
            "product_id": 100 + n, "sku": format!("S-{n}"), "is_deleted": false,
            "property_values": [{
                "property_id": 513, "property_name": "Colour", "scale_id": null, "scale_name": null,
                "value_ids": [900 + n], "values": [COLOURS[n]],
            }],
            "offerings": [{
                "offering_id": 200 + n, "quantity": quantity, "is_enabled": enabled, "is_deleted": false,
                "price": { "amount": 1999 + n, "divisor": 100, "currency_code": "USD" }, "readiness_state_id": 4,
            }],
        })
    };
    let products: Vec<Value> = products.iter().enumerate().map(product).collect();
    let record = json!({
        "listing_id": 1, "title": "Shirt", "state": state, "has_variations": true, "listing_type": "physical",
        "inventory": {
            "products": products, "price_on_property": [513], "quantity_on_property": quantity_on_property,
            "sku_on_property": [513], "readiness_state_on_property": [],
        },
    });
    serde_json::from_value(record).unwrap()
}

const COLOURS: [&str; 4] = ["Red", "Blue", "Green", "Grey"];

fn target(n: usize, quantity: i64, expected: Option<i64>) -> StockTarget {
    StockTarget {
        listing: ListingRef {
            external_id: "1".to_owned(),
            variation_id: Some(format!("513:{}", COLOURS[n])),
        },
        stock_ref: None,
        quantity: Quantity::new(quantity).unwrap(),
        expected,
        locations: Vec::new(),
    }
}

/// Outcomes (`a`ccepted, `s`tale, a code, `.` for what the steps decide), steps, numbers as written.
fn told(listing: &Listing, targets: &[StockTarget]) -> (Vec<String>, Vec<Step>, Vec<(i64, bool)>) {
    let plan = plan(listing, targets);
    let outcome = |outcome: &Option<StockOutcome>| match outcome {
        None => ".".to_owned(),
        Some(StockOutcome::Accepted) => "a".to_owned(),
        Some(StockOutcome::Stale { observed }) => format!("s{}", observed.unwrap_or(-1)),
        Some(StockOutcome::Rejected { code, .. } | StockOutcome::Failed { code, .. }) => (*code).to_owned(),
        Some(StockOutcome::Submitted { .. }) => "later".to_owned(),
    };
    let numbers = if plan.steps.is_empty() {
        Vec::new()
    } else {
        plan.numbers.iter().map(|number| (number.quantity, number.enabled)).collect()
    };
    (plan.outcomes.iter().map(outcome).collect(), plan.steps, numbers)
}

#[track_caller]
fn check(
    listing: &Listing,
    targets: &[StockTarget],
    outcomes: &[&str],
    steps: &[Step],
    numbers: &[(i64, bool)],
) {
    let expected =
        (outcomes.iter().map(|text| (*text).to_owned()).collect(), steps.to_vec(), numbers.to_vec());
    assert_eq!(told(listing, targets), expected);
}

use Step::{Activate, Deactivate, Write};

#[test]
fn only_what_is_asked_for_changes() {
    let two = listing("active", &[(3, true), (5, true)]);
    check(&two, &[target(0, 7, Some(3))], &["."], &[Write], &[(7, true), (5, true)]);
    check(&two, &[target(1, 0, Some(5))], &["."], &[Write], &[(3, true), (0, false)]);
    check(&two, &[target(0, 3, Some(9)), target(1, 5, None)], &["a", "a"], &[], &[]);
    check(&two, &[target(3, 1, None)], &["variation_gone"], &[], &[]);
    // Above what Etsy can show, as much as it can.
    check(&two, &[target(0, 5_000, Some(3))], &["."], &[Write], &[(999, true), (5, true)]);
    let full = listing("active", &[(999, true)]);
    check(&full, &[target(0, 5_000, Some(4_000))], &["a"], &[], &[]);
}

#[test]
fn a_number_that_is_not_the_expected_one_is_left_alone() {
    let two = listing("active", &[(3, true), (5, true)]);
    check(&two, &[target(0, 7, Some(4))], &["s3"], &[], &[]);
    let mixed = [target(0, 7, Some(4)), target(1, 6, Some(5))];
    check(&two, &mixed, &["s3", "."], &[Write], &[(3, true), (6, true)]);
}

#[test]
fn none_left_of_all_puts_the_listing_to_sleep_and_more_wakes_it() {
    let two = listing("active", &[(3, true), (0, false)]);
    check(&two, &[target(0, 0, Some(3))], &["."], &[Write, Deactivate], &[(1, true), (0, false)]);
    let asleep = listing("inactive", &[(1, true), (0, false)]);
    assert_eq!(shown(&asleep), [Some(0), Some(0)]);
    check(&asleep, &[target(0, 0, Some(0))], &["a"], &[], &[]);
    // The placeholder is on another product than the one that is back.
    check(&asleep, &[target(1, 4, Some(0))], &["."], &[Write, Activate], &[(0, false), (4, true)]);
    check(
        &asleep,
        &[target(0, 2, Some(0)), target(1, 4, Some(0))],
        &[".", "."],
        &[Write, Activate],
        &[(2, true), (4, true)],
    );
    // One unit is told from the placeholder.
    check(&asleep, &[target(0, 1, Some(0))], &["."], &[Write, Activate], &[(1, true), (0, false)]);
}

#[test]
fn what_was_half_done_is_done() {
    // The numbers were written, the listing was not yet made inactive: it shows the placeholder.
    let half = listing("active", &[(1, true), (0, false)]);
    check(&half, &[target(0, 0, Some(1))], &["."], &[Write, Deactivate], &[(1, true), (0, false)]);
    // Written, not yet made active.
    let half = listing("inactive", &[(0, false), (4, true)]);
    check(&half, &[target(1, 4, Some(0))], &["."], &[Write, Activate], &[(0, false), (4, true)]);
    check(&half, &[target(1, 6, Some(0))], &["."], &[Write, Activate], &[(0, false), (6, true)]);
    // The same, and none is left by now.
    check(&half, &[target(1, 0, Some(0))], &["."], &[Write], &[(1, true), (0, false)]);
}

#[test]
fn what_the_merchant_switched_off_stays_off() {
    let off = listing("inactive", &[(3, true), (5, true)]);
    check(&off, &[target(0, 7, Some(3))], &["."], &[Write], &[(7, true), (5, true)]);
    check(&off, &[target(0, 7, Some(0))], &["."], &[Write], &[(7, true), (5, true)]);
    check(&off, &[target(0, 0, Some(3)), target(1, 0, Some(5))], &["listing_not_active"; 2], &[], &[]);
    let draft = listing("draft", &[(3, true)]);
    check(&draft, &[target(0, 7, None)], &["."], &[Write], &[(7, true)]);
    check(&draft, &[target(0, 0, None)], &["listing_not_active"], &[], &[]);
    let hidden = listing("active", &[(3, false), (5, true)]);
    check(&hidden, &[target(0, 7, None)], &["variation_hidden"], &[], &[]);
    check(&hidden, &[target(0, 0, None)], &["a"], &[], &[]);
}

#[test]
fn sold_out_is_renewed_before_its_number_is_set() {
    let out = listing("sold_out", &[(0, true), (0, false)]);
    assert_eq!(shown(&out), [Some(0), Some(0)]);
    check(&out, &[target(0, 6, Some(0))], &["."], &[Activate, Write], &[(6, true), (0, false)]);
    check(&out, &[target(0, 0, Some(2))], &["a"], &[], &[]);
    check(&out, &[target(0, 6, Some(2))], &["s0"], &[], &[]);
}

#[test]
fn products_that_share_a_number_get_the_lowest() {
    let shared = pooled("active", &[(3, true), (3, true)], &[]);
    check(&shared, &[target(0, 7, Some(3))], &["."], &[Write], &[(7, true), (7, true)]);
    let both = [target(0, 7, Some(3)), target(1, 5, Some(3))];
    check(&shared, &both, &["stock_shared", "."], &[Write], &[(5, true), (5, true)]);
    let one_out = [target(0, 0, Some(3)), target(1, 5, Some(3))];
    check(&shared, &one_out, &[".", "."], &[Write], &[(5, false), (5, true)]);
    let all_out = [target(0, 0, Some(3)), target(1, 0, Some(3))];
    check(&shared, &all_out, &[".", "."], &[Write, Deactivate], &[(1, true), (1, false)]);
}

#[test]
fn what_cannot_be_pushed_says_so() {
    let mut download = listing("active", &[(3, true)]);
    download.listing_type = Some("download".to_owned());
    check(&download, &[target(0, 7, None)], &["stock_not_managed"], &[], &[]);
    assert_eq!(shown(&download), [None]);
    let mut bare = listing("active", &[(3, true)]);
    bare.inventory = None;
    check(&bare, &[target(0, 7, None)], &["no_inventory_record"], &[], &[]);
    let mut odd = listing("active", &[(3, true), (4, true)]);
    odd.inventory.as_mut().unwrap().products[1].property_values[0].values = vec!["Blue (dark)".to_owned()];
    check(&odd, &[target(0, 7, None)], &["parentheses_in_values"], &[], &[]);
}

#[test]
fn what_is_written_is_what_was_read_but_for_the_numbers() {
    let two = listing("active", &[(3, true), (5, true)]);
    let plan = plan(&two, &[target(0, 7, Some(3))]);
    let written = serde_json::to_value(plan.update(two.inventory.as_ref().unwrap()).unwrap()).unwrap();
    let product = |n: usize, price: f64, quantity: i64| {
        json!({
            "sku": format!("S-{n}"),
            "property_values": [{
                "property_id": 513, "property_name": "Colour", "scale_id": null, "value_ids": [900 + n],
                "values": [COLOURS[n]],
            }],
            "offerings": [{ "price": price, "quantity": quantity, "is_enabled": true, "readiness_state_id": 4 }],
        })
    };
    let expected = json!({
        "products": [product(0, 19.99, 7), product(1, 20.0, 5)],
        "price_on_property": [513], "quantity_on_property": [513], "sku_on_property": [513],
        "readiness_state_on_property": [],
    });
    assert_eq!(written.to_string().replace(":20,", ":20.0,"), expected.to_string());
}

fn products() -> impl Strategy<Value = Vec<(i64, bool)>> {
    prop::collection::vec((0i64..4, any::<bool>()), 1..4)
}

proptest! {
    /// Whatever a listing holds: nothing is written that adds up to nothing, and no product that was not asked for gains a unit, but
    /// for the placeholder of a listing that is switched off with it.
    #[test]
    fn nobody_gains_what_was_not_asked_for(
        state in prop::sample::select(vec!["active", "inactive", "sold_out", "draft"]),
        held in products(),
        which in 0usize..3,
        quantity in 0i64..4,
        expected in prop::option::of(0i64..4),
    ) {
        let listing = listing(state, &held);
        let which = which.min(held.len() - 1);
        let plan = plan(&listing, &[target(which, quantity, expected)]);
        if plan.steps.contains(&Write) {
            let sum: i64 = plan.numbers.iter().filter(|n| n.enabled).map(|n| n.quantity).sum();
            prop_assert!(sum > 0);
            let others = held.iter().enumerate().filter(|(n, _)| *n != which);
            let left = quantity > 0 || others.into_iter().any(|(_, (units, enabled))| *enabled && *units > 0);
            prop_assert_eq!(plan.steps.contains(&Deactivate), !left && state == "active");
            if left {
                prop_assert_eq!(plan.numbers[which], Held { quantity, enabled: quantity > 0 });
                for (n, number) in plan.numbers.iter().enumerate().filter(|(n, _)| *n != which) {
                    prop_assert!(number.quantity <= held[n].0 && (!number.enabled || held[n].1));
                }
            } else {
                prop_assert!(state == "active" || state == "inactive" && expected == Some(0));
                prop_assert_eq!(sum, PLACEHOLDER);
            }
        }
    }
}
