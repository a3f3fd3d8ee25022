"""Plain text: every character stands in one split, in order; what can't be read is named."""

from __future__ import annotations

import gzip
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.places import Places
from rnnlab.sources import SOURCES
from rnnlab.sources.plain_text import _stretch


def opened(folder: Path, **keys: Any) -> dict[str, Examples]:
    return SOURCES.parse({"source": "plain_text", **keys}).splits(Places(folder, folder))


def texts(examples: Examples) -> list[str]:
    return [examples.read(index)["text"].tobytes().decode() for index in range(len(examples))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"b.txt": "bürger" * 5, "a.txt": "a" * 50, "c.md": "# c", "empty.txt": ""}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_folder_is_read_in_the_order_of_names_and_the_end_of_the_characters_validates(folder: Path) -> None:
    splits = opened(folder, files=str(folder), validation={"cut": 0.25})
    assert list(splits["train"].ids) == ["a.txt", "b.txt"]
    assert texts(splits["train"]) == ["a" * 50, ("bürger" * 5)[:10]]
    assert texts(splits["validation"]) == [("bürger" * 5)[10:]]
    assert splits["train"].signature.target == splits["train"].signature.inputs[0]


def test_a_pattern_says_which_files_are_read(folder: Path) -> None:
    assert texts(opened(folder, files=".", pattern="*.md", validation={"by": "none"})["train"]) == ["# c"]
    with pytest.raises(DataError, match=r"no file matches data.pattern, '\*.py'"):
        opened(folder, files=".", pattern="*.py")


@given(st.lists(st.text(max_size=20), min_size=1, max_size=6), st.lists(st.integers(0, 120), max_size=4))
def test_stretches_of_texts_lie_end_to_end(documents: list[str], cuts: list[int]) -> None:
    whole = "".join(documents)
    edges = [0, *sorted(min(each, len(whole)) for each in cuts), len(whole)]
    named = [(str(number), text) for number, text in enumerate(documents)]
    parts = [_stretch(named, begin, end) for begin, end in pairwise(edges)]
    assert "".join(text for part in parts for _, text in part) == whole
    assert [sum(len(text) for _, text in part) for part in parts] == [end - begin for begin, end in pairwise(edges)]


def test_a_test_split_is_cut_before_validation_is(tmp_path: Path) -> None:
    (tmp_path / "all.txt").write_text("".join(chr(200 + number) for number in range(100)))
    splits = opened(tmp_path, files="all.txt", test_fraction=0.2, validation={"cut": 0.25})
    assert "".join(texts(splits["train"]) + texts(splits["validation"]) + texts(splits["test"])) == "".join(
        chr(200 + number) for number in range(100)
    )
    assert [len(texts(splits[name])[0]) for name in ("train", "validation", "test")] == [60, 20, 20]


def test_every_character_validates_in_one_fold(tmp_path: Path) -> None:
    text = "".join(chr(300 + number) for number in range(103))
    (tmp_path / "all.txt").write_text(text)
    found = ""
    for fold in range(4):
        splits = opened(tmp_path, files="all.txt", validation={"by": "folds", "folds": 4, "fold": fold})
        (part,) = texts(splits["validation"])
        found += part
        assert sorted("".join(texts(splits["train"])) + part) == sorted(text)
    assert found == text


def test_splits_may_have_files_of_their_own(folder: Path) -> None:
    splits = opened(
        folder,
        files="a.txt",
        validation_files=["b.txt"],
        test_files="c.md",
        validation={"by": "given"},
    )
    assert {name: texts(each) for name, each in splits.items()} == {
        "train": ["a" * 50],
        "validation": ["bürger" * 5],
        "test": ["# c"],
    }


def test_the_library_of_python_is_text_too(tmp_path: Path) -> None:
    splits = opened(tmp_path, files="python")
    names = [*splits["train"].ids, *splits["validation"].ids]
    assert "ast.py" in names
    assert names == sorted(names)
    assert sum(map(len, texts(splits["validation"]))) / splits["train"].lengths.sum() == pytest.approx(1 / 9, abs=0.02)


def test_zipped_files_and_other_encodings_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("straße".encode("latin-1")))
    splits = opened(tmp_path, files="a.txt.gz", encoding="latin-1", validation={"by": "none"})
    assert texts(splits["train"]) == ["straße"]


def test_what_is_no_text_is_named_with_its_line_or_left_out(folder: Path) -> None:
    (folder / "d.txt").write_bytes(b"one\ntwo \xff")
    with pytest.raises(DataError, match=r"d.txt:2: expected utf-8; received the byte 0xff"):
        opened(folder, files=".")
    splits = opened(folder, files=".", on_bad="skip", validation={"by": "none"})
    assert [each.id for each in splits["train"].skipped] == ["d.txt"]
    assert list(splits["train"].ids) == ["a.txt", "b.txt"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"files": "missing.txt"}, "data.files: no such file or folder: missing.txt"),
        ({"files": "empty.txt"}, "data.files: expected text; received 1 file"),
        ({"files": "c.md", "validation": {"cut": 0.01}}, None),
        ({"files": "c.md", "validation": {"by": "folds", "folds": 9, "fold": 0}}, "nothing is left for the validation"),
    ],
)
def test_text_that_is_not_there_is_a_clear_error(folder: Path, keys: dict[str, Any], message: str | None) -> None:
    if message is None:
        assert opened(folder, **keys)["validation"].lengths.sum() == 1
        return
    with pytest.raises(DataError, match=re.escape(message)):
        opened(folder, **keys)


@pytest.mark.parametrize(
    "keys",
    [
        {"validation_files": "b.txt"},
        {"validation": {"by": "given"}},
        {"test_files": "b.txt", "test_fraction": 0.1},
        {"validation": {"by": "none", "cut": 0.3}},
        {"encoding": "latin-99"},
    ],
    ids=str,
)
def test_keys_that_would_do_nothing_are_mistakes(keys: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - what each says stands in the source
        SOURCES.parse({"source": "plain_text", "files": "a.txt", **keys})


def test_a_file_to_predict_is_read_as_one_text(folder: Path) -> None:
    source = SOURCES.parse({"source": "plain_text", "files": "a.txt"})
    signature = source.splits(Places(folder, folder))["train"].signature
    assert texts(source.read_input(folder / "b.txt", signature)) == ["bürger" * 5]
    with pytest.raises(DataError, match="expected text; received nothing"):
        source.read_input(folder / "empty.txt", signature)
