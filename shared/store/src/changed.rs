//! What a record of the table's stream is about.

use domain::{ItemId, OrganizationId};

use crate::keys::{FACTS, LEVEL, LINK};

/// The item whose stock moved, that was linked, or whose facts changed, by the keys of a row that was written: those for which `template.yaml`
/// lets records through to `stock-fanout`. `inserted`: the row is new (a link that is only acknowledged changes no stock).
pub fn changed_item(pk: &str, sk: &str, inserted: bool) -> Option<(OrganizationId, ItemId)> {
    if !(sk.starts_with(LEVEL) || sk == FACTS || inserted && sk.starts_with(LINK)) {
        return None;
    }
    let mut parts = pk.split('#');
    let (Some("O"), Some(organization), Some("I"), Some(item), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    Some((OrganizationId::from_body(organization).ok()?, ItemId::from_body(item).ok()?))
}

#[cfg(test)]
mod tests {
    use domain::LocationId;

    use super::*;
    use crate::keys;

    #[test]
    fn a_level_and_a_new_link_name_their_item() {
        let organization = OrganizationId::from_body("1").unwrap();
        let item = ItemId::from_body("2").unwrap();
        let level = keys::level(&organization, &item, &LocationId::from_body("3").unwrap());
        let both = Some((organization.clone(), item.clone()));
        assert_eq!(changed_item(&level.pk, &level.sk, false), both);
        let link = keys::link(&organization, &item, &"lst_4_5".parse().unwrap());
        assert_eq!(changed_item(&link.pk, &link.sk, true), both);
        assert_eq!(changed_item(&link.pk, &link.sk, false), None);
        let facts = keys::facts(&organization, &item);
        assert_eq!(changed_item(&facts.pk, &facts.sk, false), both);
        let row = keys::item(&organization, &item);
        assert_eq!(changed_item(&row.pk, &row.sk, true), None);
    }
}
