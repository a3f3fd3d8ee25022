"""Clips of video, each with a class or a text: a folder for each class, or a table that lists them.

Axes: N clips, T time, H height, W width, C channels.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from rnnlab.examples import Examples, FlatExamples
from rnnlab.pixels import Side
from rnnlab.places import Places
from rnnlab.signature import Field as ExampleField
from rnnlab.signature import Signature
from rnnlab.sources._checks import BadSequences
from rnnlab.sources._clip_files import ClipFiles
from rnnlab.sources._clips import Clips, Manifest, Wanted, check_apart, clips_of
from rnnlab.sources._frame_store import Decoded, Fault, FrameStore, decode_aside
from rnnlab.sources._videos import SUFFIXES, Frames, Look

CACHE = "video_cache"  # in the data directory
CHANNELS = {"color": 3, "gray": 1}


class VideoFolder(ClipFiles):
    """Clips of video (mp4, mov, avi, mkv, webm, gif), each with its class: a folder for each class, or a table.

    Clips are decoded once, into a folder of the data directory that is bounded; a clip keeps its own number of frames.
    A table (`.csv`, `.tsv`) has a row for each clip: its file, its class or a text, and where it is wanted its split
    and its group. Needs PyAV: pip install 'rnnlab[video]'.
    """

    wanted: ClassVar[Wanted] = Wanted("clips", "video", SUFFIXES)

    frames: Frames = Field(default_factory=Frames, description="which frames of a clip are its time steps")
    size: list[Side] = Field(
        min_length=2, max_length=2, description="[height, width] in pixels, to which every frame is resized"
    )
    channels: Literal["color", "gray"] = Field("color", description="three channels (red, green, blue), or one")
    cache_gigabytes: float = Field(
        20.0,
        gt=0,
        description="the most that decoded frames of all data sets take in the data directory; what has not been used "
        "for longest goes first",
    )
    cache: Literal["memory", "disk"] = Field(
        "disk", description="whence frames are read in training: `disk`: from the decoded file; `memory`: from a copy"
    )

    @classmethod
    def gives_frames(cls, keys: object) -> bool:
        return True

    def open(self, places: Places) -> dict[str, Examples]:
        """Return the splits; what can't be decoded is found before anything is trained."""
        found = self.clips(places)
        check_apart(found)
        store = FrameStore(places.data / CACHE, self.cache_gigabytes)
        splits: dict[str, Examples] = {}
        for name, clips in found.items():
            splits[name] = self._split(clips, store, splits["train"].signature if name != "train" else None)
        return splits

    def read_input(self, path: Path, signature: Signature) -> Examples:
        """Return a clip, all clips of a folder and the folders in it, or those that a table lists."""
        clips = clips_of(path, self.manifest or Manifest(), self.wanted, labelled=False)
        bad = BadSequences(self.on_bad, clips.ids)
        decoded = decode_aside(clips.paths, self._look, self.cache_gigabytes, _judge(clips, bad))
        return bad.left(_laid(clips, decoded, Signature(signature.inputs)), clips.shown)

    @property
    def _look(self) -> Look:
        return Look(self.frames, self.size[0], self.size[1], CHANNELS[self.channels])

    def _split(self, clips: Clips, store: FrameStore, like: Signature | None) -> FlatExamples:
        bad = BadSequences(self.on_bad, clips.ids)
        decoded = store.decoded(clips.paths, self._look, _judge(clips, bad))
        self.check_groups(clips, bad)
        target, targets = self.target(clips, bad, like.target if like is not None else None)
        field = ExampleField("frames", "frames", self._look.shape)
        examples = replace(_laid(clips, decoded, Signature((field,), target)), targets=targets)
        return bad.left(examples, clips.shown)


def _judge(clips: Clips, bad: BadSequences) -> Fault:
    return lambda number, reason: bad.add(number, clips.places[number], reason)


def _laid(clips: Clips, decoded: Decoded, signature: Signature) -> FlatExamples:
    groups = np.array(clips.groups, dtype=str) if clips.groups else None
    examples = FlatExamples.from_lengths(
        signature, clips.ids, decoded.values, decoded.lengths, None, groups, clips.places
    )
    return replace(examples, notes=tuple(clips.notes))
