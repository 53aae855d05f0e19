"""Makes the images of this folder, and records the crop that Pillow gives for each.

    pip install pillow==13.0.0 numpy tifffile imagecodecs && python make.py

`expected.json` holds, for each image, Pillow's mode and the SHA-256 of the 224 x 224 RGB crop after OpenCLIP's steps
(short side by bicubic, centre crop, RGB), or the error that Pillow raises. Images under `cases/` are inputs that were
once scored wrongly; they are recorded too, and not made here.
"""

import hashlib
import io
import json
import os
import struct
import zlib

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
made = os.path.join(here, "made")
W, H = 96, 64


def path(name):
    return os.path.join(made, name)


def write(name, data):
    with open(path(name), "wb") as file:
        file.write(data)


def tiff(tags, data):
    """A little-endian TIFF of one strip; tags are SHORT (H) or LONG (I) values."""
    tags = dict(tags) | {256: ("I", [W]), 257: ("I", [H]), 259: ("H", [1]), 277: ("H", [1]), 278: ("I", [H])}
    tags |= {273: ("I", [0]), 279: ("I", [len(data)])}
    at = 8 + 2 + 12 * len(tags) + 4
    packed = {tag: struct.pack(f"<{len(v)}{t}", *v) for tag, (t, v) in tags.items()}
    pixels_at = at + sum(len(p) for p in packed.values() if len(p) > 4)
    packed[273] = struct.pack("<I", pixels_at)
    entries, extra = b"", b""
    for tag in sorted(tags):
        kind, values = tags[tag]
        value = packed[tag]
        if len(value) > 4:
            value, extra = struct.pack("<I", at + len(extra)), extra + value
        entries += struct.pack("<HHI", tag, {"H": 3, "I": 4}[kind], len(values)) + value.ljust(4, b"\0")
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4) + extra + data


def png(depth, colour_type, rows, chunks=()):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", W, H, depth, colour_type, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def gif(indices, table=None, local=None, transparent=None, frame=(0, 0, W, H), background=0, screen=(W, H), version=b"GIF89a"):
    """A GIF of one frame. Its LZW data holds no dictionary entries, so it is long and simple."""
    x, y, w, h = frame
    data = version + struct.pack("<HHBBB", *screen, 0xF7 if table else 0x70, background, 0) + (table or b"")
    if transparent is not None:
        data += bytes([0x21, 0xF9, 4, 1, 0, 0, transparent, 0])
    data += b"\x2c" + struct.pack("<HHHHB", x, y, w, h, 0x87 if local else 0) + (local or b"")
    codes, bits, count = 0, 0, 0
    out = bytearray()
    stream = [256]
    for at, value in enumerate(indices[:h, :w].ravel()):
        stream.append(int(value))
        if at % 250 == 249:
            stream.append(256)
    for code in [*stream, 257]:
        codes |= code << bits
        bits += 9
        while bits >= 8:
            out.append(codes & 255)
            codes >>= 8
            bits -= 8
    out.append(codes & 255)
    blocks = b"".join(bytes([len(out[i : i + 255])]) + out[i : i + 255] for i in range(0, len(out), 255))
    return data + b"\x08" + blocks + b"\0;"


def make():
    photo = Image.open(os.path.join(here, "../clip/images/chelsea.jpg")).convert("RGB").resize((W, H), Image.BICUBIC)
    negative = Image.fromarray(255 - np.array(photo))
    rgb, grey = np.array(photo), np.array(photo.convert("L"))
    y, x = np.mgrid[0:H, 0:W]
    alpha = ((np.sin(x / 7) * np.cos(y / 6) + 1) * 127.5).astype(np.uint8)
    alpha[:12, :20], alpha[48:, 64:] = 0, 255
    la = Image.merge("LA", (Image.fromarray(grey), Image.fromarray(alpha)))
    rgba = photo.copy()
    rgba.putalpha(Image.fromarray(alpha))
    cmyk, one, palette = photo.convert("CMYK"), photo.convert("1"), photo.quantize(64)
    inks, wide, mask = np.array(cmyk), rgb.astype(np.uint16) * 256 + 77, np.array(one)
    nibbles = lambda a: ((a[:, 0::2] << 4) | a[:, 1::2]).astype(np.uint8)
    pairs = lambda a: ((a[:, 0::4] << 6) | (a[:, 1::4] << 4) | (a[:, 2::4] << 2) | a[:, 3::4]).astype(np.uint8)

    # Grey with alpha, colour with alpha
    la.save(path("png-la.png"))
    la.save(path("tif-la.tif"))
    la.save(path("webp-la.webp"), lossless=True)
    la.resize((224, 240)).save(path("png-la-same-width.png"))
    rgba.save(path("tif-rgba.tif"))
    rgba.save(path("webp-rgba.webp"), lossless=True)
    both = np.dstack([rgb, alpha])
    tifffile.imwrite(path("tif-rgba-16.tif"), both.astype(np.uint16) * 257, photometric="rgb", extrasamples=["unassalpha"])
    tifffile.imwrite(path("tif-rgbx.tif"), both, photometric="rgb", extrasamples=["unspecified"])

    # Inks
    cmyk.save(path("tif-cmyk.tif"))
    cmyk.save(path("jpg-cmyk.jpg"))
    write("jpg-ycck.jpg", imagecodecs.jpeg8_encode(255 - inks, colorspace="cmyk", outcolorspace="ycck"))
    tifffile.imwrite(path("tif-cmyk-16.tif"), inks.astype(np.uint16) * 257, photometric="separated")
    planes = np.moveaxis(inks, -1, 0)
    tifffile.imwrite(path("tif-cmyk-planar.tif"), planes, photometric="separated", planarconfig="separate")

    # TIFF layouts
    tifffile.imwrite(path("tif-rgb-16.tif"), wide, photometric="rgb")
    tifffile.imwrite(path("tif-rgb-16-big-endian.tif"), wide, photometric="rgb", byteorder=">")
    tifffile.imwrite(path("tif-min-is-white.tif"), grey, photometric="miniswhite")
    tifffile.imwrite(path("tif-tiled.tif"), rgb, photometric="rgb", tile=(32, 32))
    tifffile.imwrite(path("tif-bigtiff.tif"), rgb, photometric="rgb", bigtiff=True)
    tifffile.imwrite(path("tif-planar.tif"), np.moveaxis(rgb, -1, 0), photometric="rgb", planarconfig="separate")
    tifffile.imwrite(path("tif-pages.tif"), np.stack([rgb, 255 - rgb]), photometric="rgb", compression="deflate")
    photo.save(path("tif-jpeg.tif"), compression="jpeg", quality=90)
    for packing in ("lzw", "deflate", "packbits"):
        tifffile.imwrite(path(f"tif-{packing}.tif"), rgb, photometric="rgb", compression=packing)
    for packing in ("lzma", "zstd", "jpeg2000", "jpegxl"):
        tifffile.imwrite(path(f"tif-{packing}.tif"), rgb, photometric="rgb", compression=packing)
    ycbcr = np.array(photo.convert("YCbCr"))
    tifffile.imwrite(path("tif-ycbcr.tif"), ycbcr, photometric="ycbcr", compression="deflate")
    tifffile.imwrite(path("tif-cielab.tif"), ycbcr, photometric="cielab", compression="deflate")
    one.save(path("tif-1.tif"))
    one.save(path("tif-1-group4.tif"), compression="group4")
    tifffile.imwrite(path("tif-1-min-is-white.tif"), mask, photometric="miniswhite")
    write("tif-grey-4-min-is-white.tif", tiff({258: ("H", [4]), 262: ("H", [0])}, nibbles(grey >> 4).tobytes()))
    write("tif-grey-2.tif", tiff({258: ("H", [2]), 262: ("H", [1])}, pairs(grey >> 6).tobytes()))

    # Palettes
    palette.save(path("tif-palette-lzw.tif"), compression="tiff_lzw")
    few = photo.quantize(16)
    colours = np.array(few.getpalette()[:48]).reshape(16, 3) * 257
    table = ("H", [int(v) for v in colours.T.ravel()])
    write("tif-palette-4.tif", tiff({258: ("H", [4]), 262: ("H", [3]), 320: table}, nibbles(np.array(few)).tobytes()))
    palette.save(path("png-palette.png"))
    few.save(path("png-palette-4.png"), bits=4)
    photo.quantize(2).save(path("png-palette-1.png"), bits=1)
    palette.save(path("png-palette-alpha.png"), transparency=bytes(range(0, 255, 4)))

    # Orientation: applied for TIFF alone
    for turn in range(2, 9):
        photo.save(path(f"tif-orientation-{turn}.tif"), tiffinfo={274: turn}, compression="tiff_lzw")
    exif = Image.Exif()
    exif[274] = 6
    for kind in ("jpg", "png", "webp"):
        photo.save(path(f"{kind}-exif-6.{kind}"), exif=exif)
    la.save(path("tif-orientation-6-la.tif"), tiffinfo={274: 6})
    palette.save(path("tif-orientation-6-palette.tif"), tiffinfo={274: 6})
    one.save(path("tif-orientation-8-1.tif"), tiffinfo={274: 8})
    cmyk.save(path("tif-orientation-6-cmyk.tif"), tiffinfo={274: 6})
    rgba.save(path("tif-orientation-7-rgba.tif"), tiffinfo={274: 7})
    photo.resize((200, 50)).save(path("tif-orientation-5-wide.tif"), tiffinfo={274: 5}, compression="tiff_lzw")

    # PNG depths and transparent colours
    deep = wide.astype(">u2")
    write("png-rgb-16.png", png(16, 2, deep))
    write("png-rgba-16.png", png(16, 6, np.dstack([deep, alpha.astype(">u2") * 257]).astype(">u2")))
    write("png-la-16.png", png(16, 4, np.dstack([grey.astype(">u2") * 256, alpha.astype(">u2") * 257]).astype(">u2")))
    write("png-grey-4.png", png(4, 0, nibbles(grey >> 4)))
    write("png-grey-2.png", png(2, 0, pairs(grey >> 6)))
    write("png-grey-keyed.png", png(8, 0, grey, [(b"tRNS", struct.pack(">H", int(grey[32, 48])))]))
    write("png-rgb-keyed.png", png(8, 2, rgb, [(b"tRNS", struct.pack(">HHH", *map(int, rgb[32, 48])))]))
    write("png-1-keyed.png", png(1, 0, np.packbits(mask, axis=1), [(b"tRNS", struct.pack(">H", 1))]))

    # Animations
    for kind, options in (("png", {}), ("webp", {"lossless": True}), ("gif", {})):
        photo.save(path(f"{kind}-animated.{kind}"), save_all=True, append_images=[negative], **options)

    # GIF frames and tables
    table = bytes(palette.getpalette()[:192]).ljust(768, b"\x55")
    red, ramp = bytes([200, 10, 30]) * 256, bytes(np.repeat(np.arange(256), 3).astype(np.uint8))
    at, small = np.array(palette), (12, 10, 48, 32)
    write("gif-no-table.gif", gif(at))
    write("gif-no-table-small-87.gif", gif(at, frame=(4, 4, 60, 40), version=b"GIF87a"))
    write("gif-local-table.gif", gif(at, local=table))
    write("gif-two-tables.gif", gif(at, bytes(768), table))
    write("gif-small-frame.gif", gif(at, table, frame=small, background=9))
    write("gif-small-frame-transparent.gif", gif(at, table, frame=small, transparent=12, background=9))
    write("gif-small-frame-local.gif", gif(at, red, table, frame=small, background=9))
    write("gif-small-frame-local-transparent.gif", gif(at, red, table, frame=small, transparent=7))
    write("gif-frame-beyond-screen.gif", gif(at, table, screen=(40, 30)))
    write("gif-grey-ramp.gif", gif(at, ramp, frame=small, background=200))
    write("gif-grey-ramp-transparent.gif", gif(at, ramp, transparent=30))
    palette.save(path("gif-interlaced.gif"), interlace=1)

    # AVIF: rotation and crop belong to the container
    photo.save(path("avif-rotated.avif"), exif=exif)
    photo.save(path("avif-animated.avif"), save_all=True, append_images=[negative])
    photo.save(path("avif-444.avif"), subsampling="4:4:4")
    Image.fromarray(grey).save(path("avif-grey.avif"))


def crop(image, side=224):
    width, height = image.size
    short = min(width, height)
    width, height = int(side * width / short), int(side * height / short)
    left, top = round((width - side) / 2), round((height - side) / 2)
    return image.resize((width, height), Image.BICUBIC).crop((left, top, left + side, top + side)).convert("RGB")


def record(file):
    with open(file, "rb") as opened:
        data = opened.read()
    try:
        # From memory, as services do: a path lets Pillow map some files, and it then skips their orientation.
        image = Image.open(io.BytesIO(data))
        mode, pixels = image.mode, np.array(crop(image)).tobytes()
        return {"mode": mode, "crop_sha256": hashlib.sha256(pixels).hexdigest()}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:60]}


os.makedirs(made, exist_ok=True)
make()
files = [f"{folder}/{name}" for folder in ("cases", "made") for name in sorted(os.listdir(os.path.join(here, folder)))]
with open(os.path.join(here, "expected.json"), "w") as out:
    json.dump({file: record(os.path.join(here, file)) for file in files}, out, indent=1)
    out.write("\n")
