"""Figures: what a run's numbers look like. One file each; its name is the PNG's name.

Axes: N examples or windows, C classes, numbers or targets, H horizon, Q quantiles.
"""

from __future__ import annotations

import os
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures._fonts import MISSING, write_all
from rnnlab.registry import Registry
from rnnlab.signature import Field
from rnnlab.strict import Strict
from rnnlab.windows import Windows

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

RESOLUTION = 150  # dots per inch
FEW = 10  # letters that a message shows


@dataclass(frozen=True, eq=False)
class Looking:
    """What the tokens of one answer looked at, while each was written.

    Attributes:
        read: (T,) the tokens of the source.
        said: (L,) those of the answer, its end mark among them.
        weights: (L, T) of attention; each row sums to one.
    """

    read: Sequence[str]
    said: Sequence[str]
    weights: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Clip:
    """What a network takes a clip for, after its first frames.

    Attributes:
        id: its name.
        frames: (T, H, W, C) pixels of 0 to 255.
        seen: (S,) how many frames were seen, ascending, the last of them all.
        probabilities: (S, C) of each class then.
        true: the true class.
        hard: whether it is one of the hardest of its split.
    """

    id: str
    frames: NDArray[np.uint8]
    seen: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    true: int
    hard: bool


@dataclass(frozen=True, eq=False)
class Alignment:
    """At which steps a network says the tokens of a text.

    Attributes:
        id: the example's name.
        values: (T, F) what the network reads.
        probabilities: (T', V) of each label at each of its own steps, the blank being the first label.
        path: (T',) which of the true text's tokens each step says on the most probable path, -1 none.
        labels: (L,) of the true text.
        tokens: (L,) what these are called.
        true, answered: the texts.
        wrong: whether they differ, as metrics compare them.
    """

    id: str
    values: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    path: NDArray[np.int64]
    labels: NDArray[np.int32]
    tokens: Sequence[str]
    true: str
    answered: str
    wrong: bool


@dataclass(frozen=True, eq=False)
class Evidence:
    """What there is to draw.

    Attributes:
        title: the run's name, for the figures' titles.
        split: the name of the split that was answered, such as `validation`.
        target: the field that is asked for, with the names of its classes, labels or numbers.
        ids: (N,) the examples' names.
        lengths: (N,) the examples' numbers of steps.
        targets: what is true, in the form that the examples have it, or None where it is not known; of forecasts
            (N, H, C), NaN where nobody knows.
        answers: the task's answers by name: `probabilities` (N, C) or `values` (N, C); `texts` (N,), bytes; of
            forecasts `values` (N, H, C) and, where there are intervals, `quantiles` (N, H, C, Q) and their `levels`
            (Q,) between 0 and 1.
        lowercase: whether metrics compare texts in lower case.
        train_lengths: numbers of steps of the training examples.
        widths: the widths that batches are padded to, ascending.
        history: one row per epoch, with the columns of `history.csv`.
        best_epoch: the epoch whose weights were kept, or None: that of the lowest validation loss.
        windows: of forecasts, what was read and asked for: the N windows in order.
        baselines: of forecasts, the values of each simple method by its title, (N, H, C) each.
        looking: of answers in tokens, what a few of them looked at.
        clips: of videos, a few and what they are taken for.
        alignments: of transcripts, where a few are said.
        sketches: of drawings, the points (T, 3) of a few, by their numbers among the N.
    """

    title: str
    split: str
    target: Field
    ids: Sequence[str]
    lengths: NDArray[np.int64]
    targets: NDArray[Any] | None
    answers: Mapping[str, NDArray[Any]]
    train_lengths: NDArray[np.int64]
    lowercase: bool = False
    widths: Sequence[int] = ()
    history: Sequence[Mapping[str, float]] = field(default_factory=list)
    best_epoch: int | None = None
    windows: Windows | None = None
    baselines: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    looking: Sequence[Looking] = ()
    clips: Sequence[Clip] = ()
    alignments: Sequence[Alignment] = ()
    sketches: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)


class Figure(Strict, ABC):
    """One way to look at a run.

    Class attributes:
        tasks: the kinds of task that it serves.
    """

    tasks: ClassVar[frozenset[str]]

    @abstractmethod
    def draw(self, evidence: Evidence) -> Drawing | None:
        """Return the drawing, or None where there is nothing to show."""


FIGURES: Registry[Figure] = Registry("rnnlab.figures", Figure, "figure")


def draw_all(evidence: Evidence, task_kind: str, folder: Path) -> list[Path]:
    """Draw every figure of this kind of task as `NAME.png` into the folder; return the files, in order of name.

    A figure with letters that no installed font has is left out, and that is said: nobody could read it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in FIGURES.names():
        figure = FIGURES.load(name)
        drawing = figure().draw(evidence) if task_kind in figure.tasks else None
        if drawing is None:
            continue
        path = folder / f"{name}.png"
        lacking = write_all(drawing)
        if lacking:
            path.unlink(missing_ok=True)  # of an evaluation before, by another font or of other answers
            few = " ".join(lacking[:FEW]) + (" …" if len(lacking) > FEW else "")
            sys.stderr.write(f"{path}: left out, as no installed font has {few}; install one, such as Noto\n")
        else:
            written.append(save(drawing, path))
    return written


def save(drawing: Drawing, path: Path) -> Path:
    """Write beside the file and rename, so that a reader never sees half a picture."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", MISSING)  # of what is not printable; there would be one a letter
            drawing.savefig(partial, format="png", dpi=RESOLUTION)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path
