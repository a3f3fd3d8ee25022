"""Files of tokens and tags: their layouts, and what is wrong with them by file and line."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlab.errors import DataError
from rnnlab.examples import Examples, Subset
from rnnlab.places import Places
from rnnlab.sources.conll import Conll

TWO = "Anna\tB-person\nlives\tO\n\nin\tO\nNew York\tB-place\n"


def source(train: str = "train.conll", **keys: Any) -> Conll:
    return Conll.model_validate({"train": train, "validation": {"by": "none"}, **keys})


def read(folder: Path, text: str | bytes, **keys: Any) -> Examples:
    (folder / "train.conll").write_bytes(text.encode() if isinstance(text, str) else text)
    return source(**keys).splits(Places(folder, folder))["train"]


def words_of(examples: Examples) -> list[list[str]]:
    return [[word.decode() for word in examples.read(index)["words"].tolist()] for index in range(len(examples))]


def tags_of(examples: Examples) -> list[list[str]]:
    names, targets = examples.signature.known_target.names, np.asarray(examples.known_targets)
    return [[names[int(tag)] for tag in row[:length]] for row, length in zip(targets, examples.lengths, strict=True)]


def test_tokens_may_hold_spaces_where_tabs_separate(tmp_path: Path) -> None:
    found = read(tmp_path, TWO)
    assert words_of(found) == [["Anna", "lives"], ["in", "New York"]]
    assert tags_of(found) == [["B-person", "O"], ["O", "B-place"]]
    assert found.signature.found == (("separator", "tab"),)


def test_white_space_separates_where_there_is_no_tab(tmp_path: Path) -> None:
    found = read(tmp_path, "EU NNP  B-ORG\nrejects VBZ O\n")
    assert words_of(found) == [["EU", "rejects"]]
    assert tags_of(found) == [["B-ORG", "O"]]


@pytest.mark.parametrize("between", ["\n", "\t\n", "  \n", "\n\n\t\n", "\n-DOCSTART-\tO\n\n", "-DOCSTART-\tO\n"])
def test_a_sentence_ends_with_an_empty_line_or_one_of_white_space_or_a_document(tmp_path: Path, between: str) -> None:
    assert words_of(read(tmp_path, f"one\tO\n{between}two\tB-x\n{between}")) == [["one"], ["two"]]


def test_columns_are_chosen_by_number(tmp_path: Path) -> None:
    found = read(tmp_path, "1 Anna NNP B-person _\n2 sings VBZ O _\n", token=2, tag=3)
    assert words_of(found) == [["Anna", "sings"]]
    assert tags_of(found) == [["NNP", "VBZ"]]


def test_the_separator_can_be_said(tmp_path: Path) -> None:
    assert words_of(read(tmp_path, "a b\tO\n", separator="tab")) == [["a b"]]
    assert words_of(read(tmp_path, "a\tO\nb\tX\n", separator="space")) == [["a", "b"]]


def test_other_encodings_line_ends_and_packed_files_are_read(tmp_path: Path) -> None:
    assert words_of(read(tmp_path, "Zoë\tB-x\r\nist\tO\r\n".encode("latin-1"), encoding="latin-1")) == [["Zoë", "ist"]]
    (tmp_path / "train.conll.gz").write_bytes(gzip.compress("Zoë\tB-x\n".encode("utf-8-sig")))
    packed = source("train.conll.gz").splits(Places(tmp_path, tmp_path))["train"]
    assert words_of(packed) == [["Zoë"]]


def test_tags_are_padded_with_minus_one_and_cut_with_their_examples(tmp_path: Path) -> None:
    found = read(tmp_path, "a\tO\n\nb\tO\nc\tB-x\nd\tI-x\n")
    assert found.known_targets.tolist() == [[2, -1, -1], [2, 0, 1]]
    assert tags_of(Subset(found, np.array([1]))) == [["O", "B-x", "I-x"]]
    assert found.fingerprint() != read(tmp_path, "a\tO\n\nb\tO\nc\tB-x\nd\tB-x\n\ne\tI-x\n").fingerprint()


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("a\tO\nb\n", 2, "expected 2 columns or more; received 1"),
        ("a\n", 1, "expected 2 columns or more; received 1"),
        ("a\tx\tO\n\nb\tO\n", 3, "expected 3 columns, as in the file's first line; received 2"),
        ("a\tO\n\tO\n", 2, "column 1: expected a token; received nothing"),
        ("a\tO\nb\t \n", 2, "column 2: expected a tag; received nothing"),
        (f"{'a' * 2000}\tO\n", 1, "expected a token of at most 1,000 bytes; received 2,000"),
    ],
)
def test_what_is_wrong_is_told_by_file_and_line(tmp_path: Path, text: str, line: int, told: str) -> None:
    with pytest.raises(DataError) as error:
        read(tmp_path, text)
    assert f"train.conll:{line}: " in str(error.value)
    assert told in str(error.value)


def test_a_tag_that_training_has_not_seen_is_told_by_line(tmp_path: Path) -> None:
    (tmp_path / "test.conll").write_text("a\tO\n\nb\tO\nc\tB-peron\n")
    (tmp_path / "train.conll").write_text(TWO)
    with pytest.raises(DataError, match=r"test\.conll:4: .*expected a tag of the training data.*received 'B-peron'"):
        source(test="test.conll").splits(Places(tmp_path, tmp_path))


def test_bad_sentences_can_be_left_out(tmp_path: Path) -> None:
    found = read(tmp_path, f"a\tO\nb\n\n{TWO}\nc\tB-x\n\t\td\n", on_bad="skip")
    assert words_of(found) == [["Anna", "lives"], ["in", "New York"]]
    assert found.signature.known_target.names == ("B-person", "B-place", "O")
    assert [each.where.rpartition(":")[2] for each in found.skipped] == ["2", "11"]


def test_what_is_no_text_or_has_no_sentence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.conll:2: expected utf-8; received the byte 0xeb"):
        read(tmp_path, "a\tO\nZoë\tO\n".encode("latin-1"))
    with pytest.raises(DataError, match="expected at least one sentence; received none"):
        read(tmp_path, "\n\t\n-DOCSTART- O\n")


def test_a_file_to_predict_needs_no_tags_and_is_cut_as_training_was(tmp_path: Path) -> None:
    signature = read(tmp_path, TWO).signature
    for text in ("in\nNew York\n\nnow\n", "in\tO\nNew York\tB-place\n\nnow\t?\n"):
        (tmp_path / "asked.conll").write_text(text)
        found = source().read_input(tmp_path / "asked.conll", signature)
        assert words_of(found) == [["in", "New York"], ["now"]]
        assert found.targets is None


@pytest.mark.shared
def test_the_wnut_data_is_read_in_full() -> None:
    import os

    folder = Path(os.environ.get("RNNLAB_DATA_DIR", "nowhere"))
    if not (folder / "wnut17").is_dir():
        pytest.skip("RNNLAB_DATA_DIR has no wnut17")
    files = {"validation_file": "wnut17/emerging.dev.conll", "test": "wnut17/emerging.test.annotated"}
    keys = {**files, "validation": {"by": "given"}}
    splits = source("wnut17/wnut17train.conll", **keys).splits(Places(folder, folder))
    assert {name: len(each) for name, each in splits.items()} == {"train": 3394, "validation": 1009, "test": 1287}
    assert {name: int(each.lengths.sum()) for name, each in splits.items()} == {
        "train": 62730,
        "validation": 15733,
        "test": 23394,
    }
