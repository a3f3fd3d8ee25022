"""Chords: pitches become the keys of a piano, and what is no chord is named.

Axes: T time, K keys.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlab.errors import DataError
from rnnlab.places import Places
from rnnlab.sources import SOURCES

PIECES = {"train": [[[60, 64, 67], [], [21, 108]], [[62]]], "valid": [[[65], [66]]], "test": [[[60]]]}


def opened(folder: Path, content: Any, **keys: Any) -> Any:
    (folder / "pieces.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return SOURCES.parse({"source": "chords", "file": "pieces.json", **keys}).splits(Places(folder, folder))


def test_a_chord_is_a_frame_of_the_keys_that_sound(tmp_path: Path) -> None:
    splits = opened(tmp_path, PIECES)
    assert set(splits) == {"train", "validation", "test"}
    roll = splits["train"].read(0)["notes"]
    assert roll.shape == (3, 88)
    assert [list(np.flatnonzero(frame)) for frame in roll] == [[39, 43, 46], [], [0, 87]]
    (field,) = splits["train"].signature.inputs
    assert (field.names[0], field.names[39], field.names[87]) == ("A0", "C4", "C8")
    assert splits["train"].signature.target == field


def test_one_list_of_pieces_is_cut(tmp_path: Path) -> None:
    splits = opened(tmp_path, [[[60 + number]] for number in range(10)], validation={"by": "fraction", "fraction": 0.3})
    assert (len(splits["train"]), len(splits["validation"])) == (7, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected JSON"),
        ('"text"', "expected splits of lists of pieces, or one list"),
        ({"train": 1}, "expected splits of lists of pieces, or one list"),
        ({"train": [[[60]]], "other": []}, "expected train, valid, validation, test; received 'train, other'"),
        ({"train": [[[60], [60, 20]]]}, "train.0, chord 1: .*expected MIDI pitches from 21 to 108; received 20"),
        ({"train": [[[60.5]]]}, "expected MIDI pitches from 21 to 108; received 60.5"),
        ({"train": [[[True]]]}, "expected MIDI pitches from 21 to 108; received true"),
        ({"train": [[]]}, "expected a list of chords"),
        ({"train": []}, "expected at least one sequence"),
    ],
    ids=str,
)
def test_what_is_no_music_is_a_clear_error(content: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        opened(tmp_path, content, validation={"by": "none"})


def test_a_bad_piece_is_left_out_where_that_is_wanted(tmp_path: Path) -> None:
    splits = opened(tmp_path, {"train": [[[60]], [[200]], []]}, on_bad="skip", validation={"by": "none"})
    assert list(splits["train"].ids) == ["train.0"]
    assert [each.id for each in splits["train"].skipped] == ["train.1", "train.2"]


def test_a_file_to_predict_may_hold_splits_or_a_list(tmp_path: Path) -> None:
    source = SOURCES.parse({"source": "chords", "file": "pieces.json"})
    path = tmp_path / "other.json"
    for content, count in ((PIECES, 4), (PIECES["train"], 2)):
        path.write_text(json.dumps(content))
        assert len(source.read_input(path, opened(tmp_path, PIECES)["train"].signature)) == count
