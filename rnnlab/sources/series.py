"""Series to forecast: in tables (CSV, TSV, Parquet), or such as come along; cut in time.

Axes: S series, T time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http.client import HTTPException
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from pydantic import Field, field_validator, model_validator
from pydantic_core import InitErrorDetails

from rnnlab.calendars import Calendar
from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.frequency import Frequency, date_of
from rnnlab.panel import Panel
from rnnlab.places import Places
from rnnlab.signature import Signature
from rnnlab.sources import Source, _downloads
from rnnlab.sources._checks import OnBad, near, shown_path
from rnnlab.sources._series_datasets import DATASETS, load_dataset
from rnnlab.sources._series_splits import NONE, Date, EdgeOrNone, SeriesValidation, find_spans
from rnnlab.sources._series_tables import KeyMistakeError, Reading, SeriesKeys, read_series, some
from rnnlab.strict import mistake, mistakes_error, shown
from rnnlab.windows import SeriesExamples

OF_FILES = (
    *("time", "target", "layout", "id", "past", "future", "static", "categories"),
    *("frequency", "time_format", "time_zone", "url", "sha256"),
)


class Series(Source):
    """Series to forecast, in tables (.csv, .csv.gz, .tsv, .tsv.gz, .parquet), or such as come along.

    Of one step each: a value of the targets, and of covariates that are known up to now (`past`), of days to come too
    (`future`), or the same at all steps (`static`). Those of text are categories, of which the training part says the
    classes. Gaps, duplicates and rows in no order are repaired, and told. The parts to train, validate and test on
    follow one another in time, and each begins at one moment for all series.
    """

    validation: SeriesValidation = Field(
        default_factory=SeriesValidation, description="how validation examples are found"
    )
    on_bad: OnBad = Field(
        "error",
        description="what becomes of a bad series (text among numbers, an infinite value, an impossible date, two "
        "rows that contradict each other). `error`: the first stops the command; `skip`: each is left out, counted, "
        "and listed in the run's skipped.csv. A file that is damaged as a whole, or of one series, is always an error",
    )
    file: str | list[str] | None = Field(None, description="the table, or a list of tables whose rows are joined")
    dataset: str | None = Field(None, description=f"series that come along, in place of `file`: {', '.join(DATASETS)}")
    url: str | None = Field(
        None,
        pattern=r"^https://[!-~]+$",
        description="the address from which `file` is downloaded into the data directory where it is in no place",
    )
    sha256: str | None = Field(
        None, pattern=r"^[0-9a-f]{64}$", description="the SHA-256 of `file`, which is compared; `url` needs it"
    )
    time: str | None = Field(None, description="the column of dates or times")
    target: str | list[str] | None = Field(
        None, description="the column that is asked for, or several; `layout: columns` needs none and takes all others"
    )
    layout: Literal["wide", "long", "columns"] = Field(
        "wide",
        description="`wide`: one series, whose variables are columns; `long`: a row for each series and time, and the "
        "column `id`; `columns`: every target column is a series of its own",
    )
    id: str | None = Field(None, description="the column that names the series of `layout: long`")
    past: list[str] = Field(default_factory=list, description="covariates that are known up to now")
    future: list[str] = Field(
        default_factory=list,
        description="covariates that are known of days to come, too; to forecast beyond the end of the data, add rows "
        "with them and leave the targets empty there",
    )
    static: list[str] = Field(default_factory=list, description="covariates of `layout: long`, one value a series")
    categories: list[str] = Field(
        default_factory=list,
        description="covariates whose numbers are names, such as 1 for Monday; those of text are categories anyway",
    )
    frequency: str | None = Field(
        None, description="how far apart steps are, as pandas names it: D, h, 15min, W-SAT, MS; by default it is found"
    )
    time_format: str | None = Field(
        None,
        description="how times are written: as strptime has it ('%d.%m.%Y %H:%M'), ISO8601, unix or unix_ms; guessed "
        "by default where there is no doubt",
    )
    time_zone: str | None = Field(
        None,
        description="whose clock the times go by, such as Europe/Berlin; by default they are taken as they stand",
    )
    calendar: Calendar | None = Field(
        None, description="features of the date, such as the day of the week and holidays; none by default"
    )
    start: Date = Field(None, description="the date from which on the data are used, such as '2016-01'; default: all")
    end: Date = Field(None, description="the date before which the data are used; default: all")
    test: EdgeOrNone = Field(
        0.2,
        description="where the test part begins: a date ('2019-06'), a part of all steps (0.2), a number of steps "
        "(365); or none. One moment for all series, counted on the time from the first stamp of all to the last",
    )

    @field_validator("dataset")
    @classmethod
    def _dataset_is_known(cls, dataset: str | None) -> str | None:
        if dataset is not None and dataset not in DATASETS:
            raise ValueError(
                f"expected one of the series that come along; received {shown(dataset)}{near(dataset, DATASETS)}"
            )
        return dataset

    @field_validator("frequency")
    @classmethod
    def _frequency_is_known(cls, frequency: str | None) -> str | None:
        if frequency is not None:
            try:
                Frequency.of(frequency)
            except DataError as error:
                raise ValueError(str(error).removeprefix("data.frequency: ")) from None
        return frequency

    @model_validator(mode="after")
    def _keys_fit(self) -> Series:
        found = [*self._mistakes_of_files(), *self._mistakes_of_time()]
        if self.calendar is not None and not self.calendar.names:
            found.append(mistake("expected features or holidays; received neither; remove it", ("calendar",)))
        if found:
            raise mistakes_error("Series", found)
        return self

    def _mistakes_of_files(self) -> list[InitErrorDetails]:
        """Return what is wrong with where the series are, and what their columns are said to be."""
        if (self.file is None) == (self.dataset is None):
            received = "nothing" if self.file is None else "both"
            text = f"expected one of file (tables) and dataset (series that come along); received {received}"
            return [mistake(text, () if self.file is None else ("dataset",))]
        if self.file is None:
            default = {key: type(self).model_fields[key].get_default(call_default_factory=True) for key in OF_FILES}
            text = f"does nothing beside dataset: {self.dataset}, whose columns are known; remove it"
            return [mistake(text, (key,)) for key in OF_FILES if getattr(self, key) != default[key]]
        found = self._mistakes_of_download()
        if not self.file:
            found.append(mistake("expected a path, or a list of one or more; received none", ("file",)))
        if self.time is None:
            return [*found, mistake("required key is missing", ("time",))]
        try:
            self._keys()
        except KeyMistakeError as error:
            found.append(mistake(str(error), (error.key,)))
        return found

    def _mistakes_of_download(self) -> list[InitErrorDetails]:
        if self.sha256 is not None and not isinstance(self.file, str):
            return [mistake("is of one file; `file` names several", ("sha256",))]
        if self.url is None:
            return []
        if self.sha256 is None:
            return [mistake("needs sha256, the checksum of what is downloaded", ("url",))]
        parts = re.split(r"[/\\]", str(self.file))
        if PurePosixPath(str(self.file)).is_absolute() or not all(parts) or {".", "..", "~"} & {*parts, parts[0][:1]}:
            text = "expected a path within the data directory, as `url` is downloaded there; received"
            return [mistake(f"{text} {shown(self.file)}", ("file",))]
        return []

    def _mistakes_of_time(self) -> list[InitErrorDetails]:
        """Return where dates that follow one another do not."""
        cut = self.validation.cut if self.validation.by == "cut" else None
        keys = [("start",), ("validation", "cut"), ("test",), ("end",)]
        values = [self.start, cut, self.test if self.test != NONE else None, self.end]
        dates = [(key, value) for key, value in zip(keys, values, strict=True) if isinstance(value, str)]
        found = []
        for (earlier_key, earlier), (key, date) in pairwise(dates):
            if date_of(date) <= date_of(earlier):
                text = f"expected a date after {'.'.join(earlier_key)}, {earlier}; received {shown(date)}"
                found.append(mistake(text, key))
        return found

    def open(self, places: Places) -> dict[str, Examples]:
        """Return the splits that `parts` returns."""
        return {**self.parts(places)}

    def parts(self, places: Places) -> dict[str, SeriesExamples]:
        """Return `train`, and where they are asked for `validation` and `test`.

        Each has all series, in the same order: those up to the split's end, of which what is before its begin may be
        looked back on. A series that has nothing there has no steps. The parts share their values in memory.

        Raises:
            DataError: with where, what was expected, what stands there, and what to do.
        """
        reading = self._reading(places)
        panel, left_out = self._used(reading.panel, self.end)
        panel = replace(panel, lengths=panel.observed())  # what is behind, there is nothing to compare with
        spans = find_spans(panel, self.test, self.validation)
        if self.calendar is not None:
            self.calendar.check(panel.step)
        train = panel.between(end=spans["train"].end)
        classes = train.categories()
        notes = (*reading.repairs.lines(), *left_out, *_odd(panel, train, classes))
        wide = self._wide(panel, classes)
        found = _found(reading)
        parts = {}
        for name, span in spans.items():
            part = wide.between(end=span.end)
            begins = np.zeros(len(part), np.int64) if span.begin is None else part.until(span.begin)
            parts[name] = SeriesExamples(part, begins, self.calendar, notes=notes, found=found)
        return parts

    def read_input(self, path: Path, signature: Signature) -> SeriesExamples:
        """Return the series of a table, to be forecast from their end on; see `SeriesExamples.to_forecast`.

        Args:
            path: a table of the format of the training data; what was found out of that is not guessed again.
            signature: that of the training data; its names tell the classes of categories.
        """
        keys, found = self._keys(), dict(signature.found)
        classes = self._classes(keys, signature)
        reading = read_series(
            [path],
            replace(
                keys,
                categories=tuple(name for name in keys.covariates if name in classes),
                frequency=keys.frequency or found.get("frequency"),
                time_format=keys.time_format or found.get("time_format"),
                time_zone=keys.time_zone or found.get("time_zone"),
            ),
        )
        _check_alike(path, reading, classes, found)
        panel, left_out = self._used(reading.panel, None)
        begins, notes = panel.observed(), (*reading.repairs.lines(), *left_out)
        return SeriesExamples(
            self._wide(panel, classes), begins, self.calendar, notes=notes, found=signature.found or _found(reading)
        )

    def _keys(self) -> SeriesKeys:
        """Return what the columns are; of a dataset, with everything that is known of it."""
        if self.dataset is not None:
            return load_dataset(self.dataset).keys
        target = [self.target] if isinstance(self.target, str) else self.target or []
        names = (self.past, self.future, self.static, self.categories)
        past, future, static, categories = (tuple(each) for each in names)
        return SeriesKeys(
            *(str(self.time), tuple(target), self.layout, self.id, past, future, static, categories),
            *(self.frequency, self.time_format, self.time_zone, self.on_bad),
        )

    def _reading(self, places: Places) -> Reading:
        if self.dataset is not None:
            return load_dataset(self.dataset)
        files = [self.file] if isinstance(self.file, str) else self.file or []
        return read_series([self._find(each, places) for each in files], self._keys())

    def _find(self, file: str, places: Places) -> Path:
        """Return the path of a file, which is downloaded where it is in no place, and compared with its checksum."""
        if self.url is not None and self.sha256 is not None:
            downloaded = places.data / file
            try:
                path = places.find(file, "data.file")
            except DataError:
                if downloaded.exists():
                    raise
                path = downloaded
                self._download(self.url, downloaded, self.sha256)
                return path
        else:
            path = places.find(file, "data.file")
        if self.sha256 is not None and path.is_file() and (received := _downloads.sha256(path)) != self.sha256:
            raise DataError(
                f"{shown_path(path)}: expected the SHA-256 that data.sha256 says; received {received}: it is another "
                "file, or damaged; put the right one there, or change data.sha256"
            )
        return path

    def _download(self, url: str, path: Path, sha256: str) -> None:
        try:
            _downloads.fetch(url, path, "sha256", sha256)
        except (OSError, HTTPException, ValueError) as error:
            raise DataError(
                f"data.file: {shown(self.file)} is in no place, and could not be downloaded from {shown(url)} "
                f"({type(error).__name__}: {error}). Without a network, put it at {path}"
            ) from error

    def _used(self, panel: Panel, end: str | None) -> tuple[Panel, list[str]]:
        """Return the series from `start` on and before `end`, without those that have no value there, and notes."""
        part = panel.between(self.start, end)
        observed = part.observed()
        kept = observed > 0
        if not kept.any():
            first, last = panel.first.min(), panel.step.stamps(panel.first, panel.lengths - 1).max()
            raise DataError(
                f"data.start and data.end: expected values of a target from {self.start or 'the beginning'} on and "
                f"before {end or 'the end'}; received none; the data reach from {panel.text(first)} to "
                f"{panel.text(last)}"
            )
        if kept.all():
            return part, []
        names = [name for name, each in zip(part.ids, kept, strict=True) if not each]
        note = f"{len(names):,} series without a value from data.start on and before data.end: left out ({some(names)})"
        return part.take(np.flatnonzero(kept)), [note]

    def _wide(self, panel: Panel, classes: Mapping[str, Sequence[str]]) -> Panel:
        """Return the panel with its categories spread over columns, after checking that no two are named alike."""
        wide = panel.one_hot(classes)
        columns = [column.name for column in (*wide.columns, *wide.static_columns)]
        calendar = self.calendar.names if self.calendar is not None else ()
        name, count = Counter([*columns, *calendar]).most_common(1)[0]
        if count > 1:
            raise DataError(
                f"data: expected different names of features; received {shown(name)} {count} times (a class of a "
                "category is named CATEGORY=CLASS, and the calendar has names of its own); rename the column"
            )
        every = [column.name for column in (*panel.columns, *panel.static_columns)]
        for category in classes:
            other = next((each for each in every if each.startswith(f"{category}=")), None)
            if other is not None:
                raise DataError(
                    f"data: column {shown(other)} is named like a class of the category {shown(category)}; rename it"
                )
        return wide

    def _classes(self, keys: SeriesKeys, signature: Signature) -> dict[str, tuple[str, ...]]:
        """Return the classes of each category of the training data, by the names of its features.

        They stand in the order of the keys: targets, past, future, static, calendar.
        """
        features = signature.inputs[0].names
        calendar = len(self.calendar.names) if self.calendar is not None else 0
        targets = len(keys.target) if keys.layout != "columns" else 1
        left = list(features[targets : len(features) - calendar])
        found: dict[str, tuple[str, ...]] = {}
        for column in keys.covariates:
            if left and left[0] == column:
                left.pop(0)
                continue
            classes = []
            while left and left[0].startswith(f"{column}="):
                classes.append(left.pop(0).removeprefix(f"{column}="))
            found[column] = tuple(classes)
        if left:
            raise DataError(f"data: the run was trained with a feature {shown(left[0])}, which the spec does not name")
        return found


def _found(reading: Reading) -> tuple[tuple[str, str], ...]:
    """Return what reading found out, for `Signature.found`."""
    found = {
        "frequency": reading.keys.frequency,
        "time_format": reading.keys.time_format,
        "time_zone": reading.panel.zone,
    }
    return tuple((key, value) for key, value in found.items() if value is not None)


def _check_alike(path: Path, reading: Reading, classes: Mapping[str, Sequence[str]], found: Mapping[str, str]) -> None:
    """Check that a table was read as the training data were."""
    text = next((name for name in reading.keys.categories if name not in classes), None)
    if text is not None:
        raise DataError(
            f"{shown_path(path)}: column {shown(text)}: expected numbers, as in the training data; received text"
        )
    zone = reading.panel.zone
    if found and zone != found.get("time_zone"):
        expected, received = (
            "times without offsets from UTC" if each is None else f"times of {each}"
            for each in (found.get("time_zone"), zone)
        )
        raise DataError(f"{shown_path(path)}: expected {expected}, as in the training data; received {received}")


def _odd(panel: Panel, train: Panel, classes: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what of the data the training part does not have, one line each."""
    notes = []
    late = [name for name, length in zip(train.ids, train.lengths, strict=True) if not length]
    if late:
        notes.append(f"{len(late):,} series that begin(s) behind the training part: {some(late)}")
    for name, known in panel.categories().items():
        unseen = [each for each in known if each not in classes[name]]
        if unseen:
            notes.append(
                f"{len(unseen):,} class(es) of '{name}' that the training part does not have, so they count as no "
                f"class: {some(unseen)}"
            )
    return notes
