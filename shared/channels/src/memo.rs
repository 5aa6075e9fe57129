//! What an adapter learned of a shop and may forget: kept in one process for one connection, beside its pace.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use domain::Timestamp;
use secrecy::{ExposeSecret, SecretString};

/// Entries kept; the one that ends first goes when there are more.
const ENTRIES_MAX: usize = 64;

/// Named texts, each until its end. They may be secret.
#[derive(Default)]
pub struct Memo(Mutex<BTreeMap<String, (Timestamp, SecretString)>>);

impl Memo {
    /// What is remembered under `name` and has not ended.
    pub fn recall(&self, name: &str, now: Timestamp) -> Option<SecretString> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(name).filter(|(end, _)| now < *end).map(|(_, text)| text.clone())
    }

    pub fn remember(&self, name: &str, text: SecretString, end: Timestamp) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert(name.to_owned(), (end, text));
        while entries.len() > ENTRIES_MAX {
            let Some(first) = entries.iter().min_by_key(|(_, (end, _))| *end).map(|(name, _)| name.clone())
            else {
                return;
            };
            entries.remove(&first);
        }
    }

    pub fn forget(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// A number that was remembered as text.
    pub fn recall_number(&self, name: &str, now: Timestamp) -> Option<usize> {
        self.recall(name, now)?.expose_secret().parse().ok()
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo(concealed)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_ended_is_not_recalled() {
        let memo = Memo::default();
        memo.remember("a", "7".to_owned().into(), at(10));
        assert_eq!(memo.recall_number("a", at(9)), Some(7));
        assert!(memo.recall("a", at(10)).is_none());
        memo.forget("a");
        assert!(memo.recall("a", at(0)).is_none());
    }

    #[test]
    fn it_is_bounded() {
        let memo = Memo::default();
        for number in 0..100 {
            memo.remember(&format!("n{number}"), "x".to_owned().into(), at(100 + number));
        }
        assert!(memo.recall("n0", at(0)).is_none() && memo.recall("n99", at(0)).is_some());
        assert_eq!(format!("{memo:?}"), "Memo(concealed)");
    }
}
