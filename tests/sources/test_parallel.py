"""Pairs of texts are read from two files or one, and what is wrong with them is told with its line."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.places import Places
from rnnlab.sources.parallel import Parallel

PAIRS = [
    ("Ein Hund.", "A dog."),
    ('« Élan », "so"', 'Drive, "so"'),
    ("東京\u2028x", "Tōkyō"),
    ("Ein Hund.", "One dog."),
]
FORMS = {"two files": "", "two gzipped files": ".gz", "a table": ".tsv", "a gzipped table": ".tsv.gz"}


def write(folder: Path, form: str, pairs: list[tuple[str, str]] = PAIRS, name: str = "pairs") -> str | list[str]:
    """Return the names of the files written."""
    if "table" in form:
        contents = {f"{name}{FORMS[form]}": [f"{source}\t{target}" for source, target in pairs]}
    else:
        sides = zip(("de", "en"), zip(*pairs, strict=True), strict=True)
        contents = {f"{name}.{language}{FORMS[form]}": list(lines) for language, lines in sides}
    for each, lines in contents.items():
        content = "".join(f"{line}\n" for line in lines).encode()
        (folder / each).write_bytes(gzip.compress(content) if each.endswith(".gz") else content)
    return next(iter(contents)) if len(contents) == 1 else list(contents)


def splits(folder: Path, train: str | list[str], **keys: Any) -> dict[str, Examples]:
    source = Parallel.model_validate({"train": train, "validation": {"by": "none"}, **keys})
    return source.splits(Places(folder, folder))


def opened(folder: Path, train: str | list[str], **keys: Any) -> Examples:
    return splits(folder, train, **keys)["train"]


def sources(examples: Examples) -> list[str]:
    return [examples.read(index)["text"].tobytes().decode() for index in range(len(examples))]


def pairs_of(examples: Examples) -> list[tuple[str, str]]:
    assert examples.targets is not None
    return list(zip(sources(examples), [text.decode() for text in examples.targets.tolist()], strict=True))


def two_files(folder: Path, source: str | bytes, target: str | bytes) -> list[str]:
    for name, content in (("a.de", source), ("a.en", target)):
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return ["a.de", "a.en"]


@pytest.mark.parametrize("form", FORMS)
def test_every_layout_gives_the_same_pairs(form: str, tmp_path: Path) -> None:
    examples = opened(tmp_path, write(tmp_path, form))
    assert pairs_of(examples) == PAIRS
    assert examples.signature.known_target.kind == "string"
    assert examples.lengths.tolist() == [len(source.encode()) for source, _ in PAIRS]


def test_splits_are_files_or_parts_and_same_sources_may_be_kept_together(tmp_path: Path) -> None:
    train = write(tmp_path, "two files", PAIRS * 5)
    test = write(tmp_path, "a table", [("neu", "new"), ("東京\u2028x", "Tōkyō")], "test")
    given = splits(tmp_path, train, test=test, validation={"by": "given"}, validation_files=write(tmp_path, "a table"))
    assert {name: len(each) for name, each in given.items()} == {"train": 20, "validation": 4, "test": 2}
    cut = splits(tmp_path, train, validation={"fraction": 0.25})
    assert {name: len(each) for name, each in cut.items()} == {"train": 15, "validation": 5}
    grouped = splits(tmp_path, train, validation={"by": "folds", "folds": 3, "grouped": True})
    assert not set(sources(grouped["train"])) & set(sources(grouped["validation"]))


def test_sources_that_stand_in_training_too_are_counted(tmp_path: Path) -> None:
    test = write(tmp_path, "a table", [("neu", "new"), ("Ein Hund.", "A hound.")], "test")
    found = splits(tmp_path, write(tmp_path, "two files"), test=test)
    assert found["test"].notes == ("test: 1 of 2 sources also stand in the training split",)
    assert not found["train"].notes


def test_lines_that_are_empty_on_both_sides_or_behind_the_end_are_passed_over(tmp_path: Path) -> None:
    expected = [("eins", "one"), ("zwei", "two")]
    assert pairs_of(opened(tmp_path, two_files(tmp_path, "eins\n\n zwei \n", "one\n \ntwo\n\n\n"))) == expected
    (tmp_path / "a.tsv").write_text("\neins\tone\r\n \nzwei \t two")
    assert pairs_of(opened(tmp_path, "a.tsv")) == expected


def test_an_encoding_is_given_or_told_by_a_byte_order_mark(tmp_path: Path) -> None:
    text = "Straße\r\nday\r\n"
    for encoding, given in (("latin-1", "latin-1"), ("utf-16", None), ("utf-8-sig", None)):
        files = two_files(tmp_path, text.encode(encoding), text.encode(encoding))
        assert sources(opened(tmp_path, files, encoding=given)) == ["Straße", "day"]


# The source, the target, what is said, and the pairs left with `on_bad: skip`; None where the whole file is at fault.
BAD: dict[str, tuple[str | bytes, str | bytes, str, int | None]] = {
    "no source": ("a\n\nc\n", "x\ny\nz\n", "a.de:2: sequence '1': expected a source beside the target 'y'; rec", 2),
    "no target": ("a\nb\nc\n", "x\ny\n  \n", "a.en:3: sequence '2': expected a text to answer with; received noth", 2),
    "a long target": ("a\nb\n", "x" * 10_001 + "\ny\n", "a.en:1: sequence '0': expected a text of at most 10,000", 1),
    "a line less": ("a\nb\nc\n", "x\ny\n", "expected as many lines in both; received 3 and 2; each line", None),
    "a line less, where another is empty": (
        "a\nb\n\nc\nd\n", "x\ny\nz\nw\n", "received 5 and 4; the first line that is empty in one of them alone", None,
    ),
    "a byte": ("a\nb\n", b"x\ny\xe9\n", "a.en:2: expected utf-8; received the byte 0xe9; is it latin-1", None),
    "a zero": ("a\nb\0b\n", "x\ny\n", "a.de:2: expected text; received a zero byte", None),
    "nothing": ("\n", "\n", "a.de and .*a.en: expected at least one sequence; received none", None),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_fault_is_told_with_its_line_or_left_out(name: str, tmp_path: Path) -> None:
    source, target, told, left = BAD[name]
    files = two_files(tmp_path, source, target)
    with pytest.raises(DataError, match=told) as error:
        opened(tmp_path, files)
    assert len(str(error.value).splitlines()) == 1
    if left is None:
        with pytest.raises(DataError, match=told):
            opened(tmp_path, files, on_bad="skip")
    else:
        examples = opened(tmp_path, files, on_bad="skip")
        assert (len(examples), len(examples.skipped)) == (left, 1)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("one\ttwo\tthree", r"a.tsv:2: sequence '1': expected two columns, .*; received 3: 'one"),
        ("one", r"a.tsv:2: sequence '1': expected two columns, a source, a TAB and a target; received 1: 'one'"),
        ("one\t ", r"a.tsv:2: sequence '1': expected a text to answer with; received nothing"),
        ("\ttwo", r"a.tsv:2: sequence '1': expected a source beside the target 'two'; received nothing"),
    ],
)
def test_a_row_without_exactly_two_texts_is_told_with_its_line_or_left_out(row: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(f"eins\tone\n{row}\nzwei\ttwo\n")
    with pytest.raises(DataError, match=told):
        opened(tmp_path, "a.tsv")
    assert pairs_of(opened(tmp_path, "a.tsv", on_bad="skip")) == [("eins", "one"), ("zwei", "two")]


@pytest.mark.parametrize("gap", [3, 100, 198])
@pytest.mark.parametrize("missing", [0, 1])
def test_where_files_part_is_told_by_the_lengths_of_lines(gap: int, missing: int, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    lengths = random.integers(5, 80, 200)
    sides = [[" x" * int(length) for length in lengths], [" yy" * int(length) for length in lengths]]
    del sides[missing][gap : gap + 2]
    with pytest.raises(DataError, match=r"received (200 and 198|198 and 200); by the lengths") as error:
        opened(tmp_path, two_files(tmp_path, *("\n".join(lines) for lines in sides)))
    line = int(str(error.value).partition("part near line ")[2].partition(";")[0])
    assert abs(line - gap - 1) <= 2


def test_files_that_have_nothing_to_do_with_each_other_part_nowhere(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    sides = ["\n".join("x" * int(length) for length in random.integers(5, 80, count)) for count in (300, 297)]
    with pytest.raises(DataError, match=r"received 300 and 297; each line of one"):
        opened(tmp_path, two_files(tmp_path, *sides))


def test_a_damaged_file_a_folder_and_no_file_are_told(tmp_path: Path) -> None:
    files = write(tmp_path, "two gzipped files", PAIRS * 100)
    whole = (tmp_path / files[1]).read_bytes()
    for damaged in (whole[:-20], b"no gzip", whole[:50] + b"\0\0\0\0" + whole[54:]):
        (tmp_path / files[1]).write_bytes(damaged)
        told = r"pairs\.en\.gz: can't be read: .*; the gzip file is damaged, or a part of one; fetch it anew"
        with pytest.raises(DataError, match=told) as error:
            opened(tmp_path, files)
        assert len(str(error.value).splitlines()) == 1
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="folder: expected a file; received a folder"):
        opened(tmp_path, [files[0], "folder"])
    with pytest.raises(DataError, match=r"data\.train: no such file or folder: none\.en"):
        opened(tmp_path, [files[0], "none.en"])
    with pytest.raises(DataError, match=r"data\.test: no such file or folder: none\.tsv"):
        splits(tmp_path, write(tmp_path, "a table"), test="none.tsv")


@pytest.mark.parametrize("files", [[], ["a"], ["a", "b", "c"]])
def test_another_number_of_files_is_a_mistake_of_the_spec(files: list[str]) -> None:
    with pytest.raises(ValidationError, match=f"expected two files, .*; received {len(files)}"):
        Parallel.model_validate({"train": files})


def test_validation_files_and_the_way_to_validate_go_together() -> None:
    with pytest.raises(ValidationError, match="given needs the key validation_files"):
        Parallel.model_validate({"train": "a.tsv", "validation": {"by": "given"}})
    with pytest.raises(ValidationError, match=r"validation_files is not used with validation\.by: fraction"):
        Parallel.model_validate({"train": "a.tsv", "validation_files": "b.tsv"})


@pytest.mark.parametrize(
    ("content", "expected", "notes"),
    [
        ("Ein Hund.\n\nZwei\n", ["Ein Hund.", "Zwei"], 1),
        ("Ein Hund.\tA dog.\nZwei\tTwo\n", ["Ein Hund.", "Zwei"], 1),
        ("Ein\tHund.\nZwei\n", ["Ein\tHund.", "Zwei"], 0),
    ],
)
def test_what_is_predicted_is_a_text_a_line_or_the_first_of_two_columns(
    content: str, expected: list[str], notes: int, tmp_path: Path
) -> None:
    train = write(tmp_path, "two files")
    (tmp_path / "asked.tsv").write_text(content)
    source = Parallel.model_validate({"train": train})
    read = source.read_input(tmp_path / "asked.tsv", opened(tmp_path, train).signature)
    assert (sources(read), read.targets, read.signature.target) == (expected, None, None)
    assert len(read.notes) == notes


def test_nothing_to_predict_and_an_empty_column_are_refused(tmp_path: Path) -> None:
    train = write(tmp_path, "two files")
    signature, asked = opened(tmp_path, train).signature, tmp_path / "asked.txt"
    for content, told in (
        ("\n", "expected a text a line; received none"),
        ("\ta\nb\tc\n", r"txt:1: .* before the TAB"),
    ):
        asked.write_text(content)
        with pytest.raises(DataError, match=told):
            Parallel.model_validate({"train": train}).read_input(asked, signature)


@pytest.mark.shared
def test_multi30k_is_read() -> None:
    folder = Path(os.environ.get("RNNLAB_DATA_DIR", "nowhere")) / "multi30k"
    if not folder.is_dir():
        pytest.skip("RNNLAB_DATA_DIR has no multi30k")
    names = {"train": "train", "validation_files": "val", "test": "test_2016_flickr"}
    files = {key: [f"{name}.{language}.gz" for language in ("de", "en")] for key, name in names.items()}
    found = splits(folder, validation={"by": "given"}, **files)  # type: ignore[arg-type]
    assert {name: len(each) for name, each in found.items()} == {"train": 29_000, "validation": 1014, "test": 1000}
    assert pairs_of(found["train"])[0] == (
        "Zwei junge weiße Männer sind im Freien in der Nähe vieler Büsche.",
        "Two young, White males are outside near many bushes.",
    )
