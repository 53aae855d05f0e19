"""Records what Pillow makes of patterns that every language can make again.

    pip install pillow==13.0.0 numpy && python make.py

Each line of `expected.json` is a resize: the size of the source, its mode, the size of the result, the filter, the
window of the result that counts, and the first half of the SHA-256 of its bytes.
"""

import hashlib
import json
import os
import random

import numpy as np
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
channels = {"L": 1, "RGB": 3, "RGBA": 4, "CMYK": 4}
filters = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}


def pattern(width, height, mode):
    count = channels[mode]
    y, x, channel = np.mgrid[0:height, 0:width, 0:count]
    values = (x * 7 + y * 13 + channel * 50 + (x * y % 31) * 5 + (x * x // 7 + y * y // 5) * 3) % 256
    # Edges between black and white make the negative weights of bicubic leave 0 to 255.
    values = np.where((x // 5 + y // 3) % 4 == 0, 255 * ((x + y) % 2), values).astype(np.uint8)
    return Image.frombytes(mode, (width, height), values.tobytes())


def record(width, height, mode, to_width, to_height, filter, window):
    resized = pattern(width, height, mode).resize((to_width, to_height), filters[filter])
    left, top, wide, high = window
    data = resized.crop((left, top, left + wide, top + high)).tobytes()
    return [width, height, mode, to_width, to_height, filter, window, hashlib.sha256(data).hexdigest()[:32]]


def cases():
    chosen = [
        (64, 48, 20, 15), (20, 15, 64, 48), (64, 48, 17, 31), (50, 400, 30, 240), (400, 50, 240, 30), (64, 48, 64, 20),
        (64, 48, 20, 48), (300, 7, 90, 3), (1, 1, 9, 9), (2, 900, 30, 30), (900, 2, 30, 30), (640, 480, 298, 224),
        (333, 1500, 100, 450), (1500, 333, 100, 22), (31, 2000, 31, 50), (224, 224, 224, 224), (97, 101, 224, 224),
        # More rows than a strip holds, with the width first and with the height first.
        (1200, 900, 224, 168), (1200, 2900, 112, 270),
    ]  # fmt: skip
    for size in chosen:
        for mode in channels:
            for filter in filters:
                yield *size[:2], mode, *size[2:], filter, (0, 0, *size[2:])
    choose = random.Random(19)
    for _ in range(150):
        width, height, to_width, to_height = (choose.choice([3, 20, 90, 400]) + choose.randrange(60) for _ in range(4))
        left, top = choose.randrange(to_width), choose.randrange(to_height)
        window = (left, top, 1 + choose.randrange(to_width - left), 1 + choose.randrange(to_height - top))
        yield width, height, choose.choice([*channels]), to_width, to_height, choose.choice([*filters]), window


with open(os.path.join(here, "expected.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(record(*case)) for case in cases()) + "\n]\n")
