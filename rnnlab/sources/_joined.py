"""Recordings joined into longer ones by a seeded generator, such as digits into numbers that are read out.

Axes: N examples, T samples.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.signature import Signature
from rnnlab.sources._digits import chance, drawn
from rnnlab.sources._targets import TEXT_TARGET
from rnnlab.strict import Ends, Strict, check_order

MOST = 100_000

Milliseconds = Annotated[int, Field(ge=0, le=10_000)]


class Joined(Strict):
    """How recordings are joined: some of one split, and where there are groups of one group, with silence between.

    Each is drawn from all of them: it may stand in several joined ones, and in one several times. What is asked for is
    the text of their labels, in order.
    """

    least: int = Field(1, ge=1, le=100, description="the fewest recordings of a joined one")
    most: int = Field(7, ge=1, le=100, description="the most; each number as often")
    train: int = Field(4000, ge=1, le=MOST, description="joined recordings to train on, of those of training")
    validation: int = Field(500, ge=1, le=MOST, description="to validate on, of those that validate")
    test: int = Field(1000, ge=1, le=MOST, description="to test on, of those that test")
    silence_ms: Ends[Milliseconds] = Field(
        default_factory=lambda: [0, 300],
        description="[least, most] milliseconds of silence between two",
    )
    joint: str = Field(" ", max_length=10, description="what stands between two labels in the text")
    seed: int = Field(0, ge=0, description="seed of what is joined")

    @model_validator(mode="after")
    def _in_order(self) -> Joined:
        check_order(self, "least", "most")
        return self

    def join(self, split: str, single: Examples, longest_seconds: float) -> JoinedExamples:
        """Return joined recordings of the single ones of a split.

        Raises:
            DataError: one is longer than so many seconds.
        """
        bits = chance(self.seed, split)
        everyone = np.arange(len(single))
        groups = np.zeros(len(single), str) if single.groups is None else single.groups
        members = {group: everyone[groups == group] for group in np.unique(groups)}
        parts, gaps = [], []
        for _ in range(getattr(self, split)):
            own = members[groups[drawn(bits, len(single))]]
            count = self.least + drawn(bits, self.most - self.least + 1)
            parts.append(np.array([own[drawn(bits, len(own))] for _ in range(count)]))
            gaps.append(
                np.array([self._gap(single.signature.inputs[0].rate, bits) for _ in range(count - 1)], np.int64)
            )
        joined = JoinedExamples(single, parts, gaps, self.joint)
        longest = int(joined.lengths.argmax())
        seconds = joined.lengths[longest] / single.signature.inputs[0].rate
        if seconds > longest_seconds:
            raise DataError(
                f"data.joined: expected joined recordings of at most {longest_seconds:g} s; received one of "
                f"{seconds:,.1f} s, of {len(parts[longest])} recordings of '{split}'; lower joined.most or silence_ms, "
                "or raise data.longest_seconds"
            )
        return joined

    def _gap(self, rate: int, bits: np.random.PCG64) -> int:
        """Return the samples of a silence."""
        least, most = (each * rate // 1000 for each in self.silence_ms)
        return least + drawn(bits, most - least + 1)


class JoinedExamples(Examples):
    """Recordings that are joined when they are read.

    Args:
        single: what they are made of; each has a class or a text.
        parts: of each, the numbers of these, in order.
        gaps: of each, the samples of silence between two.
        joint: what stands between two labels.
    """

    def __init__(
        self, single: Examples, parts: list[NDArray[np.int64]], gaps: list[NDArray[np.int64]], joint: str
    ) -> None:
        self.single, self.parts, self.gaps = single, parts, gaps
        self.signature = Signature(single.signature.inputs, TEXT_TARGET)
        # Of the same parts there may be several: the number tells them apart.
        self.ids = [f"{number}:{'+'.join(single.ids[int(part)] for part in each)}" for number, each in enumerate(parts)]
        pairs = zip(parts, gaps, strict=True)
        self.lengths = np.array([single.lengths[part].sum() + gap.sum() for part, gap in pairs], np.int64)
        labels = _labels(single)
        self.targets = np.array([joint.encode().join(labels[part] for part in each) for each in parts], np.bytes_)
        self.groups = None if single.groups is None else single.groups[[each[0] for each in parts]]
        self.skipped, self.notes = single.skipped, single.notes

    def read(self, index: int) -> dict[str, NDArray[np.generic]]:
        name, pieces = self.signature.inputs[0].name, []
        for part, gap in zip(self.parts[index], [*self.gaps[index], 0], strict=True):
            pieces += [self.single.read(int(part))[name], np.zeros((gap, 1), np.float32)]
        return {name: np.concatenate(pieces)}


def _labels(examples: Examples) -> list[bytes]:
    """Return each example's class, or text, in UTF-8."""
    target, targets = examples.signature.known_target, examples.known_targets
    if target.kind == "string":
        return [bytes(each) for each in targets]
    return [target.names[int(each)].encode() for each in targets]
