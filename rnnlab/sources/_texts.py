"""Text files: decoded, with the line of whatever can't be."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic import Field as Key

from rnnlab import bounded
from rnnlab.errors import DataError
from rnnlab.signature import Field
from rnnlab.sources._checks import shown_path
from rnnlab.strict import shown

TEXT = Field("text", "text", ())
MOST_BYTES = 4 * 2**30
LONGEST_CELL = 2**31 - 1
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def _known(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        codecs.lookup(name)
        "".encode(name)
    except (LookupError, UnicodeError, ValueError):
        raise ValueError(f"expected an encoding such as utf-8, latin-1 or cp1252; received {shown(name)}") from None
    return name


Encoding = Annotated[
    str | None,
    AfterValidator(_known),
    Key(description="such as latin-1; default: what a byte order mark says, else UTF-8, checked"),
]


def read_text(path: Path, encoding: str | None) -> str:
    """Return a file's text, with line feeds alone at the ends of lines; `.gz` is unpacked.

    Args:
        path: the file.
        encoding: its name; None: what a byte order mark says, else UTF-8.

    Raises:
        DataError: it can't be read or decoded; with the line.
    """
    where = shown_path(path)
    try:
        raw = bounded.read_bytes(path, MOST_BYTES)
        if path.suffix == ".gz":
            raw = _unpacked(raw)
    except (OSError, zlib.error, EOFError, ValueError) as error:
        damaged = isinstance(error, gzip.BadGzipFile | zlib.error | EOFError)
        remedy = "; the gzip file is damaged, or a part of one; fetch it anew" if damaged else ""
        raise DataError(f"{where}: can't be read: {getattr(error, 'strerror', None) or error}{remedy}") from None
    found = encoding or next((name for mark, name in BYTE_ORDER_MARKS.items() if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(found)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        hint = (
            "; is it latin-1 or cp1252? name it in data.encoding" if encoding is None else "; is data.encoding right?"
        )
        raise DataError(f"{where}:{line}: expected {found}; received the byte 0x{raw[error.start]:02x}{hint}") from None
    except UnicodeError as error:
        raise DataError(f"{where}: expected {found}: {error}; is data.encoding right?") from None
    nothing = text.find("\0")
    if nothing >= 0:
        line = text.count("\n", 0, nothing) + 1
        raise DataError(
            f"{where}:{line}: expected text; received a zero byte; is it another encoding, or no text file?"
        )
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def lines_of(path: Path, encoding: str | None) -> list[str]:
    """Return the lines of a file; a line feed at its end begins no further one.

    Raises:
        DataError: it is a folder, or as of `read_text`.
    """
    if path.is_dir():
        raise DataError(f"{shown_path(path)}: expected a file; received a folder")
    lines = read_text(path, encoding).split("\n")
    return lines[:-1] if not lines[-1] else lines


@dataclass(frozen=True)
class Lines:
    """What is asked in a file, line by line; empty ones are passed over.

    Attributes:
        texts: (N,) as they stand there.
        places: (N,) where, such as `asked.txt:3`.
        notes: what to know of the others.
    """

    texts: Sequence[str]
    places: Sequence[str]
    notes: Sequence[str]


def lines_to_answer(path: Path, encoding: str | None, what: str) -> Lines:
    """Return the lines of a file to predict.

    Args:
        path: the file.
        encoding: as of `read_text`.
        what: stands on each line, for the message.

    Raises:
        DataError: there is no line that holds something, or as of `lines_of`.
    """
    found = [(number, line) for number, line in enumerate(lines_of(path, encoding), start=1) if line.strip()]
    if not found:
        raise DataError(f"{shown_path(path)}: expected {what} a line; received none")
    empty = found[-1][0] - len(found)  # before the last text; whoever counts lines of answers should know
    notes = [f"{empty:,} empty line(s) passed over; answers are of the others"] if empty else []
    return Lines([line for _, line in found], [f"{shown_path(path)}:{number}" for number, _ in found], notes)


def _unpacked(raw: bytes) -> bytes:
    text = gzip.GzipFile(fileobj=io.BytesIO(raw)).read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise ValueError("it unpacks to more than 4 GiB")
    return text


def rows_of_table(path: Path, text: str, separator: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line and the cells by column of each row of a table with a header.

    Raises:
        DataError: a row has another number of cells than the header.
    """
    where = shown_path(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    before, rows = csv.field_size_limit(LONGEST_CELL), []
    try:
        header = next(reader, None)
        line = reader.line_num + 1
        for cells in reader:
            rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        remedy = "a cell that begins with a quotation mark is quoted as a whole, its own marks doubled"
        raise DataError(f"{where}:{reader.line_num}: {error}; {remedy}") from None
    finally:
        csv.field_size_limit(before)  # it is everybody's
    if header is None:
        raise DataError(f"{where}: expected a table with a header; received an empty file")
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{where}:1: expected different columns; received {shown(twice)} twice; rename one")
    for line, cells in rows:
        if cells and len(cells) != len(header):
            raise DataError(f"{where}:{line}: expected {len(header)} cells; received {len(cells)}")
        if cells:
            yield line, dict(zip(header, cells, strict=True))


def rows_of_json_lines(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line and the mapping of each line of a JSON Lines file; empty lines are passed over.

    Raises:
        DataError: a line is no JSON object.
    """
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            values = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{shown_path(path)}:{line}: expected a JSON object: {error}") from None
        if not isinstance(values, dict):
            raise DataError(f"{shown_path(path)}:{line}: expected a JSON object; received {shown(values)}")
        yield line, values
