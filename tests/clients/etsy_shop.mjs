// etsy-ts: its own refreshing of tokens, listings, receipts and inventories.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { inspect, isDeepStrictEqual } from "node:util";

const { Etsy } = createRequire(`${process.env.NODE_PACKAGES}/`)("etsy-ts");
const told = JSON.parse(readFileSync(process.env.SHOPS, "utf8")).etsy;

process.on("unhandledRejection", (error) => {
  console.error(error.response ? `${error.config.method} ${error.config.url}: ${error.response.status} ${inspect(error.response.data)}` : error);
  process.exit(1);
});

let asWanted = 0;
process.on("exit", () => console.log(`  ${asWanted} things as wanted`));

function equal(what, found, wanted) {
  if (!isDeepStrictEqual(found, wanted)) {
    console.error(`${what}:\n   found ${inspect(found, { depth: 9 })}\n  wanted ${inspect(wanted, { depth: 9 })}`);
    process.exit(1);
  }
  asWanted += 1;
}

// As `shops.py` has it.
const prices = { "MUG-RED": 950, "MUG-BLUE": 950, "BAG/01 L": 1400, "LAMP-07": 4900, "TEE-S": 1900, "TEE-M": 1900 };
const quantities = { "MUG-RED": 22, "MUG-BLUE": 18, "BAG/01 L": 9, "LAMP-07": 7, "TEE-S": 29, "TEE-M": 25 };
const id = (sku) => Number(told.listings[sku].id);

// The library finds that the token has ended, gets another for the refresh token, and asks again.
const begun = { accessToken: "9001.ended", refreshToken: told.credentials.refresh_token, expiresIn: 3600, tokenType: "Bearer" };
let kept = begun;
const securityDataStorage = {
  storeAccessToken: async (_, tokens) => void (kept = tokens),
  findAccessToken: async () => kept,
};
const etsy = new Etsy({
  apiKey: told.credentials.client_id,
  sharedSecret: told.credentials.client_secret,
  securityDataStorage,
});
const as = { etsyUserId: 9001 };

const { data: me } = await etsy.User.getMe(as);
equal("a new token, and a new refresh token", [kept.accessToken !== begun.accessToken, kept.refreshToken !== begun.refreshToken, kept.expiresIn], [true, true, 3600]);
const shopId = me.shop_id;
const { data: shop } = await etsy.Shop.getShop(shopId, as);
equal("the shop", [shop.shop_id, shop.user_id, shop.currency_code], [shopId, me.user_id, "USD"]);

async function pages(ask, asked) {
  const found = [];
  for (let offset = 0, count = 1; offset < count; offset += asked.limit) {
    const { data } = await ask({ ...asked, offset }, as);
    found.push(...data.results);
    count = data.count;
  }
  return found;
}

const listings = await pages(etsy.ShopListing.getListingsByShop, { shopId, state: "active", limit: 2, includes: ["Shop", "Inventory"] });
equal("listings", listings.map((one) => one.listing_id).sort(), [...new Set(Object.keys(prices).map(id))].sort());
const products = listings.flatMap((one) => one.inventory.products);
const each = (value) => Object.fromEntries(products.map((one) => [one.sku, value(one.offerings[0])]));
equal("prices", each((one) => [one.price.amount, one.price.divisor, one.price.currency_code]),
  Object.fromEntries(Object.entries(prices).reverse().map(([sku, price]) => [sku, [price, 100, "USD"]])));
equal("quantities", each((one) => one.quantity), quantities);
const shirt = listings.find((one) => one.listing_id === id("TEE-S"));
equal("variations", shirt.inventory.products.map((one) => [one.sku, one.property_values[0].property_name, one.property_values[0].values]),
  [["TEE-S", "Size", ["S"]], ["TEE-M", "Size", ["M"]]]);
equal("no listing is sold out", (await etsy.ShopListing.getListingsByShop({ shopId, state: "sold_out" }, as)).data.count, 0);

const receipts = await pages(etsy.ShopReceipt.getShopReceipts, { shopId, limit: 2, sort_on: "created", sort_order: "asc" });
const lines = (one) => one.transactions.map((line) => [line.sku, line.quantity]);
equal("receipts", receipts.map((one) => [String(one.receipt_id), one.status.toLowerCase(), one.is_paid, one.is_shipped, one.grandtotal.amount, lines(one)]), [
  [told.orders[0], "paid", true, false, 1900, [["MUG-RED", 2]]],
  [told.orders[1], "payment processing", false, false, 4900, [["LAMP-07", 1]]],
  [told.orders[2], "completed", true, true, 6100, [["BAG/01 L", 3], ["TEE-S", 1]]],
]);
for (const [asked, wanted] of [
  [{ was_paid: true, was_shipped: false }, [0]],
  [{ was_paid: false }, [1]],
  [{ was_canceled: true }, []],
  [{ min_last_modified: 4102444800 }, []],
]) {
  const { data } = await etsy.ShopReceipt.getShopReceipts({ shopId, ...asked }, as);
  equal(`receipts, ${JSON.stringify(asked)}`, data.results.map((one) => String(one.receipt_id)), wanted.map((one) => told.orders[one]));
}
const one = (await etsy.ShopReceipt.getShopReceipt({ shopId, receiptId: Number(told.orders[0]) }, as)).data;
equal("a receipt", [one.receipt_id, one.transactions[0].listing_id], [Number(told.orders[0]), id("MUG-RED")]);

// The whole inventory is read, changed in one place, and written.
const written = ({ products, price_on_property, quantity_on_property, sku_on_property, readiness_state_on_property }, quantities) => ({
  price_on_property, quantity_on_property, sku_on_property, readiness_state_on_property,
  products: products.map(({ sku, property_values, offerings: [offering] }) => ({
    sku,
    property_values: property_values.map(({ property_id, property_name, value_ids, values, scale_id }) => ({ property_id, property_name, value_ids, values, scale_id })),
    offerings: [{
      price: offering.price.amount / offering.price.divisor,
      quantity: quantities[sku] ?? offering.quantity,
      is_enabled: offering.is_enabled,
      readiness_state_id: offering.readiness_state_id,
    }],
  })),
});
const shown = (inventory) => inventory.products.map((one) => [one.sku, one.offerings[0].quantity, one.offerings[0].price.amount]);
for (const [listing, change, wanted] of [
  ["MUG-RED", { "MUG-RED": 41 }, [["MUG-RED", 41, 950]]],
  ["TEE-S", { "TEE-S": 42 }, [["TEE-S", 42, 1900], ["TEE-M", 25, 1900]]],
]) {
  const listingId = id(listing);
  const { data: before } = await etsy.ShopListingInventory.getListingInventory({ listingId }, as);
  const { data: answer } = await etsy.ShopListingInventory.updateListingInventory({ listingId }, written(before, change), as);
  equal(`${listing}: the answer`, shown(answer), wanted);
  equal(`${listing}: read back`, shown((await etsy.ShopListingInventory.getListingInventory({ listingId }, as)).data), wanted);
}

const refused = await etsy.ShopListingInventory.getListingInventory({ listingId: 1 }, as).catch((error) => error.response);
equal("a missing listing", [refused.status, typeof refused.data.error], [404, "string"]);
