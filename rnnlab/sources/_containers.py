"""Whether a video file is there in full: what its container declares, against the bytes that there are.

Decoders read a file that was cut off up to its end and say nothing of it. Each container writes down how long it is
meant to be: MP4 and MOV of each box (ISO/IEC 14496-12, 4.2), AVI of its RIFF chunk (Microsoft, "AVI RIFF File
Reference"), Matroska and WebM of their segment (RFC 8794, 6; RFC 9559, 5.1), and a GIF ends with a mark (GIF89a, 27).
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")  # with which an MP4 or MOV begins
VIDEO_BOXES = (b"moov", b"mdat", b"moof")  # what else it holds is of no matter here
MATROSKA, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
HEADER_BYTES = 4096  # of Matroska, within which the segment begins
TAIL_BYTES = 64  # of a GIF, which some tools fill up with zeros
MOST_BOXES = 1_000_000


def missing_bytes(file: BinaryIO) -> int | None:
    """Return how many bytes of a video file are missing, as far as it says so; None where it is no video file.

    Args:
        file: is read from its beginning; its position is left anywhere.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    begin = file.read(12)
    if begin[4:8] in BOXES:
        return max(0, _missing_of_boxes(file, size))
    if begin[:4] == b"RIFF" and begin[8:12] == b"AVI ":
        declared = struct.unpack("<I", begin[4:8])[0]
        return max(0, declared + 8 - size) if declared else 0  # 0: written as a stream
    if begin[:4] == MATROSKA:
        return max(0, _missing_of_segment(file, size))
    if begin[:6] in (b"GIF87a", b"GIF89a"):
        file.seek(max(0, size - TAIL_BYTES))
        return 0 if file.read(TAIL_BYTES).rstrip(b"\0").endswith(b";") else 1
    return None


def _missing_of_boxes(file: BinaryIO, size: int) -> int:
    position = 0
    for _ in range(MOST_BOXES):
        file.seek(position)
        header = file.read(16)
        if len(header) < 8:
            return 0
        length, kind = struct.unpack(">I4s", header[:8])
        if length == 1 and len(header) == 16:
            length = struct.unpack(">Q", header[8:])[0]
        if length < 8:  # 0: to the end of the file; the others are no boxes
            return 0
        position += length
        if position > size:
            return position - size if kind in VIDEO_BOXES else 0
    return 0


def _missing_of_segment(file: BinaryIO, size: int) -> int:
    file.seek(0)
    header = file.read(HEADER_BYTES)
    begin = header.find(SEGMENT) + len(SEGMENT)
    if begin < len(SEGMENT) or begin >= len(header) or not header[begin]:
        return 0
    width = 9 - header[begin].bit_length()  # bytes of a number of variable size: 1, and the zeros before its first 1
    largest = (1 << 7 * width) - 1  # stands for a segment that was written as a stream
    declared = int.from_bytes(header[begin : begin + width], "big") & largest
    return 0 if declared == largest else begin + width + declared - size
