"""Shopify's own library for Python: consent, and the Admin GraphQL API."""

import json
import uuid
from urllib.parse import parse_qsl, urlsplit

import shopify

from shops import PRICES, QUANTITIES, consented, equal, shop

VERSION = "2026-10"
told = shop("shopify")

shopify.Session.setup(api_key=told["credentials"]["client_id"], secret=told["credentials"]["client_secret"])
session = shopify.Session("fictional.myshopify.com", VERSION)
page = session.create_permission_url(["read_products", "write_inventory"], "https://client.example/back", "nonce-1")
brought = consented(page.split("?")[0], **dict(parse_qsl(urlsplit(page).query)))
equal("the state comes back", brought["state"], "nonce-1")
# The library holds the signature of what the browser brought against the secret.
token = session.request_token(brought)
equal("a token for the code", token.startswith("shpat_"), True)
shopify.ShopifyResource.activate_session(shopify.Session("fictional.myshopify.com", VERSION, token))


def ask(query, **variables):
    answer = json.loads(shopify.GraphQL().execute(query, variables))
    if "errors" in answer:
        raise SystemExit(f"{query}\n{answer['errors']}")
    return answer["data"]


def pages(query, field, **variables):
    nodes, after, count = [], None, 0
    while True:
        found = ask(query, after=after, **variables)[field]
        nodes += found.get("nodes") or [edge["node"] for edge in found["edges"]]
        count += 1
        if not found["pageInfo"]["hasNextPage"]:
            return nodes, count
        after = found["pageInfo"]["endCursor"]


LOCATIONS = "{ locations(first: 10) { nodes { id isActive isFulfillmentService } } }"
locations = ask(LOCATIONS)["locations"]["nodes"]
equal("no closed location unasked", [one["isActive"] for one in locations], [True] * len(locations))
(location,) = [one["id"] for one in locations if not one["isFulfillmentService"]]

VARIANTS = """query variants($after: String, $location: ID!) {
  productVariants(first: 2, after: $after) {
    nodes {
      id sku price inventoryQuantity product { title status }
      inventoryItem { id tracked inventoryLevel(locationId: $location) { quantities(names: ["available"]) { quantity } } }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""
variants, count = pages(VARIANTS, "productVariants", location=location)
equal("variants: pages", count, 3)
equal("variants: prices", {one["sku"]: one["price"] for one in variants}, PRICES)
equal("variants: quantities", {one["sku"]: one["inventoryQuantity"] for one in variants}, QUANTITIES)
levels = {one["sku"]: one["inventoryItem"]["inventoryLevel"]["quantities"][0]["quantity"] for one in variants}
equal("variants: available at the location", levels, QUANTITIES)
equal("variants: ids", {one["sku"]: one["id"].rsplit("/", 1)[1] for one in variants},
      {sku: listing["variation"] or listing["id"] for sku, listing in told["listings"].items()})

ORDERS = """query orders($after: String) {
  orders(first: 2, after: $after) {
    edges { cursor node {
      id name displayFinancialStatus displayFulfillmentStatus currentTotalPriceSet { shopMoney { amount } }
      lineItems(first: 10) { nodes { sku quantity currentQuantity unfulfilledQuantity } }
    } }
    pageInfo { hasNextPage endCursor }
  }
}"""
orders, count = pages(ORDERS, "orders")
equal("orders: pages", count, 2)
found = [
    (one["id"].rsplit("/", 1)[1], one["displayFinancialStatus"], one["displayFulfillmentStatus"],
     one["currentTotalPriceSet"]["shopMoney"]["amount"],
     [(line["sku"], line["quantity"], line["unfulfilledQuantity"]) for line in one["lineItems"]["nodes"]])
    for one in orders
]
paid, unpaid, sent = told["orders"]
equal("orders", found, [
    (paid, "PAID", "UNFULFILLED", "19.00", [("MUG-RED", 2, 2)]),
    (unpaid, "PENDING", "UNFULFILLED", "49.00", [("LAMP-07", 1, 1)]),
    (sent, "PAID", "FULFILLED", "61.00", [("BAG/01 L", 3, 0), ("TEE-S", 1, 0)]),
])

SET = """mutation set($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { code field message } }
}"""
LEVEL = """query level($ids: [ID!]!, $location: ID!) {
  nodes(ids: $ids) { ... on InventoryItem { inventoryLevel(locationId: $location) { quantities(names: ["available"]) { quantity } } } }
}"""
items = {one["sku"]: one["inventoryItem"]["id"] for one in variants}


def put(sku, quantity, change_from):
    entry = {"inventoryItemId": items[sku], "locationId": location, "quantity": quantity, "changeFromQuantity": change_from}
    given = {"name": "available", "reason": "correction", "quantities": [entry]}
    errors = ask(SET, input=given, key=str(uuid.uuid4()))["inventorySetQuantities"]["userErrors"]
    node = ask(LEVEL, ids=[items[sku]], location=location)["nodes"][0]
    return [error["code"] for error in errors], node["inventoryLevel"]["quantities"][0]["quantity"]


equal("a quantity is set, and read back", put("BAG/01 L", 41, None), ([], 41))
equal("a quantity is set, compared", put("BAG/01 L", 42, 41), ([], 42))
equal("a stale comparison changes nothing", put("BAG/01 L", 43, 41), (["CHANGE_FROM_QUANTITY_STALE"], 42))
