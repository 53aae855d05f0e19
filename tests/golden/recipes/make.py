"""Records what Pillow makes of the images of `../formats` by other recipes than CLIP's.

    pip install pillow==13.0.0 && python make.py

`expected.json` holds, for each recipe and image, the SHA-256 of the RGB bytes. `before-resize` is what transformers 5
does: transparency, a transparent colour of a PNG or GIF included, is laid over white, and then the image is resized.
`after-resize` is what OpenCLIP does.
"""

import hashlib
import io
import json
import os

from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
formats = os.path.join(here, "..", "formats")
filters = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
SIZE = 224


def over_white(image):
    if "A" not in image.getbands() and image.info.get("transparency") is None:
        return image.convert("RGB")
    image = image.convert("RGBA")
    background = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(background, image).convert("RGB")


def resized(image, resize, filter):
    if resize == "squash":
        return image.resize((SIZE, SIZE), filters[filter])
    short = min(image.size)
    width, height = (int(SIZE * side / short) for side in image.size)
    if (width, height) != image.size:
        image = image.resize((width, height), filters[filter])
    left, top = int(round((width - SIZE) / 2)), int(round((height - SIZE) / 2))
    return image.crop((left, top, left + SIZE, top + SIZE))


def crop(data, resize, filter, rgb):
    image = Image.open(io.BytesIO(data))
    if rgb == "before-resize":
        image = over_white(image)
    return hashlib.sha256(resized(image, resize, filter).convert("RGB").tobytes()).hexdigest()


recipes = [
    ("squash", "bicubic", "before-resize"),
    ("squash", "bilinear", "before-resize"),
    ("squash", "bilinear", "after-resize"),
    ("crop", "bilinear", "after-resize"),
]
expected = {" ".join(recipe): {} for recipe in recipes}
known = json.load(open(os.path.join(formats, "expected.json")))
for file in [file for file, facts in known.items() if "crop_sha256" in facts]:
    data = open(os.path.join(formats, file), "rb").read()
    for recipe in recipes:
        expected[" ".join(recipe)][file] = crop(data, *recipe)

with open(os.path.join(here, "expected.json"), "w") as file:
    json.dump(expected, file, indent=1)
    file.write("\n")
