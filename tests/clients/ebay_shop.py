"""ebay_rest: the generated clients of the Sell Inventory, Sell Fulfillment and Commerce Identity APIs."""

import os

from ebay_rest import API
from ebay_rest.api import commerce_identity, sell_fulfillment, sell_inventory
from ebay_rest.error import Error
from ebay_rest.token import UserToken

from shops import PRICES, QUANTITIES, TITLES, equal, shop

told = shop("ebay")
given = told["credentials"]

# The generated clients do not look at the environment for a proxy; this is their documented way.
for generated in (commerce_identity, sell_fulfillment, sell_inventory):
    network = generated.Configuration()
    network.proxy = os.environ["HTTPS_PROXY"]
    network.ssl_ca_cert = os.environ["SSL_CERT_FILE"]
    generated.Configuration.set_default(network)

# Consent needs a browser of the library's own (Playwright): it begins with a refresh token.
FOR_EVER = "2099-01-01T00:00:00.000Z"
api = API(
    application={
        "app_id": given["client_id"], "cert_id": given["client_secret"], "dev_id": "none", "redirect_uri": given["ru_name"],
    },
    user={
        "email_or_username": "fictional", "password": "unused", "refresh_token": given["refresh_token"],
        "refresh_token_expiry": FOR_EVER,
    },
    header={"accept_language": "en-US", "content_language": "en-US", "marketplace_id": "EBAY_US"},
)
user = api.commerce_identity_get_user()
equal("the account", (user["username"], user["registration_marketplace_id"]), ("fictional_outfitters", "EBAY_US"))

# The library's own walk counts records where eBay's specification of this one call counts pages, so it is asked for by
# page, of the generated client that it is made of.
QUANTITIES = QUANTITIES | {"PEN": 0}
account = sell_inventory.Configuration()
account.host = "https://api.ebay.com/sell/inventory/v1"
account.access_token = UserToken(
    False, given["client_id"], given["client_secret"], given["ru_name"],
    user_refresh_token=given["refresh_token"], user_refresh_token_expiry=FOR_EVER,
).get()
client = sell_inventory.InventoryItemApi(sell_inventory.ApiClient(account))
pages = [client.get_inventory_items(limit="3", offset=str(page)) for page in range(4)]
equal("items: of each page", [len(page.inventory_items or []) for page in pages], [3, 3, 1, 0])
equal("items: the counts", [(page.total, page.size, page.limit) for page in pages[:1]], [(7, 3, 3)])
equal("items: is there a next page", [page.next is not None for page in pages], [True, True, False, False])
items = {item.sku: item for page in pages for item in page.inventory_items or []}
found = {sku: item.availability.ship_to_location_availability.quantity for sku, item in items.items()}
equal("items: quantities", found, QUANTITIES)
equal("items: titles", {sku: items[sku].product.title for sku in TITLES}, TITLES)
groups = [items[sku].group_ids or [] for sku in QUANTITIES]
equal("items: variations", [len(group) for group in groups], [int(sku.startswith("TEE")) for sku in QUANTITIES])
walked = [one["record"]["sku"] for one in api.sell_inventory_get_inventory_items() if "record" in one]
equal("items, by the library's own walk", sorted(walked), sorted(QUANTITIES))

offers = {}
for sku in PRICES:
    (offers[sku],) = [one["record"] for one in api.sell_inventory_get_offers(sku=sku) if "record" in one]
found = {sku: (offer["pricing_summary"]["price"]["value"], offer["pricing_summary"]["price"]["currency"]) for sku, offer in offers.items()}
equal("offers: prices", found, {sku: (price, "USD") for sku, price in PRICES.items()})
found = {sku: (offer["available_quantity"], offer["status"]) for sku, offer in offers.items()}
equal("offers: quantities", found, {sku: (QUANTITIES[sku], "PUBLISHED") for sku in PRICES})

walked = list(api.sell_fulfillment_get_orders())
orders = {one["record"]["order_id"]: one["record"] for one in walked if "record" in one}
equal("orders, by the library's own walk over two pages", (len(orders), walked[-1]["total"]["records_available"]), (203, 203))
found = [
    (orders[order]["order_payment_status"], orders[order]["order_fulfillment_status"],
     orders[order]["pricing_summary"]["total"]["value"],
     [(line["sku"], line["quantity"]) for line in orders[order]["line_items"]])
    for order in told["orders"]
]
equal("orders", found, [
    ("PAID", "NOT_STARTED", "19.00", [("MUG-RED", 2)]),
    ("PENDING", "NOT_STARTED", "49.00", [("LAMP-07", 1)]),
    ("PAID", "FULFILLED", "61.00", [("BAG/01 L", 3), ("TEE-S", 1)]),
])
sent = "orderfulfillmentstatus:{FULFILLED|IN_PROGRESS}"
for what, asked, wanted in [
    ("of a status", dict(filter=sent), told["orders"][2:]),
    ("of a status and a period", dict(filter="creationdate:[2020-01-01T00:00:00.000Z..2020-02-01T00:00:00.000Z]," + sent), []),
    ("by their ids", dict(order_ids=",".join(told["orders"])), told["orders"]),
]:
    found = [one["record"]["order_id"] for one in api.sell_fulfillment_get_orders(**asked) if "record" in one]
    equal(f"orders {what}", sorted(found), sorted(wanted))
equal("an order", api.sell_fulfillment_get_order(told["orders"][0])["buyer"]["username"], "b***e")


def put(**quantities):
    requests = [
        {
            "sku": sku, "shipToLocationAvailability": {"quantity": quantity},
            "offers": [{"offerId": offers[sku]["offer_id"], "availableQuantity": quantity}],
        }
        for sku, quantity in quantities.items()
    ]
    answer = api.sell_inventory_bulk_update_price_quantity({"requests": requests}, "application/json")
    return [(one["sku"], one["status_code"]) for one in answer["responses"]]


def read_back(sku):
    item = api.sell_inventory_get_inventory_item(sku)
    (offer,) = [one["record"] for one in api.sell_inventory_get_offers(sku=sku) if "record" in one]
    return item["availability"]["ship_to_location_availability"]["quantity"], offer["available_quantity"]


wanted = {"MUG-RED": 41, "BAG/01 L": 42, "TEE-S": 0}
equal("quantities are set", put(**wanted), [(sku, 200) for sku in wanted])
equal("quantities, read back", {sku: read_back(sku) for sku in wanted}, {sku: (quantity,) * 2 for sku, quantity in wanted.items()})
offers["NONE"] = {"offer_id": "1"}
equal("a part of a batch is refused", put(**{"MUG-RED": 40, "NONE": 1}), [("MUG-RED", 200), ("NONE", 404)])
try:
    api.sell_inventory_get_inventory_item("NONE")
    raise SystemExit("a missing SKU was found")
except Error as refusal:
    equal("a missing SKU", (refusal.number, "25710" in str(refusal.detail)), (99404, True))
