"""Standard MIDI files: frames of a piano's keys written as music that any player plays.

The format: "The Complete MIDI 1.0 Detailed Specification", MIDI Association 1996, "Standard MIDI Files 1.0".

Axes: T time, K keys.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

LOWEST, KEYS = 21, 88  # a piano's keys, A0 to C8
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
TICKS = 480  # of a quarter note
NOTE_OFF, NOTE_ON, VELOCITY = 0x80, 0x90, 80


def key_name(pitch: int) -> str:
    """Return a pitch's name: 60 is C4, the middle of the keyboard."""
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def midi_file(frames: NDArray[np.generic], beats_per_minute: float = 100.0) -> bytes:
    """Return frames (T, K) of 0 and 1 as a file of one track, each frame a quarter note.

    A key that sounds in several frames one after another is held.
    """
    sounds = np.zeros((len(frames) + 2, KEYS), np.int8)
    sounds[1:-1] = np.asarray(frames) > 0
    change = np.diff(sounds, axis=0)  # (T + 1, K): 1 where a key is pressed, -1 where it is released
    track = bytearray(_event(0, b"\xff\x51\x03" + round(60_000_000 / beats_per_minute).to_bytes(3, "big")))
    last = 0
    for step in range(len(change)):
        for status, kind in ((NOTE_OFF, -1), (NOTE_ON, 1)):
            for key in np.flatnonzero(change[step] == kind):
                track += _event((step - last) * TICKS, bytes((status, LOWEST + int(key), VELOCITY)))
                last = step
    track += _event((len(frames) - last) * TICKS, b"\xff\x2f\x00")
    return _chunk(b"MThd", struct.pack(">HHH", 0, 1, TICKS)) + _chunk(b"MTrk", bytes(track))


def _event(ticks: int, message: bytes) -> bytes:
    """Return an event so many ticks after the one before: seven bits a byte, the high bit set in all but the last."""
    digits = [ticks & 0x7F]
    while ticks := ticks >> 7:
        digits.append(ticks & 0x7F | 0x80)
    return bytes(reversed(digits)) + message


def _chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack(">I", len(content)) + content
