"""A local HTTP server for the tests of downloads: honest, or ill-behaved in a chosen way."""

import contextlib
import hashlib
import pathlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Zoo:
    """A running server; see `serve`.

    Attributes:
        url: of the served folder, without a slash at the end.
        requests: [(path, headers)] of all requests so far.
    """

    def __init__(self, folder):
        self.folder, self.requests, self.behaviour = pathlib.Path(folder), [], {}
        self.going_on = threading.Event()  # what stalled and held answers wait for

    def behave(self, **behaviour):
        """How to answer from now on; without arguments: honestly.

        Args:
            status: answer with this code alone (404, 500), to every path; `only` limits it.
            only: the misbehaviour concerns paths with this ending; others are served honestly.
            drop_after: close the connection after that many bytes of a body.
            times: how many answers misbehave, of all; afterwards the server is honest.
            no_range: serve the whole file whatever Range asks for.
            no_tag: send no ETag and no Last-Modified.
            content: bytes to serve instead of the file's; `content_type` goes with it.
            encoding: the Content-Encoding to send.
            chunked: send the body in chunks, without its length.
            announce: the Content-Length to announce, whatever is sent; None for none at all.
            stall_after: send that many bytes, then nothing until the server is closed.
            redirect: send to that address instead.
            drip: send byte by byte, so many seconds apart.
            hold: an Event that is set when a request has come; it is answered after `release()`.
        """
        self.behaviour = behaviour

    def release(self):
        """Let held answers go on."""
        self.going_on.set()


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        zoo, behaviour = self.server.zoo, self.server.zoo.behaviour
        zoo.requests.append((self.path, dict(self.headers)))
        if not self.path.endswith(behaviour.get("only", "")):
            behaviour = {}
        if behaviour.get("times", 1) < 1:
            behaviour = {}
        elif "times" in behaviour:
            behaviour["times"] -= 1
        if "hold" in behaviour:
            behaviour["hold"].set()
            zoo.going_on.wait(120)
        path = zoo.folder / self.path.strip("/").split("?")[0]
        if "status" in behaviour or not path.is_file() and "content" not in behaviour:
            return self.send_error(behaviour.get("status", 404))
        if "redirect" in behaviour:
            self.send_response(302)
            self.send_header("Location", behaviour["redirect"])
            self.send_header("Content-Length", "0")
            return self.end_headers()
        body = behaviour.get("content") or path.read_bytes()
        tag = f'"{hashlib.md5(body).hexdigest()}"'
        span = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(span[1]) if span and not behaviour.get("no_range") else 0
        if self.headers.get("If-Range", tag) != tag:
            start = 0
        if start and start >= len(body):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", behaviour.get("content_type", "application/gzip"))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if "encoding" in behaviour:
            self.send_header("Content-Encoding", behaviour["encoding"])
        if not behaviour.get("no_tag"):
            self.send_header("ETag", tag)
        length = behaviour.get("announce", len(body) - start)
        chunked = behaviour.get("chunked")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        sent = behaviour.get("drop_after", behaviour.get("stall_after"))
        body = body[start:][:sent]
        if chunked:
            pieces = [body[i : i + 777] for i in range(0, len(body), 777)] + [b""]
            body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        with contextlib.suppress(ConnectionError):
            if "drip" in behaviour:
                for i in range(len(body)):
                    self.wfile.write(body[i : i + 1])
                    zoo.going_on.wait(behaviour["drip"])
                body = b""
            self.wfile.write(body)
            self.wfile.flush()
            if "stall_after" in behaviour:
                zoo.going_on.wait(120)


@contextlib.contextmanager
def serve(folder):
    """Serve a folder on a free port of this computer; yields a `Zoo`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.zoo = True, Zoo(folder)
    server.zoo.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.zoo
    finally:
        server.zoo.release()
        server.shutdown()
        thread.join()
        server.server_close()
