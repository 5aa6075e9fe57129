//! The messages, in a versioned envelope.
//!
//! A message says where to look, never what was seen: no quantity, no order, nothing of a buyer.

use domain::sync::Trigger;
use domain::{ConnectionId, ItemId, ListingId, OrganizationId, SyncId};
use serde::{Deserialize, Serialize};

/// Listings that one push takes on.
pub const PUSH_TARGETS_MAX: usize = 5_000;

/// The version written. A reader takes this one and those it can still read.
pub const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    #[serde(rename = "v")]
    pub version: u32,
    pub organization_id: OrganizationId,
    pub connection_id: ConnectionId,
    #[serde(flatten)]
    pub task: Task,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// The next page of an item sync; where it stands is in the sync's row.
    SyncItems { sync_id: SyncId },
    /// The next page of an order sync; where it stands is in the sync's row.
    SyncOrders { sync_id: SyncId },
    /// Fetch these orders, or, with none named, what is new since the watermark.
    FetchOrders { external_ids: Vec<String>, trigger: Trigger },
    /// Bring these listings to what they must show now.
    PushListings { targets: Vec<PushTarget>, force: bool },
    /// Ask what became of a submission of these listings' quantities. `force`: somebody asked meanwhile to have them told
    /// whatever is known.
    SettleSubmission {
        ticket: String,
        targets: Vec<PushTarget>,
        #[serde(default)]
        force: bool,
    },
    /// Look through all linked listings of the connection for those behind; where it stands is in the sync's row.
    SweepStock { sync_id: SyncId },
    /// Compare the connection's numbers with the channel's; where it stands is in the sync's row.
    Reconcile { sync_id: SyncId },
    /// Tell the channel of the shipments that it was not told of; which, is in the table.
    PushShipments,
    /// Ask the channel what became of the goods that it was asked to send; which, is in the table.
    SyncOutbounds,
}

/// A listing to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushTarget {
    #[serde(rename = "i")]
    pub item_id: ItemId,
    #[serde(rename = "l")]
    pub listing_id: ListingId,
    /// The stock version that made this message; what is read must not be older.
    #[serde(rename = "s")]
    pub version: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum UnreadableMessage {
    #[error("not a message of ours")]
    Malformed(#[source] serde_json::Error),
    #[error("a message of version {0}, which this version of the code does not know")]
    Version(u32),
}

impl Message {
    pub fn new(organization_id: OrganizationId, connection_id: ConnectionId, task: Task) -> Self {
        Self { version: VERSION, organization_id, connection_id, task }
    }

    /// Takes over what another message asks for, where that is more of the same. Listings of one push are named in
    /// both at most as often as [`PUSH_TARGETS_MAX`] allows, which bounds the memory of the worker.
    pub fn absorb(&mut self, other: &Self) -> bool {
        if self.organization_id != other.organization_id || self.connection_id != other.connection_id {
            return false;
        }
        match (&mut self.task, &other.task) {
            (
                Task::PushListings { targets, force },
                Task::PushListings { targets: more, force: more_force },
            ) if force == more_force && targets.len() + more.len() <= PUSH_TARGETS_MAX => {
                targets.extend(more.iter().cloned());
                true
            }
            (
                Task::SettleSubmission { ticket, targets, force },
                Task::SettleSubmission { ticket: same, targets: more, force: more_force },
            ) if ticket == same && force == more_force && targets.len() + more.len() <= PUSH_TARGETS_MAX => {
                targets.extend(more.iter().cloned());
                true
            }
            (Task::PushShipments, Task::PushShipments) | (Task::SyncOutbounds, Task::SyncOutbounds) => true,
            _ => false,
        }
    }

    pub fn encode(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// The version is read before the rest, so that a message of a later shape is named for what it is.
    pub fn decode(body: &str) -> Result<Self, UnreadableMessage> {
        let envelope: Envelope = serde_json::from_str(body).map_err(UnreadableMessage::Malformed)?;
        if envelope.version != VERSION {
            return Err(UnreadableMessage::Version(envelope.version));
        }
        serde_json::from_str(body).map_err(UnreadableMessage::Malformed)
    }
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "v")]
    version: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(task: Task) -> Message {
        Message::new("org_1".parse().unwrap(), "con_2".parse().unwrap(), task)
    }

    /// What is on the queue while a new version of the code comes in: a name changed here loses messages.
    #[test]
    fn each_task_has_the_json_that_is_on_the_queues() {
        let cases = [
            (
                Task::SyncItems { sync_id: "syn_3".parse().unwrap() },
                r#""task":"sync_items","sync_id":"syn_3""#,
            ),
            (
                Task::SyncOrders { sync_id: "syn_3".parse().unwrap() },
                r#""task":"sync_orders","sync_id":"syn_3""#,
            ),
            (
                Task::FetchOrders {
                    external_ids: vec!["450".into(), "451".into()],
                    trigger: Trigger::Webhook,
                },
                r#""task":"fetch_orders","external_ids":["450","451"],"trigger":"webhook""#,
            ),
            (
                Task::FetchOrders { external_ids: Vec::new(), trigger: Trigger::Schedule },
                r#""task":"fetch_orders","external_ids":[],"trigger":"schedule""#,
            ),
            (
                Task::PushListings {
                    targets: vec![PushTarget {
                        item_id: "itm_4".parse().unwrap(),
                        listing_id: "lst_2_77".parse().unwrap(),
                        version: 12,
                    }],
                    force: true,
                },
                r#""task":"push_listings","targets":[{"i":"itm_4","l":"lst_2_77","s":12}],"force":true"#,
            ),
            (
                Task::SettleSubmission { ticket: "23492394".to_owned(), targets: Vec::new(), force: false },
                r#""task":"settle_submission","ticket":"23492394","targets":[],"force":false"#,
            ),
            (
                Task::SweepStock { sync_id: "syn_3".parse().unwrap() },
                r#""task":"sweep_stock","sync_id":"syn_3""#,
            ),
            (
                Task::Reconcile { sync_id: "syn_3".parse().unwrap() },
                r#""task":"reconcile","sync_id":"syn_3""#,
            ),
            (Task::PushShipments, r#""task":"push_shipments""#),
            (Task::SyncOutbounds, r#""task":"sync_outbounds""#),
        ];
        for (task, fields) in cases {
            let json = format!(r#"{{"v":1,"organization_id":"org_1","connection_id":"con_2",{fields}}}"#);
            assert_eq!(message(task.clone()).encode().unwrap(), json);
            assert_eq!(Message::decode(&json).unwrap(), message(task));
        }
    }

    #[test]
    fn a_message_of_another_version_is_refused_by_its_version() {
        let ours = message(Task::SyncItems { sync_id: "syn_3".parse().unwrap() }).encode().unwrap();
        for (body, version) in
            [(ours.replace(r#""v":1"#, r#""v":2"#), 2), (r#"{"v":7,"something":"else"}"#.to_owned(), 7)]
        {
            match Message::decode(&body) {
                Err(UnreadableMessage::Version(found)) => assert_eq!(found, version),
                other => panic!("{body}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_no_message_is_malformed() {
        let head = r#"{"v":1,"organization_id":"org_1","connection_id":"con_2""#;
        for body in [
            String::new(),
            "[]".to_owned(),
            r#"{"task":"sync_items"}"#.to_owned(),
            format!("{head}}}"),
            format!(r#"{head},"task":"sell_everything"}}"#),
            format!(r#"{head},"task":"sync_items","sync_id":"con_3"}}"#),
        ] {
            assert!(matches!(Message::decode(&body), Err(UnreadableMessage::Malformed(_))), "{body}");
        }
    }
}
