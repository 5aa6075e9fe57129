//! Levels and the ledger: a level changes only together with the movement that says why.
//!
//! One row a level (`ADD`, so that concurrent movements do not conflict in our code), one row a movement.

use std::collections::BTreeMap;

use domain::order::Place;
use domain::stock::{Actor, Change, Level, Movement, Replay, Source};
use domain::{ItemId, LocationId, MovementId, OrganizationId, Timestamp};

use crate::facts::{Facts, facts_of, low_stock};
use crate::keys::{self, Key};
use crate::link::Link;
use crate::page::List;
use crate::read::Query;
use crate::row::{Reader, Row, n, s, time, word};
use crate::transact::{Refused, Step};
use crate::{Page, PageRequest, Store, StoreError};

/// All that a push must know of an item.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemStock {
    /// None of a bundle.
    pub levels: Vec<Level>,
    pub links: Vec<Link>,
    pub facts: Facts,
    /// The bundles that name it directly, where they were asked for.
    pub bundles: Vec<ItemId>,
    /// Since when the stock is below its reorder level.
    pub low_since: Option<Timestamp>,
}

/// How fresh a read must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Half the price; may miss the last second's writes.
    Eventual,
    Consistent,
}

/// What must hold of a level for a document to be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    None,
    /// The level still has this version ([`StoreError::Conflict`] otherwise): for a quantity that was computed from it.
    Version(u64),
    /// After the movement `on_hand` is not below zero ([`StoreError::NotEnoughStock`] otherwise).
    OnHandNotNegative,
}

/// A movement and what it demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    pub movement: Movement,
    pub guard: Guard,
}

impl Store {
    /// One query over the item's links, levels and facts: half a read unit (eventual) per 4 KiB.
    pub async fn item_stock(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        freshness: Freshness,
    ) -> Result<ItemStock, StoreError> {
        self.item_stock_from(keys::FACTS, organization, item, freshness).await
    }

    /// With the bundles that name the item: one row more for each. Consistent.
    pub async fn item_stock_and_bundles(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
    ) -> Result<ItemStock, StoreError> {
        self.item_stock_from(keys::WITHIN, organization, item, Freshness::Consistent).await
    }

    async fn item_stock_from(
        &self,
        begin: &str,
        organization: &OrganizationId,
        item: &ItemId,
        freshness: Freshness,
    ) -> Result<ItemStock, StoreError> {
        let mut query = Query::of(keys::item_stock(organization, item)).between(begin, keys::LEVELS_END);
        query.freshness = freshness;
        let mut stock = ItemStock::default();
        for row in self.query_all("read an item's stock", &query).await? {
            let reader = Reader::new("an item's stock", &row);
            match reader.text(keys::SK)? {
                sk if sk.starts_with(keys::LINK) => stock.links.push(Link::of_row(item, &row)?),
                sk if sk.starts_with(keys::WITHIN) => {
                    let bundle = reader.sort_key_after(keys::WITHIN)?.parse();
                    stock.bundles.push(bundle.map_err(|error| reader.unreadable(error))?);
                }
                keys::FACTS => stock.facts = facts_of(row)?,
                keys::LOW => stock.low_since = Some(low_stock(&row)?.since),
                _ => stock.levels.push(level_of(&row)?),
            }
        }
        Ok(stock)
    }

    /// Newest first.
    pub async fn movements(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        page: &PageRequest,
    ) -> Result<Page<Movement>, StoreError> {
        let list = List::new("movements", organization, item);
        let mut query = Query::of(keys::item_stock(organization, item)).prefix(keys::MOVEMENT).newest_first();
        query.limit = Some(page.rows() + 1);
        self.page("list movements", &list, &query, page, |row| movement_of(item, &row).map(Some)).await
    }

    /// The levels that the item's movements up to `until`, that instant included, make; all movements where there is
    /// none. Consistent: one read unit per 11 movements.
    pub async fn replayed(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        until: Option<Timestamp>,
    ) -> Result<Vec<Level>, StoreError> {
        let query = Query::of(keys::item_stock(organization, item)).consistent();
        let query = match until {
            Some(until) => {
                query.between(keys::MOVEMENT, format!("{}{}#~", keys::MOVEMENT, keys::millis(until)))
            }
            None => query.prefix(keys::MOVEMENT),
        };
        let mut replay = Replay::default();
        let mut start = None;
        loop {
            let (rows, next) = self.query("replay an item's movements", &query, start).await?;
            for row in rows {
                let movement = movement_of(item, &row)?;
                if until.is_none_or(|until| movement.at <= until) {
                    replay.add(&movement);
                }
            }
            start = next;
            if start.is_none() {
                return Ok(replay.levels());
            }
        }
    }

    /// The level alone, consistent; an empty one where nothing has moved yet.
    pub async fn level(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        location: &LocationId,
    ) -> Result<Level, StoreError> {
        let row = self.get("read a level", &keys::level(organization, item, location)).await?;
        row.map_or_else(|| Ok(Level::empty(location.clone())), |row| level_of(&row))
    }
}

/// Attributes of a level's row: short, since each push reads them.
const ON_HAND: &str = "h";
const COMMITTED: &str = "c";
const VERSION: &str = "v";

pub(crate) fn level_of(row: &Row) -> Result<Level, StoreError> {
    let reader = Reader::new("a level", row);
    let location = reader.sort_key_after(keys::LEVEL)?;
    let location_id = location.parse().map_err(|error| StoreError::Unreadable("a level", Box::new(error)))?;
    Ok(Level {
        location_id,
        on_hand: reader.count(ON_HAND)?,
        committed: reader.count(COMMITTED)?,
        version: reader.count(VERSION)?,
    })
}

/// What postings do to one level, all together: DynamoDB takes no two writes of one row in a transaction.
#[derive(Default)]
struct LevelWrite {
    change: Change,
    movements: u64,
    version: Option<u64>,
    on_hand_not_negative: bool,
}

impl LevelWrite {
    fn add(&mut self, change: Change, guard: &Guard) {
        self.change.on_hand += change.on_hand;
        self.change.committed += change.committed;
        self.movements += 1;
        match guard {
            Guard::None => {}
            Guard::Version(version) => self.version = Some(*version),
            Guard::OnHandNotNegative => self.on_hand_not_negative = true,
        }
    }

    /// `ADD` makes the row where it is missing. A missing row has nothing on hand, and version 0.
    fn step(self, key: Key) -> Step {
        let step = Step::update(key, "ADD #h :h, #c :c, #v :v")
            .name("#h", ON_HAND)
            .name("#c", COMMITTED)
            .name("#v", VERSION)
            .value(":h", n(self.change.on_hand))
            .value(":c", n(self.change.committed))
            .value(":v", n(self.movements));
        let absent_or = |absent: bool, condition: &str, name: &str| {
            if absent {
                format!("(attribute_not_exists({name}) OR {condition})")
            } else {
                condition.to_owned()
            }
        };
        // A quantity computed from a version says what is on hand afterwards, so that its conflict is the one to tell.
        match (self.version, self.on_hand_not_negative) {
            (Some(version), _) => step
                .only_if(absent_or(version == 0, "#v = :version", "#v"), Refused::Conflict("level"))
                .value(":version", n(version)),
            (None, true) => {
                let needed = -self.change.on_hand;
                step.only_if(absent_or(needed <= 0, "#h >= :needed", "#h"), Refused::NotEnoughStock)
                    .value(":needed", n(needed))
            }
            (None, false) => step,
        }
    }
}

/// The steps that post movements: the levels first, in the order of their places, then the movements.
pub(crate) fn posting_steps<'a>(
    organization: &OrganizationId,
    postings: impl IntoIterator<Item = (&'a Movement, &'a Guard)>,
) -> Result<Vec<Step>, StoreError> {
    let mut levels = BTreeMap::<Place, LevelWrite>::new();
    let mut movements = Vec::new();
    for (movement, guard) in postings {
        let (item_id, location_id) = (movement.item_id.clone(), movement.location_id.clone());
        levels.entry(Place { item_id, location_id }).or_default().add(movement.change, guard);
        let row = movement_row(organization, movement)?;
        movements.push(Step::put(row).only_if_new(Refused::Exists("movement")));
    }
    let levels = levels
        .into_iter()
        .map(|(place, write)| write.step(keys::level(organization, &place.item_id, &place.location_id)));
    Ok(levels.chain(movements).collect())
}

fn movement_row(organization: &OrganizationId, movement: &Movement) -> Result<Row, StoreError> {
    let mut row = keys::movement(organization, movement).into_row();
    let mut put = |name: &str, value| drop(row.insert(name.to_owned(), value));
    put("l", s(movement.location_id.body()));
    put("h", n(movement.change.on_hand));
    put("c", n(movement.change.committed));
    put("r", word(&movement.reason)?);
    put("k", word(&movement.source.kind)?);
    put("s", s(&movement.source.id));
    put("a", s(String::from(movement.actor.clone())));
    put("t", time(movement.at));
    Ok(row)
}

fn movement_of(item: &ItemId, row: &Row) -> Result<Movement, StoreError> {
    let unreadable = |error| StoreError::Unreadable("a movement", error);
    let reader = Reader::new("a movement", row);
    let body = reader.sort_key_after(keys::MOVEMENT)?.split_once('#').map_or("", |(_, body)| body);
    let actor = Actor::try_from(reader.text("a")?.to_owned()).map_err(|error| unreadable(error.into()))?;
    Ok(Movement {
        id: MovementId::from_body(body).map_err(|error| unreadable(Box::new(error)))?,
        item_id: item.clone(),
        location_id: LocationId::from_body(reader.text("l")?).map_err(|error| unreadable(Box::new(error)))?,
        change: Change { on_hand: reader.number("h")?, committed: reader.number("c")? },
        reason: reader.word("r")?,
        source: Source { kind: reader.word("k")?, id: reader.text("s")?.to_owned() },
        actor,
        at: reader.time("t")?,
    })
}
