//! Numbers by location: whose stock each location of the shop shows.

use domain::ConnectionId;
use domain::channel_location::MappedLocation;
use marketplace_sim::SimulatedShop;
use serde_json::json;

use crate::browser::{Browser, Page};
use crate::world::World;

/// The shop's first location, which is its home.
const MAIN: &str = "501";

/// A merchant with a warehouse beside the primary location, and a shop with two locations.
struct Places {
    world: World,
    browser: Browser,
    connection: ConnectionId,
    home: String,
    warehouse: String,
    store: String,
}

impl Places {
    async fn new() -> Self {
        let world = World::new().await;
        let home = world.primary().await;
        let warehouse = world.warehouse("Warehouse").await;
        let sim = world.open_shopify("one.example", "EUR");
        let store = sim.open_location("Store").to_string();
        let input = json!({"channel": "shopify", "name": "Web shop", "endpoint": "https://one.example",
            "credentials": sim.credentials()});
        let made = world.post("/v1/connections", input).await.ok();
        let connection = made["id"].as_str().unwrap().parse().unwrap();
        let browser = Browser::signed_in(&world).await;
        Self { world, browser, connection, home, warehouse, store }
    }

    fn path(&self) -> String {
        format!("/connections/{}/locations", self.connection)
    }

    /// The map, as pairs of ours and the shop's.
    async fn map(&self) -> Vec<(String, String)> {
        let settings =
            self.world.app.connection(&self.world.organization, &self.connection).await.unwrap().settings;
        let pair = |one: &MappedLocation| (one.location_id.to_string(), one.channel_location_id.to_string());
        settings.channel_locations.iter().map(pair).collect()
    }

    /// The form with these in its fields; each of the shop's, one of ours or none.
    async fn save(&self, pairs: &[(&str, &str)]) -> Page {
        let mut fields = Vec::new();
        for (place, ours) in pairs {
            fields.extend([("place", *place), ("location_id", *ours)]);
        }
        let preview = self.browser.post(&self.path(), &fields).await;
        if !preview.html.contains("name=\"plan_id\"") {
            return preview;
        }
        let plan = preview.between("name=\"plan_id\" value=\"", "\"");
        fields.push(("plan_id", &plan));
        self.browser.post(&self.path(), &fields).await
    }
}

#[tokio::test]
async fn each_location_of_the_shop_shows_ours_or_none() {
    let places = Places::new().await;
    let settings = format!("/connections/{}/settings", places.connection);
    places.browser.get(&settings).await.ok().shows("one number a listing").shows(&places.path());
    let page = places.browser.get(&places.path()).await;
    page.ok().shows("Store").shows("home: shows the rest too").shows("None of ours");
    let (store, home, warehouse) = (places.store.as_str(), places.home.as_str(), places.warehouse.as_str());
    places.save(&[(MAIN, home), (store, warehouse)]).await.ok().shows("Saved.");
    let pair = |ours: &str, place: &str| (ours.to_owned(), place.to_owned());
    assert_eq!(places.map().await, [pair(home, MAIN), pair(warehouse, store)]);
    places.browser.get(&settings).await.ok().shows("a number for each of its locations");
    let again = places.browser.get(&places.path()).await;
    again.ok().shows(&format!("<option value=\"{warehouse}\" selected>Warehouse"));
    // Several at one, and what was there before stays before what is new.
    let third = places.world.warehouse("Attic").await;
    places.save(&[(MAIN, &third), (MAIN, home), (store, "")]).await.ok().shows("Saved.");
    assert_eq!(places.map().await, [pair(home, MAIN), pair(&third, MAIN)]);
    places.save(&[(MAIN, ""), (store, "")]).await.ok().shows("Saved.");
    assert_eq!(places.map().await, []);
}

#[tokio::test]
async fn what_is_not_right_is_said_at_its_field_and_nothing_is_saved() {
    let places = Places::new().await;
    let (store, home) = (places.store.as_str(), places.home.as_str());
    let twice = places.save(&[(MAIN, home), (store, ""), (store, home)]).await;
    twice.ok().shows("Nothing was saved").shows("Must not name a location twice.");
    let marked = twice.between("aria-invalid=\"true\" aria-describedby=\"", "\"");
    twice.shows(&format!("id=\"{marked}\""));
    assert_eq!(twice.html.matches("aria-invalid").count(), 1);
    let gone = places.save(&[("999", home)]).await;
    gone.ok().shows("not in the shop any more").shows("aria-invalid").shows("has no such location");
    places.save(&[(MAIN, "nothing of ours")]).await.hides("Saved.");
    assert_eq!(places.map().await, []);
}

#[tokio::test]
async fn a_shop_that_counts_by_listing_alone_has_no_such_form() {
    let world = World::new().await;
    let id = world.connect().await;
    let browser = Browser::signed_in(&world).await;
    browser.get(&format!("/connections/{id}/settings")).await.ok().hides("/locations\"");
    assert_eq!(browser.get(&format!("/connections/{id}/locations")).await.status, 404);
}
