"""Lists in a folder, a file each: what the list is of, such as a nationality, and its entries, such as names.

Axes: N entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples, Subset
from rnnlab.places import Places
from rnnlab.signature import Field as ExampleField
from rnnlab.signature import Signature
from rnnlab.sources import SequenceSource, Validation
from rnnlab.sources._checks import BadSequences, near, shown_path
from rnnlab.sources._targets import text_target
from rnnlab.sources._texts import TEXT, Encoding, lines_to_answer, read_text
from rnnlab.strict import shown

SUFFIX = ".txt"


@dataclass
class _Entries:
    """What the lists hold, entry by entry, none twice in a list.

    Attributes:
        lists: (N,) the list's number.
        texts, places: (N,).
        twice: how many entries were left out, as their list has them already.
    """

    lists: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    twice: int = 0


class Lists(SequenceSource):
    """A folder of lists: each `.txt` file is one, an entry a line, and its name says what the entries are.

    The name goes in, an entry is asked for: of `Irish.txt` in goes `Irish`. Each list is cut into training, validation
    and test in the same shares. An entry that stands twice in a list counts once; one that stands in several lists is
    an example of each. Equal entries are a group.
    """

    folder: str = Field(description="the folder of the lists")
    test_share: float = Field(
        0.1, ge=0, lt=1, description="the part of each list that tests; 0: there is no test split"
    )
    validation_share: float = Field(
        0.1, gt=0, lt=1, description="the part of each list that validates, for `validation.by: given`"
    )
    seed: int = Field(0, ge=0, description="seed of the cut")
    encoding: Encoding = None
    validation: Validation = Field(
        default_factory=lambda: Validation(by="given"),
        description="how validation entries are found; `given`: a part of each list",
    )

    idle_unless = MappingProxyType({"validation_share": ("validation", lambda how: how.by == "given")})

    @model_validator(mode="after")
    def _leaves_something(self) -> Lists:
        if self.validation.by == "given" and self.test_share + self.validation_share >= 1:
            raise ValueError(
                f"expected test_share and validation_share to leave something to train on; received "
                f"{self.test_share:g} + {self.validation_share:g}"
            )
        return self

    @classmethod
    def gives_text(cls, keys: object) -> bool:
        return True

    def open(self, places: Places) -> dict[str, Examples]:
        folder = places.find(self.folder, "data.folder")
        names, found = self._read(folder)
        ids = [place.rpartition("/")[2] for place in found.places]  # Irish.txt:17
        bad = BadSequences(self.on_bad, ids)
        target, targets = text_target(found.texts, found.places.__getitem__, bad)
        every = bad.left(_examples(names, found, ids, target, targets), shown_path(folder))
        kept = np.array([index for index in range(len(ids)) if index not in bad], np.int64)
        splits: dict[str, Examples] = {}
        for name, own in self._shares(np.array(found.lists)[kept]).items():
            if not len(own):
                raise DataError(f"{shown_path(folder)}: the {name} split has no entry; make its share larger")
            splits[name] = Subset(every, own)
        return splits

    def read_input(self, path: Path, signature: Signature) -> Examples:
        """Return the names of lists in a text file, one a line: an entry is to be found for each.

        A name of which training has seen no entry is a bad sequence; capitals do not matter.
        """
        lines, known = lines_to_answer(path, self.encoding, "the name of a list"), signature.inputs[0].names
        texts, seen = [line.strip() for line in lines.texts], {name.casefold() for name in known}
        bad = BadSequences(self.on_bad, [str(number) for number in range(len(texts))])
        for index, text in enumerate(texts):
            if text.casefold() not in seen:
                expected = f"expected the name of a list that training has seen; received {shown(text)}"
                bad.add(index, lines.places[index], f"{expected}{near(text, known)}")
        values = [_encoded(text) for text in texts]
        examples = FlatExamples.from_sequences(Signature((_text(known),)), bad.ids, values, locations=lines.places)
        return replace(bad.left(examples, shown_path(path)), notes=lines.notes)

    def _read(self, folder: Path) -> tuple[list[str], _Entries]:
        """Return the names of the lists, and all entries."""
        if not folder.is_dir():
            raise DataError(f"{shown_path(folder)}: expected a folder of lists; received a file")
        files = sorted(each for each in folder.iterdir() if each.suffix.lower() == SUFFIX and each.is_file())
        if not files:
            raise DataError(f"{shown_path(folder)}: expected lists, files that end in {SUFFIX}; received none")
        found = _Entries()
        for number, file in enumerate(files):
            seen: set[str] = set()
            for line, text in enumerate(read_text(file, self.encoding).split("\n"), start=1):
                text = text.strip()
                if text in seen:
                    found.twice += 1
                elif text:
                    seen.add(text)
                    found.lists.append(number)
                    found.texts.append(text)
                    found.places.append(f"{shown_path(file)}:{line}")
            if not seen:
                raise DataError(f"{shown_path(file)}: expected an entry a line; received none; remove the file")
        return [file.stem for file in files], found

    def _shares(self, lists: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        """Return which entries each split has: of each list the same shares, to the nearest entry."""
        # The raw bits of PCG64 are promised to be the same for ever; what a Generator makes of them is not.
        drawn = np.random.PCG64(self.seed).random_raw(len(lists))
        shares = {"test": self.test_share} if self.test_share else {}
        if self.validation.by == "given":
            shares["validation"] = self.validation_share
        found: dict[str, list[NDArray[np.int64]]] = {"train": [], **{name: [] for name in shares}}
        for number in np.unique(lists):
            own = np.flatnonzero(lists == number)
            own, begin = own[np.argsort(drawn[own], kind="stable")], 0
            for name, share in shares.items():
                end = begin + min(round(share * len(own)), len(own) - 1 - begin)  # one is left to train on
                found[name].append(own[begin:end])
                begin = end
            found["train"].append(own[begin:])
        return {name: np.sort(np.concatenate(parts)) for name, parts in found.items()}


def _examples(
    names: list[str], found: _Entries, ids: list[str], target: ExampleField, targets: NDArray[np.bytes_]
) -> FlatExamples:
    encoded = [_encoded(name) for name in names]
    numbers: dict[str, int] = {}
    groups = np.array([numbers.setdefault(text, len(numbers)) for text in found.texts], np.int64)
    examples = FlatExamples.from_sequences(
        Signature((_text(names),), target),
        ids,
        [encoded[number] for number in found.lists],
        targets,
        groups,
        found.places,
    )
    told = f"{found.twice:,} entries stand in their list before, and count once"
    return replace(examples, notes=(told,)) if found.twice else examples


def _text(names: Sequence[str]) -> ExampleField:
    """Return the input, which knows the names of the lists."""
    return replace(TEXT, names=tuple(dict.fromkeys(_encoded(name).tobytes().decode() for name in names)))


def _encoded(name: str) -> NDArray[np.uint8]:
    return np.frombuffer(name.encode(errors="replace"), np.uint8)
