"""Slices of a volume as one grey picture, written as PNG (RFC 2083) without any imaging library."""

import struct
import zlib

import numpy


def mosaic(volume, columns=8):
    """Every axial slice, side by side, as an array of bytes."""
    low, high = numpy.percentile(volume, (1, 99))
    grey = (numpy.clip((volume - low) / max(high - low, 1e-6), 0, 1) * 255).astype("uint8")
    slices = [numpy.rot90(grey[:, :, index]) for index in range(grey.shape[2])]
    slices += [numpy.zeros_like(slices[0])] * (-len(slices) % columns)
    return numpy.vstack([numpy.hstack(slices[at : at + columns]) for at in range(0, len(slices), columns)])


def stack(pictures):
    """Pictures one below the other, the narrower ones filled up with black."""
    width = max(picture.shape[1] for picture in pictures)
    return numpy.vstack([numpy.pad(picture, ((0, 0), (0, width - picture.shape[1]))) for picture in pictures])


def write(path, grey):
    """One 8-bit grey PNG."""
    rows = b"".join(b"\0" + row.tobytes() for row in grey)
    header = struct.pack(">IIBBBBB", grey.shape[1], grey.shape[0], 8, 0, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")):
            file.write(struct.pack(">I", len(data)) + kind + data)
            file.write(struct.pack(">I", zlib.crc32(kind + data)))
