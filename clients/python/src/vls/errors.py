"""Errors of the client."""

from __future__ import annotations

import re
from typing import Any, Mapping
from urllib.parse import unquote

from .types import Result


class ServiceError(Exception):
    """An error response of the service. `code` is stable; docs/errors.md lists all codes."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code: str = str(problem.get("code", "unknown"))
        self.detail: str = in_python(str(problem.get("detail", "")))
        self.request_id: str | None = problem.get("requestId")
        super().__init__(f"{self.code}: {self.detail}")


class BatchFailed(Exception):
    """A batch that has ended as `failed` or `cancelled`. `reason` says why.

    `failures` counts the failed items by error code. `first` is the result of the first failed item, if it can be read.
    """

    def __init__(
        self,
        batch_id: str,
        state: str,
        reason: str | None,
        failures: Mapping[str, int] | None = None,
        first: Result | None = None,
    ) -> None:
        self.batch_id = batch_id
        self.state = state
        self.reason = reason
        self.failures = dict(failures or {})
        self.first = first
        text = f"Batch {batch_id} has ended as {state}" + (f" ({reason})" if reason else "")
        if self.failures:
            counts = sorted(self.failures.items(), key=lambda failure: -failure[1])
            text += ". Failed items by code: " + ", ".join(f"{count} {code}" for code, count in counts)
        if first is not None and first.error is not None:
            text += f". Item {first.index} failed with: {first.error.message}"
        super().__init__(f"{text}. The methods dataframe() and results() of the batch still return all results")


#: Words of the HTTP API, and those of the client in their place.
WORDS: list[tuple[str, Any]] = [
    (r"the query parameter \?(\w+)=([^\s.]+)", lambda found: f'{found[1]}="{_cell(found[2])}"'),
    (
        r"^query: has the unknown (field|fields) ",
        lambda found: "There is no option " if found[1] == "field" else "There are no options ",
    ),
    (r"\b(this|its|This) Idempotency-Key\b", r"\1 idempotency_key"),
    (r"\bretentionHours: ", "retention_hours: "),
    (
        r"Send an API key as `Authorization: [^`]*` or `X-API-Key: [^`]*`, or sign in with a browser",
        "Set the API key with api_key= or VLS_API_KEY",
    ),
    (r"The Host header names", "The address of the client names"),
    (
        r"applies only to JSON pages: without (`sort`(?:, `\w+`)* or `\w+`), .*",
        r"applies only together with \1",
    ),
    (r"; send larger batches as .*, which has no such limit", "; send fewer inputs at once, or post a batch"),
]


def in_python(message: str) -> str:
    """Returns a message of the service with the names that the client has for parameters and headers."""
    for pattern, words in WORDS:
        message = re.sub(pattern, words, message)
    return message


def _cell(text: str) -> str:
    return unquote(text).replace("\t", "\\t")
