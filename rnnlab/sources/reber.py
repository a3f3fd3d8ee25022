"""Strings of the embedded Reber grammar, and strings with a mistake: made by a seeded generator, no files.

In a string of the embedded grammar, the second symbol and the last but one are the same, T or P, whatever string of the
inner grammar stands between them: a network that forgets can't tell.

References: Reber, "Implicit learning of artificial grammars", 1967; Hochreiter and Schmidhuber, "Long short-term
memory", 1997, experiment 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.places import Places
from rnnlab.signature import Field as ExampleField
from rnnlab.signature import Signature
from rnnlab.sources import SequenceSource
from rnnlab.sources._checks import shown_path
from rnnlab.sources._texts import TEXT, read_text

# The symbols that lead on from each state of the inner grammar, and the state that they lead to; 7 is the end.
INNER = (
    (("B", 1),),
    (("T", 2), ("P", 3)),
    (("S", 2), ("X", 4)),
    (("T", 3), ("V", 5)),
    (("X", 3), ("S", 6)),
    (("P", 4), ("V", 6)),
    (("E", 7),),
)
END = 7
SYMBOLS = "BEPSTVX"
TARGET = ExampleField("label", "class", (), ("grammatical", "with a mistake"))
MOST_STRINGS = 10_000  # all different: more take minutes to find


class Reber(SequenceSource):
    """Strings of the embedded Reber grammar, half of them with one symbol changed; every string is there once."""

    train: int = Field(2000, ge=2, le=MOST_STRINGS, description="strings to train on")
    test: int = Field(1000, ge=2, le=MOST_STRINGS, description="strings to test on")
    seed: int = Field(0, ge=0, description="seed of the strings")

    @classmethod
    def gives_text(cls, keys: object) -> bool:
        return True

    def open(self, places: Places) -> dict[str, Examples]:
        if self.validation.by == "given":
            raise DataError("data.validation.by: given, but strings are made: use fraction, folds or none")
        strings, wrong = make_strings(self.train + self.test, self.seed)
        train = self.train
        return {"train": _examples(strings[:train], wrong[:train]), "test": _examples(strings[train:], wrong[train:])}

    def read_input(self, path: Path, signature: Signature) -> Examples:
        """Return the strings of a text file, one a line."""
        strings = [line.strip() for line in read_text(path, None).splitlines() if line.strip()]
        if not strings:
            raise DataError(f"{shown_path(path)}: expected a string a line; received none")
        return _examples(strings, None)


def make_strings(count: int, seed: int) -> tuple[list[str], NDArray[np.int64]]:
    """Return so many different strings in random order, and which of them have a mistake."""
    generator = np.random.default_rng(seed)
    found: dict[str, int] = {}
    while len(found) < count:
        wrong = len(found) % 2
        string = embedded_string(generator)
        made = _changed(string, generator) if wrong else string
        if made is not None:
            found.setdefault(made, wrong)
    order = generator.permutation(count)
    strings = list(found)
    return [strings[int(index)] for index in order], np.array(list(found.values()), np.int64)[order]


def embedded_string(generator: np.random.Generator) -> str:
    """Return a string of the embedded grammar."""
    symbol = "TP"[int(generator.integers(2))]
    return f"B{symbol}{_inner_string(generator)}{symbol}E"


def _inner_string(generator: np.random.Generator) -> str:
    state, symbols = 0, []
    while state != END:
        leads = INNER[state]
        symbol, state = leads[int(generator.integers(len(leads)))]
        symbols.append(symbol)
    return "".join(symbols)


def _changed(string: str, generator: np.random.Generator) -> str | None:
    """Return the string with one symbol changed, or None where it is still one of the grammar."""
    place = int(generator.integers(len(string)))
    others = SYMBOLS.replace(string[place], "")
    changed = string[:place] + others[int(generator.integers(len(others)))] + string[place + 1 :]
    return None if is_grammatical(changed) else changed


def is_grammatical(string: str) -> bool:
    """Return whether the embedded grammar makes this string."""
    inside = string[2:-2]
    if string[:1] != "B" or string[-1:] != "E" or string[1:2] != string[-2:-1] or string[1:2] not in ("T", "P"):
        return False
    state = 0
    for symbol in inside:
        following = dict(INNER[state]).get(symbol) if state != END else None
        if following is None:
            return False
        state = following
    return state == END


def _examples(strings: list[str], wrong: NDArray[np.int64] | None) -> FlatExamples:
    ids = [str(number) for number in range(len(strings))]
    values: list[Any] = [np.frombuffer(string.encode(), np.uint8) for string in strings]
    signature = Signature((TEXT,), TARGET if wrong is not None else None)
    return FlatExamples.from_sequences(signature, ids, values, wrong)
