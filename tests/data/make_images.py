#!/usr/bin/python3
"""Draws the pictures and writes the arrays that tests/validate reads (needs Pillow and numpy).

Beside each picture stands what Pillow decodes from it, as .npy; where the format is lossless that is what was
drawn. The results are committed, so that the tests need no Python.
"""
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

here = Path(__file__).parent
images, arrays = here / "images", here / "npy"
width, height = 37, 21  # neither is a multiple of a JPEG block


def scene():
    """Smooth colours with one hard edge."""
    y, x = np.mgrid[0:height, 0:width]
    red = 255 * x / (width - 1)
    green = 255 * y / (height - 1)
    blue = np.where((x - 18) ** 2 + (y - 10) ** 2 < 49, 220, 40)
    return np.stack([red, green, blue], -1).round().astype(np.uint8)


def save(name, picture, pixels=None, **options):
    path = images / name
    picture.save(path, **options)
    if pixels is None:
        pixels = np.asarray(Image.open(path))
    np.save(path.with_suffix(path.suffix + ".npy"), pixels)


def png(name, color_type, depth, rows, pixels, interlaced=False):
    """For kinds of PNG that Pillow does not write."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, int(interlaced))
    body = zlib.compress(rows, 9)
    (images / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))
    np.save(images / (name + ".npy"), pixels)


def adam7(pixels):
    """The rows of the seven passes, each with filter 0."""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    return b"".join(b"\0" + row.tobytes() for x, y, dx, dy in passes for row in pixels[y::dy, x::dx])


def make_images():
    rgb = scene()
    color = Image.fromarray(rgb)
    gray = color.convert("L")
    for name, subsampling in [("444", 0), ("422", 1), ("420", 2)]:
        save(f"{name}.jpg", color, quality=92, subsampling=subsampling)
    save("gray.jpg", gray, quality=92)
    save("progressive.jpg", color, quality=92, progressive=True)
    cmyk = color.convert("CMYK")
    save("cmyk.jpg", cmyk, np.asarray(color), quality=98)
    save("rgb.png", color, rgb)
    save("gray.png", gray)
    one_bit = gray.point(lambda value: 255 if value > 99 else 0)
    save("one_bit.png", one_bit.convert("1"), np.asarray(one_bit))
    palette = color.quantize(16)
    save("palette.png", palette, np.asarray(palette.convert("RGB")))
    save("palette_transparent.png", palette, np.asarray(palette.convert("RGB")), transparency=3)
    alpha = np.dstack([rgb, (np.arange(width) * 7 % 256).astype(np.uint8)[None, :].repeat(height, 0)])
    save("alpha.png", Image.fromarray(alpha, "RGBA"), rgb)
    save("gray_alpha.png", Image.merge("LA", [gray, Image.fromarray(alpha[:, :, 3].copy())]), np.asarray(gray))
    # 16 bits: v * 257 is the same shade as v in 8 bits, and what lies within 128 of it rounds to it.
    deep = rgb.astype(np.int64) * 257
    deep = np.clip(deep + np.arange(width)[None, :, None] % 257 - 18, 0, 65535).astype(">u2")
    png("rgb16.png", 2, 16, b"".join(b"\0" + row.tobytes() for row in deep), rgb)
    deep_gray = deep[:, :, 1]
    png("gray16.png", 0, 16, b"".join(b"\0" + row.tobytes() for row in deep_gray), np.ascontiguousarray(rgb[:, :, 1]))
    png("interlaced.png", 2, 8, adam7(rgb), rgb, interlaced=True)


def make_arrays():
    base = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    for name in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]:
        np.save(arrays / f"{name}.npy", base.astype(name))
    np.save(arrays / "fortran.npy", np.asfortranarray(base.astype("f4")))
    np.save(arrays / "bool.npy", base % 3 == 0)
    np.save(arrays / "scalar.npy", np.float32(2.5))
    np.save(arrays / "empty.npy", np.zeros((0, 3), "f4"))
    np.save(arrays / "vector.npy", np.arange(5, dtype="f4"))
    np.save(arrays / "big_endian.npy", base.astype(">f4"))
    np.save(arrays / "text.npy", np.array(["a", "bc"]))
    for version in [(2, 0), (3, 0)]:
        with open(arrays / f"version{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, base.astype("f4"), version=version)


images.mkdir(exist_ok=True)
arrays.mkdir(exist_ok=True)
make_images()
make_arrays()
