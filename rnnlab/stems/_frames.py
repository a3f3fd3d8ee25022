"""What stems of frames share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field as Key

from rnnlab.signature import Field, Kind
from rnnlab.stems import Stem

Readout = Annotated[
    Literal["flatten", "mean"],
    Key(
        description="what the last block's pixels become: flatten keeps where something is; mean only what is there, "
        "with far fewer weights"
    ),
]


class FrameStem(Stem):
    """A vector for each frame by itself. A picture is a single frame."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"frames"})

    def embed(self, values: Any, lengths: Any, field: Field, target: Field) -> Any:
        return self.vectors(values, lengths)

    @abstractmethod
    def vectors(self, frames: Any, lengths: Any, of: str = "frame") -> Any:
        """Return symbolic vectors (B, T, U) of symbolic frames (B, T, H, W, C) of 0 to 1, zeros in the padding.

        Args:
            frames: see above.
            lengths: (B,) int32.
            of: begins the names of the layers, so that a network may have several such stems.
        """


def read_out(maps: Any, readout: Readout, units: int, dropout: float, of: str) -> Any:
    """Return symbolic vectors (B, T, units) of what convolutions made of frames, (B, T, H, W, C).

    Layer normalisation (Ba et al. 2016) stands before the ReLU: each unit adds up thousands of pixels that are never
    negative, so that a few steps of Adam could push all of them below zero, from where there is no way back.

    Args:
        maps: see above.
        readout: what the pixels become.
        units: size of a vector.
        dropout: share of each vector dropped in training.
        of: begins the names of the layers.
    """
    import keras

    from rnnlab.layers.frames import FlatFrames, FrameMean
    from rnnlab.layers.randomness import Dropout

    read = FlatFrames if readout == "flatten" else FrameMean
    vectors = keras.layers.Dense(units, name=f"{of}_vector")(read(name=f"{of}_readout")(maps))
    vectors = keras.layers.LayerNormalization(name=f"{of}_vector_normalization")(vectors)
    vectors = keras.layers.Activation("relu", name=f"{of}_vector_activation")(vectors)
    return Dropout(dropout, name=f"{of}_dropout")(vectors)
