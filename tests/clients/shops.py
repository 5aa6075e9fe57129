"""What a script knows: the shops as the simulators told them, and how found is held against wanted."""

import atexit
import json
import os
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

# As `examples/shops.rs` stocks each shop, less what its orders took: the red mugs, the bags and the small shirt.
PRICES = {"MUG-RED": "9.50", "MUG-BLUE": "9.50", "BAG/01 L": "14.00", "LAMP-07": "49.00", "TEE-S": "19.00", "TEE-M": "19.00"}
TITLES = {"MUG-RED": "Mug, red", "MUG-BLUE": "Mug, blue", "BAG/01 L": "Canvas bag, größer", "LAMP-07": "Desk lamp"}
QUANTITIES = {"MUG-RED": 22, "MUG-BLUE": 18, "BAG/01 L": 9, "LAMP-07": 7, "TEE-S": 29, "TEE-M": 25}


def shop(channel):
    with open(os.environ["SHOPS"], encoding="utf-8") as told:
        return json.load(told)[channel]


as_wanted = []


def equal(what, found, wanted):
    if found != wanted:
        raise SystemExit(f"{what}:\n   found {found!r}\n  wanted {wanted!r}")
    as_wanted.append(what)


atexit.register(lambda: print(f"  {len(as_wanted)} things as wanted", flush=True))


def consented(page, **asked):
    """Opens the page of consent, where the simulated merchant agrees; what the browser brings back."""
    answer = requests.get(f"{page}?{urlencode(asked)}", allow_redirects=False, timeout=30)
    equal(f"the page of consent of {urlsplit(page).hostname}", answer.status_code, 302)
    brought = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: values[0] for name, values in brought.items()}
