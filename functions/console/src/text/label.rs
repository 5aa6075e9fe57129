//! What states, codes and fields of the domain are called, and in which colour.

use domain::ChannelKind;
use domain::availability::{LocationKind, StepName, StockRule};
use domain::channel::Fulfilment;
use domain::connection::ConnectionStatus;
use domain::listing::{ChannelStatus, ListingStatus, Match};
use domain::order::{OrderState, PaymentStatus};
use domain::outbound::{OutboundState, ShippingSpeed};
use domain::push::PushState;
use domain::stock::Reason;
use domain::sync::{Outcome, SyncKind, SyncState, Trigger};
use store::api_key::Scope;
use store::order_document::ShipmentPushState;

use crate::page::{Badge, Tone};

pub fn order_state(state: OrderState) -> Badge {
    let (tone, label) = match state {
        OrderState::Pending => (Tone::Warn, "Pending"),
        OrderState::Confirmed => (Tone::Busy, "Confirmed"),
        OrderState::Packed => (Tone::Busy, "Packed"),
        OrderState::Shipped => (Tone::Good, "Shipped"),
        OrderState::Delivered => (Tone::Good, "Delivered"),
        OrderState::Fulfilled => (Tone::Good, "Fulfilled"),
        OrderState::Void => (Tone::Plain, "Void"),
    };
    Badge::new(tone, label)
}

pub fn payment(status: PaymentStatus) -> Badge {
    let (tone, label) = match status {
        PaymentStatus::Pending => (Tone::Warn, "Payment pending"),
        PaymentStatus::Paid => (Tone::Good, "Paid"),
        PaymentStatus::PartRefunded => (Tone::Plain, "Refunded in part"),
        PaymentStatus::Refunded => (Tone::Plain, "Refunded"),
        PaymentStatus::Voided => (Tone::Plain, "Voided"),
    };
    Badge::new(tone, label)
}

pub fn shipment_push(state: ShipmentPushState) -> Badge {
    let (tone, label) = match state {
        ShipmentPushState::Pending => (Tone::Busy, "Channel to be told"),
        ShipmentPushState::InSync => (Tone::Good, "Channel told"),
        ShipmentPushState::Failed => (Tone::Bad, "Channel refused it"),
        ShipmentPushState::Disabled => (Tone::Plain, "Channel not told"),
    };
    Badge::new(tone, label)
}

pub fn outbound_state(state: OutboundState) -> Badge {
    let (tone, label) = match state {
        OutboundState::Pending => (Tone::Busy, "To be asked for"),
        OutboundState::Received => (Tone::Busy, "Taken in by Amazon"),
        OutboundState::Planning => (Tone::Busy, "Planned by Amazon"),
        OutboundState::Processing => (Tone::Busy, "Packed by Amazon"),
        OutboundState::Complete => (Tone::Good, "Sent by Amazon"),
        OutboundState::CompletePartial => (Tone::Warn, "Sent in part"),
        OutboundState::Cancelled => (Tone::Plain, "Cancelled"),
        OutboundState::Unfulfillable => (Tone::Bad, "Cannot be sent"),
        OutboundState::Invalid => (Tone::Bad, "Found wrong by Amazon"),
        OutboundState::Failed => (Tone::Bad, "Not taken in"),
    };
    Badge::new(tone, label)
}

/// A speed's word, and what it is called.
pub fn speed(speed: ShippingSpeed) -> (&'static str, &'static str) {
    match speed {
        ShippingSpeed::Standard => ("standard", "Standard"),
        ShippingSpeed::Expedited => ("expedited", "Expedited"),
        ShippingSpeed::Priority => ("priority", "Priority"),
    }
}

/// What a key with the scope may do.
pub fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "look",
        Scope::Write => "work with goods, stock, listings and orders",
        Scope::Admin => "manage shops, rules and keys",
        Scope::Pii => "see who bought",
    }
}

pub fn listing_status(status: ListingStatus) -> Badge {
    let (tone, label) = match status {
        ListingStatus::Unconfirmed => (Tone::Warn, "Unconfirmed"),
        ListingStatus::Linked => (Tone::Good, "Linked"),
        ListingStatus::Unlinked => (Tone::Plain, "Unlinked"),
        ListingStatus::Dismissed => (Tone::Plain, "Dismissed"),
    };
    Badge::new(tone, label)
}

pub fn matched(found: Match) -> Badge {
    let (tone, label) = match found {
        Match::SkuMatched => (Tone::Good, "SKU matched"),
        Match::NameMatched => (Tone::Good, "Name matched"),
        Match::Unmatched => (Tone::Plain, "SKU unmatched"),
        Match::EmptySku => (Tone::Warn, "Empty SKU"),
        Match::DuplicateSku => (Tone::Warn, "Duplicate SKU"),
    };
    Badge::new(tone, label)
}

pub fn match_help(found: Match) -> &'static str {
    match found {
        Match::SkuMatched => {
            "One item has the SKU of this listing. Compare the two, and link them if they are the same."
        }
        Match::NameMatched => {
            "One item has the name of this listing. Compare the two, and link them if they are the same."
        }
        Match::Unmatched => {
            "No item has this SKU or name. Make it an item, or link it to one that is called otherwise."
        }
        Match::EmptySku => "The listing has no SKU. Give it one to make it an item, or link it.",
        Match::DuplicateSku => {
            "The SKU is on more than one listing or item, so nothing is decided by itself."
        }
    }
}

pub fn push_state(state: PushState) -> Badge {
    let (tone, label) = match state {
        PushState::InSync => (Tone::Good, "In sync"),
        PushState::Pending => (Tone::Busy, "Waiting"),
        PushState::Failed => (Tone::Bad, "Failed"),
        PushState::Disabled => (Tone::Plain, "Not sent"),
    };
    Badge::new(tone, label)
}

pub fn channel_status(status: ChannelStatus) -> Badge {
    let (tone, label) = match status {
        ChannelStatus::Active => (Tone::Good, "For sale"),
        ChannelStatus::Inactive => (Tone::Plain, "Not for sale"),
        ChannelStatus::Archived => (Tone::Plain, "Archived"),
        ChannelStatus::Deleted => (Tone::Bad, "Deleted"),
    };
    Badge::new(tone, label)
}

pub fn fulfilment(by: Fulfilment) -> Badge {
    match by {
        Fulfilment::Mfn => Badge::new(Tone::Plain, "You (MFN)"),
        Fulfilment::Fba => Badge::new(Tone::Plain, "Amazon (FBA)"),
    }
}

pub fn connection_status(status: ConnectionStatus) -> Badge {
    match status {
        ConnectionStatus::Active => Badge::new(Tone::Good, "Active"),
        ConnectionStatus::Inactive => Badge::new(Tone::Plain, "Disabled"),
        ConnectionStatus::NeedsAuthorization => Badge::new(Tone::Bad, "Needs authorization"),
    }
}

pub fn sync_kind(kind: SyncKind) -> &'static str {
    match kind {
        SyncKind::Items => "Listings",
        SyncKind::Orders => "Orders",
        SyncKind::Stock => "Stock",
        SyncKind::Shipments => "Shipments",
        SyncKind::Reconcile => "Comparison",
    }
}

pub fn sync_state(state: SyncState) -> Badge {
    let (tone, label) = match state {
        SyncState::Queued => (Tone::Busy, "Queued"),
        SyncState::Running => (Tone::Busy, "Running"),
        SyncState::Held => (Tone::Warn, "Held"),
        SyncState::Succeeded => (Tone::Good, "Succeeded"),
        SyncState::Partial => (Tone::Warn, "With failures"),
        SyncState::Failed => (Tone::Bad, "Failed"),
    };
    Badge::new(tone, label)
}

pub fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Initial => "first sync",
        Trigger::Schedule => "by schedule",
        Trigger::Manual => "by hand",
        Trigger::Resync => "fetched again",
        Trigger::Webhook => "by notification",
    }
}

pub fn outcome(outcome: Outcome) -> Badge {
    match outcome {
        Outcome::Synced => Badge::new(Tone::Good, "Synced"),
        Outcome::Failed => Badge::new(Tone::Bad, "Failed"),
        Outcome::Skipped => Badge::new(Tone::Plain, "Skipped"),
    }
}

pub fn movement(reason: Reason) -> &'static str {
    match reason {
        Reason::OpeningStock => "Opening stock",
        Reason::Adjustment => "Adjustment",
        Reason::PurchaseReceived => "Purchase received",
        Reason::TransferredOut => "Transferred out",
        Reason::TransferredIn => "Transferred in",
        Reason::Voided => "Voided",
        Reason::OrderCommitted => "Order committed",
        Reason::OrderReleased => "Order released",
        Reason::OrderShipped => "Order shipped",
        Reason::OrderUnshipped => "Shipment taken back",
        Reason::OrderReturned => "Order returned",
    }
}

pub fn location_kind(kind: LocationKind) -> &'static str {
    match kind {
        LocationKind::Warehouse => "Own warehouse",
        LocationKind::Fba => "Amazon (FBA)",
    }
}

/// A step of the sum that makes a listing's number.
pub fn step(step: StepName, rule: &StockRule) -> String {
    match step {
        StepName::Available => "Available".to_owned(),
        StepName::AfterPercent => format!("{} % of it", rule.percent.get()),
        StepName::AfterBuffer => format!("less {} kept back", rule.buffer),
        StepName::NotBelowZero => "not below zero".to_owned(),
        StepName::NotAboveMaxListed => {
            format!("at most {}", rule.max_listed.map_or_else(String::new, |most| most.to_string()))
        }
        StepName::AtLocation => "shown at a location of the channel".to_owned(),
    }
}

/// What one of the channel's own locations shows of the sum.
pub fn at_location(id: &str) -> String {
    format!("of it shown at the channel's location {id}")
}

/// A code in words: those that a merchant meets often have a sentence, others their own words.
pub fn reason(code: &str) -> String {
    let known = match code {
        "push_pending" => "On its way to the channel.",
        "fulfilled_by_amazon" => "Amazon counts it.",
        "connection_inactive" => "The shop is disabled.",
        "needs_authorization" => "The shop needs your authorization.",
        "stock_sync_inactive" => "Stock sync is off for the shop.",
        "no_locations_mapped" => "No warehouse is mapped.",
        "listing_gone" => "The channel has it no more.",
        "stock_not_managed" => "The channel does not count its stock.",
        "drift_held" => "Edited on the channel: held until you decide.",
        "held_for_approval" => "Too many would go to zero: waits for your yes.",
        "mapped" => "Linked to an item.",
        "unconfirmed" => "Waits to be confirmed.",
        _ => return crate::fault::sentence(&code.replace('_', " ")),
    };
    known.to_owned()
}

/// A field of a channel's credentials, as its own settings call it.
pub fn credential(name: &'static str) -> &'static str {
    match name {
        "consumer_key" => "Consumer key",
        "consumer_secret" => "Consumer secret",
        "client_id" => "Client ID (application)",
        "client_secret" => "Client secret (application)",
        "refresh_token" => "Refresh token",
        "access_token" => "Access token",
        "selling_partner_id" => "Selling partner ID",
        "shop_id" => "Shop ID",
        "webhook_secret" => "Webhook secret",
        "ru_name" => "RuName",
        "location_id" => "Location ID",
        "application_id" => "Application ID",
        "queue_arn" | "notification_queue_arn" => "ARN of the notification queue",
        name => name,
    }
}

/// How a shop of the channel is connected, step by step.
pub fn connect_help(channel: ChannelKind) -> &'static [&'static str] {
    match channel {
        ChannelKind::Woocommerce => &[
            "In WooCommerce open Settings, Advanced, REST API and add a key with Read/Write.",
            "Copy the consumer key and the consumer secret; they are shown once.",
            "Give them here with the address of the shop.",
        ],
        ChannelKind::Shopify => &[
            "Give the address of the shop, https://name.myshopify.com.",
            "Connect, then consent on the shop's own page; or bring the keys of an app of your own.",
        ],
        ChannelKind::Amazon => &[
            "Switch taxes on in the rules: Amazon collects them itself.",
            "Name the marketplaces, the leading one first; leave them out for the deployment's own.",
            "Connect, then consent on Seller Central's page.",
        ],
        ChannelKind::Ebay => &[
            "Name the marketplace, such as EBAY_US; leave it out for the account's own.",
            "Connect, then consent on eBay's page with the seller's account.",
        ],
        ChannelKind::Etsy => &["Connect, then consent on Etsy's page with the owner's account of the shop."],
    }
}
