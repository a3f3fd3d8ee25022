"""Reading small files that anyone may have written: regular files only, and never more than they may hold.

A pipe would hang, and a device such as `/dev/zero` has no end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_bytes(path: Path, limit: int) -> bytes:
    """Return what a regular file holds; links are followed.

    Args:
        path: the file.
        limit: the most bytes that it may hold.

    Raises:
        OSError: it is not there, not a regular file, or too large; `strerror` says which.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "a file's name can't hold the character \\0", str(path))
    with open(path, "rb", opener=_open_without_waiting) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "expected a file; received a pipe or a device", str(path))
        data = b"" if status.st_size > limit else file.read(limit + 1) or b""  # None: there would be waiting
        size = max(status.st_size, len(data))
        if size > limit:
            raise OSError(errno.EFBIG, f"{size:,} bytes is too large (limit {limit:,})", str(path))
    return data


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a pipe whose other end nobody holds, too; Windows has no such flag, and no such pipes."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
