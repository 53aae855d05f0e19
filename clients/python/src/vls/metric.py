"""CLIPScore as a metric over batches of a training or an evaluation."""

from __future__ import annotations

from typing import Any, Sequence

from .client import Client


class ClipScore:
    """CLIPScore with the calls and the numbers of `torchmetrics.multimodal.CLIPScore`, computed by the service.

    The value is the mean of `100 * cosine` over all pairs, and 0 if the mean is negative. Images are all that
    `Client.score` reads: tensors and arrays of 0 to 255 (3 x height x width, or height x width x 3), paths, addresses.
    """

    def __init__(self, client: Client | None = None, *, model: str | None = None, concurrency: int = 8) -> None:
        self._client = client or Client()
        self._model = model
        self._concurrency = concurrency
        self.reset()

    def reset(self) -> None:
        self._sum = 0.0
        self._count = 0

    def update(self, images: Any, text: str | Sequence[str]) -> None:
        """Adds pairs. If one of them cannot be scored, raises `RuntimeError` and adds none of them."""
        total, count = self._score(images, text)
        self._sum += total
        self._count += count

    def compute(self) -> float:
        """Returns the value over all pairs so far."""
        if self._count == 0:
            raise RuntimeError("ClipScore has no pairs: call update first")
        return max(0.0, self._sum / self._count)

    def __call__(self, images: Any, text: str | Sequence[str]) -> float:
        """Adds pairs, and returns the value over these pairs only."""
        total, count = self._score(images, text)
        self._sum += total
        self._count += count
        return max(0.0, total / count)

    def _score(self, images: Any, text: str | Sequence[str]) -> tuple[float, int]:
        texts = [text] if isinstance(text, str) else list(text)
        pictures = _listed(images)
        if len(pictures) != len(texts) or not texts:
            raise ValueError(f"Expected one text for each image, got {len(texts)} texts and {len(pictures)} images")
        total = 0.0
        pairs = zip(pictures, texts)
        for result in self._client.score_many(pairs, model=self._model, concurrency=self._concurrency):
            if result.cosine is None:
                raise RuntimeError(f"Pair {result.index} cannot be scored: {result.error}")
            total += 100.0 * result.cosine
        return total, len(texts)


def _listed(images: Any) -> list[Any]:
    if isinstance(images, (list, tuple)):
        return list(images)
    # A stack of images has four dimensions, one image has three.
    if getattr(images, "ndim", None) == 4:
        return list(images)
    return [images]
