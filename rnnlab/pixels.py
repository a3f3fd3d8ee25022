"""Pixels: what is accepted as frames, and how large one may be."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.errors import DataError

Side = Annotated[int, Field(ge=1, le=4096)]


def as_pixels(values: NDArray[Any], where: str) -> NDArray[np.uint8]:
    """Return pixels as whole numbers of 0 to 255.

    Raises:
        DataError: some are none, such as the share of the brightest that other tools make of them.
    """
    if values.dtype.kind not in "fiu":
        remedy = "; multiply by 255" if values.dtype.kind == "b" else ""
        raise DataError(f"{where}: expected pixels, whole numbers of 0 to 255; received {values.dtype}{remedy}")
    if values.dtype == np.uint8:
        return values
    low, high = values.min(), values.max()
    inside = low >= 0 and high <= 255  # not of NaN
    # Whole numbers written as fractions are shares of the brightest where none is larger than 1, such as a mask.
    shares = values.dtype.kind == "f" and 0 < high <= 1
    if not inside or shares or (values != np.round(values)).any():
        received = f"{values.dtype} of {low:g} to {high:g}"
        remedy = "; multiply by 255 and round" if inside and high <= 1 else ""
        raise DataError(f"{where}: expected pixels, whole numbers of 0 to 255; received {received}{remedy}")
    return values.astype(np.uint8)
