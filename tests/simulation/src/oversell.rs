//! Units sold beyond stock, by what made the channel sell them.

use domain::ListingId;

use crate::mirror::Known;
use crate::world::World;

/// Why a channel offered what was not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The listing is not linked, or its connection does not push.
    NotInSync,
    /// A person had set the channel's number by hand.
    EditedOnChannel,
    /// What is left sold elsewhere, or was taken away, and the lower number was on its way.
    ChannelDelay,
}

/// What a run, or many, came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub steps: u64,
    pub faults: u64,
    pub functions: u64,
    pub orders: u64,
    pub units: u64,
    /// The hub's: zero, or the run has failed.
    pub stale_numbers: u64,
    pub given_back: u64,
    pub oversold_not_in_sync: u64,
    pub oversold_edited: u64,
    pub oversold_delay: u64,
    /// Of those by delay: for how long the number had been too high, up to a minute, ten minutes, an hour, longer.
    pub delays: [u64; 4],
    /// Orders that sold a unit too many because of a delay.
    pub orders_by_delay: u64,
}

const MINUTE_MS: i64 = 60_000;

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.faults += other.faults;
        self.functions += other.functions;
        self.orders += other.orders;
        self.units += other.units;
        self.stale_numbers += other.stale_numbers;
        self.given_back += other.given_back;
        self.oversold_not_in_sync += other.oversold_not_in_sync;
        self.oversold_edited += other.oversold_edited;
        self.oversold_delay += other.oversold_delay;
        self.orders_by_delay += other.orders_by_delay;
        for (sum, more) in self.delays.iter_mut().zip(other.delays) {
            *sum += more;
        }
    }

    pub fn oversold(&mut self, units: u64, cause: Cause, delay_ms: i64) {
        match cause {
            Cause::NotInSync => self.oversold_not_in_sync += units,
            Cause::EditedOnChannel => self.oversold_edited += units,
            Cause::ChannelDelay => {
                self.oversold_delay += units;
                self.orders_by_delay += 1;
                let bounds = [MINUTE_MS, 10 * MINUTE_MS, 60 * MINUTE_MS];
                let class = bounds.iter().filter(|bound| delay_ms >= **bound).count();
                self.delays[class] += units;
            }
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let per_million =
            self.orders_by_delay.saturating_mul(1_000_000).checked_div(self.orders).unwrap_or(0);
        writeln!(
            f,
            "{} steps, {} functions run, {} faults met, {} orders of {} units",
            self.steps, self.functions, self.faults, self.orders, self.units
        )?;
        writeln!(
            f,
            "units sold beyond stock: {} by the hub (a stale number {}, a unit given back {})",
            self.stale_numbers + self.given_back,
            self.stale_numbers,
            self.given_back
        )?;
        let [minute, ten, hour, longer] = self.delays;
        writeln!(
            f,
            "  {} while the lower number was on its way ({per_million} orders in a million): {minute} within a minute, {ten} \
             within ten, {hour} within an hour, {longer} later",
            self.oversold_delay
        )?;
        write!(
            f,
            "  {} on listings that are not in sync, {} after an edit on the channel",
            self.oversold_not_in_sync, self.oversold_edited
        )
    }
}

impl World {
    /// Why a listing of a shop sold what was not there, and for how long it had offered too much.
    pub fn cause(&self, known: &Known, listing: &ListingId, host: &str) -> (Cause, i64) {
        let pushes = known
            .listings
            .get(listing)
            .and_then(|found| known.connections.get(&found.connection_id))
            .is_some_and(|connection| connection.settings.pushes(connection.status).is_ok());
        if self.edited.contains(listing) {
            return (Cause::EditedOnChannel, 0);
        }
        if !pushes || known.link(listing).is_none() {
            return (Cause::NotInSync, 0);
        }
        let since_ms = self.too_high.get(&(host.to_owned(), listing.clone())).copied();
        let delay_ms = since_ms.map_or(0, |since_ms| self.time.elapsed_ms() - since_ms);
        (Cause::ChannelDelay, delay_ms)
    }
}
