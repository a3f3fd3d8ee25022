"""Waveforms: what is accepted as the samples of a recording, and how loud they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LOWEST_RATE, HIGHEST_RATE = 1000, 384_000  # Hz
LOUDEST = 8.0  # times full scale; what is mixed in floating point may go beyond 1, but no further than this


def fault_of(samples: NDArray[Any]) -> str | None:
    """Return what is wrong with samples, (T, 1): what was expected, what was received, and what to do; or None."""
    if samples.dtype.kind != "f":
        return f"expected samples of -1 to 1; received {samples.dtype}; divide 16 bits by 32768, say"
    finite = np.isfinite(samples)
    if not finite.all():
        return f"sample {int(np.argmin(finite))} (counted from 0): expected a finite number; received another"
    loudest = float(np.abs(samples).max(initial=0.0))
    if loudest > LOUDEST:
        return f"expected samples of -1 to 1; received {loudest:g}; divide by the largest that the format has"
    return None


def times(decibels: Any) -> Any:
    """Return what an amplitude is multiplied by where it rises by so many decibels: a number, or a tensor of them."""
    return 10 ** (decibels / 20)
