"""Converts images, pairs, tables and files to the formats that the service reads."""

from __future__ import annotations

import base64
import io
import json
import math
import numbers
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence, Tuple, Union

#: An address, a path, bytes, an image of Pillow, an array of pixels, or an object of the API (`{"base64": ...}`).
Image = Any
Pair = Union[Tuple[Image, str], Mapping[str, Any]]

#: Media types of files that are sent as they are, by ending.
MEDIA_TYPES = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".tar": "application/x-tar",
    ".tgz": "application/x-tar",
}
NDJSON = MEDIA_TYPES[".ndjson"]
PART_BYTES = 256 * 1024
#: A string that ends like this, and is no address, is the path of an image file.
IMAGE_ENDING = re.compile(r"\.(jpe?g|jfif|png|webp|gif|avif|heif|heic|tiff?|bmp)$", re.IGNORECASE)


def image_source(image: Image) -> Any:
    """Returns an image in the form of the API. The file of a path is read, and its bytes are sent.

    An integer is the index of an item of the batch that `imagesFrom` names. Raises `OSError` for a file that cannot be
    read.
    """
    if isinstance(image, numbers.Integral):
        return str(int(image))
    if isinstance(image, str):
        is_source = image.startswith(("http://", "https://", "data:"))
        is_path = not is_source and (_is_file(image) or _is_named_as_file(image))
        return _read(Path(image)) if is_path else image
    if isinstance(image, os.PathLike):
        return _read(Path(image))
    if isinstance(image, Mapping):
        # As Hugging Face data sets store images.
        if "bytes" in image:
            path = image.get("path")
            content = image["bytes"]
            if content is None:
                return image_source(path)
            return {"base64": _text(content), **({"path": str(path)} if path else {})}
        return dict(image)
    if isinstance(image, (bytes, bytearray, memoryview)):
        return {"base64": _text(bytes(image))}
    if hasattr(image, "save") and hasattr(image, "mode"):
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        return {"base64": _text(buffer.getvalue())}
    if hasattr(image, "shape"):
        from .png import encode_png

        return {"base64": _text(encode_png(image))}
    raise TypeError(f"Expected an address, a path, bytes, a Pillow image or an array, got {type(image).__name__}")


def _is_file(text: str) -> bool:
    try:
        return len(text) < 4096 and Path(text).is_file()
    except (OSError, ValueError):
        return False


def _is_named_as_file(text: str) -> bool:
    return len(text) < 4096 and "://" not in text and IMAGE_ENDING.search(text) is not None


def file_error(error: OSError) -> tuple[str, str]:
    """Returns the error code and the message for an image that cannot be read."""
    if error.filename is None:
        return "image.source_invalid", f"The image cannot be read: {error}"
    if isinstance(error, FileNotFoundError):
        return "image.file.not_found", f"There is no file {error.filename}"
    return "image.file.refused", f"The file {error.filename} cannot be read: {error.strerror}"


def _item(image: Image, more: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an item of a batch. If its image file cannot be read, only this item fails."""
    try:
        return {"image": image_source(image), **more}
    except OSError as error:
        code, message = file_error(error)
        path = {} if error.filename is None else {"image": str(error.filename)}
        return {**path, **more, "clientError": {"code": code, "message": message[:500]}}


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _read(path: Path) -> dict[str, str]:
    return {"base64": _text(path.read_bytes()), "path": str(path)}


def read_pair(pair: Pair) -> tuple[Image, str]:
    """Returns the image and the text of a pair."""
    if isinstance(pair, Mapping):
        return pair["image"], pair["text"]
    image, text = pair
    return image, text


@dataclass(frozen=True)
class BatchBody:
    """The items of a batch as they are sent."""

    media_type: str
    #: Returns the bytes from the beginning.
    open: Callable[[], Iterator[bytes]]
    #: False for an iterator, which can be read once.
    is_repeatable: bool
    params: Mapping[str, str]


def batch_body(source: Any, columns: Mapping[str, str]) -> BatchBody:
    """Reads a data frame, a path or an iterable of pairs. `columns` names the columns with image, text and id."""
    if isinstance(source, (str, os.PathLike)):
        return _body_of_file(Path(source), columns)
    if hasattr(source, "itertuples") and hasattr(source, "columns"):
        return _body_of_frame(source, columns)
    is_repeatable = not isinstance(source, Iterator)
    return BatchBody(NDJSON, lambda: _lines(_item_of_pair(pair) for pair in source), is_repeatable, {})


def _body_of_file(path: Path, columns: Mapping[str, str]) -> BatchBody:
    name = path.name.lower()
    stem = name[:-3] if name.endswith(".gz") else name
    if stem.endswith(".parquet"):
        return _body_of_parquet(path, columns)
    for ending, media_type in MEDIA_TYPES.items():
        if stem.endswith(ending):
            has_columns = media_type in (MEDIA_TYPES[".csv"], MEDIA_TYPES[".tsv"])
            return BatchBody(media_type, lambda: _parts(path), True, dict(columns) if has_columns else {})
    raise ValueError(f"The name of {path} must end in {', '.join([*MEDIA_TYPES, '.parquet'])}; formats other than Parquet may also end in .gz")


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(PART_BYTES):
            yield part


def _body_of_frame(frame: Any, columns: Mapping[str, str]) -> BatchBody:
    names = [str(name) for name in frame.columns]
    _check(names, columns)

    def rows() -> Iterator[dict[str, Any]]:
        for values in frame.itertuples(index=False, name=None):
            yield dict(zip(names, values))

    return _body_of_rows(rows, names, columns)


def _body_of_parquet(path: Path, columns: Mapping[str, str]) -> BatchBody:
    import pyarrow.parquet as parquet

    names = list(parquet.read_schema(path).names)
    _check(names, columns)

    def rows() -> Iterator[dict[str, Any]]:
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=256):
            yield from batch.to_pylist()

    return _body_of_rows(rows, names, columns)


def _check(names: Sequence[str], columns: Mapping[str, str]) -> None:
    lacking = [columns[part] for part in ("image", "text") if columns[part] not in names]
    if lacking:
        raise ValueError(f"The table has no column {' or '.join(lacking)}, only {', '.join(names)}")


def _body_of_rows(
    rows: Callable[[], Iterable[dict[str, Any]]], names: Sequence[str], columns: Mapping[str, str]
) -> BatchBody:
    image, text, id_ = columns["image"], columns["text"], columns["id"]

    def items() -> Iterator[dict[str, Any]]:
        for row in rows():
            more: dict[str, Any] = {"text": row[text]}
            if id_ in row and _plain(row[id_]) is not None:
                more["id"] = str(row[id_])
            metadata = {name: _plain(row[name]) for name in names if name not in (image, text, id_)}
            if metadata:
                more["metadata"] = metadata
            yield _item(row[image], more)

    # Tables of results repeat these columns.
    params = {"columns": json.dumps(list(names)), **columns}
    return BatchBody(NDJSON, lambda: _lines(items()), True, params)


def _item_of_pair(pair: Pair) -> dict[str, Any]:
    image, text = read_pair(pair)
    more = {key: pair[key] for key in ("id", "metadata") if key in pair} if isinstance(pair, Mapping) else {}
    return _item(image, {"text": text, **more})


def _plain(value: Any) -> Any:
    """Returns a cell as JSON has it. Missing values are null."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if hasattr(value, "isoformat"):
        return None if value != value else value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None if value != value else str(value)


def _lines(items: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    held: list[str] = []
    length = 0
    for item in items:
        line = json.dumps(item)
        held.append(line)
        length += len(line)
        if length >= PART_BYTES:
            yield ("\n".join(held) + "\n").encode()
            held, length = [], 0
    if held:
        yield ("\n".join(held) + "\n").encode()
