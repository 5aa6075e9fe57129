// What a merchant does in the console, in a real browser against the one-machine run and its simulated shops.
//
//   node journeys.mjs <binary> [<directory for screenshots>]      # ONLY=frozen: those whose names match
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { start, until } from "./hub.mjs";

const [binary, shots] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FIRST_VIEW_BYTES_MAX = 60_000;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const NARROW = { width: 390, height: 844 };
const WIDE = { width: 1440, height: 900 };
if (shots && !existsSync(shots)) mkdirSync(shots, { recursive: true });

const hub = await start(binary, ["--demo-pause", "1"]);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: FLAGS });
const faults = [];

/** A page whose every console error and failed request is a fault. */
async function open(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`${page.url()}: ${error}`));
  return page;
}

const go = (page, path) => page.goto(hub.address + path);
const press = (page, name) => page.getByRole("button", { name, exact: true }).first().click();
const notice = (page) => page.locator(".notice").first().innerText();

async function signIn(page) {
  await go(page, "/sign-in");
  await page.getByLabel("API key").fill(hub.key);
  await press(page, "Sign in");
  await page.getByRole("heading", { name: "Dashboard" }).waitFor();
}

/** No serious fault by axe's rules. The policy lets no script in, so the isolated world of the test runs it. */
async function isAccessible(page, at) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, impact, nodes } of violations) {
    if (impact === "serious" || impact === "critical") faults.push(`${at}: ${id} (${impact}) ${nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
  }
}

const journeys = {
  async "the keyboard alone signs in and walks"() {
    const page = await open(await browser.newContext({ viewport: WIDE }));
    await go(page, "/");
    assert.match(page.url(), /\/sign-in/);
    await page.keyboard.type(hub.key);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Dashboard" }).waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.getElementById("main").contains(document.activeElement)));
    await go(page, "/orders");
    for (let n = 0; n < 40; n += 1) {
      await page.keyboard.press("Tab");
      const shown = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      assert.notEqual(shown, "none", "the focus is not seen");
      if (await page.evaluate(() => document.activeElement.matches("tbody th a"))) break;
    }
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Timeline" }).waitFor();
    await page.context().close();
  },

  async "the first view is small"() {
    const context = await browser.newContext({ viewport: NARROW });
    const page = await open(context);
    const session = await context.newCDPSession(page);
    await signIn(page);
    await session.send("Network.enable");
    await session.send("Network.setCacheDisabled", { cacheDisabled: true });
    let bytes = 0;
    session.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
    await page.reload({ waitUntil: "networkidle" });
    assert.ok(bytes > 1_000 && bytes < FIRST_VIEW_BYTES_MAX, `${bytes} bytes`);
    console.log(`  ${bytes} bytes`);
    await context.close();
  },

  async "a wrong link is taken off, found again and put right"() {
    const page = await open(await browser.newContext({ viewport: WIDE }));
    await signIn(page);
    await go(page, "/listings?status=linked&q=notebook");
    await page.locator("tbody th a").first().click();
    page.once("dialog", (dialog) => dialog.accept());
    await press(page, "Unlink");
    assert.match(await notice(page), /Unlinked/);
    const listing = page.url();
    await page.getByLabel("Find an item by SKU or name").pressSequentially("noteb", { delay: 20 });
    await page.getByRole("button", { name: "Link: Notebook A5" }).click();
    assert.match(await notice(page), /Linked/);
    assert.equal(page.url(), listing);
  },

  async "an order of an unconfirmed listing is frozen, and thaws"() {
    const page = await open(await browser.newContext({ viewport: NARROW }));
    await signIn(page);
    const linked = await hub.api("/v1/listings?status=linked&q=mug");
    for (const { id } of linked.data) await hub.api(`/v1/listings/${id}/unlink`, { method: "POST", body: "{}" });
    // The next item sync brings them back as unconfirmed; until then their orders are left alone.
    const { data } = await hub.api("/v1/connections");
    const everywhere = JSON.stringify({ kind: "items", all_connections: true });
    await hub.api(`/v1/connections/${data[0].id}/sync`, { method: "POST", body: everywhere });
    await until("a frozen order", async () => (await hub.api("/v1/orders?frozen=true")).data[0], 120);
    await go(page, "/orders?frozen=1");
    await page.locator("tbody th a").first().click();
    await page.getByRole("heading", { name: "This order is frozen" }).waitFor();
    if (shots) await page.screenshot({ path: join(shots, "frozen-390.png"), fullPage: true });
    await isAccessible(page, "a frozen order");
    await page.getByRole("link", { name: /^Link: Mug/ }).first().click();
    await page.getByLabel("Find an item by SKU or name").pressSequentially("mug", { delay: 20 });
    await page.getByRole("button", { name: /^Link: Mug/ }).first().click();
    await page.getByRole("heading", { name: "Timeline" }).waitFor();
    assert.match(await notice(page), /Every line has its item/);
    await page.getByRole("button", { name: "Invoice what is open" }).waitFor();
  },

  async "an order is invoiced, packed and shipped, and its buyer revealed for a reason"() {
    const page = await open(await browser.newContext({ viewport: WIDE }));
    await signIn(page);
    const open_ = await until("an order to ship", async () => {
      const orders = (await hub.api("/v1/orders?state=confirmed&frozen=false")).data;
      // Buyers cancel what they ordered last.
      return orders.filter((order) => order.fulfilled_by === "mfn").at(-1);
    });
    await go(page, `/orders/${open_.id}`);
    await press(page, "Invoice what is open");
    await press(page, "Pack what is open");
    await page.getByLabel("Carrier").fill("DHL");
    await page.getByLabel("Tracking number").fill("JJD0001");
    await press(page, "Ship what is open");
    await page.getByText("Shipment 1", { exact: true }).waitFor();
    await page.getByLabel("Why do you need it?").fill("A parcel came back");
    await press(page, "Reveal");
    await page.locator("#buyer ~ dl, #buyer ~ p").first().waitFor();
    await page.getByLabel("New comment").fill("Wrapped as a gift");
    await press(page, "Add comment");
    assert.match(await notice(page), /Comment added/);
    if (shots) await page.screenshot({ path: join(shots, "shipped-1440.png"), fullPage: true });
  },

  async "what waits is confirmed in bulk, each with its result"() {
    const page = await open(await browser.newContext({ viewport: WIDE }));
    await signIn(page);
    const linked = await hub.api("/v1/listings?status=linked&q=shirt");
    for (const { id } of linked.data.slice(0, 3)) await hub.api(`/v1/listings/${id}/unlink`, { method: "POST", body: "{}" });
    await go(page, "/listings?status=unlinked");
    await page.getByLabel("Select all").check();
    await page.getByText(/^\d+ selected$/).waitFor();
    if (shots) await page.screenshot({ path: join(shots, "bulk-1440.png") });
    await page.locator(".bar").getByRole("button", { name: "Confirm", exact: true }).click();
    await page.getByRole("heading", { name: "What became of each" }).waitFor();
    await isAccessible(page, "the result of a bulk action");
    if (shots) await page.screenshot({ path: join(shots, "bulk-result-1440.png"), fullPage: true });
  },

  async "a rule is previewed and applied"() {
    const page = await open(await browser.newContext({ viewport: WIDE }));
    await signIn(page);
    const { data } = await hub.api("/v1/connections");
    const shop = data.find((one) => one.channel === "woocommerce");
    await go(page, `/connections/${shop.id}/settings`);
    await page.getByLabel("Keep back").fill("1");
    await press(page, "Show what would change");
    await page.getByRole("heading", { name: "What would change" }).waitFor();
    if (shots) await page.screenshot({ path: join(shots, "preview-1440.png"), fullPage: true });
    // The shops sell all the time: what was shown may be another by now, and then it is shown again.
    await until("the rule to be applied", async () => {
      await press(page, "Apply exactly this");
      if (/Settings saved/.test(await notice(page))) return true;
      await press(page, "Show what would change");
      return false;
    });
  },

  async "a sync is started and moves until it ends"() {
    const page = await open(await browser.newContext({ viewport: NARROW }));
    await signIn(page);
    const { data } = await hub.api("/v1/connections");
    await go(page, `/connections/${data[0].id}`);
    await page.getByLabel("What").selectOption("items");
    await page.getByLabel("All other shops too").uncheck();
    await press(page, "Sync now");
    await page.getByText(/Succeeded|With failures/).first().waitFor({ timeout: 60_000 });
  },

  async "a shop is disconnected and connected again"() {
    const page = await open(await browser.newContext({ viewport: WIDE }));
    await signIn(page);
    const { data } = await hub.api("/v1/connections");
    const shop = data.find((one) => one.channel === "woocommerce");
    await go(page, `/connections/${shop.id}`);
    await page.getByText("Delete this shop").click();
    await page.getByLabel("Yes, delete it").check();
    await press(page, "Delete");
    await page.getByText("Deleted.").waitFor();
    await page.getByRole("link", { name: "Connect a shop" }).click();
    await page.getByRole("link", { name: "WooCommerce" }).click();
    await page.getByLabel("Name").fill("Own shop, again");
    await page.getByLabel("Address of the shop").fill(shop.endpoint);
    await page.getByText("I have keys of my own").click();
    await page.getByLabel("Consumer key").fill("ck_wrong");
    await page.getByLabel("Consumer secret").fill("cs_wrong");
    await press(page, "Connect");
    await page.getByRole("alert").waitFor();
    if (shots) await page.screenshot({ path: join(shots, "refused-1440.png"), fullPage: true });
    await page.getByLabel("Consumer key").fill("ck_test");
    await page.getByLabel("Consumer secret").fill("cs_test");
    await press(page, "Connect");
    await page.getByRole("heading", { name: "Own shop, again" }).waitFor();
  },

  async "a table of items is checked row by row and imported, without JavaScript"() {
    const page = await open(await browser.newContext({ viewport: NARROW, javaScriptEnabled: false }));
    await signIn(page);
    await go(page, "/items");
    await page.getByRole("link", { name: "Import", exact: true }).click();
    const table = "sku,name,selling_price,opening_stock\r\nIMPORTED-1,Imported pencil,1.20,40\r\nIMPORTED-2,,2,\r\n";
    await page.getByLabel("CSV file").setInputFiles({ name: "items.csv", mimeType: "text/csv", buffer: Buffer.from(table) });
    await press(page, "Check it");
    await page.getByRole("heading", { name: "What would happen" }).waitFor();
    await page.getByText("name: must be given for a new item").waitFor();
    if (shots) await page.screenshot({ path: join(shots, "import-check-390.png"), fullPage: true });
    await press(page, "Do this");
    await page.getByRole("heading", { name: "What happened" }).waitFor();
    await page.getByRole("link", { name: "IMPORTED-1" }).click();
    await page.getByRole("heading", { name: "Imported pencil" }).waitFor();
    const [file] = await Promise.all([page.waitForEvent("download"), go(page, "/exports/items.csv").catch(() => {})]);
    assert.match(readFileSync(await file.path(), "utf8"), /IMPORTED-1,Imported pencil/);
    await page.context().close();
  },

  async "an API key is made, shown once and revoked"() {
    const page = await open(await browser.newContext({ viewport: NARROW }));
    await signIn(page);
    await page.getByRole("link", { name: "API keys" }).click();
    await page.getByLabel("Name").fill("Bookkeeping");
    await press(page, "Make the key");
    const secret = await page.getByLabel("API key", { exact: true }).inputValue();
    assert.match(secret, /^ms_/);
    await isAccessible(page, "a new key");
    if (shots) await page.screenshot({ path: join(shots, "key-390.png"), fullPage: true });
    await go(page, "/keys");
    assert.ok(!(await page.content()).includes(secret));
    page.once("dialog", (dialog) => dialog.accept());
    await page.getByRole("button", { name: "Revoke: Bookkeeping" }).click();
    assert.match(await notice(page), /Revoked/);
    const refused = await fetch(`${hub.address}/v1/items`, { headers: { authorization: `Bearer ${secret}` } });
    assert.equal(refused.status, 401);
    await page.context().close();
  },

  async "a token that no gateway verified opens nothing, whatever the headers say"() {
    const jwt = { claims: { iss: "https://id.example", aud: "stock", exp: "9999999999", sub: "eve", scopes: "masterstock:admin" } };
    const context = JSON.stringify({ authorizer: { jwt } });
    const headers = { authorization: "Bearer eyJhbGciOiJub25lIn0.e30.", "x-amzn-request-context": context, "x-amzn-apigateway-authorizer": context };
    for (const [path, method] of [["/v1/items", "GET"], ["/v1/sessions", "POST"]]) {
      assert.equal((await fetch(hub.address + path, { method, headers })).status, 401, path);
    }
    const stage = { oidc_issuer: "https://id.example", oidc_client: "stock", team_url: "https://team.example" };
    assert.equal((await fetch(`${hub.address}/sign-in/oidc`, { headers: stage, redirect: "manual" })).status, 404);
    assert.ok(!(await (await fetch(`${hub.address}/sign-in`, { headers: stage })).text()).includes("/sign-in/oidc"));
  },

  async "an order is taken by hand with the keyboard, shipped in parts, copied and voided"() {
    const page = await open(await browser.newContext({ viewport: WIDE }));
    await signIn(page);
    const { data } = await hub.api("/v1/items?limit=200");
    let item;
    for (const one of data.filter((one) => one.kind === "simple")) {
      if ((await hub.api(`/v1/items/${one.id}/stock`)).available > 8) item ??= one;
    }
    await go(page, "/orders/new");
    await page.getByLabel("Find an item by SKU or name").focus();
    await page.keyboard.type(item.sku, { delay: 15 });
    await page.getByRole("button", { name: `Add: ${item.name}` }).waitFor();
    await page.getByRole("button", { name: `Add: ${item.name}` }).focus();
    await page.keyboard.press("Enter");
    await page.getByLabel(`Quantity: ${item.name}`).fill("3");
    await page.getByLabel("Name", { exact: true }).fill("Ada Lovelace");
    await page.getByLabel("E-mail").fill("ada@example.com");
    await isAccessible(page, "a drafted order");
    if (shots) await page.screenshot({ path: join(shots, "order-draft-1440.png"), fullPage: true });
    await page.getByRole("button", { name: "Make the order" }).focus();
    await page.keyboard.press("Enter");
    assert.match(await notice(page), /The order is there/);
    const order = page.url();
    await page.getByText("Only a part of it").click();
    await page.getByRole("link", { name: "Ship a part" }).click();
    await page.getByLabel(`Quantity: ${item.name}`).fill("1");
    await page.getByLabel("Carrier").fill("DHL");
    await isAccessible(page, "a part of an order");
    if (shots) await page.screenshot({ path: join(shots, "order-part-1440.png"), fullPage: true });
    await press(page, "Ship a part");
    await page.getByText("Shipment 1", { exact: true }).waitFor();
    assert.equal(page.url(), order);
    await page.getByRole("link", { name: "All orders of this buyer" }).click();
    assert.ok(!(await page.content()).includes("Ada"));
    await page.getByLabel("Why do you need it?").fill("She called");
    await press(page, "Reveal");
    await page.getByText("ada@example.com").waitFor();
    await page.locator("tbody th a").first().click();
    await press(page, "Copy to a new order");
    assert.match(await notice(page), /Copied/);
    page.once("dialog", (dialog) => dialog.accept());
    await press(page, "Void the order");
    assert.match(await notice(page), /it is void/);
    await page.context().close();
  },

  async "goods at Amazon are counted, compared, and no more"() {
    const page = await open(await browser.newContext({ viewport: WIDE }));
    await hub.api("/v1/organization", { method: "PATCH", body: JSON.stringify({ country: "US" }) });
    await hub.api("/v1/locations", { method: "POST", body: JSON.stringify({ name: "Amazon's warehouses", kind: "fba" }) });
    const amazon = (await hub.api("/v1/connections")).data.find((one) => one.channel === "amazon");
    await signIn(page);
    await go(page, `/connections/${amazon.id}/settings`);
    await press(page, "Count them");
    assert.match(await notice(page), /counted there from now on/);
    await isAccessible(page, "settings with FBA");
    if (shots) await page.screenshot({ path: join(shots, "settings-fba-1440.png"), fullPage: true });
    const listing = (await hub.api(`/v1/listings?status=linked&connection_id=${amazon.id}&limit=1`)).data[0];
    await go(page, `/items/${listing.item_id}`);
    await press(page, "Mark as FBA");
    await page.getByRole("link", { name: "Compare with Amazon" }).first().click();
    await page.getByRole("heading", { name: "Both numbers" }).waitFor();
    await isAccessible(page, "both numbers");
    if (shots) await page.screenshot({ path: join(shots, "fba-stock-1440.png"), fullPage: true });
    await go(page, "/stock/inbound-shipments/new");
    await page.getByLabel("To Amazon, for the shop").waitFor();
    await isAccessible(page, "a shipment to Amazon");
    await go(page, `/items/${listing.item_id}`);
    await press(page, "Mark as MFN");
    await go(page, `/connections/${amazon.id}/settings`);
    page.once("dialog", (dialog) => dialog.accept());
    await press(page, "Count them no more");
    assert.match(await notice(page), /not counted any more/);
    await page.context().close();
  },

  async "each location of a shop shows a stock of ours, without JavaScript"() {
    const page = await open(await browser.newContext({ viewport: NARROW, javaScriptEnabled: false }));
    const shop = await withLocations();
    await hub.api("/v1/locations", { method: "POST", body: JSON.stringify({ name: "Back room", kind: "warehouse" }) });
    await signIn(page);
    await go(page, `/connections/${shop}/settings`);
    await page.getByRole("link", { name: "Choose the locations" }).click();
    await page.getByRole("heading", { name: "Numbers by location" }).waitFor();
    const ours = page.getByLabel("Shows the stock of").first();
    const home = await ours.evaluate((field) => [...field.options].find((option) => option.value).label);
    await ours.selectOption({ label: home });
    await press(page, "Show what would change");
    await page.getByLabel("and of").first().selectOption({ label: home });
    await press(page, "Show what would change");
    await page.getByText("Must not name a location twice.").waitFor();
    assert.match(await page.getByRole("alert").innerText(), /marked below/);
    if (shots) await page.screenshot({ path: join(shots, "locations-wrong-390.png"), fullPage: true });
    await page.getByLabel("and of").first().selectOption({ label: "None of ours" });
    await press(page, "Show what would change");
    if (shots) await page.screenshot({ path: join(shots, "locations-preview-390.png"), fullPage: true });
    // The shops sell all the time: what was shown may be another by now, and then it is shown again.
    const applied = async () => {
      await press(page, "Apply exactly this");
      if (/Saved\./.test(await notice(page))) return true;
      await press(page, "Show what would change");
      return false;
    };
    await until("the map to be applied", applied);
    const mapped = async () => (await hub.api(`/v1/connections/${shop}`)).location_mapping.channel_locations.length;
    assert.equal(await mapped(), 1);
    await page.getByLabel("Shows the stock of").first().selectOption({ label: "None of ours" });
    await press(page, "Show what would change");
    await until("the map to be ended", applied);
    assert.equal(await mapped(), 0);
    await page.context().close();
  },

  async "all of it works without JavaScript"() {
    const page = await open(await browser.newContext({ viewport: NARROW, javaScriptEnabled: false }));
    await signIn(page);
    await go(page, "/items");
    await page.locator("tbody th a").first().click();
    await press(page, "Push stock");
    assert.match(await notice(page), /every linked listing/);
    await page.getByRole("link", { name: "Adjust", exact: true }).click();
    await page.getByLabel("Quantity").first().fill("+2");
    await press(page, "Post");
    assert.match(await notice(page), /Posted/);
  },

  async "every page is accessible, fits its screen and is looked at"() {
    const pages = await allPages();
    for (const [width, viewport] of [[390, NARROW], [1440, WIDE]]) {
      for (const colorScheme of width === 390 ? ["light"] : ["light", "dark"]) {
        const page = await open(await browser.newContext({ viewport, colorScheme }));
        await signIn(page);
        for (const [name, path] of Object.entries(pages)) {
          await go(page, path);
          await page.waitForLoadState("networkidle");
          await isAccessible(page, `${name} at ${width}, ${colorScheme}`);
          const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          if (over > 0) faults.push(`${name} is ${over} px wider than ${width}`);
          if (shots) await page.screenshot({ path: join(shots, `${name}-${width}${colorScheme === "dark" ? "-dark" : ""}.png`), fullPage: true });
        }
        await page.context().close();
      }
    }
  },
};

/** A shop that counts stock by locations of its own. */
async function withLocations() {
  const channels = (await hub.api("/v1/channels?limit=200")).data.filter((channel) => channel.capabilities.locations);
  const shops = (await hub.api("/v1/connections")).data;
  return shops.find((shop) => shop.status === "active" && channels.some(({ key }) => key === shop.channel)).id;
}

async function allPages() {
  const first = async (path) => (await hub.api(path)).data[0].id;
  const order = await first("/v1/orders?limit=1");
  const [linked, item, connection] = await Promise.all([first("/v1/listings?status=linked&limit=1"), first("/v1/items?limit=1"), first("/v1/connections?limit=1")]);
  const sync = await first(`/v1/syncs?connection_id=${connection}&limit=1`);
  const contact = await first("/v1/contacts?limit=1");
  const adjustment = await first("/v1/adjustments?limit=1");
  return {
    dashboard: "/", orders: "/orders", order: `/orders/${order}`, listings: "/listings", linked: "/listings?status=linked", listing: `/listings/${linked}`,
    items: "/items", item: `/items/${item}`, "item-new": "/items/new", explain: `/items/${item}/explain`,
    stock: "/stock", adjustment: `/stock/adjustments/${adjustment}`, "stock-new": "/stock/adjustments/new", "transfer-new": "/stock/transfers/new",
    locations: "/stock/locations", rules: "/stock/rules", connections: "/connections", connection: `/connections/${connection}`,
    settings: `/connections/${connection}/settings`, history: `/connections/${connection}/history`, sync: `/connections/${connection}/history/${sync}`,
    "channel-locations": `/connections/${await withLocations()}/locations`, keys: "/keys", contacts: "/contacts", contact: `/contacts/${contact}`, "order-new": "/orders/new", "order-part": `/orders/${order}/invoices`,
    import: "/items/import", inbounds: "/stock?kind=inbound-shipments", "inbound-new": "/stock/inbound-shipments/new",
    connect: "/connections/new", woocommerce: "/connections/new/woocommerce", ebay: "/connections/new/ebay",
  };
}

let failed = 0;
try {
  await until("the demo's shops to be linked", () => hub.log.includes("all shops are linked"), 180);
  await until("an order and an adjustment", async () => (await hub.api("/v1/orders?limit=1")).data?.length && (await hub.api("/v1/adjustments?limit=1")).data?.length, 120);
  for (const [name, journey] of Object.entries(journeys).filter(([name]) => new RegExp(process.env.ONLY ?? "").test(name))) {
    try {
      await journey();
      assert.deepEqual(faults.splice(0), []);
      console.log(`ok   ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${name}\n     ${String(error.stack ?? error).split("\n").slice(0, 12).join("\n     ")}`);
      console.log(`     the hub said last:\n     ${hub.log.trimEnd().split("\n").slice(-6).join("\n     ")}`);
      faults.length = 0;
    }
  }
} finally {
  await browser.close();
  await hub.stop();
}
process.exitCode = failed === 0 ? 0 : 1;
