"""Recordings: read by soundfile (libsndfile), averaged to one channel, and brought to one rate.

Axes: T samples, C channels.
"""

from __future__ import annotations

import math
import os
import re
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from rnnlab import bounded
from rnnlab.errors import UserError, told
from rnnlab.strict import shown
from rnnlab.waveforms import HIGHEST_RATE, LOWEST_RATE, fault_of

SUFFIXES = (".wav", ".flac", ".ogg")
FORMATS = frozenset({"WAV", "WAVEX", "RF64", "FLAC", "OGG"})
LONGEST_SECONDS = 60.0  # of a recording, unless it is said how long it may be
BLOCK = 1 << 16  # samples of each channel that are decoded at a time
STREAMED = 0x7FFF0000  # what is declared to be as long, or longer, was written by who did not know its length
STREAMED_64 = 1 << 43  # likewise, of lengths of 64 bits: more than a day of sound has at the highest rate
MOST_CHUNKS = 1000
BYTE_ORDERS = MappingProxyType({b"RIFF": "<", b"RIFX": ">", b"RF64": "<"})  # of WAV, by how it begins
PAGE = re.compile(rb"OggS\x00[\x00-\x07]", re.DOTALL)  # how a page of OGG begins: its version, what it is of a stream
PAGE_HEADER, LAST_PAGE = 27, 4  # bytes before the lengths of segments; the flag of a stream's last page
MOST_SEGMENTS = 255
LONGEST_PAGE = PAGE_HEADER + MOST_SEGMENTS + MOST_SEGMENTS * 255  # bytes
UNKNOWN = 2**63 - 1  # samples, as libsndfile says of a header that knows no length (SF_COUNT_MAX)
FETCH = "copy or download it again"


class SoundError(Exception):
    """A file is no recording, or a damaged one; the message says what was expected and received, and what to do."""


@dataclass(frozen=True)
class Heading:
    """What the header of a recording says.

    Attributes:
        rate: samples of a second, in Hz.
        seconds: how long it lasts.
    """

    rate: int
    seconds: float


@dataclass(frozen=True)
class Limit:
    """How long a recording may be, which its header tells before any of it is decoded.

    Attributes:
        seconds: the most.
        remedy: what to do about a longer one.
    """

    seconds: float = LONGEST_SECONDS
    remedy: str = "cut it"


USUAL = Limit()


def require_reader() -> None:
    """Refuse to go on without soundfile.

    Raises:
        UserError: it is not installed; with the command that does so.
    """
    try:
        import soundfile  # noqa: F401
    except (ImportError, OSError) as error:  # OSError: libsndfile itself is missing
        raise UserError(
            f"data.source: audio reads recordings with soundfile, which can't be imported ({told(error, 100)}): "
            "pip install 'rnnlab[audio]'"
        ) from None


def read_heading(path: Path, longest: Limit = USUAL) -> Heading:
    """Return what the header of a recording says.

    Raises:
        SoundError: it is none, has no samples, or is longer than it may be.
    """
    with _opened(path) as sound:
        return _heading_of(sound, longest)


def read_samples(path: Path, rate: int, longest: Limit = USUAL) -> NDArray[np.float32]:
    """Return the samples of a recording at a rate in Hz, (T, 1) of -1 to 1: the mean of its channels.

    Raises:
        SoundError: it is none, is damaged, silent throughout, or longer than it may be.
    """
    with _opened(path) as sound:
        _heading_of(sound, longest)
        blocks = [block.mean(axis=1, dtype=np.float32) for block in _blocks(sound)]
        samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
        if len(samples) < sound.frames:
            raise SoundError(f"expected {sound.frames:,} samples; received {len(samples):,}: it was cut off; {FETCH}")
        own = sound.samplerate
    fault = fault_of(samples)
    if fault is not None:
        raise SoundError(fault)
    if not samples.any():
        raise SoundError(f"expected sound; received {len(samples):,} samples that are 0 throughout; remove it")
    return resampled(samples, own, rate)[:, np.newaxis]


def _heading_of(sound: Any, longest: Limit) -> Heading:
    """Return what the header of an open recording says, if that can be read, and may be."""
    if not sound.frames:
        raise SoundError("expected samples; received a recording that has none; remove it")
    if sound.frames == UNKNOWN:
        raise SoundError("expected a header that says how long it is; received one that knows no length; convert it")
    seconds = sound.frames / sound.samplerate
    if seconds > longest.seconds:
        expected = f"a recording of at most {longest.seconds:g} s"
        raise SoundError(f"expected {expected}; received {seconds:,.1f} s; {longest.remedy}")
    return Heading(sound.samplerate, seconds)


def resampled(samples: NDArray[np.float32], own: int, rate: int) -> NDArray[np.float32]:
    """Return samples (T,) of one rate at another: as many for each second as that says, the last second in part."""
    if own == rate:
        return samples
    from scipy.signal import resample_poly

    common = math.gcd(own, rate)
    result: NDArray[np.float32] = resample_poly(samples, rate // common, own // common).astype(np.float32)
    return result


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a recording; libsndfile is handed the open file, so that it reads no other."""
    import soundfile

    if path.is_dir():
        raise SoundError("expected a recording; received a folder; rename it, or remove it")
    with ExitStack() as stack:
        try:
            file = stack.enter_context(bounded.open_regular(path))
            _check_whole(file)
            sound = stack.enter_context(soundfile.SoundFile(file))
        except OSError as error:
            raise SoundError(f"expected a recording; it can't be read: {error.strerror or error}") from None
        except (soundfile.SoundFileError, ValueError, TypeError) as error:
            raise SoundError(f"expected a recording that can be read; {_reason(error)}; {FETCH}") from None
        if sound.format not in FORMATS:
            raise SoundError(f"expected WAV, FLAC or OGG; received {sound.format}; convert it")
        if not LOWEST_RATE <= sound.samplerate <= HIGHEST_RATE:
            expected = f"{LOWEST_RATE:,} to {HIGHEST_RATE:,} samples a second"
            raise SoundError(f"expected {expected}; received {sound.samplerate:,}; convert it")
        yield sound


def _check_whole(file: BinaryIO) -> None:
    """Refuse an empty file, what is no recording at all, and WAV and OGG that were cut off, which libsndfile reads."""
    size = os.fstat(file.fileno()).st_size
    if not size:
        raise SoundError(f"expected a recording; received an empty file; {FETCH}")
    begin = file.read(12)
    if begin[:4] not in (*BYTE_ORDERS, b"fLaC", b"OggS"):
        raise SoundError(
            f"expected WAV, FLAC or OGG; received a file that begins with {shown(begin[:8])[1:]}; remove it"
        )
    missing = 0
    if begin[:4] == b"OggS":
        missing = _missing_of_page(file, size)
    elif begin[:4] in BYTE_ORDERS:
        missing = _missing_of_data(file, size, BYTE_ORDERS[begin[:4]])
    if missing > 0:
        raise SoundError(f"expected {missing:,} bytes more at its end: it was cut off; {FETCH}")
    file.seek(0)


def _missing_of_data(file: BinaryIO, size: int, order: str) -> int:
    """Return how many bytes of its samples a WAV file lacks.

    References: Microsoft and IBM, "Multimedia Programming Interface", 1991, of RIFF and RIFX; EBU Tech 3306, 2009, of
    RF64, in which a chunk `ds64` has the length of the samples in 64 bits.
    """
    position, long = 12, None
    for _ in range(MOST_CHUNKS):
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            return 0
        name, length = struct.unpack(f"{order}4sI", header)
        position += 8
        if name == b"ds64":
            long = int.from_bytes(file.read(16)[8:], "little")  # behind the length of the file
        if name == b"data":
            length, streamed = (length, STREAMED) if long is None else (long, STREAMED_64)
            return 0 if length >= streamed else position + length - size
        position += length + length % 2  # chunks begin at even places
    return 0


def _missing_of_page(file: BinaryIO, size: int) -> int:
    """Return how many bytes of its last page an OGG file lacks (RFC 3533, section 6).

    Raises:
        SoundError: the last page does not end a stream.
    """
    begin = _last_page(file, size)
    file.seek(begin)
    header = file.read(PAGE_HEADER + MOST_SEGMENTS)
    if len(header) >= PAGE_HEADER:
        segments = header[PAGE_HEADER - 1]
        missing = begin + PAGE_HEADER + segments + sum(header[PAGE_HEADER : PAGE_HEADER + segments]) - size
        if missing > 0:
            return missing
    if len(header) < PAGE_HEADER or not header[5] & LAST_PAGE:
        why = "it was cut off, or who recorded it never ended it"
        raise SoundError(f"expected a last page that ends the stream; received none: {why}; {FETCH}, or convert it")
    return 0


def _last_page(file: BinaryIO, size: int) -> int:
    """Return where the last page of an OGG file begins, however much stands behind it; its end, if it has none."""
    for begin in (*range(size - LONGEST_PAGE, 0, -LONGEST_PAGE), 0):
        file.seek(begin)
        piece = file.read(LONGEST_PAGE + len(b"OggS\x00"))  # a page may begin at its end
        found = [page.start() for page in PAGE.finditer(piece)]
        if found:
            return begin + found[-1]
    return size


def _blocks(sound: Any) -> Iterator[NDArray[np.float32]]:
    """Yield the samples of a recording, (T, C) at a time, no more than its header says."""
    import soundfile

    left = sound.frames
    while left > 0:
        try:
            block = sound.read(min(BLOCK, left), "float32", always_2d=True)
        except (soundfile.SoundFileError, ValueError, MemoryError) as error:
            raise SoundError(f"expected samples that can be decoded; {_reason(error)}; {FETCH}") from None
        if not len(block):
            return
        left -= len(block)
        yield block


def _reason(error: BaseException) -> str:
    return told(Exception(getattr(error, "error_string", None) or error), 150).rstrip(".")
