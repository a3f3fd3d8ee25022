"""Stems: how a field becomes one vector a step that is none yet. One file each; its name is the YAML name.

Axes: B batch, T time, H height, W width, C channels, L characters of a word, U units.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from rnnlab.places import Places
from rnnlab.registry import Registry
from rnnlab.signature import Field, Kind
from rnnlab.strict import Strict


class Stem(Strict, ABC):
    """What stands between prepared input and an encoder.

    Class attributes:
        kinds: the kinds of prepared input that it takes.
    """

    kinds: ClassVar[frozenset[Kind]]

    @abstractmethod
    def embed(self, values: Any, lengths: Any, field: Field, target: Field) -> Any:
        """Return one vector a step, symbolic (B, T, U).

        Args:
            values: symbolic, such as numbers of tokens (B, T, 1) int32, of what is spelled (B, T, 1 + L), or frames
                (B, T, H, W, C) of 0 to 1, of zeros in the padding.
            lengths: symbolic, (B,) int32.
            field: what the values are.
            target: what is asked for.
        """

    def begin(self, network: Any, field: Field, places: Places, given: Collection[str] = frozenset()) -> Sequence[str]:
        """Give a new network weights to begin with that are no draws; return what the user should know of them.

        Args:
            network: built, before the first step.
            field: what the values are.
            places: where the spec's paths are looked for.
            given: the names of layers that another run gives all weights of; for these nothing is read.

        Raises:
            DataError: they can't be read.
        """
        return ()


STEMS: Registry[Stem] = Registry("rnnlab.stems", Stem, "name")
DEFAULTS: dict[Kind, str] = {"tokens": "embedding", "spelled": "word_characters", "frames": "cnn"}
