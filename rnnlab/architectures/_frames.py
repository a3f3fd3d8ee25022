"""What architectures of frames share."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator

from rnnlab.signature import Kind
from rnnlab.stems import STEMS, Stem
from rnnlab.stems._frames import FrameStem

FRAMES: frozenset[Kind] = frozenset({"frames"})


def of_frames(*keys: str) -> Any:
    """Return a validator of keys whose stems have to take frames."""

    def check(stem: Stem) -> FrameStem:
        if not isinstance(stem, FrameStem):
            raise ValueError(f"{STEMS.name_of(stem)} takes no frames; use cnn or backbone")
        return stem

    return field_validator(*keys)(check)
