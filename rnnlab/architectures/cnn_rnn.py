"""A convolutional network over each frame, recurrent layers over what it makes of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

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


class CnnRnn(StackedRnn):
    """Each frame becomes a vector by itself, and recurrent layers read these (Donahue et al. 2015, LRCN).

    Time is folded into the batch for the network of the frames, and unfolded behind it.
    """

    cnn: Annotated[FrameStem, Choice(STEMS)] = Field(
        default_factory=Cnn, description="what makes a vector of each frame: the stem cnn, or backbone"
    )

    _check_cnn = of_frames("cnn")

    @property
    def reads(self) -> frozenset[Kind]:
        return FRAMES

    def begin(self, network: Any, places: Places, given: Collection[str] = frozenset()) -> Sequence[str]:
        return begin_backbones(self.cnn, network, ("frame",), places, given)

    @property
    def state_sizes(self) -> tuple[int, ...]:
        return ()

    def encode(self, fields: Mapping[str, Any], lengths: Any) -> Encoded:
        return self.stack(self.cnn.vectors(only_field(fields), lengths), lengths)
