"""Decides whether a request is sent again, and when."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import httpx

from .errors import ServiceError


@dataclass(frozen=True)
class Retries:
    """Sends a refused request again after the time in `Retry-After`; without this header, after increasing pauses."""

    #: Attempts after the first one.
    attempts: int = 6
    #: The longest pause in seconds.
    longest: float = 60.0

    def pause(self, attempt: int, response: httpx.Response | None) -> float | None:
        """Returns the pause in seconds before the next attempt, or None to stop. `response` is None if the connection failed."""
        if attempt >= self.attempts or (response is not None and not is_transient(response)):
            return None
        stated = None if response is None else response.headers.get("retry-after")
        try:
            if stated is not None:
                return min(self.longest, max(0.0, float(stated)))
        except ValueError:
            # A date, as some proxies send it.
            pass
        pause: float = 0.25 * 2.0**attempt * random.uniform(0.5, 1.0)
        return min(self.longest, pause)


def is_transient(response: httpx.Response) -> bool:
    """Returns True for a refusal, by the service or by a proxy, after which a later attempt may succeed."""
    if response.status_code in (429, 503, 507):
        return True
    # The service has these for the host of an image, with a problem document.
    if response.status_code in (502, 504):
        return "code" not in problem_of(response)
    return response.status_code == 409 and problem_of(response).get("code") == "idempotency.in_flight"


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """Returns the problem document of a response; empty if the response has none."""
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def raise_for(response: httpx.Response) -> None:
    """Raises a `ServiceError` for an error response."""
    if response.status_code < 400:
        return
    raise ServiceError(response.status_code, problem_of(response) or _unknown(response))


def _unknown(response: httpx.Response) -> dict[str, str]:
    text = " ".join(response.text.split())[:200]
    place = f"{response.request.url} returned {response.status_code} without an error code of the service"
    return {"code": "unknown", "detail": f"{place}; check the address of the client, and proxies. The response begins: {text}"}
