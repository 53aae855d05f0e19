"""Reads the rows of CSV and TSV files and the lines of NDJSON, if their images are local files.

All other files are sent as they are.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import re
import zlib
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Sequence

#: The maximum length of a cell in characters: an inline image of 20 MB in base64.
MAX_CELL = 32 * 1024 * 1024
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
#: Excel may begin a file with `sep=;`, which sets the delimiter.
SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?[\r\n]+$', re.IGNORECASE)
#: Bytes that are invalid in the encoding of the file, as Python decodes them.
INVALID = re.compile("[\udc80-\udcff]")
#: Errors of a file that is sent as it is, because the service reads it, or refuses it with the reason.
UNREADABLE = (ValueError, LookupError, EOFError, gzip.BadGzipFile, zlib.error)
IMAGE_FIELD = re.compile(r'"image"\s*:\s*("(?:[^"\\]|\\.)*")')


def open_bytes(path: Path) -> Any:
    """Opens a file, which may be compressed with gzip."""
    with path.open("rb") as file:
        is_compressed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if is_compressed else path.open("rb")


def _open_text(path: Path, encoding: str) -> io.TextIOWrapper:
    file = open_bytes(path)
    start = file.peek(4)[:3]
    for mark, name in BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            encoding = name
    return io.TextIOWrapper(file, encoding=encoding, errors="surrogateescape", newline="")


class Table:
    """A CSV or TSV file, with the names of its columns. `parts` names the columns with image, text and id."""

    def __init__(
        self, path: Path, delimiter: str, encoding: str, names: Sequence[str], parts: Mapping[str, str]
    ) -> None:
        self._path = path
        self._delimiter = delimiter
        self._encoding = encoding
        self.names = names
        self.parts = parts

    @staticmethod
    def open(path: Path, delimiter: str, encoding: str | None, columns: Mapping[str, str]) -> Table | None:
        """Returns the table, or None for a header that only the service reads or refuses."""
        if len(delimiter) != 1 or delimiter in '"\r\n':
            return None
        try:
            _, cells, _ = next(_rows(path, delimiter, encoding or "utf-8"), (0, None, None))
        except UNREADABLE:
            return None
        names = [name.strip() for name in cells or ()]
        if names.count("") > 1:
            names = [name or f"column_{at + 1}" for at, name in enumerate(names)]
        parts = {part: _column(names, name) for part, name in columns.items()}
        if parts["id"] is None and columns["id"] == "id":
            parts["id"] = _column(names, "sample_id")
        if parts["image"] is None or parts["text"] is None or len(set(names)) < len(names):
            return None
        found = {part: name or columns[part] for part, name in parts.items()}
        return Table(path, delimiter, encoding or "utf-8", names, found)

    def has_image(self, is_path: Callable[[str], bool]) -> bool:
        """Returns True if an image is a path."""
        at = self.names.index(self.parts["image"])
        try:
            return any(cells is not None and at < len(cells) and is_path(cells[at]) for _, cells, _ in self._items())
        except UNREADABLE:
            return False

    def rows(self, is_strict: bool) -> Iterator[tuple[dict[str, str], tuple[str, str] | None]]:
        """Yields the cells of each row by their names, with the code and the message of an error.

        Raises `ValueError` for an error if `is_strict`.
        """
        needed = {self.parts["image"], self.parts["text"]}
        for line, cells, fault in self._items():
            row = dict(zip(self.names, cells or ()))
            if cells is not None and (len(cells) > len(self.names) or not needed <= set(row)):
                count = "1 column" if len(cells) == 1 else f"{len(cells)} columns"
                fault = f" has {count}, the header has {len(self.names)}"
            elif cells is not None and not row[self.parts["image"]].strip():
                fault = f": column {self.parts['image']} is empty"
            error = None if fault is None else ("item.invalid", f"line {line}{fault}")
            for name, cell in row.items():
                if INVALID.search(cell):
                    error = "item.encoding", f"line {line}: column {name} is not {self._encoding}"
                    row[name] = INVALID.sub("\ufffd", cell)
            if error is not None and is_strict:
                raise ValueError(f"{self._path}, {error[1]}")
            yield row, error

    def _items(self) -> Iterator[tuple[int, list[str] | None, str | None]]:
        return itertools.islice(_rows(self._path, self._delimiter, self._encoding), 1, None)


def _column(names: Sequence[str], asked: str) -> str | None:
    if asked in names:
        return asked
    alike = [name for name in names if name.lower() == asked.lower()]
    return alike[0] if len(alike) == 1 else None


def _rows(path: Path, delimiter: str, encoding: str) -> Iterator[tuple[int, list[str] | None, str | None]]:
    """Yields the line on which a row begins, and its cells or the end of a message. Rows of empty cells are left out."""
    # The limit is that of the process, and the default is too low for inline images.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL))
    with _open_text(path, encoding) as file:
        start = file.readline()
        separator = SEPARATOR_LINE.match(start)
        skipped = 1 if separator else 0
        lines = file if separator else itertools.chain([start], file)
        reader = csv.reader(lines, delimiter=separator[1] if separator else delimiter, strict=True)
        while True:
            line = reader.line_num + 1 + skipped
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "expected after" not in str(error):
                    reason = "a quote is never closed" if "unexpected end" in str(error) else str(error)
                    raise ValueError(
                        f"{path}, line {line}: {reason}; inside a quoted cell, write each quote twice"
                    ) from error
                yield line, None, ": text follows a closing quote; inside a quoted cell, write each quote twice"
                continue
            if any(cell.strip() for cell in cells):
                yield line, cells, None


def lines_have_image(path: Path, is_path: Callable[[str], bool]) -> bool:
    """Returns True if an image of an NDJSON file is a path."""
    try:
        with open_bytes(path) as file:
            return any(item is not None and is_path(item["image"]) for item in map(_item_of_line, file))
    except UNREADABLE:
        return False


def lines_with_images(path: Path, read: Callable[[str], dict[str, Any] | None]) -> Iterator[bytes]:
    """Yields the lines of an NDJSON file. `read` returns the fields that replace those of an item with this image.

    The other characters of a line stay as they are, because Python changes some numbers.
    """
    with open_bytes(path) as file:
        for line in file:
            item = _item_of_line(line)
            fields = None if item is None else read(item["image"])
            yield line if item is None or fields is None else _replaced(line.decode(), item, fields).encode()


def _item_of_line(line: bytes) -> dict[str, Any] | None:
    if b'"image"' not in line:
        return None
    try:
        item = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    is_item = isinstance(item, dict) and isinstance(item.get("image"), str) and "clientError" not in item
    return item if is_item else None


def _replaced(line: str, item: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    found = [field for field in IMAGE_FIELD.finditer(line) if json.loads(field[1], strict=False) == item["image"]]
    if len(found) != 1:
        return json.dumps({**item, **fields}) + "\n"
    start, end = found[0].span(1)
    more = "".join(f", {json.dumps(name)}: {json.dumps(value)}" for name, value in fields.items() if name != "image")
    rest = line[end:].rstrip()
    return f"{line[:start]}{json.dumps(fields['image'])}{rest[:-1]}{more}}}\n"
