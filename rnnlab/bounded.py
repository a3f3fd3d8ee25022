"""Opening files that anyone may have written: regular files only, and never more than they may hold.

A pipe would hang, and a device such as `/dev/zero` has no end.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file to read; links are followed.

    Raises:
        OSError: it is not there, or not a regular file; `strerror` says which.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "a file's name can't hold the character \\0", str(path))
    with open(path, "rb", opener=_open_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "expected a file; received a pipe or a device", str(path))
        yield file


def read_bytes(path: Path, limit: int) -> bytes:
    """Return what a regular file holds.

    Args:
        path: the file.
        limit: the most bytes that it may hold.

    Raises:
        OSError: as of `open_regular`, or it is too large.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        data = b"" if size > limit else file.read(limit + 1) or b""  # None: there would be waiting
        size = max(size, len(data))  # a file of the system may say that it has none
        if size > limit:
            raise OSError(errno.EFBIG, f"{size:,} bytes is too large (limit {limit:,})", str(path))
        return data


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a pipe whose other end nobody holds, too; Windows has no such flag, and no such pipes."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
