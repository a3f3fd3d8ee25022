"""Video files, frame by frame: decoded by PyAV (FFmpeg), resized, and of a clip the frames that are asked for.

Axes: N clips, T time, H height, W width, C channels.
"""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab import bounded
from rnnlab.errors import UserError, told
from rnnlab.sources._containers import missing_bytes
from rnnlab.strict import Strict, shown

SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".gif")
# Other demuxers than these would follow a playlist to other files and addresses.
DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,gif"
MOST_PIXELS = 8192 * 8192  # of a frame as it is in the file
MOST_STREAMS = 100
DECLARED_SHARE = 0.9  # of what a header declares; files that are whole may have a little less
TICK = 1e-6  # seconds, below which two times are one
IN_MEMORY = 1 << 25  # bytes of one clip
FETCH = "it is damaged; copy or download it again"
AGAIN = "try again, and if it comes back, copy the file again"
# Faults that are there as long as the file's name, size and time of change are the same.
LASTING = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL}
OF_DAMAGE = {errno.EIO, errno.EPERM}  # what FFmpeg itself says of damaged files, too


class Frames(Strict):
    """Which frames of a clip are its time steps. A clip keeps its own length, unless it has more than are wanted."""

    by: Literal["all", "uniform", "stride", "rate"] = Field(
        "all",
        description="`all`; `uniform`: `count` frames spread evenly over the clip, of a shorter one all; `stride`: "
        "every so many frames; `rate`: so many a second, whatever the clip's own rate",
    )
    count: int = Field(16, ge=1, le=100_000, description="frames of each clip: the middles of so many equal parts")
    stride: int = Field(2, ge=1, description="take the first frame of every so many")
    per_second: float = Field(
        8.0, gt=0, le=1000, description="frames a second; where the clip has fewer, a frame stands several times"
    )
    most: int | None = Field(None, ge=1, description="frames after which a longer clip is cut; default: none is")

    idle_unless = MappingProxyType(
        {
            "count": ("by", lambda by: by == "uniform"),
            "stride": ("by", lambda by: by == "stride"),
            "per_second": ("by", lambda by: by == "rate"),
            "most": ("by", lambda by: by != "uniform"),
        }
    )

    def before(self, number: int, seconds: float) -> int:
        """Return how many steps stand before the frame of this number, which begins so long after the first.

        So a frame stands as often as this grows from it to the next. Of `uniform` it takes `middles`.
        """
        if self.by == "rate":  # the ticks until then, in seconds number / per_second
            number = max(0, math.ceil((seconds - TICK) * self.per_second))
        return self._cut(-(-number // self.stride) if self.by == "stride" else number)

    def steps(self, count: int, seconds: float) -> int:
        """Return how many steps there are of a clip of so many frames, whose last begins so long after the first."""
        if self.by == "rate":
            return self._cut(math.floor(seconds * self.per_second + TICK) + 1)
        return self.before(count, seconds)

    def middles(self, count: int) -> NDArray[np.int64]:
        """Return which frames of a clip of so many are the middles of equal parts, ascending."""
        parts = min(self.count, count)
        return (2 * np.arange(parts) + 1) * count // (2 * max(parts, 1))

    def _cut(self, steps: int) -> int:
        return steps if self.most is None else min(steps, self.most)


@dataclass(frozen=True)
class Look:
    """What frames are made of each clip.

    Attributes:
        frames: which.
        height, width: to which they are resized.
        channels: 3, or 1 of grey frames.
    """

    frames: Frames
    height: int
    width: int
    channels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, self.channels

    @property
    def bytes(self) -> int:
        """The bytes of a frame."""
        return self.height * self.width * self.channels


class ClipError(Exception):
    """A file is no clip, or a damaged one; the message says what was expected and received, and what to do.

    Attributes:
        passing: whether it may be the machine's fault, and gone the next time, though the file is the same.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class TooMuchError(Exception):
    """A clip has more frames than there is room for."""


def require_decoder() -> None:
    """Refuse to go on without PyAV.

    Raises:
        UserError: it is not installed; with the command that does so.
    """
    try:
        import av  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"data.source: video_folder decodes videos with PyAV, which can't be imported ({told(error, 100)}): "
            "pip install 'rnnlab[video]'"
        ) from None


def decode(path: Path, look: Look, sink: BinaryIO, room: int) -> int:
    """Write the frames that are taken of a clip, (H, W, C) each, one after another, and return how many.

    Where it fails, some may have been written. Of `uniform`, which frames are taken is known when all were seen: what
    is larger than IN_MEMORY is decoded a second time.

    Args:
        path: the file.
        look: what frames are wanted.
        sink: takes the frames.
        room: the most bytes that may be written.

    Raises:
        ClipError: it is no video, or damaged.
        TooMuchError: there is no room for it.
    """
    _check_whole(path)
    steps = _Steps(sink, _Resizer(look), room // look.bytes)
    if look.frames.by == "uniform":
        _write_middles(path, look, steps)
    else:
        _write_as_they_come(path, look, steps)
    return steps.written


def _write_as_they_come(path: Path, look: Look, steps: _Steps) -> None:
    clip, frames, shown = _Clip(), look.frames, None
    with _opened(path) as (container, stream):
        for frame in _decoded(container, stream, clip):
            clip.add(frame, stream)
            number, seconds = len(clip.times) - 1, clip.seconds
            if frames.by == "rate":  # the one before was on the screen until now
                steps.write(shown, frames.before(number, seconds), number - 1)
                shown = frame
            else:
                steps.write(frame, frames.before(number + 1, seconds), number)
            if steps.written == frames.most:
                return
        _check_count(container, stream, clip)
    steps.write(shown, frames.steps(len(clip.times), clip.seconds), len(clip.times) - 1)


def _write_middles(path: Path, look: Look, steps: _Steps) -> None:
    clip, seen = _Clip(), list[NDArray[np.uint8]]()
    with _opened(path) as (container, stream):
        for frame in _decoded(container, stream, clip):
            clip.add(frame, stream)
            if len(clip.times) * look.bytes <= IN_MEMORY:
                seen.append(steps.resized(frame, len(clip.times) - 1))
        _check_count(container, stream, clip)
    middles = look.frames.middles(len(clip.times))
    steps.require(len(middles))
    if len(seen) == len(clip.times):
        for number in middles.tolist():
            steps.sink.write(seen[number].tobytes())
        steps.written = len(middles)
        return
    seen.clear()
    wanted, again = set(middles.tolist()), _Clip()
    with _opened(path) as (container, stream):
        for number, frame in enumerate(_decoded(container, stream, again)):
            again.add(frame, stream)
            if number in wanted:
                steps.write(frame, steps.written + 1, number)


@dataclass
class _Steps:
    """Writes time steps, and never more than there is room for."""

    sink: BinaryIO
    resize: _Resizer
    most: int
    written: int = 0

    def require(self, steps: int) -> None:
        if steps > self.most:
            raise TooMuchError

    def resized(self, frame: Any, number: int) -> NDArray[np.uint8]:
        with _told(number):
            return self.resize(frame)

    def write(self, frame: Any, until: int, number: int) -> None:
        """Write a frame, again and again until there are so many steps."""
        self.require(until)
        if frame is None or until <= self.written:
            return
        pixels = self.resized(frame, number).tobytes()
        while self.written < until:
            self.sink.write(pixels)
            self.written += 1


@dataclass
class _Clip:
    """What is known of a clip while it is decoded: its frames' times, and their size as they are in the file."""

    times: list[float] = field(default_factory=list)
    size: tuple[int, int] = (0, 0)

    @property
    def seconds(self) -> float:
        """How long after the first frame the last one begins."""
        return self.times[-1] - self.times[0]

    def add(self, frame: Any, stream: Any) -> None:
        size = (frame.height, frame.width)
        if self.times and size != self.size:
            expected = f"{self.size[0]} × {self.size[1]} pixels, as the first has"
            raise ClipError(
                f"frame {len(self.times)} (counted from 0): expected {expected}; received {size[0]} × {size[1]}; "
                "cut the file where its size changes, or encode it anew"
            )
        self.size = size
        # Some containers give no times; then frames follow one another at the stream's own rate.
        own = len(self.times) / float(stream.average_rate or Fraction(25))
        time = own if frame.time is None else float(frame.time)
        self.times.append(max(time, self.times[-1]) if self.times else time)


class _Resizer:
    """Makes pixels (H, W, C) of frames: areas are averaged where frames shrink, else they are interpolated."""

    def __init__(self, look: Look) -> None:
        from av.video.reformatter import VideoReformatter

        self.look, self.reformatter = look, VideoReformatter()

    def __call__(self, frame: Any) -> NDArray[np.uint8]:
        height, width, channels = self.look.shape
        quarters = round(frame.rotation / 90) % 4  # of a phone that was held upright, counter-clockwise
        if quarters % 2:
            height, width = width, height
        resized = self.reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="rgb24" if channels == 3 else "gray",
            interpolation="AREA" if height * width < frame.height * frame.width else "BILINEAR",
        )
        pixels: NDArray[np.uint8] = np.rot90(resized.to_ndarray(), quarters)
        return pixels.reshape(self.look.shape)


def _check_whole(path: Path) -> None:
    """Refuse what is no video file, and what was cut off."""
    try:
        if path.is_dir():
            raise ClipError("expected a video file; received a folder; rename it, or remove it")
        with bounded.open_regular(path) as file:
            if not os.fstat(file.fileno()).st_size:
                raise ClipError("expected a video file; received an empty file; copy or download it again")
            missing = missing_bytes(file)
            file.seek(0)
            begin = file.read(8)
    except OSError as error:
        said = f"expected a video file; it can't be read: {error.strerror or error}"
        raise ClipError(said, passing=_passing(error)) from None
    if missing is None:
        known = ", ".join(suffix.removeprefix(".") for suffix in SUFFIXES)
        raise ClipError(f"expected a video ({known}); received a file that begins with {shown(begin)[1:]}; remove it")
    if missing:
        raise ClipError(f"expected {missing:,} bytes more at its end: it was cut off; copy or download it again")


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a file's video stream.

    FFmpeg is handed the open file, so that it reads no other, whatever stands in it.
    """
    import av

    options = {"format_whitelist": DEMUXERS, "max_streams": str(MOST_STREAMS)}
    with ExitStack() as stack:
        try:
            file = stack.enter_context(bounded.open_regular(path))
            container = stack.enter_context(av.open(file, options=options, metadata_errors="replace"))
            stream = _video_stream(container)
            stream.thread_type = "AUTO"  # several frames at once, where the codec can
            stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
        except (av.FFmpegError, OSError, ValueError, EOFError, MemoryError) as error:
            raise _error_of("expected a video that can be read", error) from None
        yield container, stream


def _video_stream(container: Any) -> Any:
    """Return the first video stream that is no cover picture."""
    import av

    streams = [each for each in container.streams.video if not each.disposition & av.stream.Disposition.attached_pic]
    if not streams:
        received = "sound alone" if container.streams.audio else "none"
        raise ClipError(f"expected a video stream; received {received}; remove the file")
    if streams[0].codec_context is None:
        raise ClipError("expected a codec that PyAV knows; received another, or a damaged file; encode the clip anew")
    height, width = streams[0].codec_context.height, streams[0].codec_context.width
    if height * width > MOST_PIXELS:
        raise ClipError(f"expected frames of at most {MOST_PIXELS:,} pixels; received {height} × {width}; shrink them")
    return streams[0]


def _decoded(container: Any, stream: Any, clip: _Clip) -> Iterator[Any]:
    """Yield the frames of a stream in the order in which they are shown."""
    packets = container.demux(stream)
    while True:
        with _told(len(clip.times)):
            packet = next(packets, None)
            if packet is not None and packet.is_corrupt:
                raise ValueError("a part of it is missing")
            frames = [] if packet is None else packet.decode()
        if packet is None:
            return
        yield from frames


@contextmanager
def _told(frame: int) -> Iterator[None]:
    """Tell what goes wrong with a frame."""
    import av

    try:
        yield
    except (av.FFmpegError, OSError, ValueError, EOFError, MemoryError) as error:
        where = f"frame {frame} (counted from 0)"
        raise _error_of(f"{where}: expected a frame that can be decoded", error) from None


def _check_count(container: Any, stream: Any, clip: _Clip) -> None:
    """Refuse a clip that has fewer frames than its container declares; MP4s may say of some not to show them."""
    if not clip.times:
        raise ClipError("expected at least one frame; received a video without any; remove it")
    forms = container.format.name.split(",")
    if "avi" in forms and len(clip.times) < DECLARED_SHARE * stream.frames:
        raise ClipError(f"expected {stream.frames} frames, as its header says; received {len(clip.times)}; {FETCH}")
    if "webm" in forms and len(container.streams) == 1 and container.duration and stream.average_rate:
        declared = container.duration / 1e6
        seconds = clip.times[-1] + 1 / float(stream.average_rate)
        if seconds < DECLARED_SHARE * declared:
            raise ClipError(f"expected {declared:.2f} s, as its header says; received {seconds:.2f} s; {FETCH}")


def _error_of(expected: str, error: BaseException) -> ClipError:
    passing = _passing(error)
    reason = told(Exception(getattr(error, "strerror", None) or error), 150)
    return ClipError(f"{expected}; {reason}; {AGAIN if passing else FETCH}", passing=passing)


def _passing(error: BaseException) -> bool:
    """Whether a fault may be gone the next time: too little memory, too many files open, a disk that fails."""
    import av

    lasting = LASTING | OF_DAMAGE if isinstance(error, av.FFmpegError) else LASTING
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno not in lasting)
