"""Numbers that are dialled on a telephone with tones: the sound of a line, made by a seeded generator, no files.

Each key sounds two frequencies at once, one by its row and one by its column (ITU-T Recommendation Q.23, 1988):

            1209 Hz  1336 Hz  1477 Hz
    697 Hz     1        2        3
    770 Hz     4        5        6
    852 Hz     7        8        9
    941 Hz     *        0        #

What a receiver has to bear is in Recommendation Q.24 (1988): frequencies 1.5 % off, the two tones of a key not equally
loud, tones and pauses of 40 ms, and, before the first key, the dial tone. There are noise and the hum of the mains,
too.
A key that is pressed twice differs from one that is held by nothing but the pause.

Axes: N examples, T samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from types import MappingProxyType
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.places import Places
from rnnlab.signature import Field as ExampleField
from rnnlab.signature import Signature
from rnnlab.sources import SequenceSource, Validation
from rnnlab.sources._checks import shown_path
from rnnlab.sources._digits import between, chance, drawn
from rnnlab.sources._sounds import SoundError, read_samples, require_reader
from rnnlab.sources._targets import TEXT_TARGET
from rnnlab.strict import Ends, check_order
from rnnlab.waveforms import times

RATE = 8000  # Hz
KEYS = "123456789*0#"
ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477)  # Hz
TONE_MS, PAUSE_MS, EDGE_MS = (40, 120), (40, 120), (0, 250)  # [least, most] of a tone, between two, before and behind
OFF = 0.015  # share by which a frequency may be wrong, either way
TWIST_DB = (-4.0, 8.0)  # by which the lower tone may be louder than the higher one
LEVEL_DB = (-25.0, -6.0)  # of the lower tone, below full scale
FADE_MS = 2  # in which a tone begins and ends
DIAL_TONES = MappingProxyType({"none": (), "one": (425,), "two": (350, 440)})  # Hz, as many countries have them
MAINS, HUM_DB = (50, 60), (-50.0, -20.0)
HARMONICS = 5  # of the mains, each half as loud as the one before
MOST_SECONDS = 43_200  # of all calls: 1.4 GB
FULL = 32768  # of 16 bits

Decibels = Annotated[float, Field(ge=-20, le=100)]


@dataclass(frozen=True)
class Press:
    """One key that is pressed: its place among `KEYS`, and its first sample and the one behind its last."""

    key: int
    begin: int
    end: int


class DialTones(SequenceSource):
    """Calls that are dialled with tones, on lines that hum and hiss: which keys were pressed is asked for.

    The calls are the same on every machine.
    """

    asks: Literal["number", "key"] = Field(
        "number", description="`number`: a text of all keys, such as `0800#`; `key`: of calls of one key, which of 12"
    )
    train: int = Field(2000, ge=1, le=50_000, description="calls to train on")
    validation_examples: int = Field(
        300, ge=1, le=50_000, description="calls to validate on, for `validation.by: given`"
    )
    test: int = Field(500, ge=1, le=50_000, description="calls to test on")
    shortest: int = Field(1, ge=1, le=50, description="the fewest keys of a call")
    longest: int = Field(10, ge=1, le=50, description="the most keys of a call; each number as often")
    ratio_db: Ends[Decibels] = Field(
        default_factory=lambda: [5.0, 30.0],
        description="[least, most] decibels by which the lower tone of a key is louder than the noise",
    )
    seed: int = Field(0, ge=0, description="seed of the calls")
    validation: Validation = Field(
        default_factory=lambda: Validation(by="given"),
        description="how validation calls are found; `given`: calls of their own",
    )

    idle_unless = MappingProxyType(
        {
            "validation_examples": ("validation", lambda how: how.by == "given"),
            "shortest": ("asks", lambda asks: asks == "number"),
            "longest": ("asks", lambda asks: asks == "number"),
        }
    )

    @model_validator(mode="after")
    def _fits(self) -> DialTones:
        check_order(self, "shortest", "longest")
        calls = self.train + self.test + (self.validation_examples if self.validation.by == "given" else 0)
        keys = 1 if self.asks == "key" else (self.shortest + self.longest) / 2
        seconds = calls * (2 * mean(EDGE_MS) + keys * mean(TONE_MS) + (keys - 1) * mean(PAUSE_MS)) / 1000
        if seconds > MOST_SECONDS:
            raise ValueError(
                f"expected calls that last some {MOST_SECONDS:,} s in all at most, as they are kept in memory; "
                f"received {calls:,} calls of {keys:g} keys on average, some {seconds:,.0f} s; ask for fewer calls, or "
                "shorter ones"
            )
        return self

    @classmethod
    def gives_audio(cls, keys: object) -> bool:
        return True

    def open(self, places: Places) -> dict[str, Examples]:
        counts = {"train": self.train, "test": self.test}
        if self.validation.by == "given":
            counts["validation"] = self.validation_examples
        return {name: self._examples(count, chance(self.seed, name)) for name, count in counts.items()}

    def read_input(self, path: Path, signature: Signature) -> Examples:
        """Return the recording of a call, of at most `LONGEST_SECONDS`; needs soundfile."""
        require_reader()
        try:
            samples = read_samples(path, RATE)
        except SoundError as error:
            raise DataError(f"{shown_path(path)}: {error}") from None
        return FlatExamples.from_sequences(Signature(signature.inputs), [path.name], [samples])

    def _examples(self, count: int, bits: np.random.PCG64) -> FlatExamples:
        keys, sounds = [], []
        for number in range(count):
            presses, length = dial(self._pressed(number, bits), bits)
            keys.append("".join(KEYS[press.key] for press in presses))
            sounds.append(sound(presses, length, self.ratio_db, bits))
        if self.asks == "key":
            target = ExampleField("key", "class", (), tuple(KEYS))
            targets: NDArray[np.generic] = np.array([KEYS.index(each) for each in keys], np.int64)
        else:
            target, targets = TEXT_TARGET, np.array([each.encode() for each in keys], np.bytes_)
        signature = Signature((ExampleField("audio", "audio", (1,), ("audio",), rate=RATE),), target)
        return FlatExamples.from_sequences(signature, [str(number) for number in range(count)], sounds, targets)

    def _pressed(self, number: int, bits: np.random.PCG64) -> list[int]:
        """Return which keys of a call are pressed; of a single key each comes as often, else a fifth are repeated."""
        if self.asks == "key":
            return [number % len(KEYS)]
        keys: list[int] = []
        for _ in range(self.shortest + drawn(bits, self.longest - self.shortest + 1)):
            again = drawn(bits, 5) == 0 and bool(keys)
            keys.append(keys[-1] if again else drawn(bits, len(KEYS)))
        return keys


def dial(keys: list[int], bits: np.random.PCG64) -> tuple[list[Press], int]:
    """Return when each key of a call is pressed, and how many samples the call has."""
    presses, now = [], _samples(EDGE_MS, bits)
    for key in keys:
        end = now + _samples(TONE_MS, bits)
        presses.append(Press(key, now, end))
        now = end + _samples(PAUSE_MS, bits)
    return presses, presses[-1].end + _samples(EDGE_MS, bits)


def sound(presses: list[Press], length: int, ratio_db: list[float], bits: np.random.PCG64) -> NDArray[np.float32]:
    """Return the sound of a call, (T, 1), in steps of 16 bits, so that no machine's last digit of a sine shows."""
    level = between(LEVEL_DB, bits)
    line = _hum(length, bits) + _dial_tone(presses[0].begin, length, level, bits)
    for press in presses:
        line[press.begin : press.end] += _pair(press, level, bits)
    noise = _noise(length, bits) * times(level - between(ratio_db, bits)) / np.sqrt(2)  # a sine's power is half
    return (np.clip(np.round((line + noise) * FULL), -FULL, FULL - 1) / FULL).astype(np.float32)[:, np.newaxis]


def _pair(press: Press, level: float, bits: np.random.PCG64) -> NDArray[np.float64]:
    """Return the two tones of a key, faded in and out."""
    count = press.end - press.begin
    row, column = divmod(press.key, len(COLUMNS))
    low, high = (hertz * (1 + between((-OFF, OFF), bits)) for hertz in (ROWS[row], COLUMNS[column]))
    both = sine(low, count, bits) + sine(high, count, bits) * times(-between(TWIST_DB, bits))
    fade = FADE_MS * RATE // 1000
    near_edge = np.minimum(np.arange(count), np.arange(count)[::-1]) + 1
    return both * times(level) * np.minimum(near_edge / fade, 1)


def _dial_tone(end: int, length: int, level: float, bits: np.random.PCG64) -> NDArray[np.float64]:
    """Return the tone of a line that waits, up to the first key."""
    kind = tuple(DIAL_TONES)[drawn(bits, len(DIAL_TONES))]
    tones = [sine(hertz, length, bits) for hertz in DIAL_TONES[kind]]
    return np.where(np.arange(length) < end, np.sum(tones, axis=0) * times(level - 6), 0.0)


def _hum(length: int, bits: np.random.PCG64) -> NDArray[np.float64]:
    """Return the hum of the mains, and its harmonics."""
    mains, loud = MAINS[drawn(bits, len(MAINS))], times(between(HUM_DB, bits))
    return np.sum([sine(mains * n, length, bits) * loud / 2 ** (n - 1) for n in range(1, HARMONICS + 1)], axis=0)


def _noise(length: int, bits: np.random.PCG64) -> NDArray[np.float64]:
    """Return white noise of power 1: numbers drawn evenly, the upper 53 bits of each."""
    return ((bits.random_raw(length) >> np.uint64(11)) / 2.0**52 - 1) * np.sqrt(3)


def sine(hertz: float, count: int, bits: np.random.PCG64) -> NDArray[np.float64]:
    """Return a tone of amplitude 1 that begins anywhere in its course."""
    return np.sin(2 * np.pi * (np.arange(count) * (hertz / RATE) + between((0, 1), bits)))


def _samples(milliseconds: tuple[int, int], bits: np.random.PCG64) -> int:
    """Return how many samples something lasts that takes so long."""
    least, most = (each * RATE // 1000 for each in milliseconds)
    return least + drawn(bits, most - least + 1)
