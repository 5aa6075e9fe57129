"""The way from a client library to the simulated shops: a proxy that answers for the channels' own host names.

A library keeps the addresses that it was written with. It is told of the proxy and of its certificate authority by the
environment alone, as in any company's network. The shop sees the address as the library wrote it, scheme and host
included. No other host can be reached.
"""

import http.client
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import trustme

# Of one connection, not of the message.
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "transfer-encoding", "upgrade"}
ANSWER_WITHIN_S = 60


class Gateway(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, addresses):
        """`addresses`: of the shop that stands behind each host name."""
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.addresses = addresses
        self.authority = trustme.CA()
        self.contexts = {host: self.context(host) for host in addresses}

    def context(self, host):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(host).configure_cert(context)
        return context

    def start(self, authority_file):
        self.authority.cert_pem.write_to_path(str(authority_file))
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server_address[1]}"


class Tunnel(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Scheme and host of what comes through a tunnel.
    origin = ""

    def do_CONNECT(self):
        host = self.path.rsplit(":", 1)[0]
        context = self.server.contexts.get(host)
        if context is None:
            self.refuse(host)
            return
        self.send_response_only(200)
        self.end_headers()
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)
        self.origin = f"https://{host}"
        # Some ask for a tunnel as HTTP/1.0, which would end here.
        self.close_connection = False

    def forward(self):
        address = self.origin + self.path
        host = urlsplit(address).hostname
        if host not in self.server.addresses:
            self.refuse(host)
            return
        if "transfer-encoding" in self.headers:
            self.send_error(411)
            return
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        shop = http.client.HTTPConnection(self.server.addresses[host], timeout=ANSWER_WITHIN_S)
        shop.putrequest(self.command, address, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP_BY_HOP:
                shop.putheader(name, value)
        shop.endheaders(body)
        answer = shop.getresponse()
        content = answer.read()
        shop.close()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        if answer.status != 204:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = forward

    def refuse(self, host):
        print(f"gateway: nothing stands behind {host}", file=sys.stderr)
        self.send_error(502)

    def log_message(self, *_):
        pass
