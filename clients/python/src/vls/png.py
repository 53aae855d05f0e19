"""Encodes arrays of pixels as PNG, without an image library."""

from __future__ import annotations

import struct
import zlib
from typing import Any


def encode_png(pixels: Any) -> bytes:
    """Encodes an RGB array or tensor of 0 to 255, as height x width x 3 or 3 x height x width."""
    import numpy as np

    if hasattr(pixels, "detach"):
        pixels = pixels.detach().cpu().numpy()
    array = np.asarray(pixels)
    if array.ndim != 3 or 3 not in (array.shape[0], array.shape[2]):
        raise ValueError(f"Expected three dimensions, one of them with the 3 colours; got the shape {array.shape}")
    if array.shape[2] != 3:
        array = array.transpose(1, 2, 0)
    if array.dtype != np.uint8:
        if array.size > 0 and (array.min() < 0 or array.max() > 255):
            raise ValueError("Expected the colours of an image to be from 0 to 255")
        array = np.rint(array).astype(np.uint8)
    height, width, _ = array.shape
    # Each row begins with the number of its filter: none.
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)
    rows[:, 1:] = array.reshape(height, 3 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 1)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
