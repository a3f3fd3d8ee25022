"""Clips in folders and tables: decoded once, kept within bounds, whole or not at all; bad ones told or left out."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rnnlab import preparation
from rnnlab.cli.inspection import check_spec
from rnnlab.errors import DataError, UserError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.experiment import load_experiment
from rnnlab.places import Places
from rnnlab.signature import Field, Signature
from rnnlab.sources import _frame_store, _videos
from rnnlab.sources.video_folder import VideoFolder
from rnnlab.transforms import TRANSFORMS
from tests.guides import specs_of
from tests.made_videos import moving, write_changing, write_clip, write_sound
from tests.test_cli import ROOT, rnnlab

LENGTHS = {"run/a.mp4": 5, "run/b.avi": 9, "walk/c.webm": 7, "walk/d.gif": 3}
FRAME = 12 * 16 * 3
ALL = sum(LENGTHS.values()) * FRAME / 1e9  # gigabytes


def made(name: str) -> np.ndarray:
    return moving(LENGTHS[name], 24, 32, color=not name.endswith(".gif"), seed=len(name) + LENGTHS[name])


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clips")
    for name in LENGTHS:
        write_clip(root / name, made(name))
    return root


@pytest.fixture
def lab(tmp_path: Path, encoded: Path) -> Path:
    """Return a folder with a folder for each class, `clips`."""
    for name in LENGTHS:
        (tmp_path / "clips" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clips" / name).write_bytes((encoded / name).read_bytes())
    return tmp_path


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the clips that are decoded from now on."""
    names: list[str] = []
    real = _frame_store.decode

    def counted(path: Path, *arguments: Any) -> Any:
        names.append(path.name)
        return real(path, *arguments)

    monkeypatch.setattr(_frame_store, "decode", counted)
    return names


def source(**keys: Any) -> VideoFolder:
    return VideoFolder(**{"train": "clips", "size": [12, 16], "validation": {"by": "none"}, **keys})


def read(lab: Path, **keys: Any) -> dict[str, Examples]:
    return source(**keys).open(Places(lab, lab))


def message(lab: Path, **keys: Any) -> str:
    with pytest.raises(DataError) as error:
        read(lab, **keys)
    assert str(error.value).isprintable()
    return str(error.value)


def cache(lab: Path) -> dict[str, int]:
    """Return the files of the cache and their sizes."""
    return {path.name: path.stat().st_size for path in (lab / "video_cache").iterdir() if path.name != "lock"}


# Folders


def test_the_folders_are_the_classes_and_clips_keep_their_lengths(lab: Path) -> None:
    train = read(lab)["train"]
    assert train.ids == list(LENGTHS)
    assert train.lengths.tolist() == list(LENGTHS.values())
    assert train.signature.known_target.names == ("run", "walk")
    assert train.known_targets.tolist() == [0, 0, 1, 1]
    field = train.signature.inputs[0]
    assert (field.kind, field.shape) == ("frames", (12, 16, 3))
    for index, name in enumerate(LENGTHS):
        frames = train.read(index)["frames"]
        assert (frames.dtype, frames.shape) == (np.uint8, (LENGTHS[name], 12, 16, 3))
        means = made(name).reshape(LENGTHS[name], 12, 2, 16, 2, -1).mean((2, 4))
        assert np.abs(frames - means).mean() < 4


def test_frames_size_and_channels_are_as_the_keys_say(lab: Path) -> None:
    train = read(lab, frames={"by": "uniform", "count": 4}, size=[6, 10], channels="gray")["train"]
    assert train.lengths.tolist() == [4, 4, 4, 3]
    assert train.read(0)["frames"].shape == (4, 6, 10, 1)


def test_test_and_validation_clips_have_folders_of_their_own(lab: Path) -> None:
    write_clip(lab / "later" / "walk" / "e.mp4", moving(4, 24, 32))
    write_clip(lab / "other" / "run" / "deep" / "f.mkv", moving(4, 24, 32))
    splits = read(lab, test="later", validation_file="other", validation={"by": "given"})
    assert splits["test"].known_targets.tolist() == [1]
    assert splits["validation"].ids == ["run/deep/f.mkv"]
    write_clip(lab / "later" / "swim" / "g.mp4", moving(4, 24, 32))
    assert (
        "later/swim/g.mp4: sequence 'swim/g.mp4': the folder that it is in: expected a class of the training data"
        in (message(lab, test=str(lab / "later")).replace(f"{lab}/", ""))
    )


def test_what_is_no_video_is_passed_over_and_said(lab: Path) -> None:
    (lab / "clips" / "run" / "notes.txt").write_text("x")
    (lab / "clips" / "run" / "._a.mp4").write_text("what some systems leave")
    (lab / "clips" / ".hidden").mkdir()
    (lab / "clips" / "run" / "round").symlink_to(lab / "clips" / "run", target_is_directory=True)
    train = read(lab)["train"]
    assert train.ids == list(LENGTHS)
    assert "passed over what is no video by its name: 1 (.txt)" in train.notes[0]


def test_a_clip_of_two_splits_is_refused(lab: Path) -> None:
    (lab / "later" / "run").mkdir(parents=True)
    (lab / "later" / "run" / "again.mp4").symlink_to(lab / "clips" / "run" / "a.mp4")
    said = message(lab, test="later")
    assert "expected every clip once, in one split; received one of 'test' that is also of 'train'" in said


def test_a_clip_that_stands_twice_in_a_split_is_refused_however_it_is_spelled(lab: Path) -> None:
    """Else one of the two might train and the other validate."""
    write_table(lab, "clips/run/b.avi", "clips/walk/../run/a.mp4")
    assert "clips.csv:3: column 'path': expected every file once" in message(lab, train="clips.csv")
    (lab / "clips" / "walk" / "again.mp4").symlink_to(lab / "clips" / "run" / "a.mp4")
    assert "walk/again.mp4: expected every clip once, in one split; received one again" in message(lab)


@pytest.mark.parametrize("spelled", ["clips", "other/clips"])
def test_links_that_lead_back_are_passed_over_however_the_folder_is_spelled(lab: Path, spelled: str) -> None:
    (lab / "other").symlink_to(lab, target_is_directory=True)
    (lab / "clips" / "run" / "up").symlink_to(lab, target_is_directory=True)
    (lab / "clips" / "run" / "to").symlink_to(lab / "apart", target_is_directory=True)  # and from there again
    (lab / "apart").mkdir()
    (lab / "apart" / "fro").symlink_to(lab / "clips" / "run", target_is_directory=True)
    assert read(lab, train=spelled)["train"].ids == list(LENGTHS)


@pytest.mark.parametrize("fault", [OSError(errno.EMFILE, "Too many open files"), MemoryError()], ids=repr)
def test_a_fault_that_may_pass_is_not_kept(lab: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException) -> None:
    def fail(container: Any) -> Any:
        if container.name.endswith("a.mp4"):
            raise fault
        return real(container)

    real = _videos._video_stream
    monkeypatch.setattr(_videos, "_video_stream", fail)
    train = read(lab, on_bad="skip")["train"]
    assert train.ids == list(LENGTHS)[1:]
    assert train.lengths.tolist() == list(LENGTHS.values())[1:]
    assert cache(lab) == {}
    monkeypatch.undo()
    assert read(lab, on_bad="skip")["train"].ids == list(LENGTHS)


def test_another_version_of_the_decoder_decodes_anew(
    lab: Path, decodings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read(lab)
    monkeypatch.setattr(_frame_store, "version", lambda name: "0.1")
    read(lab)
    assert len(decodings) == 2 * len(LENGTHS)


@pytest.mark.usefixtures("decodings")
def test_each_fault_is_told_once(lab: Path) -> None:
    (lab / "clips" / "run" / "bad.mp4").write_text("x")
    files, look = sorted((lab / "clips").rglob("*.*")), source()._look
    bad, told = files.index(lab / "clips" / "run" / "bad.mp4"), list[int]()
    for times in (1, 2):  # when it is decoded, and from the cache
        _frame_store.FrameStore(lab / "video_cache", 1).decoded(files, look, lambda number, _: told.append(number))
        assert told == times * [bad]


def test_a_bad_clip_leaves_none_of_its_frames(lab: Path) -> None:
    """Though some were written before the fault was found."""
    write_changing(lab / "clips" / "run" / "a0.avi")
    train = read(lab, on_bad="skip")["train"]
    assert [each.id for each in train.skipped] == ["run/a0.avi"]
    assert max(cache(lab).values()) == sum(LENGTHS.values()) * FRAME


def test_a_name_that_is_too_long_is_a_fault_of_its_clip_alone(lab: Path) -> None:
    write_table(lab, "clips/run/b.avi", f"clips/{'x' * 300}.avi")
    (skipped,) = read(lab, train="clips.csv", on_bad="skip")["train"].skipped
    assert skipped.where.endswith("clips.csv:3")
    assert "File name too long" in skipped.reason


@pytest.mark.parametrize(
    ("prepare", "keys", "says"),
    [
        (lambda lab: None, {"train": "nowhere"}, "data.train: no such file or folder"),
        (lambda lab: (lab / "empty").mkdir(), {"train": "empty"}, "expected clips (.mp4,"),
        (
            lambda lab: (lab / "a.mp4").write_text("x"),
            {"train": "a.mp4"},
            "expected a folder with a folder for each class",
        ),
        (lambda lab: None, {"manifest": {"label": "kind"}}, "data.manifest: does nothing for folders"),
        (lambda lab: None, {"validation": {"grouped": True}}, "gives no groups"),
    ],
)
def test_what_does_not_fit_is_one_error(lab: Path, prepare: Any, keys: dict[str, Any], says: str) -> None:
    prepare(lab)
    with pytest.raises(DataError, match=r"^[^\n]*$") as error:
        source(**keys).splits(Places(lab, lab))
    assert says in str(error.value)


@pytest.mark.parametrize(
    "keys",
    [
        {"size": [12]},
        {"size": [0, 3]},
        {"size": 12},
        {"channels": "red"},
        {"cache_gigabytes": 0.0},
        {"validation": {"by": "given"}},
        {"manifest": {"group": "person"}},
        {"manifest": {"label": "a", "text": "b"}},
        {"manifest": {"path": "a", "label": "a"}},
        {"manifest": {"split": "split"}, "test": "later"},
        {"test": "later", "validation": {"by": "folds", "test_fold": True}},
    ],
)
def test_keys_that_do_not_fit_are_mistakes_of_the_spec(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        source(**keys)


# Tables


TABLE = "path,label,person,part,caption\n" + "".join(
    f"clips/{name},{name.partition('/')[0]},p{number // 2},{part},a clip of {number}\n"
    for number, (name, part) in enumerate(zip(LENGTHS, ("train", "validation", "train", "test"), strict=True))
)


def write_table(lab: Path, old: str = "", new: str = "", name: str = "clips.csv") -> Path:
    assert old in TABLE
    (lab / name).write_text(TABLE.replace(old, new, 1))
    return lab / name


def test_a_table_lists_clips_classes_and_groups(lab: Path) -> None:
    write_table(lab)
    (lab / "clips.tsv").write_text(TABLE.replace(",", "\t"))
    for name in ("clips.csv", "clips.tsv"):
        train = read(lab, train=name, manifest={"group": "person"}, validation={"grouped": True})["train"]
        assert train.ids == [f"clips/{each}" for each in LENGTHS]
        assert train.known_targets.tolist() == [0, 0, 1, 1]
        assert train.groups is not None
        assert train.groups.tolist() == ["p0", "p0", "p1", "p1"]
        assert train.lengths.tolist() == list(LENGTHS.values())


def test_a_table_may_say_which_clips_validate_and_test(lab: Path) -> None:
    write_table(lab)
    keys: dict[str, Any] = {"train": "clips.csv", "manifest": {"split": "part"}}
    splits = read(lab, **keys, validation={"by": "given"})
    found = {name: [Path(identity).name for identity in each.ids] for name, each in splits.items()}
    assert found == {"train": ["a.mp4", "c.webm"], "validation": ["b.avi"], "test": ["d.gif"]}
    assert splits["test"].known_targets.tolist() == [1]
    assert "set data.validation.by: given" in message(lab, **keys)
    write_table(lab, ",p0,train", ",p0,trian")
    assert "clips.csv:2: column 'part': expected train, validation or test; received 'trian'" in message(lab, **keys)


def test_a_table_may_ask_for_texts(lab: Path) -> None:
    write_table(lab)
    train = read(lab, train="clips.csv", manifest={"text": "caption"})["train"]
    assert train.signature.known_target.kind == "string"
    assert train.known_targets.tolist()[1] == b"a clip of 1"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("path,", "file,", "expected a column 'path' (data.manifest.path); it is missing"),
        (
            "label,",
            "lable,",
            "clips.csv:2: expected a column 'label' (data.manifest.label); it is missing; did you mean",
        ),
        ("clips/run/b.avi", "clips/run/a.mp4", "clips.csv:3: column 'path': expected every file once"),
        ("clips/run/b.avi", "", "clips.csv:3: column 'path': expected a file; received nothing"),
        ("b.avi", "gone.avi", "clips.csv:3: sequence 'clips/run/gone.avi': expected a video file; it can't be read"),
        ("b.avi,run", "b.avi, ", "clips.csv:3: sequence 'clips/run/b.avi': column 'label': expected a class"),
        ("run/b.avi,run,p0", "run/b.avi,run,", "clips.csv:3: sequence 'clips/run/b.avi': expected a group"),
    ],
)
def test_a_table_with_a_fault_is_told_by_line(lab: Path, old: str, new: str, says: str) -> None:
    write_table(lab, old, new)
    keys = {"manifest": {"group": "person"}, "validation": {"grouped": True}}
    assert says in message(lab, train="clips.csv", **keys)


# Bad clips


def spoil(lab: Path) -> dict[str, str]:
    """Add bad clips; return what is said of each, by name."""
    run = lab / "clips" / "run"
    (run / "text.mp4").write_text("hello")
    (run / "none.mp4").write_text("")
    (run / "x.mp4").mkdir()
    (run / "cut.mp4").write_bytes((run / "a.mp4").read_bytes()[:-200])
    write_sound(run / "sound.mp4")
    write_changing(run / "change.avi")
    write_clip(lab / "clips" / "lost.mp4", moving(2, 24, 32))
    return {
        "lost.mp4": "expected a class",
        "run/change.avi": "received 24 × 32",
        "run/cut.mp4": "it was cut off",
        "run/none.mp4": "received an empty file",
        "run/sound.mp4": "received sound alone",
        "run/text.mp4": "received a file that begins with 'hello'",
        "run/x.mp4": "received a folder",
    }


def test_bad_clips_are_left_out_and_listed_also_from_the_cache(lab: Path, decodings: list[str]) -> None:
    expected = spoil(lab)
    for decoded in (len(LENGTHS) + len(expected), 0):
        decodings.clear()
        train = read(lab, on_bad="skip")["train"]
        assert train.ids == list(LENGTHS)
        assert train.lengths.tolist() == list(LENGTHS.values())
        assert np.abs(train.read(1)["frames"] - made("run/b.avi").reshape(9, 12, 2, 16, 2, 3).mean((2, 4))).mean() < 4
        assert [each.id for each in train.skipped] == list(expected)
        for each in train.skipped:
            assert expected[each.id] in each.reason
            assert each.where.endswith(f"clips/{each.id}")
        assert len(decodings) == decoded
    said = message(lab)
    assert "clips/run/change.avi: sequence 'run/change.avi': frame 4" in said  # the cache knows it, too
    assert "data.on_bad: skip would leave this sequence out" in said


def test_the_first_bad_clip_stops_the_command(lab: Path, decodings: list[str]) -> None:
    spoil(lab)
    assert "change.avi" in message(lab)
    assert decodings == ["lost.mp4", "a.mp4", "b.avi", "change.avi"]
    assert cache(lab) == {}


def test_nothing_but_bad_clips_is_an_error(lab: Path) -> None:
    (lab / "bad" / "a").mkdir(parents=True)
    (lab / "bad" / "a" / "b.mp4").write_text("x")
    assert "all 1 sequences are bad" in message(lab, train="bad", on_bad="skip")


# The cache


def test_what_was_decoded_is_not_decoded_again(lab: Path, decodings: list[str]) -> None:
    first = read(lab)["train"]
    assert len(decodings) == len(LENGTHS)
    again = read(lab)["train"]
    assert len(decodings) == len(LENGTHS)
    assert first.fingerprint() == again.fingerprint()
    assert isinstance(again, FlatExamples)
    assert again.mapped
    assert sorted(cache(lab).values())[-1] == sum(LENGTHS.values()) * FRAME


@pytest.mark.parametrize("frames", [{}, {"by": "uniform", "count": 4}, {"by": "rate", "per_second": 40.0}], ids=str)
def test_a_clip_that_does_not_fit_in_memory_is_the_same(lab: Path, monkeypatch: Any, frames: dict[str, Any]) -> None:
    in_memory = read(lab, frames=frames)["train"].fingerprint()
    monkeypatch.setattr(_videos, "IN_MEMORY", 100)
    os.utime(lab / "clips" / "run" / "a.mp4", (1, 1))
    assert read(lab, frames=frames)["train"].fingerprint() == in_memory
    assert {name.rpartition(".")[2] for name in cache(lab)} == {"frames", "json"}


@pytest.mark.parametrize("change", ["size", "channels", "frames", "time", "content", "name", "more"])
def test_what_changes_is_decoded_anew(lab: Path, decodings: list[str], change: str) -> None:
    read(lab)
    decodings.clear()
    clip = lab / "clips" / "run" / "a.mp4"
    keys: dict[str, Any] = {}
    if change == "size":
        keys = {"size": [6, 8]}
    elif change == "channels":
        keys = {"channels": "gray"}
    elif change == "frames":
        keys = {"frames": {"by": "stride", "stride": 3}}
    elif change == "time":
        os.utime(clip, (1, 1))
    elif change == "content":
        write_clip(clip, moving(3, 24, 32))
    elif change == "name":
        clip.rename(clip.with_name("z.mp4"))
    else:
        write_clip(clip.with_name("z.mp4"), moving(3, 24, 32))
    read(lab, **keys)
    assert len(decodings) == len(LENGTHS) + (change == "more")


@pytest.mark.parametrize("change", ["validation", "cache_gigabytes", "cache", "on_bad"])
def test_what_does_not_matter_to_frames_does_not_decode(lab: Path, decodings: list[str], change: str) -> None:
    read(lab)
    decodings.clear()
    other: Any = {"validation": {"by": "fraction"}, "cache_gigabytes": 3.0, "cache": "memory", "on_bad": "skip"}
    read(lab, **{change: other[change]})
    assert not decodings


@pytest.mark.parametrize("damage", ["no index", "no frames", "short", "long", "index of another", "index of garbage"])
def test_what_is_left_of_a_damaged_cache_is_not_used(lab: Path, decodings: list[str], damage: str) -> None:
    before = read(lab)["train"].fingerprint()
    decodings.clear()
    index = next((lab / "video_cache").glob("*.json"))
    frames = index.with_suffix(".frames")
    if damage in ("no index", "no frames"):
        (index if damage == "no index" else frames).unlink()
    elif damage in ("short", "long"):
        frames.write_bytes(frames.read_bytes()[:-FRAME] if damage == "short" else frames.read_bytes() + b"\0" * FRAME)
    elif damage == "index of another":
        index.write_text(json.dumps({"lengths": [1, 2], "faults": []}))
    else:
        index.write_text('{"lengths": [5, "x", null], "faults": {"a": 3}}')
    assert read(lab)["train"].fingerprint() == before
    assert len(decodings) == len(LENGTHS)


def test_the_folder_is_bounded_and_what_was_not_used_for_longest_goes_first(lab: Path, decodings: list[str]) -> None:
    room = {"cache_gigabytes": 2.5 * ALL}
    for number, size in enumerate(([12, 16], [16, 12])):
        read(lab, size=size, **room)
        for path in (lab / "video_cache").glob("*.json"):
            if path.stat().st_mtime > 1e9:
                os.utime(path, (1000 + number, 1000 + number))
    read(lab, size=[12, 16], **room)  # is used again
    decodings.clear()
    read(lab, size=[8, 24], **room)  # and for this there is room only without the other
    assert len(decodings) == len(LENGTHS)
    assert sum(cache(lab).values()) / 1e9 < 2.5 * ALL
    read(lab, size=[12, 16], **room)
    read(lab, size=[8, 24], **room)
    assert len(decodings) == len(LENGTHS)
    read(lab, size=[16, 12], **room)
    assert len(decodings) == 2 * len(LENGTHS)


def test_a_data_set_beyond_the_bound_says_what_to_lower(lab: Path) -> None:
    said = message(lab, cache_gigabytes=0.8 * ALL)
    assert "data.cache_gigabytes: the frames of this data set take more than" in said
    assert "lower data.size or the frames of each clip (data.frames)" in said
    assert cache(lab) == {}
    for number in range(2):  # training and test clips share it, and none of the two makes the other go
        write_clip(lab / "later" / "run" / f"{number}.mp4", moving(12, 24, 32))
    assert "data.cache_gigabytes" in message(lab, cache_gigabytes=1.2 * ALL, test="later")
    read(lab, cache_gigabytes=2.1 * ALL, test="later")
    assert "data.cache_gigabytes" in message(lab, cache_gigabytes=1.2 * ALL, test="later")  # what is there counts


KILLED = """
import os, signal, sys
from pathlib import Path
from rnnlab.places import Places
from rnnlab.sources import _frame_store
from rnnlab.sources.video_folder import VideoFolder
from rnnlab.transforms import TRANSFORMS

real, seen = getattr(_frame_store, sys.argv[2]), []

def killed(*arguments):
    seen.append(1)
    if len(seen) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)

setattr(_frame_store, sys.argv[2], killed)
folder = Path(sys.argv[1])
VideoFolder(train="clips", size=[12, 16]).open(Places(folder, folder))
"""


@pytest.mark.parametrize(("function", "call"), [("decode", 1), ("decode", 3), ("mapped", 1)])
def test_a_kill_leaves_nothing_that_is_used(lab: Path, decodings: list[str], function: str, call: int) -> None:
    """Killed while decoding, and when all is written: what counts is either whole or not there."""
    command = [sys.executable, "-c", KILLED, str(lab), function, str(call)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    left = cache(lab)
    train = read(lab)["train"]
    assert train.lengths.tolist() == list(LENGTHS.values())
    assert len(decodings) == (0 if function == "mapped" else len(LENGTHS))
    assert left == cache(lab) if function == "mapped" else any(name.endswith(".part") for name in left)
    assert sorted(name.rpartition(".")[2] for name in cache(lab)) == ["frames", "json"]


def test_two_processes_decode_once(lab: Path) -> None:
    """Who comes second waits, and finds what the first has decoded."""
    wait = "while not (folder / 'go').exists(): __import__('time').sleep(0.02)"
    code = KILLED.replace("os.kill(os.getpid(), signal.SIGKILL)", wait)
    first = subprocess.Popen([sys.executable, "-c", code, str(lab), "decode", "1"], cwd=ROOT)
    while not (lab / "video_cache" / "lock").exists():
        time.sleep(0.02)
    counted = code.replace("folder = Path", "import atexit; atexit.register(lambda: print(len(seen)))\nfolder = Path")
    command = [sys.executable, "-c", counted, str(lab), "decode", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as second:
        assert second.stdout is not None
        assert second.stderr is not None
        assert "waiting for another process" in second.stderr.readline()
        (lab / "go").touch()
        assert second.stdout.read().strip() == "0"
    assert (first.wait(), second.returncode) == (0, 0)


def test_a_data_directory_that_can_not_be_written_is_told(lab: Path) -> None:
    (lab / "video_cache").write_text("no folder")
    assert "can't be written" in message(lab)


# The whole path


SPEC = """\
data: {source: video_folder, train: clips, size: [12, 16], frames: {most: 6}, validation: {by: none}, test: later}
task: {kind: classification}
stem: {name: cnn, units: 4, blocks: [{filters: 2, pool_size: 4}]}
model: {architecture: stacked_rnn, cell: gru, units: [4]}
training: {epochs: 1, batch_size: 2}
"""


def test_a_network_is_trained_scored_and_asked(lab: Path) -> None:
    write_clip(lab / "later" / "walk" / "e.mp4", moving(8, 24, 32))
    (lab / "spec.yaml").write_text(SPEC)
    trained = rnnlab("train", "spec.yaml", "--run", "run", "--data-dir", lab, folder=lab)
    assert trained.code == 0, trained.error
    assert not (lab / "run" / "cache").exists()
    scored = rnnlab("evaluate", "run", folder=lab)
    assert "test split, 1 examples" in scored.out, scored.error
    before = cache(lab)
    for given, count in (("clips", 4), ("clips/run/a.mp4", 1)):
        asked = rnnlab("predict", "run", given, "--json", folder=lab)
        assert asked.code == 0, asked.error
        answers = [json.loads(line) for line in asked.out.splitlines()]
        assert len(answers) == count
    assert cache(lab) == before  # what is asked once is not kept
    (lab / "bad.mp4").write_text("x")
    refused = rnnlab("predict", "run", "bad.mp4", folder=lab)
    assert refused.code == 2
    assert "bad.mp4: sequence 'bad.mp4': expected a video" in refused.error


def test_frames_are_read_where_they_lie_or_copied_into_memory(lab: Path) -> None:
    from rnnlab.training import prepare

    (lab / "spec.yaml").write_text(SPEC.replace(", test: later", ""))
    for where, mapped in (("disk", True), ("memory", False)):
        settings = (f"data.cache={where}", "data.validation={by: fraction, fraction: 0.5}")
        experiment = load_experiment(lab / "spec.yaml", settings)
        raw = experiment.data.splits(Places(lab, lab))
        prepared = prepare(experiment, raw, lab / "prepared")
        assert not (lab / "prepared").exists()  # nothing is written a second time
        for examples in prepare(experiment, raw).splits.values():
            assert isinstance(examples, FlatExamples)
            assert examples.mapped is mapped
        for name, examples in prepared.splits.items():
            assert isinstance(examples, FlatExamples)
            assert examples.mapped is mapped
            for index in range(len(examples)):
                np.testing.assert_array_equal(examples.read(index)["frames"], raw[name].read(index)["frames"])


def test_check_prepares_in_files_that_are_gone_at_its_end(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stores: list[Any] = []

    def stop(experiment: Any, raw: Any, store: Path | None = None) -> None:
        stores.append(store and store.is_dir() and store)
        raise InterruptedError

    monkeypatch.setattr("rnnlab.training.prepare", stop)
    (lab / "spec.yaml").write_text(SPEC.replace(", test: later", ""))
    for cache in ("disk", "memory"):
        with pytest.raises(InterruptedError):
            check_spec(lab / "spec.yaml", (f"data.cache={cache}",), lab)
    on_disk, in_memory = stores
    assert in_memory is None
    assert isinstance(on_disk, Path)
    assert not on_disk.exists()


def test_transforms_are_fitted_on_files_where_the_spec_says_so(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []
    real = preparation._Sink
    monkeypatch.setattr(preparation, "_Sink", lambda path, field: written.append(path) or real(path, field))
    preparation.Pipeline.fit([TRANSFORMS.parse("center")] * 2, read(lab)["train"], lab / "fit")
    assert written == [lab / "fit"]
    assert not (lab / "fit").exists()


def test_what_is_predicted_needs_no_label_and_no_cache(lab: Path) -> None:
    signature = read(lab)["train"].signature
    write_table(lab, "path,label", "path,other")
    for given, count in ((lab / "clips", 4), (lab / "clips" / "walk" / "c.webm", 1), (lab / "clips.csv", 4)):
        examples = source().read_input(given, signature)
        assert (len(examples), examples.targets, examples.groups) == (count, None, None)
        assert examples.lengths.sum() in (24, 7)
    (lab / "clips" / "walk" / "bad.mp4").write_text("x")
    assert [each.id for each in source(on_bad="skip").read_input(lab / "clips", signature).skipped] == ["walk/bad.mp4"]
    with pytest.raises(DataError, match="give fewer"):
        source(cache_gigabytes=ALL / 2).read_input(lab / "clips", signature)


def test_without_pyav_the_message_is_how_to_install_it(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UserError, match=r"pip install 'rnnlab\[video\]'") as error:
        read(lab)
    assert error.value.exit_code == 2
    with pytest.raises(UserError, match="pip install"):
        source().read_input(lab / "clips", Signature((Field("frames", "frames", (12, 16, 3)),)))


def test_progress_is_drawn_on_a_terminal_alone(lab: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    read(lab)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    read(lab, size=[6, 8])
    told = capsys.readouterr().err
    assert "decoding videos" in told
    assert told.endswith("\r\033[K")


def test_the_specs_of_the_guide_are_accepted(tmp_path: Path) -> None:
    blocks = specs_of("video")
    assert len(blocks) == 4
    for block in blocks:
        rest = "" if "task:" in block else "task: {kind: classification}\nmodel: {architecture: stacked_rnn}\n"
        rest += "" if "data:" in block else "data: {source: moving_digits}\n"
        (tmp_path / "spec.yaml").write_text(block + rest)
        window = TRANSFORMS.parse({"name": "center", "size": [28, 24]})
        assert load_experiment(tmp_path / "spec.yaml").transforms in ([], [window])
