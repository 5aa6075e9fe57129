//! What a variation is called.
//!
//! Etsy gives a product another `product_id`, and its own values other `value_ids`, each time the inventory is written,
//! our own pushes included (etsy/open-api issues 432 and 523). What stays, and what tells the products of a listing
//! apart, is what the merchant wrote: for each property its id and the text of its value. SKUs will not do: they may be
//! missing, and may be shared.

use aws_lc_rs::digest;

use super::wire::{Chosen, Listing, Product, PropertyValue};
use crate::entity::plain_text;

/// A name longer than this, in bytes, is replaced by its digest, so that ids made of it stay short enough.
const NAME_BYTES_MAX: usize = 200;

/// `513:Red|514:L`: properties by their ids, in the ids' order. `None` of no properties.
fn name<'a>(values: impl IntoIterator<Item = (u64, Vec<&'a str>)>) -> Option<String> {
    let mut parts: Vec<(u64, String)> = values
        .into_iter()
        .map(|(property, values)| {
            let values: Vec<String> = values.into_iter().map(|value| escaped(&plain_text(value))).collect();
            (property, values.join(","))
        })
        .collect();
    parts.sort();
    if parts.is_empty() {
        return None;
    }
    let parts: Vec<String> =
        parts.into_iter().map(|(property, value)| format!("{property}:{value}")).collect();
    let name = parts.join("|");
    if name.len() <= NAME_BYTES_MAX {
        return Some(name);
    }
    let digest = digest::digest(&digest::SHA256, name.as_bytes());
    Some(
        digest
            .as_ref()
            .iter()
            .take(16)
            .fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}")),
    )
}

/// A value in which what separates values stands for itself.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.trim().chars() {
        if matches!(c, '\\' | '|' | ',') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn of_values(values: &[PropertyValue]) -> Option<String> {
    name(values.iter().map(|value| (value.property_id, value.values.iter().map(String::as_str).collect())))
}

/// The name of a product of the listing. A listing without variations has one product, which may have properties all
/// the same: it is named by the listing alone.
pub(super) fn of_product(listing: &Listing, product: &Product) -> Option<String> {
    let several = || {
        let products = listing.inventory.iter().flat_map(|inventory| &inventory.products);
        products.filter(|product| !product.is_deleted).count() > 1
    };
    if listing.has_variations.unwrap_or_else(several) { of_values(&product.property_values) } else { None }
}

/// The name of what was bought: by the product's own values where Etsy gives them, else by what the buyer was shown,
/// which for a value with a scale is another text (issue 254) and then names no listing that we know.
pub(super) fn of_purchase(variations: &[Chosen], product_data: &[PropertyValue]) -> Option<String> {
    let chosen: Vec<&Chosen> = variations.iter().filter(|one| one.value_id.is_some()).collect();
    if chosen.is_empty() {
        return None;
    }
    of_values(product_data).or_else(|| {
        name(chosen.iter().map(|one| (one.property_id, one.formatted_value.as_deref().into_iter().collect())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn values(list: &[(u64, &str)]) -> Vec<PropertyValue> {
        let one = |(id, value): &(u64, &str)| {
            serde_json::from_value(json!({ "property_id": id, "value_ids": [7], "values": [value] })).unwrap()
        };
        list.iter().map(one).collect()
    }

    #[test]
    fn a_name_is_of_what_the_merchant_wrote() {
        type Written = &'static [(u64, &'static str)];
        let table: [(Written, Option<&str>); 6] = [
            (&[], None),
            (&[(513, "Red")], Some("513:Red")),
            (&[(514, "L"), (513, "Red")], Some("513:Red|514:L")),
            (&[(513, " 14 UK women&#039;s ")], Some("513:14 UK women's")),
            (&[(513, "A|B, C\\")], Some("513:A\\|B\\, C\\\\")),
            (&[(513, "赤")], Some("513:赤")),
        ];
        for (list, expected) in table {
            assert_eq!(of_values(&values(list)).as_deref(), expected);
        }
    }

    #[test]
    fn different_values_have_different_names() {
        let names = [
            of_values(&values(&[(1, "a|2:b")])),
            of_values(&values(&[(1, "a"), (2, "b")])),
            of_values(&values(&[(1, "a\\|2:b")])),
        ];
        assert!(names[0] != names[1] && names[1] != names[2] && names[0] != names[2], "{names:?}");
    }

    #[test]
    fn a_long_name_is_a_short_digest() {
        let (one, other) = ("x".repeat(300), "x".repeat(301));
        let (one, other) = (of_values(&values(&[(1, &one)])), of_values(&values(&[(1, &other)])));
        assert!(one.as_ref().is_some_and(|name| name.len() == 39 && name.starts_with("sha256:")), "{one:?}");
        assert_ne!(one, other);
    }

    #[test]
    fn a_purchase_is_named_as_its_product() {
        let chosen = |list: serde_json::Value| serde_json::from_value::<Vec<Chosen>>(list).unwrap();
        let red = json!({ "property_id": 513, "value_id": 9, "formatted_value": "Red" });
        let engraved = json!({ "property_id": 54, "value_id": null, "formatted_value": "For Ann" });
        let scaled = json!({ "property_id": 100, "value_id": 8, "formatted_value": "14 UK women&#039;s" });
        assert_eq!(of_purchase(&chosen(json!([])), &[]), None);
        assert_eq!(of_purchase(&chosen(json!([engraved])), &values(&[(200, "Beige")])), None);
        assert_eq!(of_purchase(&chosen(json!([red, engraved])), &[]).as_deref(), Some("513:Red"));
        assert_eq!(of_purchase(&chosen(json!([scaled])), &values(&[(100, "14")])).as_deref(), Some("100:14"));
    }
}
