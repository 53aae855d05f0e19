"""The client. Made from `aio.py` by `make_sync.py`; change that file."""

from __future__ import annotations

import io
import json
import os
import time
import uuid
from contextlib import contextmanager
from typing import Any, Iterable, Iterator, Literal, Mapping, Sequence, Sized, TypeVar, overload

import httpx

from . import calls
from .calls import BATCHES, PARQUET, Call, Progress
from .errors import BatchFailed, ServiceError
from .retry import Retries, raise_for
from .sources import Image, Pair, batch_body, file_error, has_no_image, is_missing, no_image, read_pair
from .threads import Threads, body_of, in_thread, sleep
from .types import BatchStatus, Result, Score

T = TypeVar("T")


class Client:
    """A client of the service. `VLS_URL` and `VLS_API_KEY` are the defaults of address and key.

    It may be shared by threads. Refused requests are sent again after their `Retry-After`.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = 120.0,
        retries: Retries = Retries(),
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(**calls.client_options(url, api_key, timeout), transport=transport)
        self._retries = retries

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @overload
    def score(self, image: Image, text: str, *, model: str | None = None) -> Score: ...
    @overload
    def score(self, image: Image, text: Sequence[str], *, model: str | None = None) -> list[Score]: ...
    def score(self, image: Image, text: str | Sequence[str], *, model: str | None = None) -> Score | list[Score]:
        """Scores an image against a text, or against each of a list of texts."""
        scores: Score | list[Score] = self._run(calls.score_call(image, text, model))
        return scores

    def score_many(
        self, pairs: Iterable[Pair], *, model: str | None = None, concurrency: int = 8, progress: bool = False
    ) -> Iterator[Result]:
        """Scores pairs while they are read, in their order. A pair that fails is a failed result.

        A batch is the better choice for more pairs than one waits for.
        """
        bar = Progress(progress)
        total = len(pairs) if isinstance(pairs, Sized) else None
        failed = 0

        def one(index: int, pair: Pair) -> Result:
            try:
                image, text = read_pair(pair)
                if has_no_image(image):
                    return calls.failed_result(index, *no_image(index), False)
                call = calls.score_call(image, "" if is_missing(text) else text, model)
            except TypeError as error:
                raise TypeError(f"Pair {index}: {error}") from error
            except OSError as error:
                return calls.failed_result(index, *file_error(error), False)
            try:
                score: Score = self._run(call)
            except ServiceError as error:
                if error.status in (400, 401, 403):
                    raise
                return calls.failed_result(index, error.code, error.detail, error.status >= 500)
            return calls.scored_result(index, score)

        def show(result: Result) -> Result:
            nonlocal failed
            failed += result.status == "failed"
            bar.show(result.index + 1, total, failed)
            return result

        tasks: Threads[Result] = Threads(concurrency)
        try:
            for index, pair in enumerate(pairs):
                tasks.start(one, index, pair)
                if tasks.waiting >= 2 * concurrency:
                    yield show(tasks.next())
            while tasks.waiting:
                yield show(tasks.next())
        finally:
            tasks.close()
            bar.close()

    def embed(self, inputs: Iterable[Any], *, model: str | None = None) -> Any:
        """Returns L2-normalised embeddings as a NumPy array of float32, a row for each input.

        A string is a text. An image is anything that `score` reads, its address as `{"image": address}`.
        """
        return calls.to_array([row for call in calls.embed_calls(inputs, model) for row in self._run(call)])

    def batch(
        self,
        source: Any,
        *,
        image: str = "image",
        text: str = "text",
        id: str = "id",
        images: str | os.PathLike[str] | None = None,
        model: str | None = None,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> "Batch":
        """Posts a batch: a data frame, a path (CSV, TSV, NDJSON, Parquet, a WebDataset tar), or an iterable of pairs.

        `image`, `text` and `id` name the columns of a table. `images` is the folder of the images: relative paths begin
        there, and no image outside of it is read. The default is the folder of the file. Paths in a data frame or in
        pairs are relative to the working directory, and any file is read, if `images` is not set.

        The same `idempotency_key` leads to the same batch: a program that is started again continues with the batch
        that it has posted. `options` are those of the API, such as `name="November"`, `priority=5`, `delimiter=";"`,
        `failureBudgetShare=0.1` or `embeddings="image"`. The default name is that of the file. With `imagesFrom`, the id of an earlier batch, the image of a
        pair is the index of an item of that batch.
        """
        columns = {"image": image, "text": text, "id": id}
        body = in_thread(batch_body, source, columns, images, calls.joined(options))
        status = self._run(
            Call(
                "POST",
                BATCHES,
                lambda response: BatchStatus.read(response.json()),
                params={**calls.name_of(source), **body.params, **calls.named(model)},
                headers={
                    "Content-Type": body.media_type,
                    "Idempotency-Key": idempotency_key or str(uuid.uuid4()),
                },
                open=body.open,
                is_repeatable=body.is_repeatable,
            )
        )
        return Batch(self, status.id, calls.Posted.of(source, image))

    def open_batch(self, batch_id: str) -> "Batch":
        """Returns the handle of a batch that was posted earlier."""
        return Batch(self, batch_id)

    def models(self) -> list[dict[str, Any]]:
        """Returns the models with their state."""
        body = self._run(calls.json_call("/evaluator/v1/models"))
        models: list[dict[str, Any]] = body["models"]
        return models

    def _run(self, call: Call[T]) -> T:
        attempt = 0
        while True:
            try:
                response = self._http.request(
                    call.method,
                    call.path,
                    json=call.json,
                    params=dict(call.params),
                    headers=dict(call.headers),
                    content=None if call.open is None else body_of(call.open()),
                )
            except httpx.TransportError as error:
                pause = self._retries.pause(attempt, None) if call.is_repeatable else None
                if pause is None:
                    raise calls.unanswered(error, self._http.base_url) from error
            else:
                pause = self._retries.pause(attempt, response) if call.is_repeatable else None
                if pause is None:
                    raise_for(response)
                    return call.read(response)
            sleep(pause)
            attempt += 1

    @contextmanager
    def _stream(self, path: str, accept: str, params: Mapping[str, Any]) -> Iterator[httpx.Response]:
        attempt = 0
        while True:
            try:
                with self._http.stream("GET", path, headers={"Accept": accept}, params=dict(params)) as response:
                    if response.status_code < 400:
                        yield response
                        return
                    response.read()
            except httpx.TransportError as error:
                raise calls.unanswered(error, self._http.base_url) from error
            pause = self._retries.pause(attempt, response)
            if pause is None:
                raise_for(response)
            sleep(pause or 0)
            attempt += 1


class Batch:
    """A batch of the service."""

    def __init__(self, client: Client, batch_id: str, posted: calls.Posted = calls.Posted()) -> None:
        self._client = client
        self._posted = posted
        self.id = batch_id

    def __repr__(self) -> str:
        return f"Batch({self.id!r})"

    def status(self) -> BatchStatus:
        return self._client._run(calls.status_call(self.id))

    def wait(self, *, progress: bool = False, timeout: float | None = None, check: bool = True) -> BatchStatus:
        """Waits until the batch has ended.

        Raises `TimeoutError` after `timeout` seconds, and `BatchFailed` for a batch that is `failed` or `cancelled`,
        unless `check` is False.
        """
        until = None if timeout is None else time.monotonic() + timeout
        bar = Progress(progress)
        pause = 0.1
        try:
            while True:
                status = self.status()
                bar.show(status.done, status.total, status.failed)
                if status.has_ended:
                    break
                if until is not None and time.monotonic() + pause > until:
                    raise TimeoutError(f"Batch {self.id} is {status.state} after {timeout} s")
                sleep(pause)
                pause = min(2.0, pause * 1.5)
        finally:
            bar.close()
        if check and status.state in ("failed", "cancelled"):
            raise BatchFailed(self.id, status.state, status.reason, status.failures, self._first_failure(status))
        return status

    def _first_failure(self, status: BatchStatus) -> Result | None:
        if status.failed == 0:
            return None
        try:
            first = [result for result in self.results(status="failed", sort="index", limit=1)]
        except (ServiceError, httpx.TransportError):
            # The error of the batch is more important than this one.
            return None
        return first[0] if first else None

    def results(
        self,
        *,
        status: Literal["succeeded", "failed", "cancelled"] | None = None,
        distinct: Literal["image", "pair"] | None = None,
        **selection: Any,
    ) -> Iterator[Result]:
        """Yields the results as they arrive. While the batch runs, these are the results so far.

        They are in the order of the items. `selection` has parameters of the service, such as `minScore=28`,
        `top=0.3`, `sort="-score"` or `q="cat"`. `distinct` yields one item of each group of items with the same image,
        or with the same image and text: the first one in the order of the results.
        """
        params = calls.selection_of(status=status, distinct=distinct, **selection)
        with self._client._stream(f"{BATCHES}/{self.id}/results", "application/x-ndjson", params) as response:
            for line in response.iter_lines():
                if line:
                    yield Result.read(json.loads(line))

    def dataframe(self, **selection: Any) -> Any:
        """Returns the results as a pandas DataFrame, with the columns that the items came with.

        `selection` has parameters as those of `results`.

        Columns of a posted DataFrame have their types, and its images are those of the DataFrame. After `open_batch`,
        columns are text, and images that were sent as bytes are null, as always for a file or for pairs.
        """
        import pandas

        with self._client._stream(f"{BATCHES}/{self.id}/results", PARQUET, calls.selection_of(**selection)) as response:
            frame = pandas.read_parquet(io.BytesIO(response.read()))
        return calls.restored(frame, self._posted)

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Writes the results as Parquet, without image bytes. The file exists when it is complete."""
        with self._client._stream(f"{BATCHES}/{self.id}/results", PARQUET, {}) as response:
            with calls.whole_file(path) as file:
                for part in response.iter_bytes():
                    file.write(part)

    def embeddings(self, kind: Literal["image", "text"] | None = None) -> Any:
        """Returns the stored embeddings as a NumPy array, a row for each item; rows of items without a score are NaN.

        For a batch that was posted with `embeddings`. `kind` is needed if the batch stores image and text embeddings.
        """
        import numpy as np

        params = calls.selection_of(kind=kind, format="npy")
        with self._client._stream(f"{BATCHES}/{self.id}/embeddings", "*/*", params) as response:
            return np.load(io.BytesIO(response.read()))

    def to_npy(self, path: str | os.PathLike[str], kind: Literal["image", "text"] | None = None) -> None:
        """Writes the stored embeddings as `.npy`, for `numpy.load(path, mmap_mode="r")`."""
        params = calls.selection_of(kind=kind, format="npy")
        with self._client._stream(f"{BATCHES}/{self.id}/embeddings", "*/*", params) as response:
            with calls.whole_file(path) as file:
                for part in response.iter_bytes():
                    file.write(part)

    def labels(self) -> Any:
        """Returns the sample that people judge as a pandas DataFrame, a row for each pair in the order of the sample.

        `label` is `right`, `wrong`, or missing for a pair without a label. `image` is the address or the path of the
        image. A batch without a sample has no rows.
        """
        body = self._client._run(calls.json_call(f"{BATCHES}/{self.id}/judgement"))
        return calls.frame_of_labels(body["pairs"])

    def summary(self) -> dict[str, Any]:
        """Returns mean, histogram, and the lowest and highest items."""
        return self._client._run(calls.json_call(f"{BATCHES}/{self.id}/summary"))

    def cancel(self) -> BatchStatus:
        return self._client._run(calls.status_call(self.id, "/cancel", "POST"))

    def change(
        self, *, name: str | None = None, tags: list[str] | None = None, retention_hours: float | None = None
    ) -> BatchStatus:
        """Changes the name, the tags or the retention. A value of `None` leaves the present one."""
        return self._client._run(calls.change_call(self.id, name, tags, retention_hours))

    def retry(self, *, cancelled: bool = False) -> "Batch":
        """Posts the failed items as a new batch; with `cancelled`, the cancelled items, too."""
        return Batch(self._client, self._client._run(calls.retry_call(self.id, cancelled)))

    def delete(self) -> None:
        self._client._run(calls.delete_call(self.id))
