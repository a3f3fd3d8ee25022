"""Lists in a folder: every list is cut alike, and no entry of one stands on two sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.places import Places
from rnnlab.sources.lists import Lists


def made(folder: Path, **lists: int) -> Path:
    """Write lists of so many entries each, `name 0`, `name 1`, …, and something that is no list."""
    folder.mkdir(exist_ok=True)
    for name, count in lists.items():
        (folder / f"{name}.txt").write_text("".join(f"{name} {number}\n" for number in range(count)))
    (folder / "LICENSE").write_text("no list")
    return folder


def opened(folder: Path, **keys: Any) -> dict[str, Examples]:
    source = Lists.model_validate({"folder": folder.name, **keys})
    return source.splits(Places(folder.parent, folder.parent))


def pairs(examples: Examples) -> list[tuple[str, str]]:
    targets = [text.decode() for text in np.asarray(examples.targets).tolist()]
    return [(examples.read(index)["text"].tobytes().decode(), text) for index, text in enumerate(targets)]


def test_the_name_of_a_list_goes_in_and_an_entry_is_asked_for(tmp_path: Path) -> None:
    found = opened(made(tmp_path / "lists", one=10, two=30))
    every = [pair for examples in found.values() for pair in pairs(examples)]
    assert sorted(every) == sorted(
        (name, f"{name} {n}") for name, count in (("one", 10), ("two", 30)) for n in range(count)
    )
    assert list(found) == ["train", "test", "validation"]
    assert found["train"].signature.known_target.kind == "string"
    assert found["train"].ids[0] == "one.txt:1"


def test_every_list_is_cut_in_the_same_shares(tmp_path: Path) -> None:
    found = opened(made(tmp_path / "lists", few=10, many=200), test_share=0.2, validation_share=0.1)
    counts = {
        name: [sum(key == each for key, _ in pairs(examples)) for each in ("few", "many")]
        for name, examples in found.items()
    }
    assert counts == {"train": [7, 140], "test": [2, 40], "validation": [1, 20]}


def test_no_entry_of_a_list_stands_on_two_sides_even_where_it_is_there_twice(tmp_path: Path) -> None:
    folder = made(tmp_path / "lists", one=40)
    (folder / "one.txt").write_text("a\nb\n a \n\nc\n" * 30 + "".join(f"{n}\n" for n in range(20)))
    (folder / "two.txt").write_text("a\nb\nz\n")
    found = opened(folder)
    every = [pair for examples in found.values() for pair in pairs(examples)]
    assert len(set(every)) == len(every) == 23 + 3
    assert found["train"].notes == ("117 entries stand in their list before, and count once",)


def test_equal_entries_of_several_lists_are_a_group(tmp_path: Path) -> None:
    folder = made(tmp_path / "lists")
    for name in ("one", "two"):
        (folder / f"{name}.txt").write_text("".join(f"same {number}\n" for number in range(40)))
    cut = opened(folder, test_share=0.0, validation={"by": "fraction", "fraction": 0.25, "grouped": True})
    sides = [{text for _, text in pairs(cut[name])} for name in ("train", "validation")]
    assert set(cut) == {"train", "validation"}
    assert not sides[0] & sides[1]
    assert [len(cut[name]) for name in ("train", "validation")] == [60, 20]


def test_one_entry_of_the_shortest_list_is_left_to_train_on(tmp_path: Path) -> None:
    found = opened(made(tmp_path / "lists", one=1, two=2, many=50), test_share=0.6, validation_share=0.3)
    assert {key for key, _ in pairs(found["train"])} == {"one", "two", "many"}


def test_the_cut_is_the_same_on_every_machine_and_another_seed_cuts_elsewhere(tmp_path: Path) -> None:
    folder = made(tmp_path / "lists", one=30)
    assert [text for _, text in pairs(opened(folder)["test"])] == TESTED
    assert pairs(opened(folder, seed=1)["test"]) != pairs(opened(folder)["test"])


TESTED = ["one 3", "one 11", "one 20"]


def test_names_of_lists_to_predict_are_lines(tmp_path: Path) -> None:
    folder = made(tmp_path / "lists", one=30)
    (folder / "two words.txt").write_text("an entry\n" + "another\n")
    (tmp_path / "asked.txt").write_text("one\n\n two words \n\n")
    read = Lists(folder="lists").read_input(tmp_path / "asked.txt", opened(folder)["train"].signature)
    assert [read.read(index)["text"].tobytes() for index in range(2)] == [b"one", b"two words"]
    assert read.notes == ["1 empty line(s) passed over; answers are of the others"]
    assert [each.rpartition("/")[2] for each in read.locations] == ["asked.txt:1", "asked.txt:3"]
    (tmp_path / "asked.txt").write_text("\n")
    with pytest.raises(DataError, match="expected the name of a list a line; received none"):
        Lists(folder="lists").read_input(tmp_path / "asked.txt", opened(folder)["train"].signature)


def test_a_list_that_training_has_not_seen_is_told_or_left_out(tmp_path: Path) -> None:
    signature, asked = opened(made(tmp_path / "lists", Irish=30, Welsh=30))["train"].signature, tmp_path / "asked.txt"
    asked.write_text("irish\n\nIrisch\nWelsh\n")
    with pytest.raises(DataError, match=r"asked\.txt:3: .* training has seen; received 'Irisch'; did you mean 'Irish'"):
        Lists(folder="lists").read_input(asked, signature)
    read = Lists(folder="lists", on_bad="skip").read_input(asked, signature)
    assert ([each.where.rpartition(":")[2] for each in read.skipped], list(read.ids)) == (["3"], ["0", "2"])


def test_a_bad_entry_is_told_with_its_line_or_left_out(tmp_path: Path) -> None:
    folder = made(tmp_path / "lists", one=30)
    with (folder / "one.txt").open("a") as file:
        file.write("x" * 10_001 + "\n")
    with pytest.raises(DataError, match=r"one\.txt:31: .*expected a text of at most 10,000 bytes"):
        opened(folder)
    found = opened(folder, on_bad="skip")
    assert sum(map(len, found.values())) == 30
    assert [each.id for each in found["train"].skipped] == ["one.txt:31"]


def test_an_encoding_is_checked(tmp_path: Path) -> None:
    folder = made(tmp_path / "lists", one=30)
    (folder / "two.txt").write_bytes("é\nb\nc\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"two\.txt:1: expected utf-8; received the byte 0xe9; is it latin-1"):
        opened(folder)
    assert ("two", "é") in [pair for each in opened(folder, encoding="latin-1").values() for pair in pairs(each)]


def test_what_is_no_folder_of_lists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected lists, files that end in \.txt; received none"):
        opened(made(tmp_path / "empty"))
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="expected a folder of lists; received a file"):
        opened(tmp_path / "file")
    folder = made(tmp_path / "lists", one=30, none=0)
    with pytest.raises(DataError, match=r"none\.txt: expected an entry a line; received none; remove the file"):
        opened(folder)
    with pytest.raises(DataError, match="the test split has no entry; make its share larger"):
        opened(made(tmp_path / "short", one=2))


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"test_share": 0.6, "validation_share": 0.5}, r"leave something to train on; received 0\.6 \+ 0\.5"),
        ({"validation": {"by": "none"}, "validation_share": 0.2}, "does nothing while 'validation' is"),
        ({"encoding": "klingon"}, "expected an encoding such as utf-8"),
    ],
)
def test_mistakes_of_a_spec_are_told(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Lists.model_validate({"folder": "lists", **keys})
