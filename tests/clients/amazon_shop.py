"""python-amazon-sp-api: Login with Amazon, Listings Items, Orders of 2026-01-01."""

from collections import namedtuple
from datetime import datetime, timedelta, timezone

from sp_api.api import ListingsItems, Orders, Sellers
from sp_api.auth import AccessTokenClient
from sp_api.base import Marketplaces, SellingApiBadRequestException, SellingApiNotFoundException
from sp_api.util import load_all_pages

from shops import PRICES, QUANTITIES, TITLES, consented, equal, shop

told = shop("amazon")
given = told["credentials"]
seller = given["selling_partner_id"]

page = "https://sellercentral.amazon.com/apps/authorize/consent"
brought = consented(page, application_id=given["application_id"], state="nonce-1", redirect_uri="https://client.example/back")
equal("the state comes back", (brought["state"], brought["selling_partner_id"]), ("nonce-1", seller))
keys = namedtuple("Keys", "lwa_app_id lwa_client_secret refresh_token")(given["client_id"], given["client_secret"], None)
granted = AccessTokenClient(credentials=keys).authorize_auth_code(brought["spapi_oauth_code"])
equal("tokens for the code", (granted["token_type"], granted["expires_in"]), ("bearer", 3600))

credentials = dict(
    refresh_token=granted["refresh_token"], lwa_app_id=given["client_id"], lwa_client_secret=given["client_secret"]
)
account = dict(credentials=credentials, marketplace=Marketplaces.US)
listings, orders = ListingsItems(**account), Orders(version="2026-01-01", **account)

here = Sellers(**account).get_marketplace_participation().payload
equal("marketplaces", [one["marketplace"]["id"] for one in here], [Marketplaces.US.marketplace_id])


@load_all_pages(throttle_by_seconds=0.2, next_token_param="pageToken")
def pages_of_listings(**asked):
    return listings.search_listings_items(seller, **asked)


@load_all_pages(throttle_by_seconds=0, next_token_param="paginationToken")
def pages_of_orders(**asked):
    return orders.search_orders(**asked)


walked = list(pages_of_listings(pageSize=2, includedData=["summaries", "offers", "fulfillmentAvailability", "relationships"]))
items = [item for page in walked for item in page.payload["items"]]
equal("listings: pages and their count", (len(walked), walked[0].payload["numberOfResults"]), (4, 7))
sold = {item["sku"]: item for item in items if item["sku"] in PRICES}
found = {sku: item["offers"][0]["price"]["amount"] for sku, item in sold.items()}
equal("listings: prices", found, PRICES)
found = {sku: item["fulfillmentAvailability"][0] for sku, item in sold.items()}
wanted = {sku: {"fulfillmentChannelCode": "DEFAULT", "quantity": quantity} for sku, quantity in QUANTITIES.items()}
equal("listings: quantities", found, wanted)
found = {sku: sold[sku]["summaries"][0]["itemName"] for sku in TITLES}
equal("listings: titles", found, TITLES)
(parent,) = [item for item in items if item["sku"] not in PRICES]
equal("listings: variations", parent["relationships"][0]["relationships"][0]["childSkus"], ["TEE-S", "TEE-M"])
# With no parameter of ours at all: summaries, ten to a page, the latest change first.
plain = listings.search_listings_items(seller).payload["items"]
equal("listings, as Amazon has them by itself", sorted({name for item in plain for name in item}), ["sku", "summaries"])
changed = [item["summaries"][0]["lastUpdatedDate"] for item in plain]
equal("listings: the latest change first", changed, sorted(changed, reverse=True))

since = (datetime.now(timezone.utc) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
walked = list(pages_of_orders(lastUpdatedAfter=since, maxResultsPerPage=2, includedData=["FULFILLMENT", "PROCEEDS"]))
equal("orders: pages", len(walked), 2)
found = {
    one["orderId"]: (
        one["fulfillment"]["fulfillmentStatus"],
        one.get("proceeds", {}).get("grandTotal", {}).get("amount"),
        [(line["product"]["sellerSku"], line["quantityOrdered"], line["fulfillment"]["quantityUnfulfilled"])
         for line in one["orderItems"]],
    )
    for page in walked for one in page.payload["orders"]
}
paid, unpaid, sent = told["orders"]
equal("orders", found, {
    paid: ("UNSHIPPED", "19.00", [("MUG-RED", 2, 2)]),
    unpaid: ("PENDING", None, [("LAMP-07", 1, 1)]),
    sent: ("SHIPPED", "61.00", [("BAG/01 L", 3, 0), ("TEE-S", 1, 0)]),
})
for asked, wanted in [
    (dict(fulfillmentStatuses=["UNSHIPPED", "PENDING"]), {paid, unpaid}),
    (dict(fulfillmentStatuses=["SHIPPED"], fulfilledBy=["MERCHANT"]), {sent}),
    (dict(fulfilledBy=["AMAZON"]), set()),
]:
    found = orders.search_orders(createdAfter=since, **asked).payload["orders"]
    equal(f"orders: {asked}", {one["orderId"] for one in found}, wanted)
one = orders.get_order(paid).payload["order"]
equal("an order", (one["orderId"], "fulfillment" in one), (paid, False))


def put(sku, quantity):
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity}]
    patch = {"op": "merge", "path": "/attributes/fulfillment_availability", "value": value}
    answer = listings.patch_listings_item(seller, sku, body={"productType": "PRODUCT", "patches": [patch]}).payload
    there = listings.get_listings_item(seller, sku, includedData=["fulfillmentAvailability"]).payload
    return answer["status"], there["fulfillmentAvailability"][0]["quantity"]


equal("a quantity is set, and read back", put("MUG-RED", 41), ("ACCEPTED", 41))
equal("a quantity of a SKU that must be encoded", put("BAG/01 L", 0), ("ACCEPTED", 0))
equal("a wrong quantity changes nothing", put("MUG-RED", -1), ("INVALID", 41))

for what, ask, refusal in [
    ("a missing SKU", lambda: listings.get_listings_item(seller, "NONE"), SellingApiNotFoundException),
    ("orders of no period", lambda: orders.search_orders(), SellingApiBadRequestException),
]:
    try:
        ask()
        raise SystemExit(f"{what} was found")
    except refusal as told_so:
        equal(f"{what}: {type(told_so).__name__}", bool(told_so.code), True)
