"""Client of the vision-language similarity service."""

from .aio import AsyncBatch, AsyncClient
from .client import Batch, Client
from .errors import BatchFailed, ServiceError
from .metric import ClipScore
from .types import BatchStatus, ItemError, Result, Score

__all__ = [
    "AsyncBatch",
    "AsyncClient",
    "Batch",
    "BatchFailed",
    "BatchStatus",
    "Client",
    "ClipScore",
    "ItemError",
    "Result",
    "Score",
    "ServiceError",
]
