"""Errors of the client."""

from __future__ import annotations

from typing import Any, Mapping


class ServiceError(Exception):
    """An error response of the service. `code` is stable; docs/errors.md lists all codes."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code: str = str(problem.get("code", "unknown"))
        self.detail: str = str(problem.get("detail", ""))
        self.request_id: str | None = problem.get("requestId")
        super().__init__(f"{self.code}: {self.detail}")


class BatchFailed(Exception):
    """A batch that has ended as `failed` or `cancelled`. `reason` says why."""

    def __init__(self, batch_id: str, state: str, reason: str | None) -> None:
        self.batch_id = batch_id
        self.state = state
        self.reason = reason
        super().__init__(f"Batch {batch_id} has ended as {state}" + (f" ({reason})" if reason else ""))
