"""Made-up clips for tests, encoded by PyAV.

Axes: T time, H height, W width.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

CODECS = {
    ".mp4": ("libx264", "yuv420p"),
    ".mov": ("mpeg4", "yuv420p"),
    ".avi": ("mpeg4", "yuv420p"),
    ".mkv": ("libx264", "yuv420p"),
    ".webm": ("libvpx", "yuv420p"),
    ".gif": ("gif", "gray"),
}
QUALITY = {"libx264": {"crf": "5"}, "mpeg4": {"qmin": "1", "qmax": "2"}, "libvpx": {"crf": "4", "b": "4M"}}
RATE = 25


def moving(count: int, height: int = 48, width: int = 64, color: bool = True, seed: int = 0) -> np.ndarray:
    """Return frames (T, H, W, 3) or (T, H, W): smooth shades, that each frame's own brightness tells apart."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices((height, width))
    shades = []
    for channel in range(3 if color else 1):
        phase, speed = random.uniform(0, 6), random.uniform(0.1, 0.4)
        times = np.arange(count)[:, None, None]
        shades.append(np.sin(rows / height * 3 + columns / width * (channel + 1) + phase + speed * times))
    frames = np.clip(128 + 90 * np.stack(shades, -1), 0, 255).astype(np.uint8)
    return frames if color else frames[..., 0]


def write_clip(path: Path, frames: np.ndarray, times: Sequence[int] | None = None, codec: str = "") -> Path:
    """Encode frames (T, H, W) or (T, H, W, 3), nearly without loss.

    Args:
        path: its ending says which container and codec.
        frames: what is shown.
        times: when, in frames of RATE a second; default: one after another.
        codec: another one than usual.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    usual, pixels = CODECS[path.suffix]
    with av.open(str(path), "w") as container:
        add_clip(container, frames, times, codec or usual, "yuvj420p" if codec == "mjpeg" else pixels)
    return path


def add_clip(container: Any, frames: np.ndarray, times: Sequence[int] | None, codec: str, pixels: str) -> Any:
    stream = container.add_stream(codec, rate=RATE, options=QUALITY.get(codec, {}))
    stream.height, stream.width = frames.shape[1:3]
    stream.pix_fmt = pixels
    stream.codec_context.time_base = Fraction(1, RATE)
    for number, frame in enumerate(frames):
        shown = av.VideoFrame.from_ndarray(frame, format="rgb24" if frame.ndim == 3 else "gray")
        shown.pts, shown.time_base = number if times is None else times[number], Fraction(1, RATE)
        container.mux(stream.encode(shown))
    container.mux(stream.encode())
    return stream


def write_sound(path: Path) -> Path:
    """Encode a tone, without a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100, layout="mono")
        for number in range(4):
            tone = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            tone.rate, tone.pts = 44_100, 1024 * number
            container.mux(stream.encode(tone))
        container.mux(stream.encode())
    return path


def write_changing(path: Path) -> Path:
    """Write an AVI whose frames are 48 × 64 pixels at first, and then 24 × 32."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = av.CodecContext.create("mjpeg", "w")
    small.height, small.width, small.pix_fmt, small.time_base = 24, 32, "yuvj420p", Fraction(1, RATE)
    with av.open(str(path), "w") as container:
        stream = add_clip(container, moving(4), None, "mjpeg", "yuvj420p")
        for number, frame in enumerate(moving(4, 24, 32)):
            shown = av.VideoFrame.from_ndarray(frame, format="rgb24")
            shown.pts, shown.time_base = 4 + number, Fraction(1, RATE)
            for packet in small.encode(shown):
                packet.stream = stream
                container.mux(packet)
    return path


def write_empty(path: Path) -> Path:
    """Write a video of no frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        container.start_encoding()
    return path


def turn(path: Path) -> Path:
    """Say in an MP4 that it is to be shown turned clockwise by a quarter, as a phone that was held upright does."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # the matrix, behind version, times, number, duration, layer and volume
    data[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path
