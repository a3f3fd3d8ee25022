"""rnnlab: sequences in, a recurrent network trained right out."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from rnnlab.prediction import Predictor

try:
    __version__ = version("rnnlab")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0+unknown"

__all__ = ["__version__", "load"]


def load(run: str | Path) -> Predictor:
    """Return the trained network of a run folder, ready to answer.

    Example:
        >>> answers = rnnlab.load("runs/japanese-vowels-001").predict([array])  # array: (T, F), raw units
        >>> answers["classes"]

    Raises:
        RunError: there is no trained run in this folder.
    """
    from rnnlab.prediction import Predictor

    return Predictor.load(run)
