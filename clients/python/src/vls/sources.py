"""Converts images, pairs, tables and files to the formats that the service reads."""

from __future__ import annotations

import base64
import errno
import io
import json
import math
import numbers
import os
import re
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence, Tuple, TypeVar, Union

from .files import Table, lines_have_image, lines_with_images

T = TypeVar("T")

#: An address, a path, bytes, an image of Pillow, an array of pixels, or an object of the API (`{"base64": ...}`).
Image = Any
Pair = Union[Tuple[Image, str], Mapping[str, Any]]
#: The cells of a row by their names, and the code and the message of its error.
Row = Tuple[Mapping[str, Any], Union[Tuple[str, str], None]]

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
#: The default separators of columns.
SEPARATORS = {MEDIA_TYPES[".csv"]: ",", MEDIA_TYPES[".tsv"]: "\t"}
#: Characters that the name of a file cannot contain. Other surrogates stand for bytes of a name that are not UTF-8.
INVALID = re.compile("[\0\ud800-\udc7f\udd00-\udfff]")
PART_BYTES = 256 * 1024
#: A string that begins or ends like this, and is no address, is the path of an image file. Base64 has no such characters.
PATH = re.compile(r"^(\.{1,2}|~)/|^[a-z]:\\|\.(jpe?g|jfif|png|webp|gif|avif|heif|heic|tiff?|bmp)\s*$", re.IGNORECASE)
#: Base64 of an image is longer, except that of a few pixels.
SHORTEST_BASE64 = 200
#: Padding shows base64. Several words are probably a text, and quotes and angle brackets JSON or markup.
NO_PATH = re.compile(r'[\s\x00-\x1f\x7f-\x9f"<>]|=$|^[a-z][a-z0-9+.-]+:', re.IGNORECASE)
#: The beginning of an address without a scheme.
ADDRESS = re.compile(r"(www\.|([a-z0-9-]+\.)+[a-z]{2,}(:\d+)?/)", re.IGNORECASE)
#: The first bytes of the formats that the service recognises.
FORMAT = re.compile(
    rb"(\xef\xbb\xbf)?(\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF.{4}WEBP|II[*+]\0|MM\0[*+]|.{4}ftyp"
    rb"|\xff\x0a|\0\0\0\x0c(JXL |jP  )|\xff\x4f\xff\x51|BM|\0\0[\x01\x02]\0[^\0]\0|icns|8BPS|DDS |P[1-7]\s|%PDF-|%!PS"
    rb"|PK\x03\x04|\x1f\x8b|\x1a\x45\xdf\xa3|version https://git-lfs|\s*<[!?A-Za-z]|\s*[{\[]\s*([\"\[\]{}\d]|\Z))",
    re.DOTALL,
)


@dataclass(frozen=True)
class Folder:
    """The folder from which images are read.

    No file outside of it is read, because a file of pairs from elsewhere could name any file of this machine.
    """

    path: Path

    def find(self, image: str | os.PathLike[str]) -> Path:
        """Returns the path of an image. Raises `PermissionError` for a file outside of the folder."""
        root = self.path.resolve()
        found = (root / image).resolve()
        if not found.is_relative_to(root):
            reason = f"it is not in the folder {root}; set another folder with images="
            raise PermissionError(errno.EACCES, reason, os.fspath(image))
        return found


def image_source(image: Image, folder: Folder | None = None) -> Any:
    """Returns an image in the form of the API. The file of a path is read, and its bytes are sent.

    An integer is the index of an item of the batch that `imagesFrom` names. Paths are relative to `folder`, by default
    to the working directory. Raises `OSError` for a file that cannot be read.
    """
    # A column of integers with a missing value has floats.
    if isinstance(image, numbers.Integral) or (isinstance(image, float) and image.is_integer()):
        return str(int(image))
    if isinstance(image, str):
        return _read(image, folder) if is_path(image, folder) else image
    if isinstance(image, os.PathLike):
        return _read(image, folder)
    if isinstance(image, Mapping):
        # As Hugging Face data sets store images.
        if "bytes" in image:
            path = image.get("path")
            content = image["bytes"]
            if is_missing(content):
                return image_source(path, folder)
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


def is_missing(value: Any) -> bool:
    """Returns True for None and for the missing values of NumPy and pandas."""
    if value is None or (isinstance(value, numbers.Real) and bool(value != value)):
        return True
    # By name, because pandas may not be installed and a comparison with its NA raises an error.
    return type(value).__name__ in ("NAType", "NaTType")


def has_no_image(image: Image) -> bool:
    """Returns True for a missing value, and for an image of a Hugging Face data set without bytes and path."""
    if isinstance(image, Mapping) and "bytes" in image:
        return is_missing(image["bytes"]) and is_missing(image.get("path"))
    return is_missing(image)


def is_path(text: str, folder: Folder | None) -> bool:
    """Returns True for a string that is the path of an image."""
    if len(text) >= 4096 or text.startswith(("http://", "https://", "data:")) or INVALID.search(text):
        return False
    if _is_entry(text, folder) or ("://" not in text and PATH.search(text) is not None):
        return True
    return _is_short_word(text.strip())


def _is_short_word(text: str) -> bool:
    """Returns True for a string that can only be a path. The service has the same rule."""
    if not 0 < len(text) < SHORTEST_BASE64 or NO_PATH.search(text) or ADDRESS.match(text):
        return False
    digits = re.sub("[^A-Za-z0-9+/]", "", text.replace("-", "+").replace("_", "/"))
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    return FORMAT.match(base64.b64decode(digits + "=" * (-len(digits) % 4))) is None


def _is_entry(text: str, folder: Folder | None) -> bool:
    """Returns True for the name of a file or directory."""
    if not text.strip():
        return False
    try:
        found = Path(text) if folder is None else folder.find(text)
        return found.is_file() or found.is_dir()
    except (OSError, ValueError):
        return False


def file_error(error: OSError) -> tuple[str, str]:
    """Returns the error code and the message for an image that cannot be read."""
    if error.filename is None:
        return "image.source_invalid", f"The image cannot be read: {error}"
    if isinstance(error, FileNotFoundError):
        place = "" if os.path.isabs(error.filename) else f" in {os.getcwd()}"
        return "image.file.not_found", f"There is no file {error.filename}{place}"
    if isinstance(error, IsADirectoryError):
        return "image.file.refused", f"{error.filename} is a directory, not an image file"
    return "image.file.refused", f"The file {error.filename} cannot be read: {error.strerror}"


def no_image(index: int, column: str | None = None) -> tuple[str, str]:
    """Returns the error code and the message for a row or a pair without an image."""
    message = f"pair {index}: the image is missing" if column is None else f"row {index}: column {column} is empty"
    return "item.invalid", message


def _item(
    image: Image, more: Mapping[str, Any], folder: Folder | None, missing: tuple[str, str] | None = None
) -> dict[str, Any]:
    """Returns an item of a batch. If its image is missing or its file cannot be read, only this item fails."""
    if missing is not None and has_no_image(image):
        return {**more, **_client_error(*missing)}
    try:
        return {"image": image_source(image, folder), **more}
    except OSError as error:
        path = image if isinstance(image, (str, os.PathLike)) else error.filename
        return {**({} if path is None else {"image": str(path)}), **more, **_client_error(*file_error(error))}


def _client_error(code: str, message: str) -> dict[str, Any]:
    return {"clientError": {"code": code, "message": message[:500]}}


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _read(path: str | os.PathLike[str], folder: Folder | None) -> dict[str, str]:
    file = Path(path) if folder is None else folder.find(os.fspath(path).strip())
    if file.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    return {"base64": _text(file.read_bytes()), "path": os.fspath(path)}


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
    #: The options of the query.
    params: Mapping[str, Any]


def batch_body(
    source: Any,
    columns: Mapping[str, str],
    images: str | os.PathLike[str] | None = None,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> BatchBody:
    """Reads a data frame, a path or an iterable of pairs. `columns` names the columns with image, text and id.

    `images` is the folder of the images: by default that of the file, or the working directory without a file.
    """
    folder = None if images is None else Folder(Path(images))
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return _body_of_file(path, columns, folder or Folder(path.parent), options)
    if hasattr(source, "itertuples") and hasattr(source, "columns"):
        return _body_of_frame(source, columns, folder, options)
    is_repeatable = not isinstance(source, Iterator)

    def item(index: int, pair: Pair) -> dict[str, Any]:
        return _item_of_pair(index, pair, folder, "imagesFrom" in options)

    return BatchBody(NDJSON, lambda: _lines("Pair", source, item), is_repeatable, options)


def _body_of_file(path: Path, columns: Mapping[str, str], folder: Folder, options: Mapping[str, Any]) -> BatchBody:
    name = path.name.lower()
    stem = name[:-3] if name.endswith(".gz") else name
    if stem.endswith(".parquet"):
        return _body_of_parquet(path, columns, folder, options)
    for ending, media_type in MEDIA_TYPES.items():
        if stem.endswith(ending):
            break
    else:
        endings = ", ".join([*MEDIA_TYPES, ".parquet"])
        raise ValueError(f"The name of {path} must end in {endings}; formats other than Parquet may also end in .gz")
    body = None
    # With `imagesFrom`, the images are indexes.
    if "imagesFrom" not in options:
        if media_type in SEPARATORS:
            body = _body_of_table(path, media_type, columns, folder, options)
        elif media_type == NDJSON:
            body = _body_of_lines(path, folder, options)
    names = columns if media_type in SEPARATORS else {}
    return body or BatchBody(media_type, lambda: _parts(path), True, {**names, **options})


def _body_of_table(
    path: Path, media_type: str, columns: Mapping[str, str], folder: Folder, options: Mapping[str, Any]
) -> BatchBody | None:
    """Returns the rows of a CSV or TSV file as items, or None if no image is a path."""
    delimiter = str(options.get("delimiter", SEPARATORS[media_type]))
    table = Table.open(path, delimiter, options.get("encoding"), columns)
    if table is None or not table.has_image(lambda image: is_path(image, folder)):
        return None
    is_strict = str(options.get("strict")).lower() == "true"
    more = {name: value for name, value in options.items() if name not in ("delimiter", "encoding")}
    return _body_of_rows(lambda: table.rows(is_strict), table.names, table.parts, folder, more)


def _body_of_lines(path: Path, folder: Folder, options: Mapping[str, Any]) -> BatchBody | None:
    """Returns the lines of an NDJSON file with the bytes of their images, or None if no image is a path."""
    if not lines_have_image(path, lambda image: is_path(image, folder)):
        return None

    def read(image: str) -> dict[str, Any] | None:
        return _item(image, {}, folder) if is_path(image, folder) else None

    more = {name: value for name, value in options.items() if name != "encoding"}
    return BatchBody(NDJSON, lambda: lines_with_images(path, read), True, more)


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(PART_BYTES):
            yield part


def _body_of_frame(
    frame: Any, columns: Mapping[str, str], folder: Folder | None, options: Mapping[str, Any]
) -> BatchBody:
    names = [str(name) for name in frame.columns]
    _check(names, columns)

    def rows() -> Iterator[Row]:
        for values in frame.itertuples(index=False, name=None):
            yield dict(zip(names, values)), None

    return _body_of_rows(rows, names, columns, folder, options)


def _body_of_parquet(path: Path, columns: Mapping[str, str], folder: Folder, options: Mapping[str, Any]) -> BatchBody:
    import pyarrow.parquet as parquet

    names = list(parquet.read_schema(path).names)
    _check(names, columns)

    def rows() -> Iterator[Row]:
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=256):
            for row in batch.to_pylist():
                yield row, None

    return _body_of_rows(rows, names, columns, folder, options)


def _check(names: Sequence[str], columns: Mapping[str, str]) -> None:
    lacking = [columns[part] for part in ("image", "text") if columns[part] not in names]
    if lacking:
        raise ValueError(f"The table has no column {' or '.join(lacking)}, only {', '.join(names)}")


def _body_of_rows(
    rows: Callable[[], Iterable[Row]],
    names: Sequence[str],
    columns: Mapping[str, str],
    folder: Folder | None,
    options: Mapping[str, Any],
) -> BatchBody:
    image, text, id_ = columns["image"], columns["text"], columns["id"]

    def item(index: int, entry: Row) -> dict[str, Any]:
        row, error = entry
        more: dict[str, Any] = {"text": _text_of(row[text])} if text in row else {}
        if id_ in row and _plain(row[id_]) is not None:
            more["id"] = str(row[id_])
        metadata = {name: _plain(row[name]) for name in names if name in row and name not in (image, text, id_)}
        if metadata:
            more["metadata"] = metadata
        if error is not None:
            return {**({"image": row[image]} if image in row else {}), **more, **_client_error(*error)}
        # An index is a name of a file, too.
        if "imagesFrom" in options and isinstance(row[image], str):
            return {"image": row[image], **more}
        return _item(row[image], more, folder, no_image(index, image))

    # Tables of results repeat these columns.
    params = {"columns": json.dumps(list(names)), **columns, **options}
    return BatchBody(NDJSON, lambda: _lines("Row", rows(), item), True, params)


def _item_of_pair(index: int, pair: Pair, folder: Folder | None, has_indexes: bool) -> dict[str, Any]:
    image, text = read_pair(pair)
    more = {key: _plain(pair[key]) for key in ("id", "metadata") if key in pair} if isinstance(pair, Mapping) else {}
    fields = {"text": _text_of(text), **more}
    if has_indexes and isinstance(image, str):
        return {"image": image, **fields}
    return _item(image, fields, folder, no_image(index))


def _text_of(text: Any) -> Any:
    """Returns a text as it is sent. A missing one is empty: the service then returns the row with `text.empty`."""
    return "" if is_missing(text) else _plain(text)


def _plain(value: Any) -> Any:
    """Returns a cell as JSON has it. Missing values are null."""
    if is_missing(value):
        return None
    if isinstance(value, (str, bool, int)):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None if value != value else str(value)


def _lines(word: str, entries: Iterable[T], item_of: Callable[[int, T], Mapping[str, Any]]) -> Iterator[bytes]:
    """Yields entries as lines of JSON. The message of a `TypeError` begins with `word` and the index of its entry."""
    held: list[str] = []
    length = 0
    for index, entry in enumerate(entries):
        try:
            line = json.dumps(item_of(index, entry))
        except TypeError as error:
            raise TypeError(f"{word} {index}: {error}") from error
        held.append(line)
        length += len(line)
        if length >= PART_BYTES:
            yield ("\n".join(held) + "\n").encode()
            held, length = [], 0
    if held:
        yield ("\n".join(held) + "\n").encode()
