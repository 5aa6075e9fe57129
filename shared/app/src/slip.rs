//! What a slip of a package or a shipment says. It is the one paper that a buyer's name and address leave on.

use ::slip::{Recipient, Slip, SlipLine};
use domain::audit::AuditAction;
use domain::order::{Address, Buyer};
use domain::{DocumentId, OrganizationId, Timestamp};
use store::location::Location;
use store::order::{Order, Origin};
use store::order_document::OrderDocument;
use store::organization::Organization;

use crate::audit::Witness;
use crate::order_change::is_over;
use crate::{App, AppError};

/// Everything on a slip.
#[derive(Debug, Clone)]
pub struct SlipContent {
    pub organization: Organization,
    /// Where it is sent from, as long as that is there.
    pub location: Option<Location>,
    pub order: Order,
    pub document: OrderDocument,
    pub receiver: Receiver,
}

#[derive(Debug, Clone)]
pub enum Receiver {
    Known(Box<Buyer>),
    Expired,
    Unknown,
}

impl App {
    /// What the slip of this paper says. Noted before anything is read of the buyer.
    pub async fn slip(
        &self,
        organization: &OrganizationId,
        by: &Witness,
        id: &DocumentId,
    ) -> Result<SlipContent, AppError> {
        let document = self.order_document(organization, id).await?;
        let order = self.order(organization, &id.order_id).await?;
        let organization = self.organization(organization).await?;
        let location = self.store.location(&organization.id, &order.location_id).await?;
        self.note(&organization.id, by, AuditAction::SlipPrinted, id).await?;
        let receiver = self.receiver(&organization.id, &order).await?;
        Ok(SlipContent { organization, location, order, document, receiver })
    }

    async fn receiver(&self, organization: &OrganizationId, order: &Order) -> Result<Receiver, AppError> {
        if let Some(buyer) = self.store.buyer(organization, &order.id, self.clock.now()).await? {
            return Ok(Receiver::Known(Box::new(buyer)));
        }
        if is_over(order.state) || order.erased {
            return Ok(Receiver::Expired);
        }
        // A person's order for a contact of theirs: what they wrote of it.
        match (&order.origin, &order.contact_id) {
            (Origin::Manual, Some(contact)) => {
                let details = self.store.contact_details(organization, contact).await?;
                Ok(details.map_or(Receiver::Unknown, |details| Receiver::Known(Box::new(details))))
            }
            _ => Ok(Receiver::Unknown),
        }
    }
}

impl SlipContent {
    /// As it is printed.
    pub fn paper(self) -> Slip {
        let Self { organization, location, order, document, receiver } = self;
        let day = |at: Timestamp| {
            let zone = jiff::tz::TimeZone::get(&organization.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
            at.to_zoned(zone).date().to_string()
        };
        let mut facts = vec![("Order".to_owned(), order.number.clone())];
        let (title, mark) = match document.shipment() {
            Some(shipment) => {
                facts.push(("Shipped".to_owned(), day(shipment.shipped_at)));
                facts.push(("Carrier".to_owned(), shipment.carrier.clone()));
                facts.extend(shipment.tracking_number.clone().map(|number| ("Tracking".to_owned(), number)));
                ("Shipment slip", 'S')
            }
            None => {
                facts.push(("Packed".to_owned(), day(document.created_at)));
                ("Packing slip", 'P')
            }
        };
        let lines = document.lines.iter().map(|line| {
            let of = order.lines.iter().find(|known| known.id == line.line_id);
            SlipLine {
                quantity: line.quantity.to_string(),
                sku: of.and_then(|line| line.sku.clone()).unwrap_or_default(),
                title: of.map(|line| line.title.clone()).unwrap_or_default(),
            }
        });
        let from = location.map(|location| match location.address {
            Some(address) => format!("{}, {address}", location.name.as_str()),
            None => location.name.as_str().to_owned(),
        });
        Slip {
            title: title.to_owned(),
            sender: [Some(organization.name.as_str().to_owned()), from].into_iter().flatten().collect(),
            recipient: match receiver {
                Receiver::Known(buyer) => recipient(*buyer),
                Receiver::Expired => Recipient::Expired,
                Receiver::Unknown => Recipient::Unknown,
            },
            code: format!("{}-{mark}{}", order.number, document.id.number),
            facts,
            lines: lines.collect(),
        }
    }
}

fn recipient(buyer: Buyer) -> Recipient {
    let address = buyer.shipping_address.or(buyer.billing_address).unwrap_or_default();
    let name = address.name.clone().or(buyer.name);
    let lines: Vec<String> = name.into_iter().chain(address_lines(address)).chain(buyer.phone).collect();
    if lines.is_empty() { Recipient::Unknown } else { Recipient::Known(lines) }
}

/// As the post of the country wants it, where that puts the town first; else the postal code before the town.
fn address_lines(address: Address) -> Vec<String> {
    let Address { name: _, mut lines, city, region, postal_code, country } = address;
    let joined = |parts: [Option<&str>; 2], with: &str| {
        let text = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(with);
        Some(text).filter(|text| !text.is_empty())
    };
    let (city, region, postal_code) = (city.as_deref(), region.as_deref(), postal_code.as_deref());
    let town_first = ["US", "CA", "AU", "GB", "IN", "NZ"];
    if country.as_deref().is_some_and(|country| town_first.contains(&country)) {
        let place = joined([city, region], ", ");
        lines.extend(joined([place.as_deref(), postal_code], "  "));
    } else {
        lines.extend(joined([postal_code, city], " "));
        lines.extend(region.filter(|region| !region.is_empty()).map(str::to_owned));
    }
    lines.extend(country);
    lines.retain(|line| !line.trim().is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_its_country_does() {
        let some = |text: &str| Some(text.to_owned());
        let of = |country: &str, region: Option<String>| Address {
            name: None,
            lines: vec!["1 Road".to_owned(), " ".to_owned()],
            city: some("Town"),
            region,
            postal_code: some("12345"),
            country: some(country),
        };
        assert_eq!(address_lines(of("US", some("NY"))), ["1 Road", "Town, NY  12345", "US"]);
        assert_eq!(address_lines(of("DE", None)), ["1 Road", "12345 Town", "DE"]);
        assert_eq!(address_lines(of("IT", some("RM"))), ["1 Road", "12345 Town", "RM", "IT"]);
        assert_eq!(address_lines(Address::default()), Vec::<String>::new());
    }
}
