//! A batch of messages, and the answer that says which of them were not done.
//!
//! In a FIFO queue the messages of a group are an order. When one of them failed, those of its group that follow must
//! stay in the queue too, done or not: deleting them would let later work overtake the retry.

use std::collections::BTreeSet;

use crate::event::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsRecord};

/// The messages of each group in their order; groups in the order of their first message. Those without a group are one.
pub fn by_group(event: &SqsEvent) -> Vec<(&str, Vec<&SqsRecord>)> {
    let mut groups: Vec<(&str, Vec<&SqsRecord>)> = Vec::new();
    for record in &event.records {
        let name = record.attributes.message_group_id.as_deref().unwrap_or_default();
        match groups.iter_mut().find(|(group, _)| *group == name) {
            Some((_, records)) => records.push(record),
            None => groups.push((name, vec![record])),
        }
    }
    groups
}

/// The answer to a batch of which the messages in `done` (by message id) were done. What is not named there failed, so a
/// message that was forgotten comes again instead of being lost. A message without a group holds back no other.
pub fn response(event: &SqsEvent, done: &BTreeSet<String>) -> SqsBatchResponse {
    let mut stuck: BTreeSet<&str> = BTreeSet::new();
    let mut failures = Vec::new();
    for record in &event.records {
        let group = record.attributes.message_group_id.as_deref();
        if group.is_some_and(|group| stuck.contains(group)) || !done.contains(&record.message_id) {
            stuck.extend(group);
            failures.push(BatchItemFailure { item_identifier: record.message_id.clone() });
        }
    }
    SqsBatchResponse { batch_item_failures: failures }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::SqsAttributes;

    /// Messages named by their place in the batch, each in its group.
    fn event(groups: &[u8]) -> SqsEvent {
        let record = |(at, group): (usize, &u8)| SqsRecord {
            message_id: at.to_string(),
            receipt_handle: String::new(),
            body: String::new(),
            attributes: SqsAttributes {
                approximate_receive_count: 1,
                message_group_id: Some(group.to_string()),
                sent_timestamp: None,
            },
            event_source_arn: String::new(),
        };
        SqsEvent { records: groups.iter().enumerate().map(record).collect() }
    }

    fn failed(event: &SqsEvent, done: &[usize]) -> Vec<String> {
        let done = done.iter().map(usize::to_string).collect();
        response(event, &done)
            .batch_item_failures
            .into_iter()
            .map(|failure| failure.item_identifier)
            .collect()
    }

    #[test]
    fn a_failure_holds_back_its_own_group_only() {
        let batch = event(&[1, 2, 1, 2, 1]);
        assert_eq!(failed(&batch, &[0, 1, 2, 3, 4]), Vec::<String>::new());
        assert_eq!(failed(&batch, &[0, 1, 3, 4]), ["2", "4"]);
        assert_eq!(failed(&batch, &[1, 2, 3, 4]), ["0", "2", "4"]);
        assert_eq!(failed(&batch, &[]), ["0", "1", "2", "3", "4"]);
    }

    #[test]
    fn a_failure_without_a_group_holds_back_nothing() {
        let mut batch = event(&[1, 1, 1]);
        for record in &mut batch.records {
            record.attributes.message_group_id = None;
        }
        assert_eq!(failed(&batch, &[0, 2]), ["1"]);
    }

    #[test]
    fn groups_keep_the_order_of_the_queue() {
        let batch = event(&[2, 1, 2]);
        let seen: Vec<(&str, Vec<&str>)> = by_group(&batch)
            .into_iter()
            .map(|(group, records)| {
                (group, records.iter().map(|record| record.message_id.as_str()).collect())
            })
            .collect();
        assert_eq!(seen, [("2", vec!["0", "2"]), ("1", vec!["1"])]);
    }

    proptest! {
        /// What is deleted from each group is a prefix of it, of messages that were done, and the longest such prefix.
        #[test]
        fn each_group_loses_its_longest_done_prefix(batch in prop::collection::vec((0u8..4, any::<bool>()), 0..=10)) {
            let groups: Vec<u8> = batch.iter().map(|(group, _)| *group).collect();
            let done: Vec<usize> = (0..batch.len()).filter(|at| batch[*at].1).collect();
            let event = event(&groups);
            let failed: BTreeSet<String> = failed(&event, &done).into_iter().collect();
            for (_, records) in by_group(&event) {
                let prefix = records
                    .iter()
                    .take_while(|record| done.contains(&record.message_id.parse().unwrap()))
                    .count();
                for (at, record) in records.iter().enumerate() {
                    prop_assert_eq!(failed.contains(&record.message_id), at >= prefix);
                }
            }
        }
    }
}
