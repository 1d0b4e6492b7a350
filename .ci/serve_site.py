"""Serves a folder of web pages to this machine alone: python3 run.py site --serve.

Pages in files may load neither modules nor WebAssembly, and threads of WebAssembly need a page that
is isolated from others: hence a server, and its two headers.
"""

import http.server
from functools import partial

HOST = "127.0.0.1"
PORT = 8000
ISOLATED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files, with the types that browsers insist on; nothing is logged."""

    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def end_headers(self):
        for name, value in ISOLATED.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-cache")  # a site that is built anew is seen anew
        super().end_headers()

    def log_message(self, *args):
        pass


def make_server(folder, port=PORT):
    """A server of a folder; at another port if this one is taken; port 0 takes any that is free."""
    handler = partial(Handler, directory=str(folder))
    try:
        return http.server.ThreadingHTTPServer((HOST, port), handler)
    except OSError:
        return http.server.ThreadingHTTPServer((HOST, 0), handler)


def serve(folder):
    """Serve until Ctrl-C."""
    with make_server(folder) as server:
        print(f"http://{HOST}:{server.server_port}/ shows the site; Ctrl-C ends", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
