"""A local HTTP server of one file that answers to Range, breaks off and refuses, for tests of downloads."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Serves one content under every path, and breaks off or refuses as told.

    Args:
        content: What it serves.

    Attributes:
        breaks: After how many bytes each coming answer breaks off; None is a whole answer.
        ranges: Whether it answers to Range.
        asked: What each request wanted: the first byte.
        paths: The path of each request.
        status: An error to answer with instead.
    """

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.breaks: list[int | None] = []
        self.ranges = True
        self.asked: list[int] = []
        self.paths: list[str] = []
        self.status = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Server = self.server
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(found[1]) if found and server.ranges else 0
        server.asked.append(int(found[1]) if found else 0)
        server.paths.append(self.path)
        if server.status or start >= len(server.content):
            self.send_error(server.status or 416)
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = server.breaks.pop(0) if server.breaks else None
        self.wfile.write(body[:cut])

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(content: bytes) -> Iterator[Server]:
    """Run a server of some content until the block ends."""
    server = Server(content)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
