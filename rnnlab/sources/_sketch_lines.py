"""Drawings a line: QuickDraw's `.ndjson`, simplified or raw, read line by line, so that the file may be a large one."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from rnnlab import bounded
from rnnlab.errors import DataError, told
from rnnlab.sources._checks import shown_path
from rnnlab.sources._strokes import BadDrawing
from rnnlab.strict import shown

MOST_BYTES_OF_LINE = 2**26  # a raw drawing of a minute has some 100,000
MOST_EMPTY_LINES = 1_000_000  # of which a few bytes, gzipped, may make as many as one likes


def drawings_of_lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | BadDrawing]]:
    """Yield the number and the values of each line, or what is wrong with it; empty lines are passed over.

    Raises:
        DataError: the file can't be read, or a line has no end.
    """
    where = shown_path(path)
    try:
        with ExitStack() as stack:
            file: Any = stack.enter_context(bounded.open_regular(path))
            if path.suffix.lower() == ".gz":
                file = stack.enter_context(gzip.GzipFile(fileobj=file))
            for number, line in _lines(file, where):
                yield number, _values(line)
    except (OSError, EOFError, zlib.error) as error:
        damaged = isinstance(error, gzip.BadGzipFile | zlib.error | EOFError)
        remedy = "; the gzip file is damaged, or a part of one; fetch it anew" if damaged else ""
        raise DataError(f"{where}: can't be read: {getattr(error, 'strerror', None) or error}{remedy}") from None


def _lines(file: BinaryIO, where: str) -> Iterator[tuple[int, bytes]]:
    number, empty = 0, 0
    while line := file.readline(MOST_BYTES_OF_LINE + 1):
        number += 1
        if len(line) > MOST_BYTES_OF_LINE:
            raise DataError(
                f"{where}:{number}: expected a drawing a line; received one of over {len(line) - 1:,} bytes"
            )
        if line.strip():
            yield number, line
            continue
        empty += 1
        if empty > MOST_EMPTY_LINES:
            raise DataError(f"{where}:{number}: expected a drawing a line; received over {empty - 1:,} empty lines")


def _values(line: bytes) -> dict[str, Any] | BadDrawing:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        return BadDrawing(f"expected a JSON object: {told(error, 120)}; the line is damaged; remove it")
    if not isinstance(values, dict):
        return BadDrawing(f"expected a JSON object; received {shown(values)}")
    return values
