"""Picture files written byte by byte, from the formats' own descriptions, without the library that reads them."""

import struct
import zlib
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    rows: list[bytes], width: int, depth: int, colour: int, *before: bytes, height: int | None = None, after: bytes = b""
) -> bytes:
    """A PNG of rows that are packed already. before, after: chunks before and behind the pixels. height: what it claims."""
    header = struct.pack(">IIBBBBB", width, len(rows) if height is None else height, depth, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [chunk(b"IHDR", header), *before, chunk(b"IDAT", pixels), after, chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(pixels: bytes, tags: dict[int, int | tuple[int, ...]], order: str = "<") -> bytes:
    """A TIFF of one uncompressed strip. tags: besides those for the strip, each SHORT, or LONG if it is large."""
    tags = {**tags, 273: 8, 279: len(pixels), 259: tags.get(259, 1)}
    body, extra = b"", b""
    start = 8 + len(pixels)
    behind = start + 2 + 12 * len(tags) + 4
    for tag, given in sorted(tags.items()):
        values = given if isinstance(given, tuple) else (given,)
        kind, code = (4, "I") if max(values) > 0xFFFF or tag in (273, 279) else (3, "H")
        packed = struct.pack(f"{order}{len(values)}{code}", *values)
        if len(packed) > 4:
            packed, extra = struct.pack(f"{order}I", behind + len(extra)), extra + packed
        body += struct.pack(f"{order}HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    magic = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    return magic + pixels + struct.pack(f"{order}H", len(tags)) + body + b"\0\0\0\0" + extra


def profile(space: bytes, colourants: NDArray[np.float64] | None, gamma: float) -> bytes:
    """An ICC profile, version 2: a tone curve, and for RGB the XYZ (D50) of red, green and blue, float (3, 3), one a row."""
    fixed = lambda values: b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)  # noqa: E731
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = {b"wtpt": b"XYZ \0\0\0\0" + fixed((0.9642, 1, 0.8249)), b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(79)
    if colourants is None:
        tags[b"kTRC"] = curve
    else:
        tags |= {name: b"XYZ \0\0\0\0" + fixed(row) for name, row in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colourants, strict=True)}
        tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    table, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content.ljust(-(-len(content) // 4) * 4, b"\0")
    size = start + len(data)
    header = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02400000, b"mntr", space, b"XYZ ").ljust(36, b"\0") + b"acsp"
    header = header.ljust(68, b"\0") + fixed((0.9642, 1, 0.8249))
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data
