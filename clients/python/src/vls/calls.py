"""Builds the requests of the client and reads their responses. The synchronous and the asyncio client share this."""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Generic, Iterable, Iterator, Mapping, Sequence, TypeVar

import httpx

from .sources import Image, image_source
from .types import BatchStatus, ItemError, Result, Score

T = TypeVar("T")

BATCHES = "/evaluator/v1/evaluation/batch"
#: The maximum number of inputs of one request for embeddings.
MAX_INPUTS = 2_048
#: The number is lower for images: they are much larger than texts, and a JSON body has at most 32 MiB.
IMAGES_PER_REQUEST = 32
#: The maximum length of the name of a batch.
MAX_NAME = 200
PARQUET = "application/vnd.apache.parquet"


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request, with the function that reads its response."""

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    json: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Returns the bytes of the body from the beginning; None for a body of JSON, or none.
    open: Callable[[], Iterator[bytes]] | None = None
    #: False for a body that can be sent only once.
    is_repeatable: bool = True


def client_options(url: str | None, api_key: str | None, timeout: float) -> dict[str, Any]:
    key = api_key or os.environ.get("VLS_API_KEY")
    address = url or os.environ.get("VLS_URL") or "http://127.0.0.1:8000"
    if not address.startswith(("http://", "https://")):
        raise ValueError(f"The address of the service must begin with http:// or https://, not {address!r}")
    return {
        "base_url": address.rstrip("/"),
        "headers": {"Authorization": f"Bearer {key}"} if key else {},
        "timeout": timeout,
    }


def score_call(image: Image, text: str | Sequence[str], model: str | None) -> Call[Any]:
    if not isinstance(text, (str, Iterable)):
        raise TypeError(f"Expected a text or a list of texts, got {type(text).__name__}")
    texts = [text] if isinstance(text, str) else list(text)

    def read(response: httpx.Response) -> Any:
        body = response.json()
        scores = [
            Score(one["score"], one["cosine"], one["text"], body["receipt"], one.get("probability"))
            for one in body["results"]
        ]
        return scores[0] if isinstance(text, str) else scores

    body = {"image": image_source(image), "text": texts, **named(model)}
    return Call("POST", "/evaluator/v1/evaluation/single", read, json=body)


def embed_calls(inputs: Iterable[Any], model: str | None) -> Iterator[Call[list[bytes]]]:
    """Yields the requests for embeddings. A string is a text; the address of an image is `{"image": address}`."""
    group: list[Any] = []
    images = 0
    for one in inputs:
        source = _embeddable(one)
        if len(group) == MAX_INPUTS or (images == IMAGES_PER_REQUEST and "image" in source):
            yield _embed_call(group, model)
            group, images = [], 0
        group.append(source)
        images += "image" in source
    if group:
        yield _embed_call(group, model)


def _embeddable(one: Any) -> dict[str, Any]:
    if isinstance(one, str):
        return {"text": one}
    if isinstance(one, Mapping) and set(one) <= {"text", "image"}:
        return {"image": image_source(one["image"])} if "image" in one else dict(one)
    return {"image": image_source(one)}


def _embed_call(group: list[Any], model: str | None) -> Call[list[bytes]]:
    def read(response: httpx.Response) -> list[bytes]:
        return [base64.b64decode(one["embedding"]) for one in response.json()["data"]]

    return Call("POST", "/v1/embeddings", read, json={"input": group, "encoding_format": "base64", **named(model)})


def to_array(rows: Sequence[bytes]) -> Any:
    """Returns embeddings as an array of float32, a row for each input."""
    import numpy as np

    return np.array([np.frombuffer(row, dtype="<f4") for row in rows], dtype=np.float32)


def unanswered(error: httpx.TransportError, address: Any) -> httpx.TransportError:
    """Returns the same error with the address of the service in its message."""
    advice = (
        "; start the service, or set its address with url= or VLS_URL" if isinstance(error, httpx.ConnectError) else ""
    )
    failure = type(error)(f"No answer from {address}: {error or type(error).__name__}{advice}")
    with contextlib.suppress(RuntimeError):
        failure.request = error.request
    return failure


def status_call(batch_id: str, step: str = "", method: str = "GET") -> Call[BatchStatus]:
    return Call(method, f"{BATCHES}/{batch_id}{step}", lambda response: BatchStatus.read(response.json()))


def json_call(path: str) -> Call[dict[str, Any]]:
    return Call("GET", path, lambda response: response.json())


def change_call(
    batch_id: str, name: str | None, tags: Sequence[str] | None, retention_hours: float | None
) -> Call[BatchStatus]:
    change = {"name": name, "tags": None if tags is None else list(tags), "retentionHours": retention_hours}
    body = {key: value for key, value in change.items() if value is not None}
    return Call("PATCH", f"{BATCHES}/{batch_id}", lambda response: BatchStatus.read(response.json()), json=body)


def retry_call(batch_id: str, cancelled: bool) -> Call[str]:
    return Call(
        "POST",
        f"{BATCHES}/{batch_id}/retry",
        lambda response: str(response.json()["id"]),
        params={"status": "failed,cancelled"} if cancelled else {},
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )


def frame_of_labels(pairs: Sequence[Mapping[str, Any]]) -> Any:
    import pandas

    rows = [{**pair, "image": pair.get("image") or pair.get("imagePath")} for pair in pairs]
    return pandas.DataFrame(rows, columns=["index", "id", "text", "image", "score", "label"])


def selection_of(**selection: Any) -> dict[str, Any]:
    """Returns the query parameters whose value is not None."""
    return {name: value for name, value in selection.items() if value is not None}


def joined(options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns options with lists as the service reads them, such as `tags`."""
    return {
        name: ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value
        for name, value in options.items()
    }


def delete_call(batch_id: str) -> Call[None]:
    return Call("DELETE", f"{BATCHES}/{batch_id}", lambda _response: None)


def failed_result(index: int, code: str, message: str, retryable: bool) -> Result:
    return Result(index=index, status="failed", error=ItemError(code, message, retryable))


def scored_result(index: int, score: Score) -> Result:
    return Result(
        index=index, status="succeeded", score=score.score, cosine=score.cosine, probability=score.probability
    )


def named(model: str | None) -> dict[str, str]:
    return {} if model is None else {"model": model}


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Opens a file for writing. The file gets its name only when it is complete."""
    part = f"{os.fspath(path)}.part"
    try:
        with open(part, "wb") as file:
            yield file
        os.replace(part, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)


def name_of(source: Any) -> dict[str, str]:
    """Returns the name of a file as the name of its batch; empty for other sources."""
    if not isinstance(source, (str, os.PathLike)):
        return {}
    # The name of a file may have bytes that are not UTF-8.
    name = Path(source).name.encode(errors="replace").decode()[:MAX_NAME].strip()
    return {"name": name} if name else {}


@dataclass(frozen=True)
class Posted:
    """The parts of a posted data frame that the service does not return; empty for other sources."""

    types: Mapping[str, Any] = field(default_factory=dict)
    image: str = ""
    #: The column with the images. The service returns only addresses and paths.
    images: Any = None

    @staticmethod
    def of(source: Any, image: str) -> "Posted":
        dtypes = getattr(source, "dtypes", None)
        if dtypes is None:
            return Posted()
        types = {str(name): dtype for name, dtype in dtypes.items()}
        return Posted(types, image, source.iloc[:, list(types).index(image)] if len(types) == len(dtypes) else None)


def restored(frame: Any, posted: Posted) -> Any:
    """Replaces images by those of the posted data frame, and text by values of the types that the columns had."""
    import pandas

    if posted.images is not None and posted.image in frame:
        # The first column has the indexes of the items. Parquet has no type for a path.
        images = posted.images.iloc[frame.iloc[:, 0]]
        frame[posted.image] = images.map(lambda one: os.fspath(one) if isinstance(one, os.PathLike) else one).array
    for name, dtype in posted.types.items():
        kind = getattr(dtype, "kind", "O")
        if name not in frame or kind not in "biufM" or not pandas.api.types.is_string_dtype(frame[name].dtype):
            continue
        if kind == "M":
            frame[name] = pandas.to_datetime(frame[name])
            continue
        values = frame[name].map({"true": True, "false": False}) if kind == "b" else pandas.to_numeric(frame[name])
        frame[name] = values if values.isna().any() else values.astype(dtype)
    return frame


class Progress:
    """A progress bar over the items of a batch, or nothing without tqdm."""

    def __init__(self, is_shown: bool) -> None:
        self._bar: Any = None
        self._is_shown = is_shown and importlib.util.find_spec("tqdm") is not None

    def show(self, done: int, total: int | None, failed: int = 0) -> None:
        if not self._is_shown:
            return
        if self._bar is None:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, unit=" items")
        self._bar.total = total
        self._bar.set_postfix(failed=failed, refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
