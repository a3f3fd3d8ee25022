"""Recordings in folders, by their names and in tables; files of every kind; recordings that are joined."""

from __future__ import annotations

import io
import itertools
import re
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from pydantic import ValidationError

from rnnlab.errors import DataError, UserError
from rnnlab.examples import Examples
from rnnlab.places import Places
from rnnlab.sources import _sounds
from rnnlab.sources._file_names import read_name
from rnnlab.sources._sounds import (
    LAST_PAGE,
    LONGEST_PAGE,
    SoundError,
    _last_page,
    read_heading,
    read_samples,
    resampled,
)
from rnnlab.sources.audio import Audio
from tests.test_cli import ROOT

RATE = 8000
NAMES = [f"{digit}_{speaker}_{take}.wav" for digit in ("one", "two") for speaker in ("ann", "bob") for take in range(3)]


def tone(seconds: float = 0.1, hertz: float = 440.0, rate: int = RATE) -> np.ndarray:
    """Return a tone (T,) of amplitude 0.5."""
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def write(path: Path, samples: np.ndarray, rate: int = RATE, **how: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **how)
    return path


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Return a folder with recordings `clips/DIGIT_SPEAKER_TAKE.wav`, each of another length."""
    for number, name in enumerate(NAMES):
        write(tmp_path / "clips" / name, tone(0.05 + 0.001 * number))
    return tmp_path


def source(**keys: Any) -> Audio:
    return Audio(**{"train": "clips", "names": "{label}_{group}_{take}", "validation": {"by": "none"}, **keys})


def read(lab: Path, **keys: Any) -> dict[str, Examples]:
    return source(**keys).splits(Places(lab, lab))


def message(lab: Path, **keys: Any) -> str:
    with pytest.raises(DataError) as error:
        read(lab, **keys)
    assert str(error.value).isprintable()
    return str(error.value)


# Where recordings and their classes come from


def test_names_say_the_class_the_group_and_the_split(lab: Path) -> None:
    splits = read(lab, test_where={"take": [0]}, validation_where={"take": ["1"]}, validation={"by": "given"})
    assert {name: len(each) for name, each in splits.items()} == {"train": 4, "validation": 4, "test": 4}
    train = splits["train"]
    assert train.ids == ["one_ann_2.wav", "one_bob_2.wav", "two_ann_2.wav", "two_bob_2.wav"]
    assert train.signature.known_target.names == ("one", "two")
    assert train.known_targets.tolist() == [0, 0, 1, 1]
    assert train.groups is not None
    assert train.groups.tolist() == ["ann", "bob", "ann", "bob"]
    field = train.signature.inputs[0]
    assert (field.kind, field.shape, field.rate) == ("audio", (1,), RATE)
    assert train.notes == ("8,000 samples a second; recordings of 0.05 to 0.06 s",)
    expected = tone(0.05 + 0.001 * NAMES.index(train.ids[0]))
    np.testing.assert_allclose(train.read(0)["audio"][:, 0], expected, atol=2**-15)


def test_folders_are_classes_where_no_names_are_given(lab: Path) -> None:
    for name in ("high/a.wav", "low/deep/b.flac", "low/c.ogg"):
        write(lab / "folders" / name, tone())
    (lab / "folders" / "low" / "notes.txt").write_text("x")
    train = read(lab, train="folders", names=None)["train"]
    assert train.ids == ["high/a.wav", "low/c.ogg", "low/deep/b.flac"]
    assert train.known_targets.tolist() == [0, 1, 1]
    assert any("passed over what is no recording by its name: 1 (.txt)" in note for note in train.notes)


def test_a_table_says_class_or_text_group_and_split(lab: Path) -> None:
    rows = [f"clips/{name},{name.split('_')[0]} é,{name.split('_')[1]},train" for name in NAMES[:-1]]
    (lab / "all.csv").write_text("\n".join(["path,said,who,part", *rows, f"clips/{NAMES[-1]},two,bob,test"]))
    manifest = {"text": "said", "group": "who", "split": "part"}
    given = {"by": "fraction", "grouped": True, "fraction": 0.5}
    splits = read(lab, train="all.csv", names=None, manifest=manifest, validation=given)
    assert splits["train"].signature.known_target.kind == "string"
    assert bytes(splits["train"].known_targets[0]).decode() == "one é"
    assert len(splits["test"]) == 1
    one, other = (set(map(str, splits[name].groups)) for name in ("train", "validation"))  # type: ignore[arg-type]
    assert not one & other


def test_every_speaker_in_turn_is_new(lab: Path) -> None:
    for fold in (0, 1):
        folds = {"by": "folds", "folds": 2, "fold": fold, "grouped": True}
        splits = read(lab, validation=folds)
        assert set(splits["validation"].groups.tolist()) == {("ann", "bob")[fold]}  # type: ignore[union-attr]
        assert set(splits["train"].groups.tolist()) == {("bob", "ann")[fold]}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"names": "{label}_{label}"}, "expected each part once"),
        ({"names": "label"}, "expected parts such as"),
        ({"names": "{label}{take}"}, "expected something between two parts"),
        ({"names": None, "test_where": {"take": [0]}}, "give the key names"),
        ({"test_where": {"tak": [0]}}, "names has no part {tak}; did you mean 'take'?"),
        (
            {"test_where": {"take": [0]}, "test": "later"},
            "test_where says which recordings of train are for it; remove test and validation_file",
        ),
        (
            {"validation_where": {"take": [0]}, "validation_file": "later", "validation": {"by": "given"}},
            "validation_where says which recordings of train are for it; remove test and validation_file",
        ),
        ({"validation_where": {"take": [0]}}, "set it to given"),
        ({"manifest": {"label": "x"}}, "remove one of the two"),
        (
            {
                "test_where": {"take": [0]},
                "validation": {"by": "folds", "folds": 3, "grouped": True, "test_fold": True},
            },
            "remove test_where",
        ),
        ({"joined": {"least": 3, "most": 2}}, "most: expected 3 or more"),
        ({"joined": {"silence_ms": [9, 3]}}, r"silence_ms\n.* expected \[least, most\]; received \[9, 3\]"),
    ],
)
def test_keys_that_do_not_fit_are_told(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told.replace("{", r"\{").replace("?", r"\?")):
        source(**keys)


def test_a_name_of_another_form_is_told(lab: Path) -> None:
    write(lab / "clips" / "three.wav", tone())
    assert "three.wav: expected a name of the form '{label}_{group}_{take}', as data.names says" in message(lab)


@pytest.mark.parametrize(
    ("pattern", "name", "ways"),
    [
        ("{label}_{group}_{take}", "7_mary_ann_3.wav", ("'mary', take 'ann_3'", "'7_mary', group 'ann', take '3'")),
        ("{label}_{take}", "one__2.wav", ("label 'one', take '_2'", "label 'one_', take '2'")),
        ("{group}/{label}_{take}", "ann/thank_you_2.wav", ("label 'thank', take 'you_2'", "'thank_you', take '2'")),
    ],
)
def test_a_name_that_can_be_read_in_two_ways_is_told(pattern: str, name: str, ways: tuple[str, str], lab: Path) -> None:
    write(lab / "names" / name, tone())
    told = message(lab, train="names", names=pattern)
    assert f"{name}: expected a name that '{pattern}', as data.names says, reads in one way" in told
    assert all(way in told for way in ways)
    assert "rename it" in told


def ways_of(literals: list[str], name: str) -> list[list[str]]:
    """Return all ways to read a name: parts of one character or more, and no slash, between literals."""
    if not name.startswith(literals[0]):
        return []
    rest = name[len(literals[0]) :]
    if len(literals) == 1:
        return [[]] if not rest else []
    ends = [end for end in range(1, len(rest) + 1) if "/" not in rest[:end]]
    return [[rest[:end], *others] for end in ends for others in ways_of(literals[1:], rest[end:])]


@pytest.mark.parametrize("pattern", ["{a}_{b}", "_{a}_{b}_", "{a}__{b}_{c}", "{a}_/{b}_{c}", "{a}_b/_{b}", "{a}b"])
def test_a_name_is_read_if_there_is_one_way_to_read_it(pattern: str) -> None:
    found = {True: 0, False: 0}
    for letters in itertools.product("_b/", repeat=7):
        name = "".join(letters).strip("/")
        if not name or "//" in name or name.count("/") != pattern.count("/"):
            continue
        ways = ways_of(re.split(r"{.}", pattern), name)
        if len(ways) == 1:
            assert list(read_name(pattern, Path(name + ".wav"), "here").values()) == ways[0]
        else:
            with pytest.raises(DataError, match="reads in one way" if ways else "expected a name of the form"):
                read_name(pattern, Path(name + ".wav"), "here")
        found[len(ways) == 1] += 1
    assert min(found.values()) > 5


def test_a_name_with_a_hundred_separators_is_told_at_once() -> None:
    begin = time.perf_counter()
    for name in ("_" * 100, "_" * 99 + "!"):
        with pytest.raises(DataError, match="expected a name"):
            read_name("{a}_{b}_{c}_{d}_{e}!", Path(name + ".wav"), "here")
    assert time.perf_counter() - begin < 1


def test_separators_within_a_part_are_read_where_another_tells_the_parts_apart(lab: Path) -> None:
    write(lab / "names" / "ann-thank_you-2.wav", tone())
    write(lab / "names" / "bob-please-1.wav", tone())
    train = read(lab, train="names", names="{group}-{label}-{take}")["train"]
    assert train.signature.known_target.names == ("please", "thank_you")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            {"test_where": {"take": [0, 7]}},
            "data.test_where: take: expected a value that names of files have",
        ),
        ({"test_where": {"take": [7]}}, "received 7, which none has; there are 0, 1, 2"),
        (
            {"test_where": {"group": ["anne"]}},
            "'anne', which none has; did you mean 'ann'?; there are ann, bob",
        ),
        (
            {"validation_where": {"take": ["00"]}, "validation": {"by": "given"}},
            "data.validation_where: take: expected",
        ),
    ],
)
def test_a_value_that_no_name_has_is_told(keys: dict[str, Any], told: str, lab: Path) -> None:
    assert told in message(lab, **keys)


def test_of_many_values_the_first_and_the_last_are_told(lab: Path) -> None:
    for take in range(3, 30):
        write(lab / "clips" / f"one_ann_{take}.wav", tone())
    assert message(lab, test_where={"take": [77]}).endswith("there are 30, 0 to 29")


def test_values_that_no_name_has_together_are_told(lab: Path) -> None:
    write(lab / "clips" / "one_cy_9.wav", tone())
    told = message(lab, test_where={"group": ["ann"], "take": [9]})
    assert "data.test_where: expected values that some file has together" in told


def test_recordings_of_several_rates_are_brought_to_the_one_that_the_spec_says(lab: Path) -> None:
    write(lab / "clips" / "one_cy_0.wav", tone(0.2, rate=16_000), 16_000)
    told = message(lab)
    assert "data.sample_rate: expected recordings of one rate; received 8,000 Hz" in told
    assert "and 16,000 Hz" in told
    train = read(lab, sample_rate=RATE)["train"]
    assert train.lengths[train.ids.index("one_cy_0.wav")] == 0.2 * RATE


# Files


@pytest.mark.parametrize("form", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_wav_of_every_width_is_read(form: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(), subtype=form)
    found = read_samples(path, RATE)
    assert (found.dtype, found.shape) == (np.float32, (800, 1))
    step = 2**-7 if form == "PCM_U8" else 2**-15
    np.testing.assert_allclose(found[:, 0], tone(), atol=step)


@pytest.mark.parametrize(("name", "tolerance"), [("a.flac", 2**-15), ("a.ogg", 0.1)])
def test_flac_and_ogg_are_read(name: str, tolerance: float, tmp_path: Path) -> None:
    np.testing.assert_allclose(read_samples(write(tmp_path / name, tone()), RATE)[:, 0], tone(), atol=tolerance)


def test_channels_are_averaged(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.stack([tone(), 0.5 * tone()], axis=1))
    np.testing.assert_allclose(read_samples(path, RATE)[:, 0], 0.75 * tone(), atol=2**-15)


@pytest.mark.parametrize(("own", "rate"), [(44_100, 8000), (8000, 16_000), (11_025, 8000), (48_000, 16_000)])
def test_a_tone_keeps_its_pitch_and_loudness_at_another_rate(own: int, rate: int) -> None:
    found = resampled(tone(1.0, 1000.0, own).astype(np.float32), own, rate)
    assert len(found) == rate
    inner = found[rate // 10 : -rate // 10]
    spectrum = np.abs(np.fft.rfft(inner * np.hanning(len(inner))))
    assert np.argmax(spectrum) * rate / len(inner) == pytest.approx(1000, abs=rate / len(inner))
    assert np.sqrt(2 * np.mean(inner**2)) == pytest.approx(0.5, rel=0.01)


def test_what_a_lower_rate_can_not_hold_does_not_come_back_as_another_pitch() -> None:
    found = resampled(tone(1.0, 6000.0, 16_000).astype(np.float32), 16_000, 8000)
    assert np.abs(found[800:-800]).max() < 0.01


def cut_off(path: Path, count: int) -> None:
    path.write_bytes(path.read_bytes()[:count])


FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "WAV": ("a.wav", {}),
    "WAV of wide headers": ("a.wav", {"format": "WAVEX"}),
    "RIFX": ("a.wav", {"endian": "BIG"}),
    "RF64": ("a.wav", {"format": "RF64"}),
    "FLAC": ("a.flac", {}),
    "Vorbis": ("a.ogg", {}),
    "Opus": ("a.ogg", {"subtype": "OPUS"}),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_file_is_read_and_one_that_is_cut_anywhere_is_told(form: str, tmp_path: Path) -> None:
    name, how = FORMS[form]
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 2 * RATE)  # of several pages, as far as there are pages
    path = write(tmp_path / name, noise, **how)
    whole = path.read_bytes()
    assert len(read_samples(path, RATE)) == len(noise)
    pages = [at for at in range(1, len(whole)) if whole.startswith(b"OggS", at)]
    shares = [len(whole) * share // 100 for share in (50, 60, 75, 90, 99)]
    for count in (*shares, *pages[2:], len(whole) - 2):
        cut_off(path, count)
        with pytest.raises(SoundError):
            read_samples(path, RATE)
        path.write_bytes(whole)


@pytest.mark.parametrize("form", ["RIFX", "RF64", "Vorbis"])
def test_how_much_of_a_file_is_missing_is_told(form: str, tmp_path: Path) -> None:
    name, how = FORMS[form]
    path = write(tmp_path / name, tone(), **how)
    cut_off(path, path.stat().st_size - 11)
    with pytest.raises(SoundError, match="expected 11 bytes more at its end: it was cut off; copy or download it"):
        read_heading(path)


@pytest.mark.parametrize(
    ("form", "lengths"),
    [(form, [length]) for form in ("WAV", "RIFX") for length in (0x7FFFFFFF, 0xFFFFFFFF)]
    + [("RF64", [0xFFFFFFFF, 2**43]), ("RF64", [0x7FFFFFFF, 2**43])],
)
def test_wav_that_was_written_before_its_length_was_known_is_read(
    form: str, lengths: list[int], tmp_path: Path
) -> None:
    name, how = FORMS[form]
    path = write(tmp_path / name, tone(), **how)
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack(">I" if form == "RIFX" else "<I", lengths[0])
    for long in lengths[1:]:
        at = data.index(b"ds64") + 8
        data[at : at + 24] = struct.pack("<QQQ", long, long, 0)
    path.write_bytes(data)
    np.testing.assert_allclose(read_samples(path, RATE)[:, 0], tone(), atol=2**-15)


@pytest.mark.parametrize("count", [125, 70_000, 2 * LONGEST_PAGE - 3])
def test_what_stands_behind_the_last_page_of_ogg_does_no_harm(count: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.ogg", tone())
    path.write_bytes(path.read_bytes() + b"TAG" + bytes(count))
    assert len(read_samples(path, RATE)) == len(tone())


@pytest.mark.parametrize("behind", [0, 70_000])
def test_ogg_that_was_never_ended_is_to_be_converted(behind: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.ogg", tone())
    data = bytearray(path.read_bytes())
    data[data.rindex(b"OggS") + 5] &= ~LAST_PAGE
    path.write_bytes(data + bytes(behind))
    told = "expected a last page that ends the stream.* copy or download it again, or convert it"
    with pytest.raises(SoundError, match=told):
        read_heading(path)


@pytest.mark.parametrize("past", range(-7, 8))
def test_a_page_of_ogg_is_found_wherever_it_begins(past: int) -> None:
    begin, behind = 3 * LONGEST_PAGE, 2 * LONGEST_PAGE + past
    data = bytes(begin) + b"OggS\x00\x04" + bytes(behind)
    assert _last_page(io.BytesIO(data), len(data)) == begin


def test_flac_whose_header_knows_no_length_is_to_be_converted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", tone())
    data = bytearray(path.read_bytes())
    total = slice(21, 26)  # of 36 bits, from the middle of the first byte (RFC 9639, section 8.2)
    data[total] = (int.from_bytes(data[total]) >> 36 << 36).to_bytes(5)
    path.write_bytes(data)
    with pytest.raises(SoundError, match="received one that knows no length; convert it"):
        read_heading(path)


def damaged(path: Path) -> None:
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 50] = bytes(each ^ 0x5A for each in data[middle : middle + 50])
    path.write_bytes(data)


def with_sample(value: float) -> Callable[[Path], object]:
    samples = tone()
    samples[7] = value
    return lambda path: write(path, samples, subtype="FLOAT")


BAD: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "no samples": ("a.wav", lambda path: write(path, tone()[:0]), "expected samples; received a recording that has no"),
    "empty": ("a.wav", lambda path: cut_off(path, 0), "received an empty file"),
    "header cut off": ("a.wav", lambda path: cut_off(path, 30), "expected a recording that can be read"),
    "data cut off": ("a.wav", lambda path: cut_off(path, 1000), "expected 644 bytes more at its end: it was cut off"),
    "FLAC cut off": ("a.flac", lambda path: cut_off(path, 500), "expected samples that can be decoded"),
    "OGG cut off": ("a.ogg", lambda path: cut_off(path, 500), "expected"),
    "FLAC damaged": ("a.flac", damaged, "expected samples that can be decoded"),
    "not a number": ("a.wav", with_sample(np.nan), "sample 7 (counted from 0): expected a finite number"),
    "infinite": ("a.wav", with_sample(np.inf), "sample 7 (counted from 0): expected a finite number"),
    "whole numbers": ("a.wav", with_sample(20_000.0), "expected samples of -1 to 1; received 20000"),
    "silent": ("a.wav", lambda path: write(path, 0 * tone()), "800 samples that are 0 throughout"),
    "text": ("a.wav", lambda path: path.write_text("no sound " * 9), "received a file that begins with 'no sound'"),
    "another format": (
        "a.wav",
        lambda path: soundfile.write(path, tone(), RATE, format="AIFF"),
        "expected WAV, FLAC or OGG",
    ),
    "too slow": ("a.wav", lambda path: write(path, tone(), 500), "expected 1,000 to 384,000 samples a second"),
    "a folder": ("a.wav", lambda path: [path.unlink(), path.mkdir()], "received a folder"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_told_in_one_line_or_left_out(kind: str, lab: Path) -> None:
    name, spoil, told = BAD[kind]
    write(lab / "more" / name, tone())
    spoil(lab / "more" / name)
    write(lab / "more" / "b.wav", tone())
    rows = [f"clips/{each},x" for each in NAMES[:3]]
    (lab / "all.csv").write_text("\n".join(["path,label", f"more/{name},x", "more/b.wav,y", *rows]))
    keys = {"train": "all.csv", "names": None}
    line = message(lab, **keys)
    assert told in line
    assert f"all.csv:2: sequence 'more/{name}': " in line
    left = read(lab, **keys, on_bad="skip")["train"]
    assert [each.id for each in left.skipped] == [f"more/{name}"]
    assert len(left) == 4


def test_bytes_that_are_changed_anywhere_never_end_in_a_traceback(tmp_path: Path) -> None:
    random, found = np.random.default_rng(0), []
    for number in range(120):
        path = tmp_path / ("a.wav", "a.flac", "a.ogg")[number % 3]
        data = bytearray(write(path, tone(0.05)).read_bytes())
        for _ in range(random.integers(1, 5)):
            data[random.integers(0, min(len(data), 150))] = random.integers(256)
        path.write_bytes(data)
        try:
            read_heading(path)
            read_samples(path, RATE)
        except SoundError as error:
            found.append(str(error))
    assert all(each.isprintable() for each in found)
    assert len(found) > 20


def write_silence(path: Path, seconds: int) -> None:
    """Write a WAV file whose samples are a hole in it, and take no room on the disk."""
    size = 2 * RATE * seconds
    form = struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    begin = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + form + b"data" + struct.pack("<I", size)
    with path.open("wb") as file:
        file.write(begin)
        file.truncate(len(begin) + size)


LONG = """
import resource, sys
from pathlib import Path
from rnnlab.errors import DataError
from rnnlab.places import Places
from rnnlab.sources._sounds import require_reader
from rnnlab.sources.audio import Audio

require_reader()
folder, before = Path(sys.argv[1]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    Audio(train="clips", names="{label}_{group}_{take}", validation={"by": "none"}).open(Places(folder, folder))
except DataError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems count memory otherwise")
def test_an_hour_of_sound_is_refused_by_its_header_alone(lab: Path) -> None:
    write_silence(lab / "clips" / "one_ann_9.wav", 3600)
    done = subprocess.run(
        [sys.executable, "-c", LONG, str(lab)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    told, megabytes = done.stdout.splitlines()
    assert "one_ann_9.wav" in told
    assert "expected a recording of at most 60 s; received 3,600.0 s; cut it, or raise data.longest_seconds" in told
    assert int(megabytes) < 50  # its samples alone would take 115


def test_a_recording_that_changes_meanwhile_is_told(lab: Path) -> None:
    train = read(lab)["train"]
    write(lab / "clips" / NAMES[0], tone(0.2))
    with pytest.raises(DataError, match="do not change it meanwhile"):
        train.read(0)


def test_without_soundfile_the_message_is_how_to_install_it(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(UserError, match=r"pip install 'rnnlab\[audio\]'") as error:
        read(lab)
    assert error.value.exit_code == 2


def test_what_is_predicted_needs_no_label_and_comes_at_the_rate_of_training(lab: Path) -> None:
    signature = read(lab)["train"].signature
    path = write(lab / "new" / "any name.wav", tone(0.5, rate=16_000), 16_000)
    for given in (path, path.parent):
        examples = source().read_input(given, signature)
        assert (examples.lengths.tolist(), examples.targets, examples.groups) == ([0.5 * RATE], None, None)
        assert examples.notes == ("1 of 1 recordings brought to 8,000 Hz, the rate of training",)


def test_each_recording_is_in_memory_by_itself(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_now: list[Path] = []
    real = _sounds.read_samples
    monkeypatch.setattr(
        "rnnlab.sources.audio.read_samples", lambda path, *rest: [read_now.append(path), real(path, *rest)][1]
    )
    train = read(lab)["train"]
    assert len(read_now) == len(NAMES)
    train.read(3)
    assert read_now[len(NAMES) :] == [lab / "clips" / train.ids[3]]


# Recordings that are joined


def parts_of(identity: str) -> list[str]:
    """Return the recordings that a joined one is made of, by its name."""
    return identity.partition(":")[2].split("+")


JOINED = {"train": 60, "validation": 20, "test": 20, "most": 3}
PARTS = {"test_where": {"take": [0]}, "validation_where": {"take": [1]}, "validation": {"by": "given"}}


def test_joined_recordings_are_of_one_split_and_one_speaker_and_their_text_is_right(lab: Path) -> None:
    for take, (name, examples) in enumerate([*read(lab, **PARTS, joined=JOINED).items()]):
        assert len(examples) == JOINED[name]
        assert examples.signature.known_target.kind == "string"
        for identity, text in zip(examples.ids, examples.known_targets, strict=True):
            said, speakers, takes = zip(*(part[:-4].split("_") for part in parts_of(identity)), strict=True)
            assert bytes(text).decode() == " ".join(said)
            assert len(set(speakers)) == 1
            assert set(takes) == {{"train": "2", "validation": "1", "test": "0"}[name]}, take


def test_joined_recordings_are_their_parts_with_silence_between(lab: Path) -> None:
    single = {identity: read(lab)["train"].read(number)["audio"] for number, identity in enumerate(sorted(NAMES))}
    joined = read(lab, joined={**JOINED, "silence_ms": [10, 20]})["train"]
    counts = [identity.count("+") + 1 for identity in joined.ids]
    assert sorted(set(counts)) == [1, 2, 3]
    for number, identity in enumerate(joined.ids):
        samples, at = joined.read(number)["audio"], 0
        assert len(samples) == joined.lengths[number]
        for part in parts_of(identity):
            gap = 0
            while at and not samples[at + gap + 1]:  # a tone's own first sample is 0
                gap += 1
            assert not at or 80 <= gap <= 160
            at += gap
            np.testing.assert_array_equal(samples[at : at + len(single[part])], single[part])
            at += len(single[part])
        assert at == len(samples)


def test_of_the_same_parts_there_may_be_several_each_with_a_name_of_its_own(lab: Path) -> None:
    ids = read(lab, joined=JOINED)["train"].ids
    assert len(set(ids)) == len(ids) == 60
    assert len({tuple(parts_of(each)) for each in ids}) < 60


def test_a_joined_recording_is_as_long_as_any_may_be(lab: Path) -> None:
    joined = {**JOINED, "least": 3, "silence_ms": [100, 100]}
    told = message(lab, joined=joined, longest_seconds=0.3)
    assert re.search(r"data\.joined: expected joined recordings of at most 0\.3 s; received one of 0\.\d s, of 3", told)
    assert "raise data.longest_seconds" in told
    assert len(read(lab, joined=joined, longest_seconds=0.5)["train"]) == 60


def test_a_recording_that_becomes_longer_than_it_may_be_is_told_before_it_is_decoded(
    lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = read(lab, longest_seconds=1.0)["train"]
    write(lab / "clips" / NAMES[0], tone(1.5))
    monkeypatch.setattr(_sounds, "_blocks", lambda sound: pytest.fail("it was decoded"))
    with pytest.raises(DataError, match=r"expected a recording of at most 1 s; received 1\.5 s; cut it, or raise data"):
        train.read(0)


def test_the_seed_says_what_is_joined_and_splits_do_not_depend_on_each_other(lab: Path) -> None:
    one, other = (read(lab, **PARTS, joined={**JOINED, "seed": seed})["train"].ids for seed in (0, 1))
    more = read(lab, **PARTS, joined={**JOINED, "validation": 30, "train": 70})
    assert one != other
    assert more["train"].ids[:60] == one
    assert more["test"].ids == read(lab, **PARTS, joined=JOINED)["test"].ids
