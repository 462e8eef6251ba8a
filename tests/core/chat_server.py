"""A chat service on this machine that misbehaves as it is told, and counts what it is asked."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STALL = 0.8


def paraphrase_of(prompt: str) -> str:
    """Return what the server says to a prompt when it behaves."""
    step = 2 if prompt.endswith("existing words.") else 1
    text = prompt.partition('"')[2].rpartition('"')[0]
    return f"{'other words for' if step == 2 else 'plainly'} {text}"


def completion(content: Any, finish: str = "stop") -> dict[str, Any]:
    """Return a whole answer of the protocol."""
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content}}
        ],
        "usage": {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30},
    }


class ChatServer:
    """What the server was asked, and what it is to do next.

    Attributes:
        url: Where it listens, up to the version.
        prompts: How often each prompt was asked.
        answered: How often each prompt got a whole answer.
        bodies: The requests as they came.
        authorizations: The authorization headers as they came.
        plans: What to do with the next requests, first first: "ok" when empty.
        answer: Prompt -> content.
        most_at_once: Most requests under way at a time.
    """

    def __init__(self) -> None:
        self.prompts: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.authorizations: list[str] = []
        self.plans: deque[str] = deque()
        self.answer: Callable[[str], Any] = paraphrase_of
        self.after_answer: Callable[[], None] = lambda: None
        self.url = ""
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    def plan(self, prompt: str) -> str:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self.prompts[prompt] += 1
            return self.plans.popleft() if self.plans else "ok"

    def done(self) -> None:
        with self._lock:
            self._at_once -= 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: ChatServer

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = body["messages"][0]["content"]
        self.state.bodies.append(body)
        self.state.authorizations.append(self.headers.get("authorization", ""))
        plan = self.state.plan(prompt)
        try:
            self.respond(plan, prompt)
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            self.state.done()

    def respond(self, plan: str, prompt: str) -> None:
        whole = json.dumps(completion(self.state.answer(prompt))).encode()
        if plan == "ok":
            self.send(200, whole)
            self.state.answered[prompt] += 1
            self.state.after_answer()
        elif plan == "slow":
            time.sleep(0.05)
            self.send(200, whole)
        elif plan == "stall":
            time.sleep(STALL)
        elif plan == "stall inside":
            self.send(200, whole[:30], length=len(whole))
            time.sleep(STALL)
        elif plan == "cut":
            self.send(200, whole[:30], length=len(whole))
            self.close_connection = True
        elif plan.isdigit():
            self.send(int(plan), json.dumps({"error": {"message": "no", "code": None}}).encode())
        else:
            self.send(*_SPECIAL[plan])

    def send(self, status: int, content: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("content-type", headers.pop("kind", "application/json"))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


def _error(code: str | None = None, param: str | None = None, message: str = "no") -> bytes:
    return json.dumps({"error": {"message": message, "code": code, "param": param}}).encode()


_SPECIAL: dict[str, tuple[int, bytes]] = {
    "no json": (200, b"{not json"),
    "no object": (200, b"[]"),
    "no choices": (200, b'{"choices": []}'),
    "null choices": (200, b'{"choices": null}'),
    "null content": (200, json.dumps(completion(None)).encode()),
    "blank content": (200, json.dumps(completion(" \n")).encode()),
    "too long": (200, json.dumps(completion("half a", "length")).encode()),
    "filtered": (200, json.dumps(completion(None, "content_filter")).encode()),
    "no money": (429, _error("insufficient_quota")),
    "bad setting": (400, _error("unsupported", "max_tokens")),
    "deep": (200, b"[" * 200_000),
    "not utf-8": (200, b'{"choices": "\xff\xfe"}'),
    "empty": (200, b""),
    "absurd counts": (
        200,
        json.dumps(
            completion("fine") | {"usage": {"prompt_tokens": 10**400, "completion_tokens": -7}}
        ).encode(),
    ),
    "bad question": (400, _error("invalid", None, "this caption is not liked")),
}


class _Limited(_Handler):
    def respond(self, plan: str, prompt: str) -> None:
        if plan.startswith("429 after "):
            self.send(429, _error(), retry_after=plan.removeprefix("429 after "))
        elif plan == "html":
            self.send(200, b"<html>", kind="text/html")
        elif plan == "elsewhere":
            self.send(302, b"", location=self.state.url + "/other")
        elif plan.startswith("echo "):
            self.echo(plan, self.headers["authorization"])
        elif plan.startswith("endless ") or plan == "a byte at a time":
            self.send_without_end(plan)
        else:
            super().respond(plan, prompt)

    def echo(self, plan: str, authorization: str) -> None:
        if plan == "echo in the answer":
            self.send(200, json.dumps(completion(f"you sent {authorization}")).encode())
        elif plan == "echo in an error":
            self.send(400, _error(message="x" * 150 + f" Authorization: {authorization}"))
        else:
            self.send_response(400, f"Bad {authorization}")
            self.send_header("content-length", "0")
            self.end_headers()

    def send_without_end(self, plan: str) -> None:
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 %d X\r\n" % (500 if "error" in plan else 200))
        self.wfile.write(b"" if "headers" in plan else b"\r\n")
        slow = plan in ("a byte at a time", "endless headers")
        ends = time.monotonic() + 5
        while time.monotonic() < ends:  # until the client goes away
            self.wfile.write(b"x" if slow else b"x" * (1 << 16))
            time.sleep(0.05 if slow else 0)


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """Run a server on a free port of this machine."""
    state = ChatServer()
    handler = type("Handler", (_Limited,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
