"""Work behind the pages: begun once a server, in a thread of its own, seen by every page that waits."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")

logger = logging.getLogger(__name__)


class BackgroundJob(Generic[Made]):
    """What is made behind the pages.

    Attributes:
        finished: Set once it has ended, well or not.
        made: What came of it; None before, and where it failed.
        problem: What went wrong; "" where nothing did.
    """

    def __init__(self) -> None:
        self.finished = threading.Event()
        self.made: Made | None = None
        self.problem = ""
        self._begun = threading.Lock()

    def begin(self, make: Callable[[], Made]) -> None:
        """Begin to make it, unless that has begun."""
        if self._begun.acquire(blocking=False):
            threading.Thread(target=self._work, args=(make,), daemon=True).start()

    def _work(self, make: Callable[[], Made]) -> None:
        try:
            self.made = make()
        except Exception as error:  # of whatever kind: the page says it
            logger.exception("what was made behind the pages failed")
            self.problem = str(error) or type(error).__name__
        finally:
            self.finished.set()
