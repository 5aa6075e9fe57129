"""Starts the simulated shops and the gateway, then one process for each channel's client library.

`run.py <the program "shops"> <folder for what it writes, with node's packages> [<channel to leave out>]`
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from gateway import Gateway

HERE = Path(__file__).parent
HOSTS = {
    "woocommerce": ["shop.example"],
    "shopify": ["fictional.myshopify.com"],
    "amazon": ["api.amazon.com", "sellercentral.amazon.com", "sellingpartnerapi-na.amazon.com"],
    "ebay": ["api.ebay.com", "apiz.ebay.com"],
    "etsy": ["api.etsy.com", "openapi.etsy.com"],
}
SECONDS_FOR_EACH = 180


def main(program, folder, left_out):
    folder.mkdir(parents=True, exist_ok=True)
    shops, authority = folder / "shops.json", folder / "authority.pem"
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as simulators:
        told = json.loads(simulators.stdout.readline())
        shops.write_text(json.dumps(told), encoding="utf-8")
        gateway = Gateway({host: told[channel]["address"] for channel, hosts in HOSTS.items() for host in hosts})
        proxy = gateway.start(authority)
        # Nothing of ours but the way: no library is told of a simulator.
        network = {"SHOPS": str(shops), "NODE_PACKAGES": str(folder / "node"), "NO_PROXY": "", "no_proxy": ""}
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            network |= {name: proxy, name.lower(): proxy}
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
            network[name] = str(authority)
        failed = []
        for channel in HOSTS:
            if channel in left_out:
                continue
            script = next(HERE.glob(f"{channel}_shop.*"))
            command = ["node" if script.suffix == ".mjs" else sys.executable, str(script)]
            print(f"== {channel}", flush=True)
            done = subprocess.run(command, cwd=HERE, env=os.environ | network, timeout=SECONDS_FOR_EACH, check=False)
            if done.returncode:
                failed.append(channel)
        simulators.stdin.close()
    if failed:
        raise SystemExit(f"clients: wrong with {', '.join(failed)}")
    print(f"clients: each of {len(HOSTS) - len(left_out)} libraries found what it wanted")


main(sys.argv[1], Path(sys.argv[2]).resolve(), sys.argv[3:])
