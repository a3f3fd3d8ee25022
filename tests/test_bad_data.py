"""Bad data, through the public path: one line that says where, what was expected, what stands there, what to do.

`TABLE` holds the malformed files. A fault of one sequence is left out with `data.on_bad: skip`; a fault of a whole file
is an error all the same.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from rnnlab.errors import DataError
from rnnlab.examples import Examples, skipped_by_split
from rnnlab.places import Places
from rnnlab.sources import Source
from rnnlab.sources.csv_sequences import CsvSequences
from rnnlab.sources.npz import Npz
from rnnlab.sources.ts_file import TsFile
from rnnlab.sources.ucr import Ucr
from tests.test_cli import ROOT, Result, rnnlab

MILLION = 1_000_000


@dataclass(frozen=True)
class Bad:
    """Files with a fault, and what is said of it.

    Attributes:
        source: what reads them.
        files: their contents by name; the first is the training file.
        says: what the message holds.
        skips: the ids of the sequences that are left out with `on_bad: skip`; none where the whole file is at fault.
        keys: of the source, beside `train`.
    """

    source: type[Source]
    files: Mapping[str, bytes]
    says: tuple[str, ...]
    skips: tuple[str, ...] = ()
    keys: Mapping[str, Any] = field(default_factory=dict)

    def open(self, folder: Path, **keys: Any) -> dict[str, Examples]:
        for name, content in self.files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
        return self.source(train=next(iter(self.files)), **{**self.keys, **keys}).open(Places(folder, folder))


# Long tables. Sequence a12 stands on lines 2 and 3, b on line 4, c on line 5.

LONG = "sequence_id,time,x,y,label,speaker\na12,0,1,2,up,p\na12,1,3,4,up,p\nb,0,5,6,down,q\nc,0,7,8,up,q\n"
KEYS = {"time": "time", "group": "speaker", "label": "label", "test_fraction": None, "validation": {"grouped": True}}


def long(old: str, new: str, *says: str, skips: str = "", **keys: Any) -> Bad:
    """Return the table above with one place changed."""
    assert old in LONG
    content = LONG.replace(old, new, 1).encode()
    return Bad(CsvSequences, {"made.csv": content}, says, tuple(skips.split()), {**KEYS, **keys})


def table(content: bytes | str, *says: str, name: str = "made.csv", skips: str = "", **keys: Any) -> Bad:
    """Return a table of its own."""
    content = content.encode() if isinstance(content, str) else content
    return Bad(CsvSequences, {name: content}, says, tuple(skips.split()), {"label": "label", **keys})


def parquet(frame: pandas.DataFrame, *says: str, skips: str = "", **keys: Any) -> Bad:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return table(buffer.getvalue(), *says, name="made.parquet", skips=skips, **keys)


FRAME = pandas.DataFrame({"sequence_id": [1, 1, 2], "x": [1.0, 2.0, 3.0], "label": ["a", "a", "b"]})
SHORT = "sequence_id,x,label\na,1,up\na,2,up\nb,3,down\n"

CELLS = {
    "a word": long(
        "3,4", "abc,4", "made.csv:3: sequence 'a12': column 'x': expected a number; received 'abc'", skips="a12"
    ),
    "a word in a named feature": long(
        "5,6", "5,?!", "made.csv:4: sequence 'b'", "'?!'", skips="b", features=["x", "y"]
    ),
    "mixed types": long("3,4", "True,2024-01-01", "made.csv:3", "column 'x'", "'True'", skips="a12"),
    "a decimal comma": long("3,4", '"3,5",4', "made.csv:3", "expected a number; received '3,5'", skips="a12"),
    "an empty cell": long(
        "3,4", "3,", "made.csv:3: sequence 'a12': time step 1", "feature 'y'", "does not guess", skips="a12"
    ),
    "a blank cell": long("3,4", "3, ", "made.csv:3", "column 'y'", "an empty cell", skips="a12"),
    "not a number": long("3,4", "nan,4", "made.csv:3", "feature 'x'", "does not guess", skips="a12"),
    "infinity": long("3,4", "inf,4", "made.csv:3: sequence 'a12'", "received infinity", skips="a12"),
    "a number beyond float32": long("3,4", "1e39,4", "made.csv:3: sequence 'a12'", "float32", skips="a12"),
    "a word of a million characters": long("3,4", "z" * MILLION + ",4", "made.csv:3", "'zzz", "…", skips="a12"),
    "too few fields": long("5,6,down,q", "5", "made.csv:4: sequence 'b'", skips="b"),
    "another label in a sequence": long(
        "3,4,up", "3,4,down", "made.csv:3", "column 'label'", "as in made.csv:2", skips="a12"
    ),
    "another group in a sequence": long("3,4,up,p", "3,4,up,q", "made.csv:3", "column 'speaker'", skips="a12"),
    "no label": long("5,6,down", "5,6,", "made.csv:4: sequence 'b': column 'label': expected a class", skips="b"),
    "no group": long("down,q", "down,", "made.csv:4", "column 'speaker': expected a group", skips="b"),
    "the same time twice": long("a12,1", "a12,0", "made.csv:3", "column 'time'", "as in made.csv:2", skips="a12"),
    "no time": long("a12,1", "a12,", "made.csv:3", "column 'time'", "an empty cell", skips="a12"),
    "a time that is none": long("a12,1", "a12,noon", "made.csv:3", "an ISO date; received 'noon'", skips="a12"),
    "an endless time": long("a12,1", "a12,inf", "made.csv:3", "column 'time'", skips="a12"),
    "an id whose rows are scattered": table(
        SHORT + "a,9,up\n",
        "made.csv:5: sequence 'a': expected the rows of a sequence to follow one another",
        "data.time",
        skips="a",
    ),
    "a number asked for that is none": table(
        "sequence_id,x,v\na,1,2\nb,1,high\n",
        "made.csv:3: sequence 'b'",
        "column 'v': expected a number; received 'high'",
        skips="b",
        label=None,
        values=["v"],
    ),
    "a number asked for that is missing": table(
        "sequence_id,x,v\na,1,2\nb,1,\n", "made.csv:3: sequence 'b': target 'v'", skips="b", label=None, values=["v"]
    ),
    "a line beyond empty lines and quoted line breaks": table(
        'sequence_id,note,x,y,label\n\na,"one\ntwo",1,2,up\n   \nb,"three",4,bad,up\n',
        "made.csv:6: sequence 'b'",
        skips="b",
    ),
    "a label that training has not seen": Bad(
        CsvSequences,
        {"made.csv": SHORT.encode(), "test.csv": SHORT.replace("down", "left").encode()},
        ("test.csv:4: sequence 'b'", "expected a class of the training data (down, up); received 'left'"),
        ("b",),
        {"label": "label", "test": "test.csv"},
    ),
    "a missing value in Parquet": parquet(
        FRAME.assign(x=[1.0, None, 2.0]), "made.parquet: row 1: sequence '1': time step 1", skips="1"
    ),
    "a missing label in Parquet": parquet(
        FRAME.assign(label=["a", "a", None]), "made.parquet: row 2: sequence '2': column 'label'", skips="2"
    ),
}

TABLES = {
    "no id": long(
        "b,0,5", ",0,5", "made.csv:4", "column 'sequence_id': expected a sequence's name; received an empty cell"
    ),
    "too many fields": long("3,4,up,p", "3,4,up,p,extra", "made.csv:3: expected 6 fields", "received 7"),
    "an open quote": long("3,4", '"3,4', "made.csv:3: expected a closing quote"),
    "two columns of one name": long(
        "time,x,y", "time,x,x", "made.csv:1: expected different column names", "'x' 2 times"
    ),
    "a missing id column": long("sequence_id", "sequenceid", "made.csv:1", "did you mean 'sequenceid'?"),
    "a missing label column": long(
        "label", "lable", "made.csv:1: expected a column 'label' (data.label)", "did you mean"
    ),
    "a missing time column": long("time", "when", "made.csv:1", "'time' (data.time)"),
    "no feature": table("sequence_id,label,note\na,l,n\n", "made.csv: expected a column of numbers"),
    "an empty file": table("", "made.csv: expected column names and rows; the file is empty"),
    "a blank file": table("\n\n", "made.csv:1: expected column names"),
    "a header only": table("sequence_id,x,label\n", "made.csv: expected rows after the column names; received none"),
    "latin-1": table(
        SHORT.replace("up", "hé").encode("latin-1"), "made.csv:2: expected text in UTF-8; received byte 0xe9"
    ),
    "utf-16": table(SHORT.encode("utf-16"), "made.csv:1: expected text in UTF-8"),
    "old line ends": table(SHORT.replace("\n", "\r"), "made.csv:1", "carriage return", "save it"),
    "an image": table(b"\x89PNG\r\n\x1a\n\x00\x00", "made.csv:3: expected text in UTF-8; received a zero byte"),
    "an Excel workbook": table(
        b"PK\x03\x04rest", "made.csv: expected text in UTF-8; received a zip archive", "save it as CSV"
    ),
    "random bytes": table(bytes(np.random.default_rng(0).integers(1, 256, 5000, dtype=np.uint8)), "made.csv:"),
    "semicolons": table(SHORT.replace(",", ";"), "made.csv:1", "semicolons: save the table with commas"),
    "one long line": table("x" * 300_000, "made.csv:1: expected column names"),
    "another kind of file": table(SHORT, "made.xlsx: expected a file .csv", name="made.xlsx"),
    "commas in a tsv": table(SHORT, "made.tsv:1: expected a column 'sequence_id'", name="made.tsv"),
    "gzip that is not": table(
        SHORT, "made.csv.gz: expected a gzip file, as its name says", "rename it", name="made.csv.gz"
    ),
    "gzip that is not said": table(
        gzip.compress(SHORT.encode()), "made.csv: expected text in UTF-8; received a gzip file"
    ),
    "gzip that is cut off": table(
        gzip.compress(SHORT.encode(), mtime=0)[:-12], "made.csv.gz", "cut off", name="made.csv.gz"
    ),
    "gzip of garbage": table(b"\x1f\x8b\x08garbage", "made.csv.gz", name="made.csv.gz"),
    "an empty gzip file": table(b"", "made.csv.gz: expected column names and rows", name="made.csv.gz"),
    "Parquet that is not": table(SHORT, "made.parquet: not a Parquet file", name="made.parquet"),
    "an empty Parquet file": table(b"", "made.parquet: not a Parquet file", name="made.parquet"),
    "Parquet of text": parquet(
        FRAME.assign(x=["1", "2", "3"]), "made.parquet: column 'x': expected numbers", features=["x"]
    ),
    "a test file without a feature": Bad(
        CsvSequences,
        {"made.csv": SHORT.encode(), "test.csv": SHORT.replace("x", "z").encode()},
        ("test.csv:1: expected a column 'x'",),
        (),
        {"label": "label", "test": "test.csv"},
    ),
}

# Manifests of files

MANIFEST = "file,label\none.csv,up\ntwo.csv,down\nthree.csv,up\n"
ONE, TWO, THREE = "t,x,y\n1,2,3\n0,4,5\n", "t,x,y\n0,1,2\n1,3,4\n", "t,x,y\n0,5,6\n"


def manifest(*says: str, skips: str = "", **changed: str | bytes | None) -> Bad:
    """Return a manifest of three files with some changed, or left out where they are None."""
    contents = {"manifest": MANIFEST, "one": ONE, "two": TWO, "three": THREE, **changed}
    files = {
        f"{name}.csv": each.encode() if isinstance(each, str) else each
        for name, each in contents.items()
        if each is not None
    }
    return Bad(CsvSequences, files, says, tuple(skips.split()), {"layout": "manifest", "label": "label", "time": "t"})


MANIFESTS = {
    "a listed file that is missing": manifest(
        "manifest.csv:3: sequence 'two.csv': column 'file'", two=None, skips="two.csv"
    ),
    "a listed file without a name": replace(
        manifest("manifest.csv:2", "column 'file'", "received nothing", manifest=MANIFEST.replace("one.csv", "")),
        skips=("",),
    ),
    "a listed file that is empty": manifest(
        "manifest.csv:3", "two.csv: expected column names", two="", skips="two.csv"
    ),
    "a listed file without rows": manifest("two.csv: expected rows", two="t,x,y\n", skips="two.csv"),
    "a listed file that is no text": manifest("two.csv:1: expected text in UTF-8", two=b"\xff\xfe", skips="two.csv"),
    "a listed file with another column": manifest(
        "two.csv:1: expected a column 'y'", two="t,x,z\n0,1,2\n", skips="two.csv"
    ),
    "a missing value in a listed file": manifest(
        "two.csv:3: sequence 'two.csv'", two="t,x,y\n0,1,2\n1,,3\n", skips="two.csv"
    ),
    "a word in a listed file": manifest(
        "two.csv:2: column 'x': expected a number", two="t,x,y\n0,a,2\n1,1,3\n", skips="two.csv"
    ),
    "a time twice in a listed file": manifest("two.csv:3: column 't'", two="t,x,y\n0,1,2\n0,3,3\n", skips="two.csv"),
    "a listed file without a label": manifest(
        "manifest.csv:3", "column 'label'", manifest=MANIFEST.replace("down", ""), skips="two.csv"
    ),
    "a name that no file can have": manifest(
        "manifest.csv:2", "column 'file'", manifest=MANIFEST.replace("one.csv", "x" * 5000), skips="x" * 5000
    ),
    "a file listed twice": manifest(
        "manifest.csv:4: column 'file': expected every file once; received 'one.csv' again, as in manifest.csv:2",
        "remove",
        manifest=MANIFEST.replace("three", "one"),
    ),
    "a manifest without files": manifest(
        "manifest.csv:1: expected a column 'file'", manifest=MANIFEST.replace("file,", "path,")
    ),
}

# Archives of NumPy: sequences 0, 1, 2 of 1, 2 and 3 steps

VALUES = np.arange(12, dtype=np.float64).reshape(6, 2)
ARRAYS = {"values": VALUES, "lengths": np.array([1, 2, 3]), "labels": np.array(["a", "b", "a"])}
OBJECTS = np.array([np.zeros((1, 2)), np.zeros((2, 2))], dtype=object)


def archive(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **{name: each for name, each in {**ARRAYS, **arrays}.items() if each is not None})
    return buffer.getvalue()


def npz(*says: str, skips: str = "", **arrays: Any) -> Bad:
    return Bad(Npz, {"made.npz": archive(**arrays)}, ("made.npz", *says), tuple(skips.split()))


def npz_file(content: bytes, *says: str) -> Bad:
    return Bad(Npz, {"made.npz": content}, ("made.npz", *says))


def npz_test(*says: str, skips: str = "", **arrays: Any) -> Bad:
    files = {"made.npz": archive(), "test.npz": archive(**arrays)}
    return Bad(Npz, files, ("test.npz", *says), tuple(skips.split()), {"test": "test.npz"})


def members(**contents: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, content in contents.items():
            made.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def header(shape: str) -> bytes:
    """Return the header of an array that is not there."""
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


ARCHIVES = {
    "a missing value in an archive": npz(
        "made.npz[2]: sequence '2'", "time step 0", values=np.where(VALUES == 7, np.nan, VALUES), skips="2"
    ),
    "an infinite value in an archive": npz(
        "feature 'feature_1'", values=np.where(VALUES == 7, np.inf, VALUES), skips="2"
    ),
    "a length of zero": npz(
        "made.npz[0]: sequence '0': expected at least one time step", lengths=np.array([0, 3, 3]), skips="0"
    ),
    "an empty label": npz("labels[1]: sequence '1': expected a class", labels=np.array(["a", "", "b"]), skips="1"),
    "a missing number": npz("labels[1]: sequence '1'", labels=np.array([1.0, np.nan, 2.0]), skips="1"),
    "a label beyond the classes": npz(
        "labels[2]", "0 to 1", labels=np.array([0, 1, 2]), classes=np.array(["a", "b"]), skips="2"
    ),
    "a label unseen in training": npz_test(
        "labels[1]: sequence '1'", "(a, b); received 'c'", labels=np.array(["a", "c", "a"]), skips="1"
    ),
    "no values": npz("'values'", "it is missing", values=None),
    "no lengths": npz("'lengths'", "it is missing", lengths=None),
    "Python objects": npz("array 'values' holds Python objects, which are not read for safety", values=OBJECTS),
    "labels of Python objects": npz("'labels'", "Python objects", labels=np.array(["a", None, "b"], dtype=object)),
    "values of text": npz("array 'values': expected numbers", values=np.array(["a"] * 6)),
    "values of three axes": npz("array 'values'", values=np.zeros((6, 2, 2))),
    "a value without an axis": npz("array 'values'", values=np.float32(3)),
    "complex values": npz("array 'values'", values=VALUES + 1j),
    "no feature in an archive": npz("expected at least one feature", values=np.zeros((6, 0))),
    "no sequence": npz(
        "expected at least one sequence", values=np.zeros((0, 2)), lengths=np.zeros(0, int), labels=None
    ),
    "no sequence of one axis": npz(
        "at least one sequence", values=np.zeros(0), lengths=np.zeros(0, int), labels=np.zeros(0, int)
    ),
    "lengths beyond the values": npz("array 'lengths': expected a sum of 6", lengths=np.array([1, 2, 4])),
    "lengths whose sum overflows": npz("lengths[0]", "at most 6", lengths=np.array([2**63, 2**63, 6], np.uint64)),
    "a negative length": npz("lengths[1]", "received -1", lengths=np.array([4, -1, 3])),
    "lengths of floats": npz("array 'lengths': expected whole numbers", lengths=np.array([1.0, 2.0, 3.0])),
    "lengths of two axes": npz("array 'lengths'", lengths=np.array([[1, 2, 3]])),
    "too few labels": npz("array 'labels': expected 3 rows", labels=np.array([1, 2])),
    "labels of three axes": npz("array 'labels'", labels=np.zeros((3, 1, 1), int)),
    "labels of 0 to 2": npz("expected 0 and 1", labels=np.array([[0, 2], [1, 1], [0, 0]])),
    "a class twice": npz("the class name 'a' stands twice", labels=np.array([0, 1, 1]), classes=np.array(["a", "a"])),
    "names of another number": npz("array 'feature_names'", feature_names=np.array(["x"])),
    "ids of another number": npz("array 'ids'", ids=np.array(["x"])),
    "an id twice": npz("ids[2]", "'p' as in ids[0]", "'groups'", ids=np.array(["p", "q", "p"])),
    "an empty archive": npz_file(b"", "expected an .npz archive"),
    "garbage for an archive": npz_file(b"\x80\x04garbage", "expected an .npz archive"),
    "a single array": npz_file(header("(6, 2)") + VALUES.tobytes(), "expected an .npz archive"),
    "half an archive": npz_file(archive()[: len(archive()) // 2], "expected an .npz archive"),
    "an archive with flipped bits": npz_file(
        archive().replace(VALUES.tobytes(), b"\xff" * VALUES.nbytes), "can't be read"
    ),
    "members that are no arrays": npz_file(members(values=b"no", lengths=b"no"), "received a member that is none"),
    "an array larger than any memory": npz_file(
        members(values=header("(1000000000000000, 2)"), lengths=header("(3,)")), "made.npz"
    ),
    "an array that is cut off": npz_file(members(values=header("(6, 2)"), lengths=header("(3,)")), "can't be read"),
    "numbers where training has classes": npz_test("as in the training data", labels=np.array([0.5, 1, 2])),
    "another number of features": npz_test(
        "expected 2 features, as in the training data; received 1", values=np.arange(6)
    ),
    "no labels where training has some": npz_test("'labels'", labels=None),
}

# Series in .ts files; the first case stands on line 6

TS = "@timeStamps false\n@univariate false\n@equalLength false\n@classLabel true up down\n@data\n"


def ts(case: str, *says: str, skips: str = "1", head: str = TS, first: str = "1,2:3,4:up") -> Bad:
    """Return a file of a good case, this one on line 7, and another good one."""
    content = f"{head}{first}\n{case}\n{first}\n".encode()
    return Bad(TsFile, {"made.ts": content}, ("made.ts:", *says), tuple(skips.split()))


def ts_test(case: str, *says: str, skips: str = "", first: str = "1,2:3,4:up") -> Bad:
    """Return a good training file, and a test file of three cases of which this is the second."""
    train = ts("5:6:up", skips="").files["made.ts"]
    (test,) = ts(case, first=first).files.values()
    return Bad(TsFile, {"made.ts": train, "test.ts": test}, says, tuple(skips.split()), {"test": "test.ts"})


def ts_file(content: bytes | str, *says: str) -> Bad:
    return Bad(TsFile, {"made.ts": content.encode() if isinstance(content, str) else content}, ("made.ts", *says))


SERIES = {
    "a word in a series": ts(
        "1,x:3,4:up", "made.ts:7: sequence '1'", "dimension 0, time step 1: expected a number; received 'x'"
    ),
    "an empty value in a series": ts("1,:3,4:up", "made.ts:7", "received ''"),
    "a missing dimension": ts("1,2:up", "made.ts:7", "expected 2 dimension(s)", "received 1"),
    "a dimension too many": ts("1,2:3,4:5,6:up", "made.ts:7", "expected 2 dimension(s)", "received 3"),
    "dimensions of different length": ts(
        "1,2,3:3,4:up", "made.ts:7", "expected 3 time steps, as in dimension 0; received 2"
    ),
    "another length than promised": ts(
        "1,2,3:1,2,3:up",
        "made.ts:7",
        "(@equalLength true); received 3",
        head=TS.replace("@equalLength false", "@equalLength true"),
    ),
    "a missing value in a series": ts("1,?,3:4,?,6:up", "made.ts:7: sequence '1': time step 1", "'dim_0'"),
    "a missing value in one dimension": ts("4,5,6:1,2,?:up", "made.ts:7", "time step 2", "'dim_1'"),
    "infinity in a series": ts("1,inf:3,4:up", "made.ts:7", "received infinity"),
    "nothing but missing values": ts("?,?:?,?:up", "made.ts:7", "expected at least one time step"),
    "a series without a class": ts("1,2:3,4:", "made.ts:7", "expected a class"),
    "a series of a missing class": ts("1,2:3,4:?", "made.ts:7", "expected a class"),
    "a target that is no number": ts(
        "1,2:high",
        "made.ts:7",
        "target: expected a number; received 'high'",
        first="1,2:0.5",
        head=TS.replace("@classLabel true up down", "@targetLabel true"),
    ),
    "a class unseen in training": ts_test("1:2:left", "test.ts:7: sequence '1'", "(up); received 'left'", skips="1"),
    "dimensions that training has not": ts_test(
        "1:2:3:up", "test.ts: expected 2 features, as in the training data; received 3", first="1:2:3:up"
    ),
    "an empty line": ts("", "made.ts:7: expected a series; received an empty line", skips=""),
    "no colon": ts_file(TS + "1,2\n3,4\n", "made.ts:6", "received no colon"),
    "no data": ts_file(TS, "expected at least one series after '@data'"),
    "an empty series file": ts_file("", "expected a line '@data'"),
    "a table called series": ts_file(SHORT, "expected a line '@data'"),
    "a series file that is no text": ts_file(b"\x89PNG\r\n\x1a\n\xff\xfe", "expected text in UTF-8"),
    "a header without class names": ts_file(
        "@classLabel true\n@data\n1:a\n", "made.ts:1", "expected the names of the classes"
    ),
    "a header without a value": ts_file("@classLabel\n@data\n1:1\n", "made.ts:1", "expected true or false"),
    "words after @data": ts_file("@data on\n1:1\n", "made.ts:1: '@data': expected nothing after it"),
    "series with time stamps": ts_file(
        "@timeStamps true\n@classLabel true a\n@data\n(0,1):a\n", "write the values alone"
    ),
}

TABLE = {**CELLS, **TABLES, **MANIFESTS, **ARCHIVES, **SERIES}


def message(bad: Bad, folder: Path, **keys: Any) -> str:
    with pytest.raises(DataError) as caught:
        bad.open(folder, **keys)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # so that messages name files shortly
    return tmp_path


def test_the_table_is_long_and_no_case_stands_in_it_twice() -> None:
    assert len(TABLE) == sum(map(len, (CELLS, TABLES, MANIFESTS, ARCHIVES, SERIES))) >= 40


@pytest.mark.parametrize("name", TABLE)
def test_a_malformed_file_is_one_line_with_its_place(folder: Path, name: str) -> None:
    bad = TABLE[name]
    text = message(bad, folder)
    for part in bad.says:
        assert part in text
    assert "\n" not in text
    assert len(text) < 1000


PLAIN = [name for name, bad in TABLES.items() if list(bad.files) == ["made.csv"] and bad.keys == {"label": "label"}]


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("file", ["made.tsv", "made.csv.gz", "made.tsv.gz", "made.parquet"])
def test_what_is_no_table_is_none_under_another_name(folder: Path, name: str, file: str) -> None:
    (content,) = TABLE[name].files.values()
    text = message(table(gzip.compress(content) if file.endswith(".gz") else content, name=file), folder)
    assert text.startswith(file)
    assert "\n" not in text


@pytest.mark.parametrize("name", [name for name in TABLE if TABLE[name].skips])
def test_a_bad_sequence_is_left_out_if_the_spec_says_so(folder: Path, name: str) -> None:
    bad = TABLE[name]
    error = message(bad, folder)
    splits = bad.open(folder, on_bad="skip")
    (hurt,) = [examples for examples in splits.values() if examples.skipped]
    assert tuple(each.id for each in hurt.skipped) == bad.skips
    assert not set(bad.skips) & set(hurt.ids)
    assert len(hurt) > 0
    assert all(np.isfinite(hurt.read(index)["sequence"]).all() for index in range(len(hurt)))
    assert error.startswith(str(hurt.skipped[0]))  # what is listed is what would have been said


@pytest.mark.parametrize("name", [name for name in TABLE if not TABLE[name].skips])
def test_a_file_that_is_bad_as_a_whole_is_an_error_all_the_same(folder: Path, name: str) -> None:
    assert message(TABLE[name], folder, on_bad="skip") == message(TABLE[name], folder)


# What is left


WHOLE = {
    "csv": (CELLS["a word"], LONG.replace("a12,0,1,2,up,p\na12,1,3,4,up,p\n", "").encode()),
    "manifest": (MANIFESTS["a listed file that is empty"], MANIFEST.replace("two.csv,down\n", "").encode()),
    "npz": (
        ARCHIVES["a missing value in an archive"],
        archive(values=VALUES[:3], lengths=np.array([1, 2]), labels=np.array(["a", "b"]), ids=np.array(["0", "1"])),
    ),
    "ts": (replace(SERIES["a word in a series"], source=TsFile), (TS + "1,2:3,4:up\n" * 2).encode()),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_left_is_what_the_file_would_be_without_the_bad_sequence(folder: Path, name: str) -> None:
    bad, whole = WHOLE[name]
    left = bad.open(folder, on_bad="skip")["train"]
    clean = Bad(bad.source, {**bad.files, next(iter(bad.files)): whole}, (), keys=bad.keys).open(folder)["train"]
    if name == "ts":  # where a series is called by its number in the file
        left, clean = (replace(each, ids=["", ""]) for each in (left, clean))  # type: ignore[type-var]
    assert left.fingerprint() == clean.fingerprint()
    assert clean.skipped == ()


def test_the_archive_by_name_leaves_out_bad_series_too(folder: Path) -> None:
    (series,) = SERIES["a word in a series"].files.values()
    (folder / "ucr" / "Made").mkdir(parents=True)
    for split in ("TRAIN", "TEST"):
        (folder / "ucr" / "Made" / f"Made_{split}.ts").write_bytes(series)
    with pytest.raises(DataError, match=r"Made_TRAIN\.ts:7: sequence '1'"):
        Ucr(dataset="Made").open(Places(folder, folder))
    splits = Ucr(dataset="Made", on_bad="skip").open(Places(folder, folder))
    assert {name: (len(each), len(each.skipped)) for name, each in splits.items()} == {"train": (2, 1), "test": (2, 1)}


@pytest.mark.parametrize("policy", ["error", "skip"])
def test_files_without_a_fault_lose_nothing(folder: Path, policy: str) -> None:
    for bad in (long("a12", "a12"), npz(), manifest(), ts("1:2:down")):
        assert bad.open(folder, on_bad=policy)["train"].skipped == ()


@pytest.mark.parametrize(
    "bad",
    [
        table("sequence_id,x,label\na,,up\nb,inf,up\n"),
        npz(values=VALUES * np.nan),
        ts_file(TS + "x:1:up\n1:?:up\n"),
        manifest(one="", two="", three=""),
    ],
)
def test_to_leave_out_everything_is_an_error(folder: Path, bad: Bad) -> None:
    text = message(bad, folder, on_bad="skip")
    assert "sequences are bad, and none is left; the first: " in text
    assert "\n" not in text


def test_the_label_of_a_bad_sequence_is_no_class(folder: Path) -> None:
    bad = table("sequence_id,x,label\na,1,up\nb,2,down\nc,nan,left\n")
    target = bad.open(folder, on_bad="skip")["train"].signature.known_target
    assert target.names == ("down", "up")


def test_of_several_faults_of_a_sequence_the_first_is_listed(folder: Path) -> None:
    bad = table("sequence_id,x,label\na,1,up\nb,nan,down\nb,word,\nc,1,up\n")
    (skipped,) = bad.open(folder, on_bad="skip")["train"].skipped
    assert (skipped.id, skipped.where) == ("b", "made.csv:4")


def test_a_split_that_is_cut_knows_what_was_left_out_before(folder: Path) -> None:
    rows = "".join(f"s{number},{number},{'ab'[number % 2]}\n" for number in range(40))
    bad = table("sequence_id,x,label\n" + rows + "bad,word,a\n", test_fraction=0.25, on_bad="skip")
    splits = bad.open(folder)
    assert [each.id for each in splits["test"].skipped] == ["bad"]
    assert {name: len(each) for name, each in skipped_by_split(splits).items()} == {"train": 1}


# Size


WIDE = """
import sys
from pathlib import Path
from rnnlab.errors import DataError
from rnnlab.places import Places
from rnnlab.sources.csv_sequences import CsvSequences
from rnnlab.sources.ts_file import TsFile

name = sys.argv[1]
source = TsFile(train=name) if name.endswith(".ts") else CsvSequences(train=name, label="label")
try:
    source.open(Places(Path.cwd(), Path.cwd()))
except DataError as error:
    print(error)
status = Path("/proc/self/status")  # what `resource` says begins with the peak of the process that started this one
peak = [line.split()[1] for line in status.open() if line.startswith("VmHWM")] if status.is_file() else ["0"]
print(int(peak[0]) // 1024)
"""
COLUMNS = "sequence_id,label," + ",".join(f"c{number}" for number in range(MILLION))
MILLIONS = {
    "columns.csv": (COLUMNS + "\na,up" + ",1" * MILLION + "\n", "columns.csv:1: expected at most 50,000 columns"),
    "same.csv": ("x," * MILLION + "\n1\n", "same.csv:1: expected at most 50,000 columns"),
    "garbage.csv": ("?!," * MILLION, "garbage.csv:1: expected at most 50,000 columns"),
    "row.csv": ("sequence_id,x,label\n" + "1," * MILLION + "\n", "row.csv:2: expected 3 fields"),
    "words.csv": ("sequence_id,x,label\na,1,up\n" + "b,word,up\n" * MILLION, "words.csv:3: sequence 'b': column 'x'"),
    "dimensions.ts": (TS + "1:" * MILLION + "up\n" + "x:" * MILLION + "up\n", "dimensions.ts:7: sequence '1'"),
}


@pytest.mark.parametrize("name", MILLIONS)
def test_a_million_of_anything_is_one_line_soon_and_in_bounded_memory(tmp_path: Path, name: str) -> None:
    content, says = MILLIONS[name]
    (tmp_path / name).write_text(content)
    done = subprocess.run(
        [sys.executable, "-c", WIDE, name],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    text, megabytes = done.stdout.splitlines()
    assert text.startswith(says)
    assert int(megabytes) < 1000


# The command line


SPEC = """\
data: {source: SOURCE, train: MADE, validation: {by: none}}
task: {kind: classification}
model: {architecture: stacked_rnn, cell: simple, units: [4]}
training: {epochs: 1, batch_size: 8}
"""
LABELLED = {"data.label": "label"}
COMMANDS = {
    "a word": ("csv_sequences", LABELLED),
    "latin-1": ("csv_sequences", LABELLED),
    "gzip that is not": ("csv_sequences", LABELLED),
    "a listed file that is missing": ("csv_sequences", {**LABELLED, "data.layout": "manifest"}),
    "half an archive": ("npz", {}),
    "an infinite value in an archive": ("npz", {}),
    "a word in a series": ("ts_file", {}),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_train_ends_with_one_line_and_exit_code_2(tmp_path: Path, name: str) -> None:
    source, keys = COMMANDS[name]
    for file, content in TABLE[name].files.items():
        (tmp_path / file).write_bytes(content)
    made = next(iter(TABLE[name].files))
    (tmp_path / "bad.yaml").write_text(SPEC.replace("SOURCE", source).replace("MADE", made))
    settings = [part for key, value in keys.items() for part in ("--set", f"{key}={value}")]
    result = rnnlab("train", "bad.yaml", *settings, folder=tmp_path)
    assert (result.code, result.out) == (2, "")
    first, text = result.error.splitlines()
    assert first == "run folder: runs/bad-001"
    assert all(part in text for part in TABLE[name].says)
    assert not any((tmp_path / "runs").iterdir())


def test_one_class_is_not_enough_to_train_on(tmp_path: Path) -> None:
    (tmp_path / "one.npz").write_bytes(archive(labels=np.array(["a", "a", "a"])))
    (tmp_path / "one.yaml").write_text(SPEC.replace("SOURCE", "npz").replace("MADE", "one.npz"))
    for command in ("train", "check"):
        result = rnnlab(command, "one.yaml", folder=tmp_path)
        assert (result.code, result.out) == (2, "")
        text = result.error.splitlines()[-1]
        assert text.startswith("data: expected training examples of two or more classes; received 3, all of class 'a'")


HOLES = """\
data: {source: csv_sequences, train: train.csv, test: test.csv, label: label, on_bad: skip}
task: {kind: classification}
model: {architecture: stacked_rnn, cell: simple, units: [4]}
training: {epochs: 1, batch_size: 8}
"""


def write_rows(path: Path, *more: str) -> None:
    rows = [f"s{index // 3},{index % 7},{'ab'[index // 3 % 2]}" for index in range(90)]
    path.write_text("\n".join(["sequence_id,x,label", *rows, *more]) + "\n")


@pytest.fixture(scope="module")
def holes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a run whose training file had two bad sequences, and its test file one."""
    lab = tmp_path_factory.mktemp("holes")
    write_rows(lab / "train.csv", "hole,,a", "word,no,b")
    write_rows(lab / "test.csv", "new,1,c")
    write_rows(lab / "good.csv")
    (lab / "holes.yaml").write_text(HOLES)
    return lab


@pytest.fixture(scope="module")
def trained(holes: Path) -> Result:
    result = rnnlab("train", "holes.yaml", folder=holes)
    assert result.code == 0, result.error
    return result


def test_train_says_what_was_left_out_and_lists_it_in_the_run(holes: Path, trained: Result) -> None:
    assert "train: 2 bad sequence(s) left out; runs/holes-001/skipped.csv lists them" in trained.error
    assert "test: 1 bad sequence(s) left out" in trained.error
    assert trained.out.startswith(
        "runs/holes-001: validation split, 6 examples (2 bad left out before the split was cut), "
    )
    with (holes / "runs" / "holes-001" / "skipped.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = [(row["split"], row["id"], row["where"]) for row in rows]
    assert sorted(found) == [
        ("test", "new", "test.csv:92"),
        ("train", "hole", "train.csv:92"),
        ("train", "word", "train.csv:93"),
    ]
    assert all("expected" in row["reason"] and "received" in row["reason"] for row in rows)


def test_a_run_without_bad_sequences_has_no_list(holes: Path, trained: Result) -> None:
    settings = ["--set", "data.train=good.csv", "--set", "data.test="]
    result = rnnlab("train", "holes.yaml", "--run", "runs/good", *settings, folder=holes)
    assert result.code == 0, result.error
    assert "bad" not in result.error + result.out
    assert not (holes / "runs" / "good" / "skipped.csv").exists()


def test_scores_say_how_many_examples_are_left_out(holes: Path, trained: Result) -> None:
    shown = rnnlab("evaluate", "runs/holes-001", folder=holes)
    assert shown.out.startswith("runs/holes-001: test split, 30 examples (1 bad left out), fingerprint ")
    scores = json.loads(rnnlab("evaluate", "runs/holes-001", "--json", folder=holes).out)
    assert (scores["examples"], scores["left_out"]) == (30, 1)
    several = rnnlab("evaluate", "runs/holes-001", "runs/holes-001", folder=holes)
    assert several.out.count("holes-001: 1 bad sequence(s) of this data left out") == 2


def test_check_shows_the_first_bad_sequences(holes: Path) -> None:
    result = rnnlab("check", "holes.yaml", folder=holes)
    assert result.code == 0, result.error
    assert "train: 2 bad sequence(s) left out\n  train.csv:92: sequence 'hole'" in result.out
    refused = rnnlab("check", "holes.yaml", "--set", "data.on_bad=error", folder=holes)
    assert (refused.code, refused.out, len(refused.error.splitlines())) == (2, "", 1)


def test_predict_answers_for_the_rest_and_says_which_have_no_answer(holes: Path, trained: Result) -> None:
    (holes / "new.csv").write_text("sequence_id,x\none,1\ntwo,word\nthree,3\n")
    result = rnnlab("predict", "runs/holes-001", "new.csv", folder=holes)
    assert result.code == 0
    assert [row["id"] for row in csv.DictReader(io.StringIO(result.out))] == ["one", "three"]
    assert "new.csv: 1 bad sequence(s) left out, without an answer:\n  new.csv:3: sequence 'two'" in result.error


def test_a_run_with_bad_sequences_goes_on(holes: Path, trained: Result) -> None:
    settings = ["--run", "runs/holes-001", "--resume", "--set", "training.epochs=2"]
    result = rnnlab("train", *settings, folder=holes)
    assert result.code == 0, result.error
    assert "going on from epoch 2" in result.error
    write_rows(holes / "train.csv", "hole,5,a", "word,no,b")  # one of the two is good now
    result = rnnlab("train", *settings, folder=holes)
    assert result.code == 2
    assert "data, train split: fingerprint" in result.error
