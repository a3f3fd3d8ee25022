"""Pairs of texts: a source, and the target that it is to become, such as a sentence and its translation.

Axes: N pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.places import Places
from rnnlab.signature import Signature
from rnnlab.sources import SequenceSource
from rnnlab.sources._checks import BadSequences, shown_path
from rnnlab.sources._targets import text_target
from rnnlab.sources._texts import TEXT, Encoding, lines_of, lines_to_answer
from rnnlab.strict import shown

FEWEST_LINES = 20  # with fewer, lengths go together by chance
MUCH_LESS = 0.9


def _one_or_two(files: str | list[str]) -> str | list[str]:
    if isinstance(files, list) and len(files) != 2:
        expected = "two files, [the sources', the targets'], or one with both in two columns"
        raise ValueError(f"expected {expected}; received {len(files)}")
    return files


Pair = Annotated[str | list[str], AfterValidator(_one_or_two)]


@dataclass
class _Pairs:
    """What the files of a split hold, pair by pair.

    Attributes:
        ids, sources, targets: (N,).
        places, target_places: (N,) the lines that they stand on.
        faults: what is wrong with a pair, by its number.
    """

    ids: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    target_places: list[str] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)

    def add(self, source: str, target: str, place: str, target_place: str, fault: str | None = None) -> None:
        if fault is not None:
            self.faults[len(self.ids)] = fault
        self.ids.append(str(len(self.ids)))
        self.sources.append(source.strip())
        self.targets.append(target.strip())
        self.places.append(place)
        self.target_places.append(target_place)


class Parallel(SequenceSource):
    """Pairs of texts: two files a split, line by line beside each other, or one file of a source, a TAB and a target.

    Any may be gzipped. Files of two columns have no header, and quotation marks are marks like any other. A line that
    is empty on both sides is passed over. White space at the ends of texts is left out. Pairs of the same source are a
    group: `validation.grouped` keeps them on one side.
    """

    train: Pair = Field(
        description="the files of the training split, [the sources', the targets'], or one file of both in two columns"
    )
    test: Pair | None = Field(
        None, description="the files, or file, of the test split; none by default, as training needs none"
    )
    validation_files: Pair | None = Field(
        None,
        description="the files, or file, of the validation split, for `validation.by: given`; by default validation "
        "pairs are cut off the training split",
    )
    encoding: Encoding = None

    @model_validator(mode="after")
    def _validation_files_are_used(self) -> Parallel:
        given = self.validation.by == "given"
        if given and self.validation_files is None:
            raise ValueError("validation.by: given needs the key validation_files")
        if not given and self.validation_files is not None:
            raise ValueError(f"validation_files is not used with validation.by: {self.validation.by}; set it to given")
        return self

    @classmethod
    def gives_text(cls, keys: object) -> bool:
        return True

    def open(self, places: Places) -> dict[str, Examples]:
        """Return the splits whose files the spec names."""
        train = self._split(self.train, "train", places, None)
        splits: dict[str, Examples] = {"train": train}
        known = frozenset(_texts(train))
        for name, key, files in (
            ("validation", "validation_files", self.validation_files),
            ("test", "test", self.test),
        ):
            if files is not None:
                found = self._split(files, key, places, train.signature)
                twice = sum(text in known for text in _texts(found))
                told = f"{name}: {twice:,} of {len(found):,} sources also stand in the training split"
                splits[name] = replace(found, notes=(told,)) if twice else found
        return splits

    def read_input(self, path: Path, signature: Signature) -> Examples:
        """Return the sources of a file, one a line; where every line has two columns, the second one is left out."""
        lines = lines_to_answer(path, self.encoding, "a text")
        in_columns = all(len(line.split("\t")) == 2 for line in lines.texts)
        found = _Pairs()
        for line, place in zip(lines.texts, lines.places, strict=True):
            found.add(line.split("\t")[0] if in_columns else line, "", place, place)
        bad = BadSequences(self.on_bad, found.ids)
        for index, text in enumerate(found.sources):
            if not text:
                bad.add(index, found.places[index], "expected a text before the TAB; received nothing")
        examples = bad.left(_examples(found, Signature((TEXT,))), shown_path(path))
        notes = ["every line has two columns; the second one, the answer, is left out"] if in_columns else []
        return replace(examples, notes=(*notes, *lines.notes))

    def _split(self, files: str | list[str], key: str, places: Places, like: Signature | None) -> FlatExamples:
        paths = [places.find(file, f"data.{key}") for file in ([files] if isinstance(files, str) else files)]
        where = " and ".join(map(shown_path, paths))
        found = self._in_columns(paths[0]) if len(paths) == 1 else self._side_by_side(paths[0], paths[1])
        bad = BadSequences(self.on_bad, found.ids)
        for index, text in enumerate(found.sources):
            if index in found.faults:
                bad.add(index, found.places[index], found.faults[index])
            elif not text:
                expected = f"expected a source beside the target {shown(found.targets[index])}"
                bad.add(index, found.places[index], f"{expected}; received nothing")
        target, targets = text_target(
            found.targets, found.target_places.__getitem__, bad, like.target if like is not None else None
        )
        numbers: dict[str, int] = {}
        groups = np.array([numbers.setdefault(text, len(numbers)) for text in found.sources], np.int64)
        examples = _examples(found, Signature((TEXT,), target))
        return bad.left(replace(examples, targets=targets, groups=groups), where)

    def _in_columns(self, path: Path) -> _Pairs:
        found = _Pairs()
        for number, line in enumerate(lines_of(path, self.encoding), start=1):
            if not line.strip():
                continue
            cells, place = line.split("\t"), f"{shown_path(path)}:{number}"
            if len(cells) == 2:
                found.add(cells[0], cells[1], place, place)
            else:
                expected = "expected two columns, a source, a TAB and a target"
                found.add("", "", place, place, f"{expected}; received {len(cells)}: {shown(line)}")
        return found

    def _side_by_side(self, source: Path, target: Path) -> _Pairs:
        """Return the pairs of two files.

        Raises:
            DataError: one of them has more lines than the other.
        """
        sources, targets = lines_of(source, self.encoding), lines_of(target, self.encoding)
        shorter = min(len(sources), len(targets))
        # Empty lines at the end of one file say nothing.
        if any(line.strip() for line in (*sources[shorter:], *targets[shorter:])):
            raise DataError(_told_apart(source, target, sources, targets))
        found = _Pairs()
        for number, (one, other) in enumerate(zip(sources, targets, strict=False), start=1):
            if one.strip() or other.strip():
                found.add(one, other, f"{shown_path(source)}:{number}", f"{shown_path(target)}:{number}")
        return found


def _told_apart(source: Path, target: Path, sources: Sequence[str], targets: Sequence[str]) -> str:
    """Return the message for files of different numbers of lines."""
    message = (
        f"{shown_path(source)} and {shown_path(target)}: expected as many lines in both; received {len(sources):,} and "
        f"{len(targets):,}"
    )
    alone = next(
        (
            number
            for number, (one, other) in enumerate(zip_longest(sources, targets, fillvalue="-"), start=1)
            if bool(one.strip()) != bool(other.strip())
        ),
        None,
    )
    line = _parting(sources, targets)
    told = [
        "" if alone is None else f"; the first line that is empty in one of them alone is {alone:,}",
        f"; by the lengths of lines they part near line {line:,}" if line else "",
    ]
    return f"{message}{''.join(told)}; each line of one must be the translation of the same line of the other"


def _parting(sources: Sequence[str], targets: Sequence[str]) -> int | None:
    """Return the line at which lines are missing from one file, if the lengths of lines tell.

    Before it the lines of one number belong together, and after it those counted from the files' ends. Lengths of texts
    that belong together go together (Gale and Church, "A program for aligning sentences in bilingual corpora", 1993).
    """
    one, other = (np.log1p([len(line.strip()) for line in lines]) for lines in (sources, targets))
    shorter = min(len(one), len(other))
    if shorter < FEWEST_LINES:
        return None
    one, other = one - one.mean(), other - other.mean()  # one language may need more characters than the other
    before, after = np.square(one[:shorter] - other[:shorter]), np.square(one[-shorter:] - other[-shorter:])
    costs = np.concatenate([[0], np.cumsum(before)]) + np.concatenate([np.cumsum(after[::-1])[::-1], [0]])
    best = int(costs.argmin())
    return best + 1 if costs[best] < MUCH_LESS * max(before.sum(), after.sum()) else None


def _texts(examples: FlatExamples) -> list[bytes]:
    return [examples.read(index)[TEXT.name].tobytes() for index in range(len(examples))]


def _examples(found: _Pairs, signature: Signature) -> FlatExamples:
    encoded = [np.frombuffer(text.encode(errors="replace"), np.uint8) for text in found.sources]
    return FlatExamples.from_sequences(signature, found.ids, encoded, locations=found.places)
