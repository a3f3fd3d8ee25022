"""Which clips there are, of video or sound, and what is known of each: a folder for each class, or a table of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from pydantic import Field, model_validator

from rnnlab.errors import DataError
from rnnlab.sources._checks import near, shown_path
from rnnlab.sources._texts import read_text, rows_of_table
from rnnlab.strict import Strict, shown

SEPARATORS = MappingProxyType({".csv": ",", ".tsv": "\t"})
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Wanted:
    """Which files are clips.

    Attributes:
        clips: how messages call them.
        kind: what each is.
        suffixes: of their names, in small letters.
    """

    clips: str
    kind: str
    suffixes: tuple[str, ...]


class Manifest(Strict):
    """The columns of a table that lists clips."""

    path: str = Field("path", description="the column of the clips' files, relative to the table's own folder")
    label: str = Field("label", description="the column of the classes")
    text: str | None = Field(
        None,
        description="the column of texts that are asked for, such as captions or transcripts, in the place of classes",
    )
    group: str | None = Field(
        None, description="the column of what `validation.grouped` keeps on one side of a split, such as persons"
    )
    split: str | None = Field(
        None,
        description="the column that says of each clip whether it is for `train`, `validation` or `test`; then `train` "
        "names the only table",
    )

    idle_unless = MappingProxyType({"label": ("text", lambda text: text is None)})

    @model_validator(mode="after")
    def _each_column_once(self) -> Manifest:
        given = [self.path, self.label if self.text is None else self.text, self.group, self.split]
        twice = next((name for name, count in Counter(filter(None, given)).items() if count > 1), None)
        if twice is not None:
            raise ValueError(f"expected different columns; received {shown(twice)} twice")
        return self


@dataclass
class Clips:
    """Clips, one after another.

    Attributes:
        shown: how messages call all of them.
        ids, paths, places: (N,).
        answers: (N,) classes, or the texts that are asked for; empty where they are not wanted.
        groups, splits: (N,) or empty.
        notes: what the user should know of how they were found.
        listed: whether a table lists them.
    """

    shown: str
    ids: list[str] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    listed: bool = False

    @property
    def numbers(self) -> range:
        """The numbers of all clips."""
        return range(len(self.ids))

    def of_split(self, split: str) -> Clips:
        """Return the clips of one split."""
        kept = [number for number, each in enumerate(self.splits) if each == split]

        def chosen(values: list[str]) -> list[str]:
            return [values[number] for number in kept] if values else []

        paths = [self.paths[number] for number in kept]
        ids, places, answers, groups = map(chosen, (self.ids, self.places, self.answers, self.groups))
        return Clips(f"{self.shown}: {split}", ids, paths, places, answers, groups, listed=self.listed)


def is_table(path: Path) -> bool:
    """Whether a file lists clips, and is none."""
    return path.is_file() and path.suffix.lower() in SEPARATORS


def clips_of(path: Path, columns: Manifest, wanted: Wanted, *, labelled: bool) -> Clips:
    """Return the clips of a table or a folder, or the one that a file is.

    Args:
        path: a `.csv` or `.tsv`; a folder, with a folder for each class where they are labelled; or a clip.
        columns: of a table.
        wanted: which files are clips.
        labelled: whether classes, groups and splits are wanted.

    Raises:
        DataError: there is none, or the table is no such table.
    """
    if is_table(path):
        found = _listed(path, columns, labelled=labelled)
    elif path.is_dir():
        found = _in_folder(path, wanted, labelled=labelled)
    elif labelled:
        raise DataError(
            f"{shown_path(path)}: expected a folder with a folder for each class, or a table of {wanted.clips} (.csv, "
            ".tsv); received another file"
        )
    else:
        found = Clips(shown_path(path), [path.name], [path], [shown_path(path)])
    if not found.ids:
        raise DataError(f"{found.shown}: expected {wanted.clips} ({', '.join(wanted.suffixes)}); received none")
    return found


def _in_folder(root: Path, wanted: Wanted, *, labelled: bool) -> Clips:
    """Return the clips below a folder, in the order of their names; the folder that a clip is in names its class."""
    found = Clips(shown_path(root))
    others: Counter[str] = Counter()
    for path in _entries(root, wanted.suffixes):
        name = path.relative_to(root)
        if path.suffix.lower() not in wanted.suffixes:
            others[path.suffix or path.name] += 1
            continue
        found.ids.append(name.as_posix())
        found.paths.append(path)
        found.places.append(shown_path(path))
        if labelled:
            found.answers.append(name.parts[0] if len(name.parts) > 1 else "")
    if others:
        listed = ", ".join(name for name, _ in others.most_common(5))
        what = f"passed over what is no {wanted.kind} by its name"
        found.notes.append(f"{found.shown}: {what}: {others.total():,} ({listed})")
    return found


def _entries(root: Path, suffixes: tuple[str, ...], above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield files, and folders that are named as a clip is, whose insides nobody looks at; nothing that is hidden.

    A link to what holds a folder on the way to it, `above`, is passed over: it leads back.
    """
    above = (*above, Path(os.path.realpath(root)))
    for entry in sorted(root.iterdir()):
        if entry.name.startswith("."):
            continue
        if not entry.is_dir() or entry.suffix.lower() in suffixes:
            yield entry
        elif not any(each.is_relative_to(os.path.realpath(entry)) for each in above):
            yield from _entries(entry, suffixes, above)


def _listed(path: Path, columns: Manifest, *, labelled: bool) -> Clips:
    """Return the clips of a table, in its order."""
    found = Clips(shown_path(path), listed=True)
    seen: dict[str, str] = {}
    for line, row in rows_of_table(path, read_text(path, None), SEPARATORS[path.suffix.lower()]):
        place = f"{found.shown}:{line}"
        name = _cell(row, columns.path, "path", place)
        if not name.strip():
            raise DataError(f"{place}: column {shown(columns.path)}: expected a file; received nothing")
        there = seen.setdefault(os.path.realpath(path.parent / name), place)
        if there != place:
            raise DataError(
                f"{place}: column {shown(columns.path)}: expected every file once; received {shown(name)} again, as in "
                f"{there}; remove one of the two"
            )
        found.ids.append(name)
        found.paths.append(path.parent / name)
        found.places.append(place)
        if labelled:
            _add_answer(found, row, columns, place)
    return found


def _add_answer(found: Clips, row: Mapping[str, str], columns: Manifest, place: str) -> None:
    key, column = ("label", columns.label) if columns.text is None else ("text", columns.text)
    found.answers.append(_cell(row, column, key, place))
    if columns.group is not None:
        found.groups.append(_cell(row, columns.group, "group", place).strip())
    if columns.split is not None:
        split = _cell(row, columns.split, "split", place).strip()
        if split not in SPLITS:
            expected = f"{', '.join(SPLITS[:-1])} or {SPLITS[-1]}"
            raise DataError(f"{place}: column {shown(columns.split)}: expected {expected}; received {shown(split)}")
        found.splits.append(split)


def _cell(row: Mapping[str, str], column: str, key: str, place: str) -> str:
    if column not in row:
        raise DataError(
            f"{place}: expected a column {shown(column)} (data.manifest.{key}); it is missing{near(column, row)}"
        )
    return row[column]


def check_apart(splits: Mapping[str, Clips]) -> None:
    """Refuse a clip that stands in two splits, or twice in one: part of the split may be cut off to validate.

    Raises:
        DataError: which.
    """
    seen: dict[str, tuple[str, str]] = {}
    for name, clips in splits.items():
        for path, place in zip(clips.paths, clips.places, strict=True):
            other, there = seen.setdefault(os.path.realpath(path), (name, place))
            if there != place:
                whose = f"one of '{name}' that is also of '{other}'" if other != name else "one again"
                raise DataError(
                    f"{place}: expected every clip once, in one split; received {whose} ({there}); remove one of them"
                )


def empty_cells(values: Sequence[str]) -> list[int]:
    """Return the numbers of values that are blank."""
    return [number for number, each in enumerate(values) if not each.strip()]
