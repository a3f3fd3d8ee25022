"""Architectures: named networks. One file each; its name is the YAML name.

An encoder turns the input into one vector a step, and says how many steps are valid. What reads the steps is the
head's business. Keras is imported inside `encode`, so that a typo in a spec is reported before TensorFlow loads.

Axes: B batch, T time, F features, U units.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnlab.registry import Registry
from rnnlab.strict import Strict


@dataclass(frozen=True)
class Encoded:
    """What an encoder gives.

    Attributes:
        sequence: (B, T', U), padded steps undefined.
        lengths: (B,) int32, the valid steps of `sequence`.
        final: (B, U), what the network holds after the whole sequence: of a forward direction the last valid step,
            of a backward direction the first.
    """

    sequence: Any
    lengths: Any
    final: Any


class Architecture(Strict, ABC):
    """A named network over one sequence."""

    @abstractmethod
    def encode(self, fields: Mapping[str, Any], lengths: Any) -> Encoded:
        """Return the symbolic encoding of symbolic inputs: (B, T, F) by field name, and lengths (B,) int32."""

    @property
    def causal(self) -> bool:
        """Whether no step sees a later one."""
        return False

    @property
    def time_stride(self) -> int:
        """How many input steps one step of the encoded sequence stands for."""
        return 1

    @property
    def static_widths(self) -> bool:
        """Whether training steps are compiled for each padded width, with the number of steps known."""
        return False


ARCHITECTURES: Registry[Architecture] = Registry("rnnlab.architectures", Architecture, "architecture")


def only_field(fields: Mapping[str, Any]) -> Any:
    """Return the one input of an encoder of a single sequence."""
    (value,) = fields.values()
    return value
