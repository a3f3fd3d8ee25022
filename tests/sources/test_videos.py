"""Video files: decoded frame by frame, resized, and sampled as a NumPy reference says; what is no video is told."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rnnlab.sources import _videos
from rnnlab.sources._videos import ClipError, Frames, Look, TooMuchError, decode
from tests.made_videos import CODECS, moving, turn, write_changing, write_clip, write_empty, write_sound
from tests.test_cli import ROOT


def read(path: Path, frames: Frames | None = None, height: int = 48, width: int = 64, channels: int = 3) -> np.ndarray:
    """Return the frames that are taken of a clip, (T, H, W, C)."""
    look = Look(frames or Frames(), height, width, channels)
    sink = io.BytesIO()
    count = decode(path, look, sink, room=10**9)
    return np.frombuffer(sink.getvalue(), np.uint8).reshape(count, *look.shape)


def difference(found: np.ndarray, made: np.ndarray) -> float:
    """Return the mean difference of pixels, of 255."""
    return float(np.abs(found.squeeze(-1 if made.ndim == 3 else ()).astype(float) - made).mean())


# What codecs give back


@pytest.mark.parametrize("suffix", CODECS)
@pytest.mark.parametrize("color", [True, False], ids=["color", "gray"])
def test_frames_come_back_as_they_were_encoded(tmp_path: Path, suffix: str, color: bool) -> None:
    if suffix == ".gif" and color:
        pytest.skip("a GIF has a palette; in grey it is exact")
    made = moving(9, color=color)
    found = read(write_clip(tmp_path / f"clip{suffix}", made), channels=3 if color else 1)
    assert found.shape == (9, 48, 64, 3 if color else 1)
    assert difference(found, made) < 4
    for index in range(9):  # and each is the right one
        assert np.argmin([difference(found[index : index + 1], each[None]) for each in made]) == index


def test_grey_frames_have_the_whole_range_of_brightness(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, 64).astype(np.uint8), (2, 48, 64))
    found = read(write_clip(tmp_path / "ramp.mp4", ramp), channels=1)
    assert found.min() <= 4
    assert found.max() >= 251
    assert difference(found, ramp) < 2


def test_frames_shrink_by_the_mean_of_areas(tmp_path: Path) -> None:
    """Every other pixel white: taking pixels out would give stripes, or black, or white."""
    chess = np.broadcast_to((np.indices((48, 64)).sum(0) % 2 * 255).astype(np.uint8), (2, 48, 64))
    small = read(write_clip(tmp_path / "chess.gif", chess), height=12, width=16, channels=1)
    assert small.shape == (2, 12, 16, 1)
    assert np.abs(small.astype(int) - 127).max() <= 3
    made = moving(3, color=False)
    means = made.reshape(3, 12, 4, 16, 4).mean((2, 4))
    assert difference(read(write_clip(tmp_path / "a.gif", made), height=12, width=16, channels=1), means) < 1.5


def test_frames_grow_and_change_their_shape(tmp_path: Path) -> None:
    assert read(write_clip(tmp_path / "a.mp4", moving(2)), height=101, width=77).shape == (2, 101, 77, 3)


def test_a_clip_that_was_filmed_upright_stands_upright(tmp_path: Path) -> None:
    made = moving(3)
    found = read(turn(write_clip(tmp_path / "phone.mp4", made)), height=64, width=48)
    assert difference(found, np.rot90(made, -1, (1, 2))) < 4


# Which frames are taken


def reference(times: np.ndarray, by: str, **keys: Any) -> list[int]:
    """Return which frames are taken, one by one."""
    if by == "uniform":
        parts = min(keys["count"], len(times))
        return [int(np.floor((part + 0.5) * len(times) / parts)) for part in range(parts)]
    if by == "stride":
        return [index for index in range(len(times)) if index % keys["stride"] == 0][: keys.get("most")]
    if by == "rate":
        taken, tick = [], 0
        while tick / keys["per_second"] <= times[-1] + 1e-6:
            taken.append(max(index for index, time in enumerate(times) if time <= tick / keys["per_second"] + 1e-6))
            tick += 1
        return taken[: keys.get("most")]
    return list(range(len(times)))[: keys.get("most")]


SAMPLINGS: list[dict[str, Any]] = [
    {"by": "all"},
    {"by": "all", "most": 5},
    {"by": "uniform", "count": 1},
    {"by": "uniform", "count": 4},
    {"by": "uniform", "count": 7},
    {"by": "uniform", "count": 50},
    {"by": "stride", "stride": 3},
    {"by": "stride", "stride": 3, "most": 2},
    {"by": "stride", "stride": 100},
    {"by": "rate", "per_second": 8.0},
    {"by": "rate", "per_second": 25.0},
    {"by": "rate", "per_second": 60.0},
    {"by": "rate", "per_second": 8.0, "most": 3},
]


def taken(frames: Frames, times: np.ndarray) -> list[int]:
    """Return which frames of a clip are taken, given all times."""
    if frames.by == "uniform":
        return frames.middles(len(times)).tolist()
    seconds = times - times[0]
    before = [frames.before(number, each) for number, each in enumerate(seconds)]
    return np.repeat(np.arange(len(times)), np.diff([*before, frames.steps(len(times), seconds[-1])])).tolist()


@pytest.mark.parametrize("keys", SAMPLINGS, ids=str)
@pytest.mark.parametrize("count", [1, 2, 13, 30])
def test_sampling_takes_the_frames_of_a_reference(keys: dict[str, Any], count: int) -> None:
    even = np.arange(count) / 25
    uneven = np.cumsum(np.random.default_rng(count).uniform(0.01, 0.2, count))
    for times in (even, uneven - uneven[0]):
        expected = reference(times, **keys)
        assert taken(Frames(**keys), times) == expected
        assert taken(Frames(**keys), times + 7.25) == expected  # some clips do not begin at zero


@pytest.mark.parametrize("keys", SAMPLINGS, ids=str)
def test_the_frames_that_are_taken_are_those_of_the_clip(tmp_path: Path, keys: dict[str, Any]) -> None:
    """Of a clip whose frames do not follow one another evenly, too; and no more is decoded than is needed."""
    times = [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 40, 41]
    every = read(write_clip(tmp_path / "a.mkv", moving(12), times))
    assert len(every) == 12
    expected = reference(np.array(times) / 25, **keys)
    np.testing.assert_array_equal(read(tmp_path / "a.mkv", Frames(**keys)), every[expected])


@pytest.mark.parametrize(("keys", "last"), [({}, 3), ({"by": "stride", "stride": 4}, 9), ({"by": "rate"}, 8)], ids=str)
def test_what_comes_after_the_last_frame_that_is_taken_is_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any], last: int
) -> None:
    clips: list[Any] = []
    real = _videos._Clip
    monkeypatch.setattr(_videos, "_Clip", lambda: clips.append(real()) or clips[-1])
    assert len(read(write_clip(tmp_path / "a.mp4", moving(30)), Frames(most=3, **keys))) == 3
    assert len(clips[0].times) == last


@pytest.mark.parametrize(
    "keys", [{"count": 3}, {"by": "stride", "count": 3}, {"by": "uniform", "most": 3}, {"by": "x"}]
)
def test_keys_that_would_do_nothing_are_mistakes(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Frames(**keys)


# What is no clip


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def cut(path: Path, share: float) -> Path:
    return write(path, path.read_bytes()[: int(path.stat().st_size * share)])


def message(path: Path) -> str:
    with pytest.raises(ClipError) as error:
        read(path)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("suffix", CODECS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_file_that_was_cut_off_is_told(tmp_path: Path, suffix: str, share: float) -> None:
    path = cut(write_clip(tmp_path / f"clip{suffix}", moving(20, color=suffix != ".gif")), share)
    assert "it was cut off; copy or download it again" in message(path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("text.mp4", b"hello world\n" * 9, "received a file that begins with 'hello wo'"),
        ("empty.mp4", b"", "received an empty file"),
        ("noise.avi", bytes(range(1, 255)), "expected a video (mp4, m4v, mov, avi, mkv, webm, gif)"),
        ("list.mp4", b"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n", "begins with '#EXTM3U"),
        ("list.avi", b"ffconcat version 1.0\nfile /etc/passwd\n", "begins with 'ffconcat'"),
        ("start.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isommp41", "expected a video that can be read"),
        ("start.avi", b"RIFF\4\0\0\0AVI ", "expected a video"),
        ("start.webm", b"\x1a\x45\xdf\xa3" * 30, "expected a video"),
        ("start.gif", b"GIF89a;", "expected a"),
        ("start.gif", b"GIF89a\xff\xff\xff\xff\0\0\0;", "expected"),
    ],
)
def test_a_file_that_is_no_video_is_told(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    assert says in message(write(tmp_path / name, content))


def test_what_has_no_frames_is_told(tmp_path: Path) -> None:
    assert "received sound alone" in message(write_sound(tmp_path / "sound.mp4"))
    assert "expected at least one frame" in message(write_empty(tmp_path / "none.avi"))
    assert "expected a video stream" in message(write_empty(tmp_path / "none.mp4"))
    (tmp_path / "x.mp4").mkdir()
    assert "received a folder" in message(tmp_path / "x.mp4")
    assert "No such file" in message(tmp_path / "gone.mp4")
    assert "File name too long" in message(tmp_path / f"{'x' * 300}.mp4")


def test_frames_that_change_their_size_are_told(tmp_path: Path) -> None:
    said = message(write_changing(tmp_path / "changing.avi"))
    assert "frame 4 (counted from 0): expected 48 × 64 pixels, as the first has; received 24 × 32" in said


def test_frames_that_are_too_large_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_videos, "MOST_PIXELS", 100)
    assert "at most 100 pixels; received 48 × 64" in message(write_clip(tmp_path / "a.mp4", moving(2)))


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_damage_in_the_middle_is_told(tmp_path: Path, suffix: str) -> None:
    path = write_clip(tmp_path / f"clip{suffix}", moving(30))
    data = bytearray(path.read_bytes())
    begin = len(data) // 3
    data[begin : begin + len(data) // 4] = b"\x5a" * (len(data) // 4)
    assert "damaged" in message(write(path, bytes(data)))


def test_no_noise_makes_anything_but_one_message(tmp_path: Path) -> None:
    """Bytes changed anywhere: either frames come, or one error of ours; nothing is written, nothing hangs."""
    for suffix in CODECS:
        path = write_clip(tmp_path / f"clip{suffix}", moving(6, 16, 16, color=suffix != ".gif"))
        whole = path.read_bytes()
        for seed in range(30):
            random = np.random.default_rng(seed)
            data = bytearray(whole)
            for at in random.integers(0, len(data), random.integers(1, 40)):
                data[at] = random.integers(256)
            try:
                told = len(read(write(path, bytes(data)), height=8, width=8)) * "frame"
            except ClipError as error:
                told = str(error)
            assert told
            assert told.isprintable()


# Bounds


def test_there_is_a_bound_on_what_is_written(tmp_path: Path) -> None:
    path, sink = write_clip(tmp_path / "a.mp4", moving(20)), io.BytesIO()
    frame = 48 * 64 * 3
    with pytest.raises(TooMuchError):
        decode(path, Look(Frames(), 48, 64, 3), sink, room=10 * frame)
    assert sink.tell() <= 10 * frame


@pytest.mark.parametrize("in_memory", [0, 10**9])
@pytest.mark.parametrize(
    "keys", [{"by": "uniform", "count": 4}, {"by": "stride", "stride": 10}, {"by": "rate"}], ids=str
)
def test_only_frames_that_are_taken_need_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any], in_memory: int
) -> None:
    monkeypatch.setattr(_videos, "IN_MEMORY", in_memory)
    frame, look = 48 * 64 * 3, Look(Frames(**keys), 48, 64, 3)
    path = write_clip(tmp_path / "a.mp4", moving(40))
    needed = 13 if look.frames.by == "rate" else 4
    sink = io.BytesIO()
    assert decode(path, look, sink, room=needed * frame) == needed
    assert sink.tell() == needed * frame
    with pytest.raises(TooMuchError):
        decode(path, look, io.BytesIO(), room=needed * frame - 1)


def test_times_in_a_file_decide_no_allocation(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", moving(3), [0, 1, 5 * 10**9])  # the last one after more than six years
    assert len(read(path, Frames(by="rate", most=4))) == 4
    sink = io.BytesIO()
    with pytest.raises(TooMuchError):
        decode(path, Look(Frames(by="rate"), 48, 64, 3), sink, room=10**6)
    assert sink.tell() <= 10**6


LONG = """
import resource, sys
from pathlib import Path
from rnnlab.sources._videos import Frames, Look, decode

path, frames = Path(sys.argv[1]), Frames.model_validate_json(sys.argv[2])

def read(most):
    with open(path.with_name("frames"), "wb") as sink:
        return decode(path, Look(most, 120, 160, 3), sink, room=10**9)

read(Frames(most=50))  # whatever the decoder keeps
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(read(frames), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems count the memory in other units")
@pytest.mark.parametrize(("keys", "count"), [({}, 1000), ({"by": "uniform", "count": 900}, 900)], ids=str)
def test_memory_does_not_grow_with_a_clip(tmp_path: Path, keys: dict[str, Any], count: int) -> None:
    """58 MB of frames, in a process of its own: of this one the peak was before."""
    path = write_clip(tmp_path / "long.mp4", np.repeat(moving(4, 240, 320, color=False), 250, axis=0))
    command = [sys.executable, "-c", LONG, str(path), Frames(**keys).model_dump_json(include=set(keys))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    taken, grown = map(int, done.stdout.split())
    assert taken == count
    assert grown < (20_000 if not keys else 45_000)  # kilobytes; of `uniform` IN_MEMORY more
