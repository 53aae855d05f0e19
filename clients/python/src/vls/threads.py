"""Concurrency, pauses and request bodies for threads. `tasks.py` has the same for asyncio."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable, Generic, Iterator, TypeVar

T = TypeVar("T")

sleep = time.sleep


def in_thread(call: Callable[..., T], *args: Any) -> T:
    return call(*args)


def body_of(parts: Iterator[bytes]) -> Iterator[bytes]:
    return parts


class Threads(Generic[T]):
    """Runs calls concurrently, and returns their results in the order in which they were started."""

    def __init__(self, concurrency: int) -> None:
        self._pool = ThreadPoolExecutor(concurrency)
        self._waiting: deque[Future[T]] = deque()

    @property
    def waiting(self) -> int:
        """The number of calls whose results have not been returned yet."""
        return len(self._waiting)

    def start(self, call: Callable[..., T], *args: Any) -> None:
        self._waiting.append(self._pool.submit(call, *args))

    def next(self) -> T:
        return self._waiting.popleft().result()

    def close(self) -> None:
        """Cancels the calls that have not begun, and waits for the others."""
        self._pool.shutdown(cancel_futures=True)
