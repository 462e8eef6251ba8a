"""Local HTTP servers that answer to Range, break off and refuse: of one file, and of a hub's repository."""

from __future__ import annotations

import hashlib
import json
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

    def answer(self, path: str) -> tuple[bytes, dict[str, str]] | None:
        """Return what is served under a path, and its headers; None for nothing."""
        return self.content, {}


class Hub(Server):
    """Speaks as much of the hub's protocol as its client needs to fetch files of one repository.

    Args:
        files: Name -> content.

    Attributes:
        stated: Name -> the sha256 that it states, where that is not the content's.
    """

    commit = 40 * "c"

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(b"")
        self.files, self.stated = files, {}

    def fetched(self) -> list[str]:
        """Return the files that were asked for, in their order."""
        return [path.rpartition("/")[2] for path in self.paths if "/resolve/" in path]

    def answer(self, path: str) -> tuple[bytes, dict[str, str]] | None:
        if path.startswith("/api/models/"):
            listed = [
                {"type": "file", "path": name, "size": len(one), "oid": 40 * "b"}
                for name, one in self.files.items()
            ]
            siblings = [{"rfilename": name} for name in self.files]
            about = {"id": "owner/model", "sha": self.commit, "siblings": siblings}
            content = listed if "/tree/" in path else about
            return json.dumps(content).encode(), {"Content-Type": "application/json"}
        name = re.sub("^/owner/model/resolve/[^/]+/", "", path)
        if name not in self.files:
            return (b"", {}) if path == "/" else None
        content = self.files[name]
        digest = self.stated.get(name, hashlib.sha256(content).hexdigest())
        return content, {"ETag": f'"{digest}"', "X-Repo-Commit": self.commit, "Accept-Ranges": "bytes"}


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        answer = self.server.answer(self.path)
        if answer is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.end_headers()
            return
        self.send_response(200)
        for name, value in {**answer[1], "Content-Length": str(len(answer[0]))}.items():
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self) -> None:
        server: Server = self.server
        found = re.fullmatch(r"bytes=(\d+)-\d*", self.headers.get("Range", ""))
        start = int(found[1]) if found and server.ranges else 0
        server.asked.append(int(found[1]) if found else 0)
        server.paths.append(self.path)
        answer = server.answer(self.path)
        if server.status or answer is None or start >= len(answer[0]):
            self.send_error(server.status or (404 if answer is None else 416))
            return
        body = answer[0][start:]
        self.send_response(206 if start else 200)
        whole = len(answer[0])
        ranged = {"Content-Range": f"bytes {start}-{whole - 1}/{whole}"} if start else {}
        for name, value in {**answer[1], **ranged, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        cut = server.breaks.pop(0) if server.breaks and "/api/" not in self.path else None
        self.wfile.write(body[:cut])

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(served: bytes | Server) -> Iterator[Server]:
    """Run a server, or one of some content, until the block ends."""
    server = served if isinstance(served, Server) else Server(served)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
