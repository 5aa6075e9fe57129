"""WooCommerce's own library for Python, by each of its three ways in: HTTP Basic, keys in the query, OAuth 1.0a."""

from woocommerce import API

from shops import PRICES, QUANTITIES, TITLES, equal, shop

told = shop("woocommerce")
key, secret = told["credentials"]["consumer_key"], told["credentials"]["consumer_secret"]
ids = {sku: int(listing["variation"] or listing["id"]) for sku, listing in told["listings"].items()}
parent = int(told["listings"]["TEE-S"]["id"])
# The lamp's order waits for its payment, and takes nothing until then.
QUANTITIES = QUANTITIES | {"LAMP-07": 8}


def pages(api, path, **params):
    """All records, page by page, by the counts in the headers."""
    records, page = [], 1
    while True:
        answer = api.get(path, params={"per_page": 2, "page": page, "order": "asc", "orderby": "id", **params})
        equal(f"GET {path}, page {page}", answer.status_code, 200)
        records += answer.json()
        if page == int(answer.headers["X-WP-TotalPages"]):
            equal(f"GET {path}: the count", int(answer.headers["X-WP-Total"]), len(records))
            return records
        page += 1


def drive(api, quantity, skus):
    products = pages(api, "products")
    found = {one["sku"]: (one["id"], one["name"], one["price"], one["type"]) for one in products if one["type"] == "simple"}
    equal("simple products", found, {sku: (ids[sku], TITLES[sku], PRICES[sku], "simple") for sku in TITLES})
    equal("the product with variations", [one["id"] for one in products if one["type"] == "variable"], [parent])
    variations = pages(api, f"products/{parent}/variations")
    found = {one["sku"]: (one["id"], one["attributes"][0]["option"]) for one in variations}
    equal("variations", found, {"TEE-S": (ids["TEE-S"], "S"), "TEE-M": (ids["TEE-M"], "M")})
    QUANTITIES.update(changed)
    found = {one["sku"]: one["stock_quantity"] for one in products + variations if one["manage_stock"] is True}
    equal("stock", found, QUANTITIES)
    by_sku = api.get("products", params={"sku": ", ".join(skus), "order": "asc", "orderby": "id"}).json()
    equal("products of SKUs that must be encoded", [one["id"] for one in by_sku], [ids[sku] for sku in skus])

    orders = pages(api, "orders")
    found = {str(one["id"]): (one["status"], [(line["sku"], line["quantity"]) for line in one["line_items"]]) for one in orders}
    wanted = [
        ("processing", [("MUG-RED", 2)]),
        ("pending", [("LAMP-07", 1)]),
        ("completed", [("BAG/01 L", 3), ("TEE-S", 1)]),
    ]
    equal("orders", found, dict(zip(told["orders"], wanted)))
    equal("orders: totals", [one["total"] for one in orders], ["19.00", "49.00", "61.00"])
    waiting = api.get("orders", params={"status": "pending"}).json()
    equal("orders of a status", [str(one["id"]) for one in waiting], [told["orders"][1]])

    answer = api.put(f"products/{ids['MUG-RED']}", {"stock_quantity": quantity})
    equal("PUT a product", (answer.status_code, answer.json()["stock_quantity"]), (200, quantity))
    update = {"update": [{"id": ids["TEE-S"], "stock_quantity": quantity}, {"id": ids["TEE-M"], "stock_quantity": 0}]}
    answer = api.post(f"products/{parent}/variations/batch", update)
    found = [(one["id"], one["stock_quantity"], one["stock_status"]) for one in answer.json()["update"]]
    equal("a batch", found, [(ids["TEE-S"], quantity, "instock"), (ids["TEE-M"], 0, "outofstock")])
    changed.update({"MUG-RED": quantity, "TEE-S": quantity, "TEE-M": 0})
    for path, wanted in [
        (f"products/{ids['MUG-RED']}", quantity),
        (f"products/{parent}/variations/{ids['TEE-S']}", quantity),
        (f"products/{parent}/variations/{ids['TEE-M']}", 0),
    ]:
        equal(f"read back: {path}", api.get(path).json()["stock_quantity"], wanted)


changed = {}
drive(API("https://shop.example", key, secret, timeout=30), 41, ["MUG-RED", "BAG/01 L"])
in_query = API("https://shop.example", key, secret, timeout=30, query_string_auth=True)
drive(in_query, 42, ["MUG-RED", "BAG/01 L"])
# The library leaves a slash as it is in what it signs, which a shop does not.
drive(API("http://shop.example", key, secret, timeout=30), 43, ["MUG-RED", "LAMP-07"])

wrong = API("http://shop.example", key, "cs_wrong", timeout=30).get("products", params={"per_page": 2})
equal("a wrong signature", (wrong.status_code, wrong.json()["code"]), (401, "woocommerce_rest_authentication_error"))
missing = in_query.get("products/999999")
equal("a missing product", (missing.status_code, missing.json()["code"]), (404, "woocommerce_rest_product_invalid_id"))
# The address of the next page stands in the answer's headers, without the client's keys.
first = API("https://shop.example", key, secret, timeout=30).get("products", params={"per_page": 4, "order": "asc", "orderby": "id"})
equal("the link to the next page", "page=2" in first.links["next"]["url"], True)
