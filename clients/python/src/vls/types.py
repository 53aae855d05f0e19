"""Scores, results and states, as the service returns them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

#: The final states of a batch.
FINAL_STATES = frozenset({"completed", "completed_with_errors", "failed", "cancelled"})


@dataclass(frozen=True)
class Score:
    """The score of an image and a text: `100 * max(cosine, 0)`, and the cosine of their embeddings."""

    score: float
    cosine: float
    text: str
    #: Model, revision, precision and preprocessing that produced the score.
    receipt: Mapping[str, Any] = field(repr=False)
    #: The probability that the text describes the image. Only models of the SigLIP families have it.
    probability: float | None = None


@dataclass(frozen=True)
class ItemError:
    """The reason why an item has no score."""

    code: str
    message: str
    #: True if a retry of the same item may succeed.
    retryable: bool


@dataclass(frozen=True)
class Result:
    """The result of one item of a batch, or of one pair of `score_many`."""

    index: int
    #: `succeeded`, `failed` or `cancelled`.
    status: str
    score: float | None = None
    cosine: float | None = None
    id: str | None = None
    error: ItemError | None = None
    metadata: Mapping[str, Any] | None = None
    #: All fields as the service sent them.
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: The probability that the text describes the image. Only models of the SigLIP families have it.
    probability: float | None = None
    #: With `distinct`: the number of selected items in its group of equal items, this one included.
    group_size: int | None = None

    @staticmethod
    def read(raw: Mapping[str, Any]) -> "Result":
        error = raw.get("error")
        return Result(
            index=raw["index"],
            status=raw["status"],
            score=raw.get("score"),
            cosine=raw.get("cosine"),
            id=raw.get("id"),
            error=None if error is None else ItemError(error["code"], error["message"], error["retryable"]),
            metadata=raw.get("metadata"),
            raw=raw,
            probability=raw.get("probability"),
            group_size=raw.get("groupSize"),
        )


@dataclass(frozen=True)
class BatchStatus:
    """The status of a batch."""

    id: str
    state: str
    total: int
    succeeded: int
    failed: int
    cancelled: int
    pending: int
    reason: str | None
    eta_seconds: float | None
    #: All fields as the service sent them.
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def has_ended(self) -> bool:
        return self.state in FINAL_STATES

    @property
    def failures(self) -> Mapping[str, int]:
        """The number of failed items by error code."""
        failures: Mapping[str, int] = self.raw.get("failures") or {}
        return failures

    @property
    def done(self) -> int:
        """Items with an outcome."""
        return self.total - self.pending

    @staticmethod
    def read(raw: Mapping[str, Any]) -> "BatchStatus":
        items = raw["items"]
        return BatchStatus(
            id=raw["id"],
            state=raw["state"],
            total=items["total"],
            succeeded=items["succeeded"],
            failed=items["failed"],
            cancelled=items["cancelled"],
            pending=items["pending"],
            reason=raw.get("reason"),
            eta_seconds=raw.get("etaSeconds"),
            raw=raw,
        )
