"""Calls that are dialled with tones: the keys' frequencies, the noise, and the same sound on every machine."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from pydantic import ValidationError

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.places import Places
from rnnlab.sources import _sounds, dial_tones
from rnnlab.sources.dial_tones import RATE, DialTones

# ITU-T Q.23, section 2, table: the two frequencies of each key, in Hz.
PAIRS = {
    "1": (697, 1209), "2": (697, 1336), "3": (697, 1477),
    "4": (770, 1209), "5": (770, 1336), "6": (770, 1477),
    "7": (852, 1209), "8": (852, 1336), "9": (852, 1477),
    "*": (941, 1209), "0": (941, 1336), "#": (941, 1477),
}  # fmt: skip


def calls(**keys: Any) -> dict[str, Examples]:
    return DialTones(**{"train": 48, "test": 12, "validation_examples": 12, **keys}).splits(Places())


def peaks(samples: np.ndarray) -> tuple[float, float]:
    """Return the loudest frequency between 650 and 1,000 Hz, and that between 1,150 and 1,550 Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 16))
    hertz = np.fft.rfftfreq(1 << 16, 1 / RATE)
    bands = [(hertz > low) & (hertz < high) for low, high in ((650, 1000), (1150, 1550))]
    low, high = (float(hertz[band][np.argmax(spectrum[band])]) for band in bands)
    return low, high


def test_each_key_sounds_its_two_frequencies() -> None:
    """Within the 1.8 % that Q.24 has receivers bear, as far as 40 ms of sound and its noise can tell."""
    train = calls(asks="key", ratio_db=[30, 30])["train"]
    names = train.signature.known_target.names
    assert sorted(names) == sorted(PAIRS)
    bits = np.random.PCG64([0, 0])
    for number in range(len(train)):
        key = names[int(train.known_targets[number])]
        (press,), length = dial_tones.dial([names.index(key)], bits)
        dial_tones.sound([press], length, [30, 30], bits)  # draws as many numbers
        samples = train.read(number)["audio"][press.begin : press.end, 0]
        for found, expected in zip(peaks(samples), PAIRS[key], strict=True):
            assert found == pytest.approx(expected, rel=0.018), key


def test_the_text_is_of_the_keys_that_sound_in_their_order() -> None:
    """Read off the spectrum alone, as a telephone exchange does: where both groups sound, and which tones."""
    quiet = calls(ratio_db=[40, 40], test=20)["test"]
    right = sum(decoded(quiet.read(n)["audio"][:, 0]) == bytes(quiet.known_targets[n]).decode() for n in range(20))
    assert right >= 18


def decoded(samples: np.ndarray) -> str:
    """Return the keys of a call by the loudest pair of tones in windows of 20 ms."""
    window, hop = 160, 40
    hertz = sorted({each for pair in PAIRS.values() for each in pair})
    waves = np.exp(-2j * np.pi * np.outer(hertz, np.arange(window) / RATE)) * np.hanning(window)
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    power = np.abs(frames @ waves.T) ** 2  # (N, 7)
    low, high = power[:, :4], power[:, 4:]
    sounding = np.minimum(low.max(1), high.max(1)) > 0.12 * np.minimum(low.max(1), high.max(1)).max()
    pairs = list(zip(np.sort(hertz[:4])[low.argmax(1)], np.sort(hertz[4:])[high.argmax(1)], strict=True))
    names, text, run = {pair: key for key, pair in PAIRS.items()}, "", []
    for pair, loud in [*zip(pairs, sounding, strict=True), (None, False)]:
        if loud:
            run.append(names[pair])
        elif run:
            text += max(set(run), key=run.count) if len(run) >= 3 else ""
            run = []
    return text


def test_the_noise_is_as_far_below_the_lower_tone_as_the_key_says(monkeypatch: pytest.MonkeyPatch) -> None:
    level = 0.25
    monkeypatch.setattr(dial_tones, "LEVEL_DB", (20 * math.log10(level),) * 2)
    monkeypatch.setattr(dial_tones, "sine", lambda hertz, count, bits: np.zeros(count))  # what is left is the noise
    train = calls(ratio_db=[10, 10])["train"]
    samples = np.concatenate([train.read(number)["audio"] for number in range(len(train))])
    ratio = 10 * math.log10(level**2 / 2 / np.mean(samples.astype(np.float64) ** 2))
    assert ratio == pytest.approx(10, abs=0.1)


def test_the_sound_does_not_depend_on_how_a_machine_computes_a_sine(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy's own and the C library's differ in the last digit; samples are rounded to 16 bits."""
    before = calls()["train"].fingerprint()
    monkeypatch.setattr(np, "sin", lambda values: np.vectorize(math.sin)(values) * (1 + 1e-15))
    assert calls()["train"].fingerprint() == before


def test_the_seed_says_what_is_dialled_and_splits_do_not_depend_on_each_other() -> None:
    one, other = calls(), calls(seed=1)
    assert one["train"].fingerprint() != other["train"].fingerprint()
    more = calls(train=60)
    assert more["test"].fingerprint() == one["test"].fingerprint()
    np.testing.assert_array_equal(more["train"].read(47)["audio"], one["train"].read(47)["audio"])


def test_a_recording_that_is_too_long_is_told_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signature, path = calls()["train"].signature, tmp_path / "call.wav"
    soundfile.write(path, np.full(RATE, 0.1), RATE)
    assert DialTones().read_input(path, signature).lengths.tolist() == [RATE]
    soundfile.write(path, np.full(61 * RATE, 0.1), RATE)
    monkeypatch.setattr(_sounds, "_blocks", lambda sound: pytest.fail("it was decoded"))
    with pytest.raises(DataError, match=r"expected a recording of at most 60 s; received 61\.0 s; cut it"):
        DialTones().read_input(path, signature)


def test_calls_are_as_long_as_the_keys_say_and_some_keys_are_repeated() -> None:
    train = calls(train=300, shortest=2, longest=4)["train"]
    texts = [bytes(each).decode() for each in train.known_targets]
    assert {len(each) for each in texts} == {2, 3, 4}
    repeated = np.mean([one == other for each in texts for one, other in itertools.pairwise(each)])
    assert repeated == pytest.approx(0.2 + 0.8 / 12, abs=0.05)
    field = train.signature.inputs[0]
    assert (field.kind, field.rate) == ("audio", RATE)


def test_the_seconds_that_are_held_in_memory_are_those_that_calls_last(monkeypatch: pytest.MonkeyPatch) -> None:
    splits = calls(train=300, shortest=3, longest=7)
    seconds = sum(float(each.lengths.sum()) for each in splits.values()) / RATE
    monkeypatch.setattr(dial_tones, "MOST_SECONDS", 1.1 * seconds)
    assert len(calls(train=300, shortest=3, longest=7)["train"]) == 300
    monkeypatch.setattr(dial_tones, "MOST_SECONDS", 0.9 * seconds)
    with pytest.raises(ValidationError, match="ask for fewer calls, or shorter ones"):
        calls(train=300, shortest=3, longest=7)


def test_fifty_thousand_calls_of_a_key_are_no_mistake() -> None:
    assert DialTones(asks="key", train=50_000).train == 50_000


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"shortest": 5, "longest": 3}, "expected 5 or more"),
        ({"ratio_db": [9, 3]}, "expected \\[least, most\\]"),
        ({"asks": "key", "longest": 3}, "longest"),
        ({"train": 50_000, "shortest": 50, "longest": 50}, "received 50,024 calls of 50 keys on average, some 40"),
        ({"train": 50_000, "longest": 50}, "expected calls that last some 43,200 s in all at most"),
    ],
)
def test_keys_that_do_not_fit_are_told(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        DialTones(**{"validation_examples": 12, "test": 12, **keys})
