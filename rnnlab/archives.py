"""NumPy archives (`.npz`) that anyone may have written: no pickles, and no array that is not there in full.

NumPy believes what a header says: an array of 10¹² rows is made before its absence is noticed. Here the header of each
array, the archive's own table and the machine's memory have to agree first.
"""

from __future__ import annotations

import lzma
import math
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from rnnlab import bounded
from rnnlab.errors import told
from rnnlab.strict import shown

PLAUSIBLE_BYTES = 1 << 30
PLAUSIBLE_RATIO = 200  # times an archive's own size, beyond which PLAUSIBLE_BYTES count
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
MAGIC = np.lib.format.MAGIC_PREFIX
DAMAGE = (
    *(ValueError, KeyError, TypeError, OverflowError, EOFError, RuntimeError, MemoryError, SyntaxError, struct.error),
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, tokenize.TokenError),
)


class ArchiveError(Exception):
    """An archive can't be read; the message says why."""


class PickledError(ArchiveError):
    """An array holds pickled Python objects, and to read those would be to run whatever code they name."""


def names_of(path: Path) -> list[str]:
    """Return the names of an archive's members, without `.npy`.

    Raises:
        OSError: there is no such file, or it can't be read.
        ArchiveError: it is no archive.
    """
    with bounded.open_regular(path) as file:
        try:
            with _open(file) as archive:
                return list(_members(archive))
        except DAMAGE as error:
            raise ArchiveError(told(error)) from None


def read_archive(path: Path, names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """Return arrays by name; the archive's checksums are verified.

    Args:
        path: the archive.
        names: what to read where it is there; None for all.

    Raises:
        OSError: there is no such file, or it can't be read.
        ArchiveError: it is no archive, damaged, too large, or holds what is no array.
    """
    with bounded.open_regular(path) as file:
        try:
            with _open(file) as archive:
                wanted = {name: each for name, each in _members(archive).items() if names is None or name in names}
                _check_size(sum(each.file_size for each in wanted.values()), os.fstat(file.fileno()).st_size)
                return {name: _read(archive, name, each) for name, each in wanted.items()}
        except DAMAGE as error:
            raise ArchiveError(told(error)) from None


def _open(file: BinaryIO) -> zipfile.ZipFile:
    if not zipfile.is_zipfile(file):
        raise ArchiveError("expected an .npz archive (numpy.savez); received something else")
    return zipfile.ZipFile(file)


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    return {each.filename.removesuffix(".npy"): each for each in archive.infolist()}


def _check_size(size: int, packed: int) -> None:
    if size > PLAUSIBLE_BYTES and size > PLAUSIBLE_RATIO * packed:
        raise ArchiveError(
            f"its {packed:,} bytes would unpack to {size:,}, as those of a zip bomb do; if it is none, save it with "
            "numpy.savez instead of savez_compressed"
        )
    if size > memory():
        raise ArchiveError(f"its arrays have {size:,} bytes, more than this machine's memory ({memory():,})")


def memory() -> float:
    """Return the bytes of memory of this machine; infinite where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return math.inf


def _read(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(info) as member:
        if member.read(len(MAGIC)) != MAGIC:
            raise ArchiveError(f"expected an array {name!r}; received a member that is none")
        member.seek(0)
        version = np.lib.format.read_magic(member)  # type: ignore[no-untyped-call]
        if version not in HEADERS:
            raise ArchiveError(f"array {name!r}: expected a plain array; received one of format {version}")
        shape, _, kind = HEADERS[version](member)  # type: ignore[no-untyped-call]
        if kind.hasobject:
            raise PickledError(f"array {name!r} holds Python objects, which are not read for safety")
        declared = math.prod(shape) * max(1, kind.itemsize)
        if declared != info.file_size - member.tell() or any(size < 0 for size in shape):
            there = f"the archive has {info.file_size - member.tell():,} bytes"
            raise ArchiveError(f"array {name!r}: its header says shape {shown(shape)} of {kind}; {there}")
    with archive.open(info) as member:
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)  # type: ignore[no-untyped-call]
    return array
