"""Tables in CSV, TSV and Parquet files, which know the line of every row, so that a message can name it."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError, told
from rnnlab.sources._checks import near, shown_path
from rnnlab.strict import shown

if TYPE_CHECKING:
    import pandas

SUFFIXES = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t", ".parquet": ""}
MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "None", "?"]
CHUNK = 1 << 20
FIRST_ROWS = 1000  # which tell numbers from text
MOST_COLUMNS = 50_000  # pandas takes kilobytes and a fifth of a millisecond for each
OTHER_FORMATS = {
    b"\x1f\x8b": "a gzip file; its name should end in .gz",
    b"PK\x03\x04": "a zip archive (an Excel workbook is one); save it as CSV",
    b"PAR1": "a Parquet file; its name should end in .parquet",
}
REFUSED = {
    rb"\0": "a zero byte; is it UTF-16?",
    # pandas takes gigabytes of memory for a few such lines.
    rb"\r(?!\n)": "a carriage return without a line feed; save it with the line ends of Unix or Windows",
}


@dataclass(frozen=True)
class TableFile:
    """A table's file before its rows are read.

    Attributes:
        path: the file.
        separator: what stands between two fields; empty for Parquet.
        columns: the column names, in the file's order; a column without a name, such as the row numbers that pandas
            writes, is not read.
        header: every field of a text file's first row; a column without a name has one that no key can give.
        breaks: the number of line breaks of the file; 0 for Parquet.
    """

    path: Path
    separator: str
    columns: tuple[str, ...]
    header: tuple[str, ...]
    breaks: int

    @property
    def shown(self) -> str:
        return shown_path(self.path)

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(self.columns)

    def require(self, key: str, column: str) -> None:
        """Check that the column that a key names is there."""
        if column not in self.names:
            hint = near(column, self.columns)
            if len(self.columns) == 1 and ";" in self.columns[0]:
                hint = "; fields seem to be separated by semicolons: save the table with commas"
            raise DataError(f"{self._header()}: expected a column '{column}' (data.{key}); it is missing{hint}")

    def _header(self) -> str:
        return f"{self.shown}:1" if self.separator else self.shown


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of a table, numbered from 0.

    Attributes:
        file: where they come from.
        frame: the columns that were asked for: text as it is written, numbers as float32.
        words: the cells that are no number though their column is one of numbers, by column; NaN in the frame.
    """

    file: TableFile
    frame: pandas.DataFrame
    words: Mapping[str, pandas.Series[Any]] = field(default_factory=dict)

    def place(self, row: int) -> str:
        """Return where a row stands: `speakers.csv:17`, the header being line 1, or `speakers.parquet: row 15`."""
        if not self.file.separator:
            return f"{self.file.shown}: row {row}"
        return f"{self.file.shown}:{self._lines[row]}"

    def text(self, column: str) -> NDArray[np.object_]:
        """Return a text column, (rows,) of str; an empty cell is empty text."""
        result: NDArray[np.object_] = self.frame[column].fillna("").to_numpy(dtype=object)
        return result

    @cached_property
    def _lines(self) -> NDArray[np.int64]:
        """The line on which each row begins, (rows,): row + 2, but for empty lines and quoted line breaks."""
        rows = len(self.frame)
        simple: NDArray[np.int64] = np.arange(2, rows + 2)
        if self.file.breaks in (rows, rows + 1):
            return simple
        exact = np.array([line for line, _ in _records(self.file)][1:], np.int64)
        return exact if len(exact) == rows else simple


def open_table(path: Path) -> TableFile:
    """Look at a table's file: readable, whole, UTF-8, and with a header of different names.

    Raises:
        DataError: what is wrong with it, with the line.
    """
    suffix = next((each for each in SUFFIXES if path.name.lower().endswith(each)), None)
    where = shown_path(path)
    if suffix is None:
        raise DataError(f"{where}: expected a file {', '.join(SUFFIXES)}; received '{path.name}'")
    if suffix == ".parquet":
        parquet = TableFile(path, "", _parquet_columns(path), (), 0)
        _check_header(where, parquet.columns)
        return parquet
    breaks = _scan(path)
    file = TableFile(path, SUFFIXES[suffix], (), (), breaks)
    try:
        _, header = next(_records(file), (1, []))
    except csv.Error as error:
        raise DataError(f"{where}:1: expected column names, separated by commas or tabs; received {error}") from None
    if not header:
        raise DataError(f"{where}:1: expected column names; the file is empty")
    columns = tuple(name for name in header if name.strip())
    _check_header(f"{where}:1", columns)
    header = [name if name.strip() else f"\0{number}" for number, name in enumerate(header)]
    return TableFile(path, file.separator, columns, tuple(header), breaks)


def _check_header(where: str, columns: Sequence[str]) -> None:
    if len(columns) > MOST_COLUMNS:
        raise DataError(
            f"{where}: expected at most {MOST_COLUMNS:,} columns, one for each feature; received {len(columns):,}; "
            "write one row for each time step (the source npz reads wider data)"
        )
    name, count = Counter(columns).most_common(1)[0] if columns else ("", 0)
    if count > 1:
        raise DataError(f"{where}: expected different column names; received {shown(name)} {count} times; rename one")


def read_table(
    file: TableFile,
    text: Sequence[str],
    numbers: Sequence[str],
    maybe: Sequence[str] = (),
    free: Sequence[str] = (),
    coded: Sequence[str] = (),
) -> Table:
    """Return the rows of a table.

    Args:
        file: what `open_table` returned.
        text: columns to read as text, as it is written.
        numbers: columns to read as float32; a missing value is NaN.
        maybe: columns to read as float32 if any of their cells is a number; otherwise left out.
        free: columns to read as whatever they hold.
        coded: columns to read as pandas categories: each distinct cell is kept once, as text where it is written as
            text, an empty one too. Made for millions of rows: the file is then read piece by piece.

    Raises:
        DataError: with the line: too many fields, no rows, an open quote.
    """
    read = _read_csv_table if file.separator else _read_parquet
    table = read(file, text, numbers, maybe, free, coded)
    there = [name for name in maybe if name in table.frame]
    frame = table.frame.drop(columns=[name for name, empty in table.frame[there].isna().all().items() if empty])
    if frame.empty:
        raise DataError(f"{file.shown}: expected rows after the column names; received none")
    return replace(table, frame=frame)


def _read_csv_table(
    file: TableFile,
    text: Sequence[str],
    numbers: Sequence[str],
    maybe: Sequence[str],
    free: Sequence[str],
    coded: Sequence[str],
) -> Table:
    """Read a CSV file at once; only if a cell is not a number, look for such cells, and leave out columns of text."""
    try:
        return Table(file, _read_csv(file, text, [*numbers, *maybe], free, {}, coded))
    except (ValueError, OverflowError) as error:
        fault = error
    kept, words = _columns_of_numbers(file, numbers, maybe)
    unread = {name: each.unique().tolist() for name, each in words.items()}
    try:
        return Table(file, _read_csv(file, text, kept, free, unread, coded), words)
    except (ValueError, OverflowError):
        raise DataError(f"{file.shown}: expected numbers; {told(fault)}") from fault


def _read_csv(
    file: TableFile,
    text: Sequence[str],
    numbers: Sequence[str],
    free: Sequence[str],
    unread: Mapping[str, Sequence[str]],
    coded: Sequence[str] = (),
    rows: int | None = None,
) -> pandas.DataFrame:
    """Read some columns of a CSV file, and missing values for the words `unread`. ValueError: a cell is no number."""
    import pandas

    wanted, plain = {*text, *numbers, *free, *coded}, {*text, *coded}
    kinds: dict[str, type[str] | str] = {
        **dict.fromkeys(text, str),
        **dict.fromkeys(numbers, "float32"),
        **dict.fromkeys(coded, "category"),
    }
    with warnings.catch_warnings(), np.errstate(over="ignore"):
        warnings.simplefilter("error", pandas.errors.ParserWarning)  # more fields in a row than column names
        warnings.simplefilter("ignore", pandas.errors.DtypeWarning)  # of a column that nobody asked for
        try:
            # Without `usecols`: with it, pandas takes a row of too many fields in silence.
            frame = pandas.read_csv(
                file.path,
                sep=file.separator,
                header=0,
                names=list(file.header),
                dtype=kinds,
                index_col=False,
                keep_default_na=False,
                na_values={name: [*MISSING, *unread.get(name, ())] for name in wanted if name not in plain},
                low_memory=bool(coded) and not free,
                nrows=rows,
            )
            return frame[[name for name in file.columns if name in wanted]]
        except (pandas.errors.ParserError, pandas.errors.ParserWarning) as error:
            raise _bad_record(file, error) from error


def _read_parquet(
    file: TableFile,
    text: Sequence[str],
    numbers: Sequence[str],
    maybe: Sequence[str],
    free: Sequence[str],
    coded: Sequence[str],
) -> Table:
    import pyarrow.parquet
    from pandas.api.types import is_numeric_dtype

    wanted = list(dict.fromkeys((*text, *numbers, *maybe, *free, *coded)))
    frame: pandas.DataFrame
    # Text of which each distinct cell is kept once is never made into an object for each row.
    with _readable(file.path), pyarrow.parquet.ParquetFile(file.path, read_dictionary=list(coded)) as parquet:
        # An index is a column like any other. Memory is given back column by column.
        frame = parquet.read(columns=wanted).to_pandas(ignore_metadata=True, split_blocks=True, self_destruct=True)
    pyarrow.default_memory_pool().release_unused()  # it would keep several times what is left of the table
    frame = frame.drop(columns=[name for name in maybe if not is_numeric_dtype(frame[name])])
    for name in (*numbers, *maybe):
        if name in frame:
            if not is_numeric_dtype(frame[name]):
                kind = frame[name].dtype
                raise DataError(f"{file.shown}: column '{name}': expected numbers; received values of type {kind}")
            with np.errstate(over="ignore"):
                frame[name] = frame[name].astype("float32")
    for name in text:
        frame[name] = frame[name].where(frame[name].isna(), frame[name].astype(str))
    for name in coded:
        frame[name] = frame[name].astype("category")
    return Table(file, frame)


def columns_of_numbers(file: TableFile, columns: Sequence[str]) -> list[str]:
    """Return those of these columns that seem to hold numbers: by type (Parquet), or by the first rows (text).

    A column is one of text only if it has some, and no number beside it; whether an empty one is, its first rows can't
    tell, and it counts as one of numbers.
    """
    import pandas

    if not columns:
        return []
    if not file.separator:
        import pyarrow.parquet
        import pyarrow.types

        with _readable(file.path):
            schema = pyarrow.parquet.read_schema(file.path)
        kinds = {name: schema.field(name).type for name in columns}
        tests = (pyarrow.types.is_integer, pyarrow.types.is_floating, pyarrow.types.is_decimal, pyarrow.types.is_null)
        return [name for name in columns if any(test(kinds[name]) for test in tests)]
    cells = _read_csv(file, (), (), (), {}, columns, rows=FIRST_ROWS)
    found = []
    for name in columns:
        distinct = pandas.Index(cells[name].cat.categories.astype(str))
        there = distinct[~distinct.str.strip().isin(MISSING)]
        if not len(there) or pandas.to_numeric(there, errors="coerce").notna().any():
            found.append(name)
    return found


def _columns_of_numbers(
    file: TableFile, numbers: Sequence[str], maybe: Sequence[str]
) -> tuple[list[str], dict[str, pandas.Series[Any]]]:
    """Return the columns of numbers, after a cell was found not to be one, and such cells by column.

    Those are `numbers`, and of `maybe` each one in which some cell is a number.
    """
    import pandas

    cells = _read_csv(file, [*numbers, *maybe], (), (), {})
    kept, words, needed = [], {}, set(numbers)
    for name in (*numbers, *maybe):
        is_number = pandas.to_numeric(cells[name], errors="coerce").notna()
        if name not in needed and not is_number.any():
            continue
        kept.append(name)
        odd = cells[name][~is_number & cells[name].notna() & ~cells[name].isin(MISSING)]
        if len(odd):
            words[name] = odd
    return kept, words


def _parquet_columns(path: Path) -> tuple[str, ...]:
    """Return the column names of a Parquet file, without the row numbers that pandas may have kept."""
    import pyarrow.parquet

    with _readable(path):
        names = pyarrow.parquet.read_schema(path).names
    return tuple(name for name in names if not re.fullmatch(r"__index_level_\d+__", name))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what pyarrow raises for a file that it can't read into a DataError."""
    try:
        yield
    except (OSError, ValueError, KeyError, NotImplementedError, MemoryError) as error:  # pyarrow's own are of these
        raise DataError(f"{shown_path(path)}: not a Parquet file that can be read: {told(error)}") from error


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")  # type: ignore[return-value]


def _scan(path: Path) -> int:
    """Return the number of line breaks of a text file, after checking that it is whole, UTF-8 and not empty."""
    decoder, breaks, where = codecs.getincrementaldecoder("utf-8")(), 0, shown_path(path)
    empty = True
    try:
        with _open(path) as file:
            while chunk := file.read(CHUNK):
                for beginning, received in OTHER_FORMATS.items() if empty else ():
                    if chunk.startswith(beginning):
                        raise DataError(f"{where}: expected text in UTF-8; received {received}")
                empty = False
                while chunk.endswith(b"\r") and (more := file.read(1)):
                    chunk += more
                for pattern, received in REFUSED.items():
                    if found := re.search(pattern, chunk):
                        line = breaks + chunk[: found.start()].count(b"\n") + 1
                        raise DataError(f"{where}:{line}: expected text in UTF-8; received {received}")
                decoder.decode(chunk)
                breaks += chunk.count(b"\n")
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line = breaks + error.object[: error.start].count(b"\n") + 1
        byte = error.object[error.start]
        raise DataError(f"{where}:{line}: expected text in UTF-8; received byte 0x{byte:02x}; save as UTF-8") from None
    except gzip.BadGzipFile:
        raise DataError(
            f"{where}: expected a gzip file, as its name says; received something else; rename it"
        ) from None
    except (EOFError, zlib.error) as error:
        raise DataError(f"{where}: this gzip file is damaged or cut off: {told(error)}; copy it anew") from None
    except OSError as error:
        raise DataError(f"{where}: can't be read: {error.strerror or error}") from None
    if empty:
        raise DataError(f"{where}: expected column names and rows; the file is empty")
    return breaks


def _records(file: TableFile) -> Iterator[tuple[int, list[str]]]:
    """Yield each record of a CSV file with the line on which it begins; empty lines are passed over."""
    with _open(file.path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines, delimiter=file.separator)
        line = 1
        for record in reader:
            if len(record) > 1 or (record and record[0].strip()):
                yield line, record
            line = reader.line_num + 1


def _bad_record(file: TableFile, error: Exception) -> DataError:
    """Return what is wrong with a CSV file that could not be parsed, with the line."""
    expected, line = len(file.header), 1
    try:
        for line, record in _records(file):
            if len(record) > expected:
                return DataError(
                    f"{file.shown}:{line}: expected {expected} fields, one for each column name; received {len(record)}"
                )
    except csv.Error as fault:
        return DataError(f"{file.shown}:{line}: not a CSV file: {fault}")
    if "EOF inside string" in str(error):
        return DataError(
            f'{file.shown}:{line}: expected a closing quote; the quote (") that opens here is never closed'
        )
    return DataError(f"{file.shown}: not a CSV file: {' '.join(str(error).split())}")
