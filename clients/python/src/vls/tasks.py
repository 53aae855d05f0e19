"""Concurrency, pauses and request bodies for asyncio. `threads.py` has the same for threads."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, AsyncIterator, Awaitable, Callable, Generic, Iterator, TypeVar

T = TypeVar("T")

sleep = asyncio.sleep
in_thread = asyncio.to_thread


async def body_of(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yields the parts of a body. They are made in a thread, because images are read from files."""
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        yield part


class Tasks(Generic[T]):
    """Runs calls concurrently, and returns their results in the order in which they were started."""

    def __init__(self, concurrency: int) -> None:
        self._places = asyncio.Semaphore(concurrency)
        self._waiting: deque[asyncio.Task[T]] = deque()

    @property
    def waiting(self) -> int:
        """The number of calls whose results have not been returned yet."""
        return len(self._waiting)

    def start(self, call: Callable[..., Awaitable[T]], *args: Any) -> None:
        async def run() -> T:
            async with self._places:
                return await call(*args)

        self._waiting.append(asyncio.ensure_future(run()))

    async def next(self) -> T:
        return await self._waiting.popleft()

    def close(self) -> None:
        """Cancels the calls whose results were not returned."""
        for task in self._waiting:
            task.cancel()
