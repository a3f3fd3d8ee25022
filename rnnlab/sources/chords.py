"""Chords: pieces of music as lists of chords of MIDI pitches, in JSON, as the Bach chorales are passed around.

Axes: T time, K keys.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab import bounded
from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.midi import KEYS, LOWEST, key_name
from rnnlab.places import Places
from rnnlab.signature import Field as InputField
from rnnlab.signature import Signature
from rnnlab.sources import SequenceSource, Validation
from rnnlab.sources._checks import BadSequences, OnBad, shown_path
from rnnlab.strict import shown

MOST_BYTES = 2**30
NOTES = InputField("notes", "notes", (KEYS,), tuple(key_name(LOWEST + key) for key in range(KEYS)))
SPLITS = {"train": "train", "valid": "validation", "validation": "validation", "test": "test"}


class Chords(SequenceSource):
    """Pieces of music, each a list of chords, each a list of the MIDI pitches that sound, 21 to 108; a rest is empty.

    The file is a JSON object of `train`, `valid` and `test`, lists of pieces; or one list, which all trains. A piece
    becomes frames of the piano's 88 keys, 1 where a key sounds (Boulanger-Lewandowski et al. 2012).
    """

    file: str = Field(description="the JSON file")
    validation: Validation = Field(
        default_factory=lambda: Validation(by="given"), description="how validation pieces are found"
    )

    def open(self, places: Places) -> dict[str, Examples]:
        path = places.find(self.file, "data.file")
        read = _load(path)
        if isinstance(read, list):
            read = {"train": read}
        if {"valid", "validation"} <= read.keys():
            raise DataError(f"{shown_path(path)}: expected one validation split; received both valid and validation")
        unknown = [name for name in read if name not in SPLITS]
        if unknown or "train" not in read:
            raise DataError(f"{shown_path(path)}: expected {', '.join(SPLITS)}; received {shown(', '.join(read))}")
        return {SPLITS[name]: _pieces(path, pieces, f"{name}.", self.on_bad) for name, pieces in read.items()}

    def read_input(self, path: Path, signature: Signature) -> Examples:
        read = _load(path)
        pieces = [each for split in read.values() for each in split] if isinstance(read, dict) else read
        return _pieces(path, pieces, "", self.on_bad)


def _load(path: Path) -> Any:
    """Return a JSON file's object or list.

    Raises:
        DataError: it can't be read, or is neither.
    """
    try:
        found = json.loads(bounded.read_bytes(path, MOST_BYTES))
    except OSError as error:
        raise DataError(f"{shown_path(path)}: can't be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{shown_path(path)}: expected JSON: {error}") from None
    if not isinstance(found, list | dict) or (isinstance(found, dict) and not all(map(_is_list, found.values()))):
        raise DataError(f"{shown_path(path)}: expected splits of lists of pieces, or one list; received {shown(found)}")
    return found


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _pieces(path: Path, pieces: list[Any], prefix: str, on_bad: OnBad) -> FlatExamples:
    ids = [f"{prefix}{number}" for number in range(len(pieces))]
    where = [f"{shown_path(path)}: {each}" for each in ids]
    bad = BadSequences(on_bad, ids)
    rolls = [_roll(piece, number, where[number], bad) for number, piece in enumerate(pieces)]
    examples = FlatExamples.from_sequences(Signature((NOTES,), NOTES), ids, rolls, locations=where)
    return bad.left(examples, shown_path(path))


def _roll(piece: Any, number: int, where: str, bad: BadSequences) -> NDArray[np.float32]:
    """Return a piece as frames of keys, (T, K) of 0 and 1; of a bad one something, after saying so."""
    if not isinstance(piece, list) or not piece:
        bad.add(number, where, f"expected a list of chords; received {shown(piece)}")
        return np.zeros((1, KEYS), np.float32)
    roll = np.zeros((len(piece), KEYS), np.float32)
    for step, chord in enumerate(piece):
        pitches = chord if isinstance(chord, list) else [chord]
        wrong = [each for each in pitches if type(each) is not int or not LOWEST <= each < LOWEST + KEYS]
        if wrong:
            expected = f"MIDI pitches from {LOWEST} to {LOWEST + KEYS - 1}"
            bad.add(number, f"{where}, chord {step}", f"expected {expected}; received {shown(wrong[0])}")
            continue
        roll[step, [each - LOWEST for each in pitches]] = 1
    return roll
