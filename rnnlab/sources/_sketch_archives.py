"""Drawings in sketch-rnn's archives (`.npz`): a file a word, in it the steps of each split's drawings. No pickles.

As they are published, these archives are pickles: arrays of arrays. Here their drawings lie end to end instead.

Axes: N drawings, T points.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab import archives
from rnnlab.errors import DataError
from rnnlab.sources._checks import shown_path

ARRAYS = {"train": "train", "validation": "valid", "test": "test"}
CONVERT = (
    "python -c \"import numpy as np; old = np.load('OLD.npz', allow_pickle=True, encoding='latin1'); "
    "np.savez('NEW.npz', **{name: np.concatenate(list(old[name])) for name in old}, "
    "**{name + '_lengths': [len(each) for each in old[name]] for name in old})\""
)


def word_of(path: Path) -> str:
    """Return the word that an archive's drawings are of: its name, such as `cat` of `sketchrnn_cat.full.npz`."""
    return path.name.removesuffix(".npz").removesuffix(".full").removeprefix("sketchrnn_").replace("_", " ")


def steps_of_archive(path: Path, split: str | None) -> tuple[str, list[NDArray[np.generic]]]:
    """Return the name of the array that was read, and the steps (T, 3) of each drawing.

    Args:
        path: the archive.
        split: `train`, `validation` or `test`; None: the first of test, validation and train that is there.

    Raises:
        DataError: it is no such archive, or holds Python objects.
    """
    where = shown_path(path)
    try:
        there = archives.names_of(path)
        found = [ARRAYS[each] for each in (*([split] if split else reversed(ARRAYS)),) if ARRAYS[each] in there]
        if not found:
            expected = f"an array '{ARRAYS[split or 'train']}' of steps (dx, dy, lift)"
            raise DataError(f"{where}: expected {expected}; it has {', '.join(map(repr, there)) or 'none'}")
        name = found[0]
        arrays = archives.read_archive(path, [name, f"{name}_lengths"])
    except OSError as error:
        raise DataError(f"{where}: can't be read: {error.strerror or error}") from None
    except archives.PickledError as error:
        raise DataError(
            f"{where}: {error}. If you trust the file, lay it flat, NEW being the word: {CONVERT}"
        ) from None
    except archives.ArchiveError as error:
        raise DataError(f"{where}: this .npz archive can't be read: {error}") from None
    steps, lengths = arrays[name], arrays.get(f"{name}_lengths")
    if steps.dtype.kind not in "iuf" or steps.shape[1:] != (3,):
        received = f"{steps.dtype} of shape {steps.shape}"
        raise DataError(f"{where}: array '{name}': expected steps (all points, 3): dx, dy, lift; received {received}")
    return name, np.split(steps, _ends(where, name, lengths, len(steps)))


def _ends(where: str, name: str, lengths: NDArray[Any] | None, steps: int) -> NDArray[np.int64]:
    """Return where each drawing but the last ends."""
    if lengths is None:
        raise DataError(f"{where}: expected an array '{name}_lengths', the points of each drawing; it is missing")
    if lengths.dtype.kind not in "iu" or lengths.ndim != 1 or not len(lengths):
        received = f"{lengths.dtype} of shape {lengths.shape}"
        raise DataError(f"{where}: array '{name}_lengths': expected whole numbers (drawings,); received {received}")
    wrong = np.flatnonzero((lengths < 0) | (lengths > steps))  # before they are added, which could overflow
    total = None if len(wrong) else int(lengths.astype(np.int64).sum())
    if total != steps:
        received = f"{lengths[wrong[0]]} in it" if len(wrong) else f"{total}"
        raise DataError(
            f"{where}: array '{name}_lengths': expected a sum of {steps}, the rows of '{name}'; received {received}"
        )
    return np.cumsum(lengths.astype(np.int64))[:-1]
