//! Units of DynamoDB, by what they were spent on.

use std::ops::AddAssign;

use engine::{Calls, Units, Usage};

use crate::world::{MAIN, PERSONAL};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    pub main_writes: Units,
    pub main_reads: Units,
    pub index_writes: Units,
    pub index_reads: Units,
    pub personal_writes: Units,
    pub personal_reads: Units,
    /// A floor: AWS charges refused writes and does not report them.
    pub refused_writes: Units,
    /// Requests that wrote.
    pub write_calls: u64,
}

const WRITES: [&str; 5] = ["BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"];

impl From<Usage> for Spent {
    fn from(usage: Usage) -> Self {
        let table = |name: &str| usage.tables.get(name).copied().unwrap_or_default();
        let (main, personal) = (table(MAIN), table(PERSONAL));
        let sum = |of: fn(&engine::Consumed) -> Units| usage.indexes.values().map(of).sum();
        let calls =
            |name: &&str| usage.calls.get(*name).map_or(0, |calls: &Calls| calls.done + calls.refused);
        Self {
            main_writes: main.writes,
            main_reads: main.reads,
            index_writes: sum(|index| index.writes),
            index_reads: sum(|index| index.reads),
            personal_writes: personal.writes,
            personal_reads: personal.reads,
            refused_writes: usage.refused_writes(),
            write_calls: WRITES.iter().map(calls).sum(),
        }
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, more: Self) {
        self.main_writes += more.main_writes;
        self.main_reads += more.main_reads;
        self.index_writes += more.index_writes;
        self.index_reads += more.index_reads;
        self.personal_writes += more.personal_writes;
        self.personal_reads += more.personal_reads;
        self.refused_writes += more.refused_writes;
        self.write_calls += more.write_calls;
    }
}

impl Spent {
    pub fn reads(&self) -> Units {
        self.main_reads + self.index_reads + self.personal_reads
    }

    pub fn writes(&self) -> Units {
        self.main_writes + self.index_writes + self.personal_writes + self.refused_writes
    }
}

/// What each of `many` costs beyond what one costs: the share that grows with the number. Rounded up to a thousandth.
pub fn each_beyond_one(many: Units, one: Units, number: u64) -> Units {
    Units::from_milli((many.milli().saturating_sub(one.milli())).div_ceil(number - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_told_smaller_than_it_is() {
        let cases = [(503_500, 4_000, 1_000, 500), (4_000, 4_000, 1_000, 0), (1_001, 1_000, 1_000, 1)];
        for (many, one, number, share) in cases {
            let told = each_beyond_one(Units::from_milli(many), Units::from_milli(one), number);
            assert_eq!(told, Units::from_milli(share), "{many} {one}");
        }
    }
}
