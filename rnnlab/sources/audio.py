"""Recordings of sound, each with a class or a text: by folders, by the names of files, or in a table.

Axes: N recordings, T samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.errors import DataError
from rnnlab.examples import Examples, Skipped
from rnnlab.places import Places
from rnnlab.signature import Field as ExampleField
from rnnlab.signature import Signature
from rnnlab.sources._checks import BadSequences, near
from rnnlab.sources._clip_files import ClipFiles
from rnnlab.sources._clips import Clips, Manifest, Wanted, check_apart, clips_of
from rnnlab.sources._file_names import Choices, NamePattern, check_choices, chosen, parts_of, read_name
from rnnlab.sources._joined import Joined
from rnnlab.sources._progress import Progress
from rnnlab.sources._sounds import (
    LONGEST_SECONDS,
    SUFFIXES,
    Heading,
    Limit,
    SoundError,
    read_heading,
    read_samples,
    require_reader,
)
from rnnlab.waveforms import HIGHEST_RATE, LOWEST_RATE

NAME = "audio"


class Audio(ClipFiles):
    """Recordings (WAV, FLAC, OGG), each with its class or a text: a folder for each class, file names, or a table.

    A table (`.csv`, `.tsv`) has a row for each recording: its file, its class or a text, and where it is wanted its
    split and its group. Several channels are averaged. Recordings stay where they are, and are read when they are
    needed. Needs soundfile: pip install 'rnnlab[audio]'.
    """

    wanted: ClassVar[Wanted] = Wanted("recordings", "recording", SUFFIXES)

    train: str = Field(
        description="of the training split: a folder with a folder for each class, or of files whose `names` say it, "
        "or a table of recordings"
    )
    names: NamePattern | None = Field(
        None,
        description="what the names of files say, less their ending, such as `{label}_{group}_{take}`: {label} is the "
        "class, {group} what `validation.grouped` keeps on one side, and others may be chosen by; with slashes also "
        "of the folders that they are in",
    )
    test_where: Choices | None = Field(
        None, description="the recordings of `train` that test, by parts of their names, such as `{take: [0, 1, 2]}`"
    )
    validation_where: Choices | None = Field(
        None, description="the recordings of `train` that validate, likewise, for `validation.by: given`"
    )
    sample_rate: int | None = Field(
        None,
        ge=LOWEST_RATE,
        le=HIGHEST_RATE,
        description="samples a second, in Hz, to which recordings are brought; default: their own, if all have one",
    )
    longest_seconds: float = Field(
        LONGEST_SECONDS,
        gt=0,
        le=86_400,
        description="a longer recording is a bad one, and none that is joined is longer; one at a time is in memory",
    )
    joined: Joined | None = Field(
        None,
        description="join recordings into longer ones, and ask for the text of all labels; default: they stay alone",
    )

    @classmethod
    def gives_audio(cls, keys: object) -> bool:
        return True

    @property
    def splits_inside(self) -> bool:
        return super().splits_inside or self.test_where is not None or self.validation_where is not None

    @model_validator(mode="after")
    def _names_fit(self) -> Audio:
        if self.names is not None and self.manifest is not None:
            raise ValueError("a manifest says what names would say; remove one of the two")
        for split, where in self._choices.items():
            key = f"{split}_where"
            if self.names is None:
                raise ValueError(f"{key} chooses by the parts of names; give the key names")
            parts = parts_of(self.names)
            unknown = next((part for part in where if part not in parts), None)
            if unknown is not None:
                raise ValueError(f"{key}: names has no part {{{unknown}}}{near(unknown, parts)}")
            if self.test is not None or self.validation_file is not None:
                raise ValueError(f"{key} says which recordings of train are for it; remove test and validation_file")
        if self.test_where is not None and self.validation.test_fold:
            raise ValueError("validation.test_fold tests on a fold; remove test_where")
        if self.validation_where is not None and self.validation.by != "given":
            raise ValueError(f"validation_where is not used with validation.by: {self.validation.by}; set it to given")
        return self

    def open(self, places: Places) -> dict[str, Examples]:
        """Return the splits; what can't be read is found before anything is trained."""
        require_reader()
        found = self.clips(places)
        check_apart(found)
        bad = {name: BadSequences(self.on_bad, clips.ids) for name, clips in found.items()}
        headings = [
            self._heading(clips, number, bad[name]) for name, clips in found.items() for number in clips.numbers
        ]
        rate = self.sample_rate or _common(headings, [place for clips in found.values() for place in clips.places])
        splits: dict[str, Recordings] = {}
        for name, clips in found.items():
            self.check_groups(clips, bad[name])
            like = splits["train"].signature.target if name != "train" else None
            splits[name] = _read(clips, rate, self._longest, bad[name], *self.target(clips, bad[name], like))
        train = splits["train"]
        shortest, longest = train.lengths.min() / rate, train.lengths.max() / rate
        note = f"{rate:,} samples a second; recordings of {shortest:.2f} to {longest:.2f} s"
        return {**splits, "train": replace(train, notes=(*train.notes, note))}

    def splits(self, places: Places) -> dict[str, Examples]:
        """Open the source, cut the validation split, and join what is to be joined within each split."""
        found = super().splits(places)
        return (
            found
            if self.joined is None
            else {name: self.joined.join(name, each, self.longest_seconds) for name, each in found.items()}
        )

    def read_input(self, path: Path, signature: Signature) -> Examples:
        """Return a recording, all of a folder and the folders in it, or those that a table lists, at the run's rate."""
        require_reader()
        clips = clips_of(path, self.manifest or Manifest(), self.wanted, labelled=False)
        bad, rate = BadSequences(self.on_bad, clips.ids), signature.inputs[0].rate
        headings = [self._heading(clips, number, bad) for number in clips.numbers]
        others = sum(each is not None and each.rate != rate for each in headings)
        if others:
            clips.notes.append(f"{others} of {len(clips.ids)} recordings brought to {rate:,} Hz, the rate of training")
        return _read(clips, rate, self._longest, bad, None, None)

    def named(self, clips: Clips) -> Clips:
        """Return recordings with the class, the group and the split that their names say."""
        if self.names is None:
            return clips
        known = [read_name(self.names, *each) for each in zip(clips.paths, clips.places, strict=True)]
        for split, where in self._choices.items():
            check_choices(f"{split}_where", where, known)
        parts = parts_of(self.names)
        return replace(
            clips,
            answers=[each["label"] for each in known] if "label" in parts else clips.answers,
            groups=[each["group"] for each in known] if "group" in parts else clips.groups,
            splits=[self._split_of(each) for each in known] if self.splits_inside else clips.splits,
        )

    @property
    def _longest(self) -> Limit:
        return Limit(self.longest_seconds, "cut it, or raise data.longest_seconds")

    @property
    def _choices(self) -> dict[str, Choices]:
        """What chooses the recordings of each split beside `train`."""
        both = {"test": self.test_where, "validation": self.validation_where}
        return {split: where for split, where in both.items() if where is not None}

    def _split_of(self, said: dict[str, str]) -> str:
        return next((split for split, where in self._choices.items() if chosen(said, where)), "train")

    def _heading(self, clips: Clips, number: int, bad: BadSequences) -> Heading | None:
        """Return what a recording's header says, or None of a bad one."""
        try:
            return read_heading(clips.paths[number], self._longest)
        except SoundError as error:
            bad.add(number, clips.places[number], str(error))
            return None


@dataclass(frozen=True, eq=False)
class Recordings(Examples):
    """Recordings that are read when they are needed.

    Attributes:
        paths: their files.
        longest: how long each may be, whatever becomes of its file.
    """

    signature: Signature
    ids: Sequence[str]
    paths: Sequence[Path]
    longest: Limit
    lengths: NDArray[np.int64]
    targets: NDArray[np.generic] | None
    groups: NDArray[np.generic] | None
    skipped: Sequence[Skipped] = ()
    notes: Sequence[str] = ()

    def read(self, index: int) -> dict[str, NDArray[np.generic]]:
        path = self.paths[index]
        try:
            samples = read_samples(path, self.signature.inputs[0].rate, self.longest)
        except SoundError as error:
            raise DataError(f"{path}: {error}; it was another when the command began") from None
        if len(samples) != self.lengths[index]:
            expected = f"{self.lengths[index]:,} samples, as when the command began"
            raise DataError(f"{path}: expected {expected}; received {len(samples):,}; do not change it meanwhile")
        return {NAME: samples}


def _read(
    clips: Clips,
    rate: int,
    longest: Limit,
    bad: BadSequences,
    target: ExampleField | None,
    targets: NDArray[np.generic] | None,
) -> Recordings:
    """Return recordings after reading each one once: what is wrong with it is known then, and how long it is."""
    lengths = np.zeros(len(clips.ids), np.int64)
    with Progress("reading recordings", len(clips.ids)) as progress:
        for number, path in enumerate(clips.paths):
            progress.at(number)
            if number not in bad:
                try:
                    lengths[number] = len(read_samples(path, rate, longest))
                except SoundError as error:
                    bad.add(number, clips.places[number], str(error))
    bad.check_left(len(clips.ids), clips.shown)
    kept = [number for number in clips.numbers if number not in bad]
    return Recordings(
        Signature((ExampleField(NAME, "audio", (1,), (NAME,), rate=rate),), target),
        [clips.ids[number] for number in kept],
        [clips.paths[number] for number in kept],
        longest,
        lengths[kept],
        None if targets is None else targets[kept],
        np.array([clips.groups[number] for number in kept], str) if clips.groups else None,
        tuple(bad.found[number] for number in sorted(bad.found)),
        tuple(clips.notes),
    )


def _common(headings: Sequence[Heading | None], places: Sequence[str]) -> int:
    """Return the rate of all recordings.

    Raises:
        DataError: there are several, or no recording that can be read.
    """
    first = {each.rate: place for each, place in zip(headings, places, strict=True) if each is not None}
    if len(first) > 1:
        rates = " and ".join(f"{rate:,} Hz ({first[rate]})" for rate in sorted(first)[:2])
        raise DataError(
            f"data.sample_rate: expected recordings of one rate; received {rates}; set it to the rate that all are to "
            f"be brought to, such as {min(first)}"
        )
    return next(iter(first), LOWEST_RATE)
