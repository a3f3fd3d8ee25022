"""Two streams over a video: what frames show, and what changes from one to the next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from rnnlab.architectures import Encoded, only_field
from rnnlab.architectures._frames import FRAMES, of_frames
from rnnlab.architectures.stacked_rnn import StackedRnn
from rnnlab.places import Places
from rnnlab.registry import Choice
from rnnlab.signature import Kind
from rnnlab.stems import STEMS
from rnnlab.stems._frames import FrameStem
from rnnlab.stems.backbone import begin_backbones
from rnnlab.stems.cnn import Cnn


class TwoStream(StackedRnn):
    """A spatial stream reads frames, a temporal one the differences between them (Simonyan & Zisserman 2014).

    There the temporal stream reads optical flow; differences of frames are its cheapest stand-in (Wang et al. 2016).
    """

    spatial: Annotated[FrameStem, Choice(STEMS)] = Field(
        default_factory=Cnn, description="what makes a vector of each frame: the stem cnn, or backbone"
    )
    temporal: Annotated[FrameStem, Choice(STEMS)] = Field(
        default_factory=Cnn, description="what makes a vector of each frame's difference from the one before"
    )
    fusion: Literal["late", "features"] = Field(
        "late",
        description="late: each stream has recurrent layers of its own, and what they say stands beside each other; "
        "features: the vectors of both stand beside each other, and the same recurrent layers read them",
    )

    _check_stems = of_frames("spatial", "temporal")

    @property
    def reads(self) -> frozenset[Kind]:
        return FRAMES

    def begin(self, network: Any, places: Places, given: Collection[str] = frozenset()) -> Sequence[str]:
        spatial = begin_backbones(self.spatial, network, ("frame",), places, given)
        return [*spatial, *begin_backbones(self.temporal, network, ("change",), places, given)]

    @property
    def state_sizes(self) -> tuple[int, ...]:
        return ()

    def encode(self, fields: Mapping[str, Any], lengths: Any) -> Encoded:
        import keras

        from rnnlab.layers.frames import FrameDifferences

        frames = only_field(fields)
        changes = FrameDifferences(name="frame_differences")(frames, lengths)
        vectors = [self.spatial.vectors(frames, lengths, "frame"), self.temporal.vectors(changes, lengths, "change")]
        if self.fusion == "features":
            return self.stack(keras.layers.Concatenate(name="features")(vectors), lengths)
        streams = [
            self.stack(each, lengths, of=name) for each, name in zip(vectors, ("frame_", "change_"), strict=True)
        ]
        return Encoded(
            keras.layers.Concatenate(name="streams")([each.sequence for each in streams]),
            lengths,
            keras.layers.Concatenate(name="final_streams")([each.final for each in streams]),
        )
