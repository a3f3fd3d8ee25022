"""Where the training, validation and test parts of series begin and end.

An edge is one moment for all series of a panel: else what one series' validation asks for would stand in the past of
another's training.

Axes: S series.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from rnnlab.errors import DataError
from rnnlab.frequency import date_of
from rnnlab.panel import Panel
from rnnlab.sources import HeldOut
from rnnlab.strict import shown

NONE = "none"
CUT = "data.validation.cut"
YEARS = range(1900, 2200)  # a number of steps that somebody may have meant as a year


def _date(value: Any) -> Any:
    if value is not None:
        _check_date(value, "a date, such as '2019-06' or '2019-06-30'")
    return value


def _edge(words: str) -> Callable[[Any], Any]:
    expected = f"a date such as '2019-06', a part such as 0.2, {words}"

    def check(value: Any) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        good = (isinstance(value, int) and value >= 1) or (isinstance(value, float) and 0 < value < 1)
        if number and not good:
            raise ValueError(f"expected {expected}; received {shown(value)}")
        if not number and not (value == NONE and NONE in words):
            _check_date(value, expected)
        return value

    return check


def _check_date(value: Any, expected: str) -> None:
    try:
        if isinstance(value, str):
            date_of(value)
            return
    except DataError:
        pass
    hint = f"; of a year write '{value}-01'" if isinstance(value, int) and value in YEARS else ""
    raise ValueError(f"expected {expected}; received {shown(value)}{hint}")


Date = Annotated[str | None, BeforeValidator(_date)]
_Part = Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)] | str
Edge = Annotated[_Part, BeforeValidator(_edge("or a number of steps such as 365"))]
EdgeOrNone = Annotated[_Part, BeforeValidator(_edge("a number of steps such as 365, or none"))]


class SeriesValidation(HeldOut):
    """How validation examples are found in series: always in the time behind the training part."""

    idle_unless = MappingProxyType(
        {
            "cut": ("by", lambda by: by == "cut"),
            "folds": ("by", lambda by: by == "folds"),
            "fold": ("by", lambda by: by == "folds"),
            "steps": ("by", lambda by: by == "folds"),
        }
    )

    by: Literal["cut", "folds", "none"] = Field(
        "cut",
        description="`cut` validates on the last part before the test part; `folds` on one of several blocks of equal "
        "length there, and trains on all that is before that block (rolling origin, so `--folds all` is a backtest "
        "that trains anew for each block); `none` trains on everything before the test part",
    )
    cut: Edge = Field(
        0.2,
        description="where the validation part begins: a date ('2019-01'), a part of the steps before the test part "
        "(0.2), or a number of steps (365)",
    )
    folds: int = Field(5, ge=2, description="number of blocks; they follow one another up to the test part")
    fold: int = Field(
        0, ge=0, description="which block validates, 0 being the earliest; `rnnlab train --folds all` runs every one"
    )
    steps: int | None = Field(
        None, ge=1, description="steps of each block; by default, all of them together are half of what is not test"
    )


@dataclass(frozen=True)
class Span:
    """The time that a split has for its own.

    Attributes:
        begin: its first moment; None for that of the data. What is before it may be looked back on.
        end: the first moment behind it; None where it lasts as long as the data.
    """

    begin: np.datetime64 | None
    end: np.datetime64 | None


def find_spans(panel: Panel, test: int | float | str, validation: SeriesValidation) -> dict[str, Span]:
    """Return the span of each split: `train`, and where they are asked for `validation` and `test`.

    Of folds also `fold-N`, those behind the one that validates, on which the same run may be tried without training
    anew.

    Args:
        panel: series of which each has a step, and none has one behind its last value.
        test: where the test part begins: a date, a part, a number of steps; or `none`.
        validation: how the validation part is found.

    Raises:
        DataError: a split would be empty.
    """
    axis = _Axis(panel)
    begin = None if test == NONE else axis.find("data.test", test, None)
    spans = {"train": Span(None, begin)}
    if validation.by == "cut":
        edge = axis.find(CUT, validation.cut, begin)
        spans = {"train": Span(None, edge), "validation": Span(edge, begin)}
    elif validation.by == "folds":
        edges = axis.blocks(validation, begin)
        blocks = [Span(*each) for each in pairwise(edges)]
        own = validation.fold
        later = {f"fold-{number}": blocks[number] for number in range(own + 1, validation.folds)}
        spans = {"train": Span(None, blocks[own].begin), "validation": blocks[own], **later}
    if begin is not None:
        spans["test"] = Span(begin, None)
    _check_known(panel, spans, axis)
    return spans


class _Axis:
    """The time of a panel, from the first stamp of the series that begins first to the last of the one that ends last.

    Steps are counted from the first of these stamps.
    """

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.first: np.datetime64 = panel.first.min()
        self.last: np.datetime64 = panel.step.stamps(panel.first, panel.lengths - 1).max()

    @property
    def reach(self) -> str:
        steps = self.steps_before(None)
        return f"the data have {steps:,} steps, from {self.panel.text(self.first)} to {self.panel.text(self.last)}"

    def stamp(self, step: int) -> np.datetime64:
        return self.panel.step.stamps(np.array([self.first]), np.array([step], np.int64))[0]

    def steps_before(self, end: np.datetime64 | None) -> int:
        """Return how many steps stand before a moment; None: how many there are."""
        bound = self.last + np.timedelta64(1, "s") if end is None else end
        return int(self.panel.step.steps_before(np.array([self.first]), np.array([bound]))[0])

    def find(self, key: str, edge: int | float | str, end: np.datetime64 | None) -> np.datetime64:
        """Return where a split begins whose end is known.

        Args:
            key: that of the edge, for messages.
            edge: a date, a part of the steps before the end, or a number of steps back from there.
            end: None for that of the data.
        """
        count = self.steps_before(end)
        if isinstance(edge, str):
            return self._date(key, edge, end, count)
        steps = edge if isinstance(edge, int) else max(1, round(edge * count))
        if steps >= count:
            before = (
                "there are" if end is None else f"there are before the test part ({self.panel.text(end)}, data.test)"
            )
            hint = f"; of a year write '{edge}-01'" if edge in YEARS else ""
            raise DataError(
                f"{key}: expected fewer steps than {before}, {count:,}, so that some are left to train on; received "
                f"{shown(edge)}; {self.reach}{hint}"
            )
        return self.stamp(count - steps)

    def _date(self, key: str, edge: str, end: np.datetime64 | None, count: int) -> np.datetime64:
        stamp = self.panel.moment(edge)
        before = self.steps_before(stamp)
        if before < 1:
            raise DataError(
                f"{key}: expected a date after {self.panel.text(self.first)}, so that something is left to train on; "
                f"received {shown(edge)}; {self.reach}"
            )
        if before >= count:
            latest = (
                f"up to {self.panel.text(self.last)}"
                if end is None
                else f"before {self.panel.text(end)}, where the test part begins (data.test)"
            )
            raise DataError(f"{key}: expected a date {latest}; received {shown(edge)}; {self.reach}")
        return stamp

    def blocks(self, validation: SeriesValidation, end: np.datetime64 | None) -> list[np.datetime64 | None]:
        """Return the edges of the blocks that validate, one more than there are blocks."""
        count, folds = self.steps_before(end), validation.folds
        steps = validation.steps or max(1, count // (2 * folds))
        first = count - folds * steps
        if first < 1:
            before = "" if end is None else f" before the test part ({self.panel.text(end)}, data.test)"
            raise DataError(
                f"data.validation: expected fewer than {count:,} steps in all blocks, as there are so many{before}; "
                f"received {folds} folds of {steps:,} steps; ask for fewer or shorter ones; {self.reach}"
            )
        return [*(self.stamp(first + block * steps) for block in range(folds)), end]


def _check_known(panel: Panel, spans: dict[str, Span], axis: _Axis) -> None:
    """Check that each split has a value of a target."""
    for name, span in spans.items():
        part = panel.between(span.begin, span.end)
        if part.observed().any():
            continue
        since = panel.text(axis.first if span.begin is None else span.begin)
        end = f"up to {panel.text(axis.last)}" if span.end is None else f"before {panel.text(span.end)}"
        raise DataError(
            f"data: expected a value of a target in the {name} split; there is none from {since} on and {end}; "
            f"change data.test, data.validation, data.start or data.end; {axis.reach}"
        )
