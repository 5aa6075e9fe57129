//! Which item a fetched listing belongs to.
//!
//! The SKU is preferred; a name links only where it is unique and the SKU names no other item; ambiguity never links; a
//! pair that a merchant took apart is never put together again by itself.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::listing::Match;
use crate::{ItemId, MatchKey, Name, Sku};

/// The organization's setting: what may link a listing with no person asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoLink {
    #[default]
    SkuOrName,
    Sku,
    Off,
}

/// What is known of a listing's surroundings.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    /// Items whose SKU equals the listing's.
    pub by_sku: BTreeSet<ItemId>,
    /// Items whose name equals the listing's, each with its own SKU.
    pub by_name: Vec<(ItemId, Option<Sku>)>,
    /// Whether another listing of the same connection has this SKU.
    pub sku_repeats: bool,
    /// The listing is one of a group's: its name may be the group's, and its SKU alone tells it from its siblings.
    pub of_group: bool,
    /// Items that a merchant took this listing off.
    pub rejected: BTreeSet<ItemId>,
}

/// What matching found, and whether that links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    pub found: Match,
    pub candidates: Vec<ItemId>,
    /// The item to link without asking.
    pub link: Option<ItemId>,
}

impl Matched {
    fn unlinked(found: Match, candidates: impl IntoIterator<Item = ItemId>) -> Self {
        Self { found, candidates: candidates.into_iter().collect(), link: None }
    }
}

/// The table «Matching a fetched listing» of the design.
pub fn match_listing(sku: Option<&Sku>, title: &Name, around: &Candidates, auto_link: AutoLink) -> Matched {
    if sku.is_some() && (around.sku_repeats || around.by_sku.len() > 1) {
        return Matched::unlinked(Match::DuplicateSku, around.by_sku.iter().cloned());
    }
    let allowed = |item: &ItemId| (!around.rejected.contains(item)).then(|| item.clone());
    if let (Some(_), Some(item)) = (sku, around.by_sku.first()) {
        // The SKU says one item and the name another: a person decides.
        if let [(named, _)] = around.by_name.as_slice()
            && named != item
        {
            return Matched::unlinked(Match::SkuMatched, [item.clone(), named.clone()]);
        }
        let link = if auto_link == AutoLink::Off { None } else { allowed(item) };
        return Matched { found: Match::SkuMatched, candidates: vec![item.clone()], link };
    }
    let name = MatchKey::of(title.as_str());
    if let ([(item, item_sku)], false) = (around.by_name.as_slice(), name.as_str().is_empty()) {
        // With both SKUs present they differ here, or the SKU would have matched. No item has the listing's SKU, so it
        // names no other; but among siblings of one name a different SKU means different goods.
        let contradicted = around.of_group && sku.is_some() && item_sku.is_some();
        if !contradicted {
            let link = if auto_link == AutoLink::SkuOrName { allowed(item) } else { None };
            return Matched { found: Match::NameMatched, candidates: vec![item.clone()], link };
        }
    }
    let found = if sku.is_none() { Match::EmptySku } else { Match::Unmatched };
    Matched::unlinked(found, around.by_name.iter().map(|(item, _)| item.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item(n: u8) -> ItemId {
        ItemId::from_body(&n.to_string()).unwrap()
    }

    struct Case {
        sku: Option<&'static str>,
        by_sku: Vec<u8>,
        by_name: Vec<(u8, Option<&'static str>)>,
        repeats: bool,
        of_group: bool,
        rejected: Vec<u8>,
    }

    const NOTHING: Case = Case {
        sku: None,
        by_sku: vec![],
        by_name: vec![],
        repeats: false,
        of_group: false,
        rejected: vec![],
    };

    #[track_caller]
    fn check(case: Case, auto_link: AutoLink, found: Match, link: Option<u8>) {
        let around = Candidates {
            by_sku: case.by_sku.into_iter().map(item).collect(),
            by_name: case
                .by_name
                .into_iter()
                .map(|(i, s)| (item(i), s.map(|s| Sku::parse(s).unwrap())))
                .collect(),
            sku_repeats: case.repeats,
            of_group: case.of_group,
            rejected: case.rejected.into_iter().map(item).collect(),
        };
        let sku = case.sku.map(|s| Sku::parse(s).unwrap());
        let matched = match_listing(sku.as_ref(), &Name::parse("Red mug").unwrap(), &around, auto_link);
        assert_eq!((matched.found, matched.link), (found, link.map(item)));
    }

    #[test]
    fn every_row_of_the_table() {
        use AutoLink::{Off, Sku, SkuOrName};
        check(Case { sku: Some("A"), by_sku: vec![1], ..NOTHING }, SkuOrName, Match::SkuMatched, Some(1));
        check(Case { sku: Some("A"), by_sku: vec![1], ..NOTHING }, Sku, Match::SkuMatched, Some(1));
        check(Case { sku: Some("A"), by_sku: vec![1], ..NOTHING }, Off, Match::SkuMatched, None);
        check(Case { by_name: vec![(1, Some("A"))], ..NOTHING }, SkuOrName, Match::NameMatched, Some(1));
        check(Case { by_name: vec![(1, Some("A"))], ..NOTHING }, Sku, Match::NameMatched, None);
        check(
            Case { sku: Some("B"), by_name: vec![(1, None)], ..NOTHING },
            SkuOrName,
            Match::NameMatched,
            Some(1),
        );
        check(
            Case { sku: Some("B"), by_name: vec![(1, Some("A"))], ..NOTHING },
            SkuOrName,
            Match::NameMatched,
            Some(1),
        );
        check(
            Case { sku: Some("B"), by_name: vec![(1, Some("A"))], of_group: true, ..NOTHING },
            SkuOrName,
            Match::Unmatched,
            None,
        );
        check(Case { by_name: vec![(1, None), (2, None)], ..NOTHING }, SkuOrName, Match::EmptySku, None);
        check(NOTHING, SkuOrName, Match::EmptySku, None);
        check(
            Case { sku: Some("A"), by_sku: vec![1], repeats: true, ..NOTHING },
            SkuOrName,
            Match::DuplicateSku,
            None,
        );
        check(Case { sku: Some("A"), by_sku: vec![1, 2], ..NOTHING }, SkuOrName, Match::DuplicateSku, None);
        check(Case { sku: Some("A"), ..NOTHING }, SkuOrName, Match::Unmatched, None);
    }

    #[test]
    fn sku_says_one_item_and_name_another_waits_for_a_person() {
        let says_two = Case { sku: Some("A"), by_sku: vec![1], by_name: vec![(2, Some("B"))], ..NOTHING };
        check(says_two, AutoLink::SkuOrName, Match::SkuMatched, None);
        let names = vec![(2, Some("B")), (3, Some("C"))];
        let says_nothing = Case { sku: Some("A"), by_sku: vec![1], by_name: names, ..NOTHING };
        check(says_nothing, AutoLink::SkuOrName, Match::SkuMatched, Some(1));
    }

    #[test]
    fn a_pair_taken_apart_is_not_put_together_again() {
        check(
            Case { sku: Some("A"), by_sku: vec![1], rejected: vec![1], ..NOTHING },
            AutoLink::SkuOrName,
            Match::SkuMatched,
            None,
        );
        check(
            Case { by_name: vec![(1, None)], rejected: vec![1], ..NOTHING },
            AutoLink::SkuOrName,
            Match::NameMatched,
            None,
        );
    }

    proptest! {
        #[test]
        fn a_link_is_never_ambiguous_nor_rejected(
            sku in any::<bool>(), by_sku in prop::collection::btree_set(0u8..4, 0..3),
            by_name in prop::collection::vec((0u8..4, any::<bool>()), 0..3),
            repeats in any::<bool>(), rejected in prop::collection::btree_set(0u8..4, 0..3),
        ) {
            let around = Candidates {
                by_sku: by_sku.iter().copied().map(item).collect(),
                by_name: by_name.iter().map(|(i, s)| (item(*i), s.then(|| Sku::parse("X").unwrap()))).collect(),
                sku_repeats: repeats,
                of_group: false,
                rejected: rejected.iter().copied().map(item).collect(),
            };
            let own = sku.then(|| Sku::parse("A").unwrap());
            let matched = match_listing(own.as_ref(), &Name::parse("n").unwrap(), &around, AutoLink::SkuOrName);
            if let Some(linked) = matched.link {
                prop_assert!(!around.rejected.contains(&linked));
                prop_assert_eq!(matched.candidates, vec![linked]);
                prop_assert!(matches!(matched.found, Match::SkuMatched | Match::NameMatched));
                prop_assert!(!(sku && repeats));
            }
        }
    }
}
