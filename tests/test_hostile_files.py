"""Files that someone else wrote: whatever is in them, no code runs, nothing else is written, nothing hangs.

What can't be read is one clear message and exit code 2.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import pickle
import re
import shutil
import signal
import socket
import stat
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlab import archives, bounded
from rnnlab.errors import DataError, ExportError, RunError, SpecError, UserError
from rnnlab.experiment import load_experiment
from rnnlab.history import read_history
from rnnlab.places import Places
from rnnlab.prediction import Predictor
from rnnlab.rundir import RunDir, read_arrays, write_text
from rnnlab.sources.npz import Npz
from rnnlab.sources.tfds import Tfds
from rnnlab.sources.ucr import Ucr
from rnnlab.sources.video_folder import VideoFolder
from tests.made_videos import moving, write_clip
from tests.test_cli import Result, make_lab, rnnlab

SECONDS = 20  # more is a hang; a refusal takes a fraction of one
SPEC = "data: {source: npz, train: a.npz}\ntask: {kind: classification}\nmodel: {architecture: stacked_rnn}\n"
POSIX = pytest.mark.skipif(os.name == "nt", reason="no pipes and devices in the file system there")


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    """End a test that waits for ever, such as for the other end of a pipe."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"still running after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


class Trap:
    """Pickled, it makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[Any, ...]]:
        return os.mkdir, (str(self.path),)


def write_pickled(path: Path, trap: Path, *names: str) -> Path:
    """Write an archive whose arrays run code when they are unpickled."""
    np.savez(path, allow_pickle=True, **{name: np.array([Trap(trap)], dtype=object) for name in names})
    return path


def told(error: Result | Exception | str, lines: int = 1) -> str:
    """Return a message, after checking that it is so many printable lines, none of them long."""
    text = error.error if isinstance(error, Result) else str(error)
    found = text.splitlines()
    assert len(found) == lines, text
    assert all(line.isprintable() and len(line) <= 700 for line in found), text
    assert "Traceback" not in text
    return text


def refused(result: Result) -> str:
    assert result.code == 2, result.error
    return told(result)


# Specs


def spec_error(path: Path, *settings: str) -> str:
    started = time.process_time()
    with pytest.raises(SpecError) as error:
        load_experiment(path, settings)
    assert time.process_time() - started < 30  # no minutes: it takes one second alone, some in a full process
    assert all(line.isprintable() and len(line) <= 500 for line in error.value.mistakes)
    assert len(str(error.value).splitlines()) <= 51
    return str(error.value)


LAUGHS = "a: &a [x, x]\n" + "".join(f"k{n}: &k{n} [*a, *a, *a, *a]\n" for n in range(50))
BOMBS: dict[str, tuple[str | bytes, str]] = {
    "a billion laughs": (LAUGHS, "aliases"),
    "an anchor that holds itself": ("a: &a [*a]\n", "aliases"),
    "a mapping that holds itself": ("&a {b: *a}\n", "aliases"),
    "many anchors": ("".join(f"k{n}: &a{n} x\n" for n in range(30_000)), "20,000 values"),
    "a merge key": ("a: &a {x: 1}\nb: {<<: *a}\n", "aliases"),
    "merge keys without aliases": ("<<: [{a: 1}, {b: 2}]\n", "merge keys"),
    "lists ten thousand deep": ("a: " + "[" * 10_000 + "]" * 10_000, "20 levels"),
    "mappings ten thousand deep": ("a: " + "{a: " * 10_000, "20 levels"),
    "blocks a thousand deep": ("".join(" " * n + "a:\n" for n in range(1300)), "20 levels"),
    "dashes ten thousand deep": ("- " * 10_000, "20 levels"),
    "keys ten thousand deep": ("? " * 10_000, "20 levels"),
    "a key of ten megabytes": ("k" * 10_000_000 + ": 1\n", "too large"),
    "a key just within the limit": ("? " + "k" * 900_000 + "\n: 1\n", "a key of 900,000 characters"),
    "a scalar just within the limit": (SPEC + "name: " + "k" * 900_000, "at most 100 characters"),
    "a block just within the limit": (SPEC + "name: |\n" + "  kkkkkkkk\n" * 80_000, "at most 100 characters"),
    "fifty megabytes": (b"# " + b"x" * 50_000_000, "50,000,002 bytes is too large"),
    "a tag that runs code": ("a: !!python/object/apply:os.mkdir [trap]\n", "a tag"),
    "a tag of other names": ("%TAG ! tag:yaml.org,2002:python/\n---\na: !object/apply:os.mkdir [trap]\n", "a tag"),
    "a tag without end": ("a: !" + "x" * 100_000 + " 1\n", "a tag"),
    "an alias without end": ("a: *" + "x" * 100_000 + "\n", "aliases"),
    "NUL": (b"a: \0\n", "#x0000"),
    "control characters": (b"a: \x01\x02\n", "#x0001"),
    "an escaped NUL in a key": (b'"a\\0": 1\n', "character that is none"),
    "half a pair in a key": (b'"\\ud800": 1\n', "character that is none"),
    "bytes": (bytes(range(256)) * 100, "not UTF-8"),
    "UTF-16": ("a: 1\n".encode("utf-16"), "not UTF-8"),
    "UTF-16 without its mark": ("a: 1\n".encode("utf-16-le"), "#x0000"),
    "UTF-32": ("a: 1\n".encode("utf-32"), "not UTF-8"),
    "Latin-1": ("a: é\n".encode("latin-1"), "not UTF-8"),
    "digits": (SPEC + "seed: " + "9" * 100_000, "100,000 characters (limit 100)"),
    "hexadecimal digits": (SPEC + "seed: 0x" + "f" * 100_000, "limit 100"),
    "octal digits": (SPEC + "seed: 0" + "7" * 100_000, "limit 100"),
    "binary digits": (SPEC + "seed: 0b" + "1" * 100_000, "limit 100"),
    "minutes and seconds": (SPEC + "seed: 1" + ":59" * 30_000, "limit 100"),
    "decimals": (SPEC + "seed: 1." + "9" * 100_000, "limit 100"),
    "an exponent": (SPEC + "seed: 1e" + "9" * 100_000, "limit 100"),
    "ten thousand unknown keys": (SPEC + "".join(f"k{n}: 1\n" for n in range(9000)), "… and 8,950 more mistakes"),
    "ten thousand transforms": (SPEC + "transforms: [" + "x, " * 18_000 + "]", "… and 17,950 more mistakes"),
    "ten thousand classes": (
        SPEC.replace("tion}", "tion, class_weights: {" + "".join(f"k{n}: -1, " for n in range(6000)) + "}}"),
        "… and 5,950 more mistakes",
    ),
    "a key that a terminal obeys": (SPEC + '"\\e[2J": 1\n', r"'\x1b[2J'"),
    "a key that turns the line around": (SPEC + '"a\\u202eb": 1\n', r"'a\u202eb'"),
    "an odd version": ("%YAML 99.9\n---\na: 1\n", "incompatible"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_spec_is_refused_in_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    text, says = BOMBS[name]
    (tmp_path / "a.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert says in spec_error(tmp_path / "a.yaml")
    assert os.listdir(tmp_path) == ["a.yaml"]


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("x=" + "[" * 10_000, "20 levels"),
        ("x=&a [*a]", "aliases"),
        ("seed=!!python/object/apply:os.mkdir [trap]", "a tag"),
        (".".join("a" * 10_000) + "=1", "longer than what a spec may hold"),
        (".".join(["training", *"a" * 30]) + "=1", "longer than what a spec may hold"),
        ("k" * 1_000_000 + "=1", "longer than what a spec may hold"),
        ("name=" + "k" * 900_000, "at most 100 characters"),
        ("name=" + "k" * 2_000_000, "longer than what a spec may hold"),
        ("x=[" + "1," * 15_000 + "]", "unknown key"),
        ("seed=" + "9" * 100_000, "limit 100"),
        ("seed=0x" + "f" * 100_000, "limit 100"),
        ("transforms.0=1", "expected a mapping with 'name'"),
        ("transforms." + "9" * 3900 + "=1", "no element 999"),
        ("seed=\0", "#x0000"),
        ("se\0ed=1", "expected KEY=VALUE"),
        ("\udcff=1", "expected KEY=VALUE"),
        ("seed=\udcff", "#xdcff"),
        ("seed=\x01", "#x0001"),
        ("name=../../victim", "expected text of the form"),
        ("extends=/dev/zero", "unknown key"),
        ("<<={a: 1}", "unknown key"),
    ],
    ids=range(21),
)
def test_a_hostile_setting_is_refused_in_a_moment(tmp_path: Path, setting: str, says: str) -> None:
    (tmp_path / "a.yaml").write_text(SPEC + "transforms: [standardize]\n")
    assert says in spec_error(tmp_path / "a.yaml", setting)


def test_many_settings_are_all_looked_at_in_a_moment(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SPEC)
    assert "… and 1,950 more" in spec_error(tmp_path / "a.yaml", *(f"k{number}=1" for number in range(2000)))


def test_files_that_extend_one_another_without_end_are_refused(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number}.yaml").write_text(f"extends: {number + 1}.yaml\n")
    (tmp_path / "1000.yaml").write_text(SPEC)
    assert "more than 20 files" in spec_error(tmp_path / "0.yaml")
    assert load_experiment(tmp_path / "985.yaml").seed == 0
    (tmp_path / "1000.yaml").write_text("extends: 990.yaml\n")
    assert "extends itself" in spec_error(tmp_path / "990.yaml")


def odd_paths(folder: Path) -> dict[str, Path]:
    """Make what has a path and is no file."""
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("pipe")
    (folder / "itself").symlink_to("itself")
    (folder / "nowhere").symlink_to("gone")
    made = {name: folder / name for name in ("pipe", "folder", "link", "itself", "nowhere")}
    return {**made, "zero": Path("/dev/zero"), "tty": Path("/dev/tty"), "long": folder / ("x" * 5000)}


ODD_PATHS = ["pipe", "folder", "link", "itself", "nowhere", "zero", "tty", "long"]


@POSIX
@pytest.mark.parametrize("kind", ODD_PATHS)
def test_a_spec_that_is_no_file_is_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    path = odd_paths(tmp_path)[kind]
    told(spec_error(path))
    (tmp_path / "a.yaml").write_text(f"extends: {path}\n")
    assert "extends: " in spec_error(tmp_path / "a.yaml")


@POSIX
def test_a_file_of_the_system_without_size_or_end_is_refused(tmp_path: Path) -> None:
    for name in ("/proc/self/mem", "/proc/self/environ", "/proc/kmsg"):
        if os.access(name, os.R_OK):
            error = spec_error(Path(name))
            assert error.startswith(name)
            # What the kernel has said by then may even be YAML, of several mistakes.
            told(error, lines=len(error.splitlines()) if name == "/proc/kmsg" else 1)


@pytest.mark.parametrize("name", ["a\nb.yaml", "a\x1b[2Jb.yaml", "\u202e.yaml"])
def test_a_name_that_a_terminal_would_obey_is_written_out(tmp_path: Path, name: str) -> None:
    told(spec_error(tmp_path / name))
    (tmp_path / name).write_text("x: no\n")
    assert "`no` is false" in told(spec_error(tmp_path / name))
    assert "\x1b" not in refused(rnnlab("check", name, folder=tmp_path))


# Data


def read_npz(path: Path) -> str:
    with pytest.raises(DataError) as error:
        Npz(train=str(path)).open(Places())
    return told(error.value)


def test_pickled_data_is_not_read_and_the_message_says_how_to_convert_it(tmp_path: Path) -> None:
    sequences = np.array([np.zeros((2, 3)), np.ones((4, 3))], dtype=object)
    np.savez(tmp_path / "OLD.npz", values=sequences, lengths=np.array([2, 4]), labels=np.array(["a", "b"], object))
    message = read_npz(tmp_path / "OLD.npz")
    found = re.search(r'python -c "(.*)"', message)
    assert found is not None
    done = os.spawnlp(os.P_WAIT, "sh", "sh", "-c", f'cd "{tmp_path}" && python -c "{found[1]}"')
    assert done == 0
    converted = Npz(train=str(tmp_path / "NEW.npz")).open(Places())["train"]
    assert converted.lengths.tolist() == [2, 4]
    np.testing.assert_array_equal(converted.read(1)["sequence"], np.ones((4, 3)))


def test_pickled_data_runs_no_code(tmp_path: Path) -> None:
    for names in (("values", "lengths"), ("labels", "values", "lengths"), ("values", "lengths", "other")):
        assert "Python objects" in read_npz(write_pickled(tmp_path / "a.npz", tmp_path / "trap", *names))
    (tmp_path / "a.npz").write_bytes(pickle.dumps(Trap(tmp_path / "trap")))
    assert "expected an .npz archive" in read_npz(tmp_path / "a.npz")
    assert not (tmp_path / "trap").exists()


def header(shape: str, kind: str = "<f8", data: bytes = b"") -> bytes:
    """Return an array's file whose header says what it likes."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("latin-1") + data


def pack(path: Path, compression: int = zipfile.ZIP_STORED, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name + ".npy", data)
    return path


LENGTHS = header("(1,)", "<i8", (1).to_bytes(8, "little"))


@pytest.mark.parametrize(
    "values",
    [
        header("(1000000000000, 3)", data=bytes(24)),
        header("(1000000000000,)", "<U0"),
        header("(1000000000000,)", "|V0"),
        header("(" + "9" * 400 + ",)"),
        header("(-1, 3)", data=bytes(24)),
        header("(-1, -3)", data=bytes(24)),
        header("(" * 3000 + ")" * 3000),
        header("(1,)", "O", pickle.dumps(Trap(Path("trap")))),
        header("(1,)", "<f9999999"),
        header("(1,)", "</../x"),
        header("__import__('os').mkdir('trap')"),
        header("(1, 3)", data=bytes(23)),
        header("(1, 3)", data=bytes(25)),
        b"\x93NUMPY\x03\x00" + bytes(100),
        b"\x93NUMPY\x09\x00",
        b"\x93NUM",
        b"",
    ],
    ids=range(17),
)
def test_a_header_that_lies_is_refused_before_memory_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    read_npz(pack(tmp_path / "a.npz", values=values, lengths=LENGTHS))
    read_npz(pack(tmp_path / "a.npz", values=header("(1,)", data=bytes(8)), lengths=LENGTHS, labels=values))
    assert os.listdir(tmp_path) == ["a.npz"]


class Zeros:
    """A file of zeros of any size, that is written without being held."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        size = min(self.left, 1 << 20 if size < 0 else size)
        self.left -= size
        return bytes(size)


def test_an_archive_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path: Path) -> None:
    rows = 140_000_000  # 1.1 GB, in an archive of 1 MB
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("lengths.npy", LENGTHS)
        with archive.open("values.npy", "w") as member:
            member.write(header(f"({rows},)"))
            shutil.copyfileobj(Zeros(8 * rows), member, 1 << 20)
    assert os.path.getsize(tmp_path / "a.npz") < 8_000_000
    started = time.process_time()
    assert "zip bomb" in read_npz(tmp_path / "a.npz")
    assert time.process_time() - started < 10


def test_arrays_larger_than_the_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "memory", lambda: 10_000)
    np.savez(tmp_path / "a.npz", values=np.ones((20, 3)), lengths=[20])
    assert len(Npz(train=str(tmp_path / "a.npz")).read_file(tmp_path / "a.npz", None)) == 1
    np.savez(tmp_path / "a.npz", values=np.ones((2000, 3)), lengths=[2000])
    assert "more than this machine's memory (10,000)" in read_npz(tmp_path / "a.npz")


def test_members_with_paths_are_never_written_anywhere(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    good = {"values": header("(1,)", data=bytes(8)), "lengths": LENGTHS}
    climbing = {"../out": b"x", "/tmp/hostile-out": b"x", "a/../../out": b"x", "..\\out": b"x", "C:\\out": b"x"}
    path = pack(tmp_path / "in" / "a.npz", **good, **climbing)
    assert len(Npz(train=str(path)).read_file(path, None)) == 1
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["a.npz", "in"]
    assert not os.path.exists("/tmp/hostile-out.npy")


def test_an_archive_with_any_byte_changed_is_read_or_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, values=np.arange(12.0).reshape(6, 2), lengths=[2, 4], labels=["a", "b"])
    whole, random = buffer.getvalue(), np.random.default_rng(0)
    refusals = 0
    for number in range(400):
        data = bytearray(whole)
        for at in random.integers(0, len(data), random.integers(1, 4)):
            data[at] = random.integers(0, 256)
        (tmp_path / "a.npz").write_bytes(data if number % 4 else data[: random.integers(0, len(data))])
        try:
            Npz(train=str(tmp_path / "a.npz")).open(Places())
        except DataError as error:
            refusals += 1
            told(error)
    assert refusals > 200


@POSIX
@pytest.mark.parametrize("kind", ODD_PATHS)
def test_data_that_is_no_file_is_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    path = odd_paths(tmp_path)[kind]
    for source in ("npz", "ts_file", "csv_sequences, label: y"):
        spec = SPEC.replace("npz, train: a.npz", f"{source}, train: {path}")
        (tmp_path / "a.yaml").write_text(spec)
        result = rnnlab("check", "a.yaml", folder=tmp_path)
        assert result.code == 2
        assert "Traceback" not in result.error


def test_a_home_that_nobody_has_is_no_place(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        Places(tmp_path, tmp_path).find("~nobody-of-this-name/a.npz", "data.train")


NAMES = ["../x", "..", ".", "/etc", "a/../b", "a/..", "", "a\n", "a\0", "-x/..", "a\\..\\b", "~", "a b", "http://x/y"]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_dataset_can_not_leave_its_folder(name: str) -> None:
    with pytest.raises(ValueError, match="dataset"):
        Ucr(dataset=name)
    with pytest.raises(ValueError, match="dataset"):
        Tfds.model_validate({"dataset": name, "features": {"sequence": "x", "label": "y"}})


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://x/y", "/etc/passwd", "http://x/y", "data:,x", None])
def test_a_download_reads_nothing_but_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    from rnnlab.sources import _downloads

    asked = []
    entries = [
        {"key": f"Adiac_{part}.ts", "checksum": "md5:0", "links": {"self": address}} for part in ("TRAIN", "TEST")
    ]

    def urlopen(url: str, timeout: float) -> io.BytesIO:
        asked.append(url)
        return io.BytesIO(json.dumps({"files": entries}).encode())

    monkeypatch.setattr(_downloads, "urlopen", urlopen)
    with pytest.raises(DataError, match="https://"):
        Ucr(dataset="Adiac").open(Places(tmp_path, tmp_path / "data"))
    assert len(asked) == 1
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


@pytest.mark.parametrize(
    "answer", [b"", b"[" * 100_000, b'{"files": 3}', b'{"files": [3]}', b'{"files": [{"key": []}]}']
)
def test_a_record_that_is_none_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    from rnnlab.sources import _downloads

    monkeypatch.setattr(_downloads, "urlopen", lambda url, timeout: io.BytesIO(answer))
    with pytest.raises(DataError, match="could not be downloaded"):
        Ucr(dataset="Adiac").open(Places(tmp_path, tmp_path / "data"))


def test_a_download_without_end_is_cut_off_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rnnlab.sources import _downloads

    entries = [
        {"key": f"Adiac_{part}.ts", "checksum": "md5:0", "links": {"self": "https://x"}} for part in ("TRAIN", "TEST")
    ]

    class Endless(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return bytes(size or 0)

    def urlopen(url: str, timeout: float) -> io.BytesIO:
        return io.BytesIO(json.dumps({"files": entries}).encode()) if "/api/" in url else Endless()

    monkeypatch.setattr(_downloads, "urlopen", urlopen)
    monkeypatch.setattr(_downloads, "MOST_BYTES", 5_000_000)
    with pytest.raises(DataError, match="larger than 5,000,000 bytes"):
        Ucr(dataset="Adiac").open(Places(tmp_path, tmp_path / "data"))
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


CODE = "import os\nos.mkdir({!r})\n"
FEATURES = [
    {"pythonClassName": "hostile_module.Feature"},
    {"python_class_name": "hostile_module.Feature"},
    {"type": "hostile_module.Feature", "content": {}},
    {
        "pythonClassName": "tensorflow_datasets.core.features.features_dict.FeaturesDict",
        "featuresDict": {"features": {"x": {"pythonClassName": "hostile_module.Feature", "text": {}}}},
    },
    {
        "pythonClassName": "tensorflow_datasets.core.features.features_dict.FeaturesDict",
        "jsonFeature": {"json": json.dumps({"x": {"type": "hostile_module.Feature", "content": {}}})},
    },
    {"pythonClassName": "tensorflow_datasets.core.features.features_dict.FeaturesDict.../hostile_module.Feature"},
]


@pytest.mark.parametrize("features", FEATURES, ids=range(len(FEATURES)))
def test_prepared_data_can_not_name_a_module_to_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, features: dict[str, Any]
) -> None:
    folder = tmp_path / "tfds" / "hostile" / "1.0.0"
    folder.mkdir(parents=True)
    (tmp_path / "hostile_module.py").write_text(CODE.format(str(tmp_path / "trap")))
    monkeypatch.syspath_prepend(tmp_path)
    (folder / "features.json").write_text(json.dumps(features))
    (folder / "dataset_info.json").write_text('{"name": "hostile", "version": "1.0.0", "fileFormat": "tfrecord"}')
    for named in ({"folder": str(folder)}, {"dataset": "hostile"}):
        source = Tfds.model_validate({**named, "features": {"sequence": "x", "label": "y"}})
        with pytest.raises(DataError, match=r"received 'hostile_module\.Feature'|received 'tensorflow"):
            source.open(Places(tmp_path, tmp_path))
    assert not (tmp_path / "trap").exists()


@pytest.mark.parametrize("text", [b"[" * 100_000, b"{", b"\xff", b'"' + b"x" * 100, b""])
def test_features_that_are_no_json_are_one_message(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "features.json").write_bytes(text)
    source = Tfds.model_validate({"folder": str(tmp_path), "features": {"sequence": "x", "label": "y"}})
    with pytest.raises(DataError, match="expected JSON") as error:
        source.open(Places(tmp_path, tmp_path))
    told(error.value)


# Run folders


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, a spec and one run of it, `runs/tiny-001`."""
    folder = make_lab(tmp_path_factory.mktemp("lab"))
    result = rnnlab("train", "tiny.yaml", folder=folder)
    assert result.code == 0, result.error
    assert rnnlab("evaluate", folder=folder).code == 0
    return folder


@pytest.fixture
def run(lab: Path, tmp_path: Path) -> RunDir:
    """A copy of the run, to be spoilt, in a folder with the same data."""
    for name in ("train.npz", "test.npz", "new.npz", "tiny.yaml"):
        shutil.copy(lab / name, tmp_path)
    shutil.copytree(lab / "runs", tmp_path / "runs")
    spoilt = RunDir(tmp_path / "runs" / "tiny-001")
    manifest = {**json.loads(spoilt.manifest.read_text()), "spec_folder": str(tmp_path)}
    spoilt.manifest.write_text(json.dumps(manifest))
    return spoilt


def commands(run: RunDir) -> list[tuple[str, ...]]:
    """Return every command that reads a run folder."""
    folder = str(run.path)
    return [
        ("evaluate", folder),
        ("predict", folder, "new.npz"),
        ("export", folder),
        ("train", "--resume", "--run", folder, "--set", "training.epochs=3"),
        ("train", "tiny.yaml", "--run", str(run.path.parent / "next"), "--from", folder),
    ]


def lab_of(run: RunDir) -> Path:
    return run.path.parent.parent


def refused_by_some(run: RunDir, *names: str) -> str:
    """Ask every command that is named of a spoilt run; each has to refuse it. Returns what they said."""
    said = []
    for command in commands(run):
        if command[0] in names:
            result = rnnlab(*command, folder=lab_of(run))
            assert result.code == 2, (command, result.error)
            assert "Traceback" not in result.error
            said.append(told(result.error.splitlines()[-1]))
    return "\n".join(said)


@pytest.mark.parametrize(
    ("name", "readers"),
    [
        ("weights.npz", ("evaluate", "predict", "export")),
        ("prepared.npz", ("evaluate", "predict", "export")),
        ("samples.npz", ("export",)),
    ],
)
def test_pickles_in_a_run_folder_are_refused_and_run_no_code(run: RunDir, name: str, readers: tuple[str, ...]) -> None:
    trap = lab_of(run) / "trap"
    names = list(read_arrays(run.path / name))
    write_pickled(run.path / name, trap, *names)
    assert f"{name}: damaged: array " in refused_by_some(run, *readers)
    (run.path / name).write_bytes(pickle.dumps(Trap(trap)))
    assert "expected an .npz archive" in refused_by_some(run, *readers)
    assert not trap.exists()


def test_a_state_of_pickles_is_refused_and_runs_no_code(run: RunDir) -> None:
    trap = lab_of(run) / "trap"
    for path in (run.state, run.previous_state):
        write_pickled(path, trap, *read_arrays(run.state if path == run.state else run.previous_state))
    result = rnnlab("train", "--resume", "--run", run.path, "--set", "training.epochs=3", folder=lab_of(run))
    assert result.code == 2
    assert "No state is left to resume from" in result.error
    assert "Traceback" not in result.error
    assert not trap.exists()


def state_arrays(run: RunDir, progress: bytes) -> dict[str, Any]:
    """Return a state whose digest is right, and whose progress is this."""
    from rnnlab.training.state import digest

    arrays = {name: each for name, each in read_arrays(run.state).items() if name != "digest"}
    arrays["progress"] = np.frombuffer(progress, np.uint8)
    return {**arrays, "digest": np.frombuffer(bytes.fromhex(digest(arrays)), np.uint8)}


@pytest.mark.parametrize(
    "progress", [b"", b"{", b"[]", b"3", b"null", b'{"epoch": "x"}', b'{"history": [3]}', b"[" * 100_000, b"\xff"]
)
def test_a_state_with_a_right_digest_and_nonsense_inside_is_refused(run: RunDir, progress: bytes) -> None:
    from rnnlab.training.state import load_state

    np.savez(run.state, **state_arrays(run, progress))
    run.previous_state.unlink()
    with pytest.raises(RunError, match="No state is left") as error:
        load_state(run)
    told(error.value)


@pytest.mark.parametrize("name", ["weights.npz", "prepared.npz"])
def test_arrays_of_other_names_and_shapes_are_refused(run: RunDir, name: str) -> None:
    arrays = read_arrays(run.path / name)
    first = next(iter(arrays))
    odd: list[dict[str, Any]] = [
        {},
        {key: each for key, each in arrays.items() if key != first},
        {**arrays, first: np.zeros((3, 5, 7), np.float32)},
        {**arrays, first: np.full(arrays[first].shape, "x")},
    ]
    for spoilt in odd:
        np.savez(run.path / name, **spoilt)
        with pytest.raises(RunError, match=name) as error:
            Predictor.load(run.path)
        told(error.value)


HOSTILE_MANIFESTS: list[Any] = [
    *("", 3, None, [], {}, "x" * 5000, float("nan")),
    *({"data": 3}, {"data": {}}, {"data": {"signature": []}}, {"widths": 3}, {"widths": []}, {"widths": [0]}),
    *({"widths": ["a"]}, {"versions": []}, {"versions": {"numpy": 3}}, {"finished": []}, {"finished": {"epochs": "x"}}),
    *({"status": []}, {"started": {}}, {"spec_folder": 3}, {"data_folder": []}, {"weights_from": {}}),
]
HOSTILE_DATA: list[dict[str, Any]] = [
    {"splits": []},
    {"splits": {}},
    {"splits": {"train": 3}},
    {"splits": {"train": {"fingerprint": 3}}},
    {"signature": {"inputs": [], "target": None}},
    {"signature": {"inputs": [{"name": "x"}], "target": None}},
    {"signature": {"inputs": [{"name": "x", "kind": "series", "shape": [-1], "names": []}], "target": None}},
    {"signature": {"inputs": [{"name": "x", "kind": "code", "shape": [2], "names": []}], "target": None}},
    {"signature": {"inputs": [{"name": "x", "kind": "series", "shape": [1e3], "names": [3]}], "target": 3}},
]


def spoilt_manifests(run: RunDir) -> Iterator[bytes]:
    good = json.loads(run.manifest.read_text())
    for values in HOSTILE_MANIFESTS:
        yield json.dumps({**good, **values} if isinstance(values, dict) and values else values).encode()
    for values in HOSTILE_DATA:
        yield json.dumps({**good, "data": {**good["data"], **values}}).encode()
    yield from (b"", b"{", b"\xff\xfe", b"[" * 1_000_000, b'{"a":' * 100_000, b"9" * 100_000, b"\0" * 1000)
    yield b" " * 60_000_000


def test_a_hostile_manifest_is_refused_with_its_place(run: RunDir) -> None:
    for text in list(spoilt_manifests(run)):
        run.manifest.write_bytes(text)
        with pytest.raises(RunError, match=r"manifest\.json: ") as error:
            run.read_manifest()
        told(error.value)


def test_going_on_with_a_hostile_manifest_is_refused(run: RunDir) -> None:
    manifest = json.loads(run.manifest.read_text())
    for key in ("versions", "data", "finished"):
        run.manifest.write_text(json.dumps({**manifest, key: [3]}))
        result = rnnlab("train", "--resume", "--run", run.path, folder=lab_of(run))
        assert result.code == 2
        assert f"{key}: expected a mapping" in told(result.error.splitlines()[-1])


def test_a_hostile_manifest_is_one_message_of_every_command_and_hides_no_other_run(run: RunDir) -> None:
    shutil.copytree(run.path, run.path.with_name("other-001"))
    manifest = json.loads(run.manifest.read_text())
    run.manifest.write_text(json.dumps({**manifest, "data": {"signature": "\x1b[2J"}, "status": "\x1b[2J\n"}))
    assert "data.signature" in refused_by_some(run, "evaluate", "predict", "export")
    listed = rnnlab("runs", folder=lab_of(run))
    assert listed.code == 0
    assert "damaged" in listed.out
    assert "other-001" in listed.out
    assert rnnlab("evaluate", folder=lab_of(run)).out.startswith("runs/other-001")


def test_what_a_manifest_says_can_not_steer_a_terminal(run: RunDir) -> None:
    manifest = json.loads(run.manifest.read_text())
    run.manifest.write_text(json.dumps({**manifest, "status": "\x1b[2J\nx", "started": "\x07"}))
    listed = rnnlab("runs", folder=lab_of(run)).out
    assert all(line.isprintable() for line in listed.splitlines())
    assert len(listed.splitlines()) == 3


def test_plugins_that_a_manifest_names_are_never_loaded(run: RunDir) -> None:
    folder = lab_of(run)
    (folder / "hostile_plugin.py").write_text(CODE.format(str(folder / "trap")))
    manifest = json.loads(run.manifest.read_text())
    named = [str(folder / "hostile_plugin.py"), "hostile_plugin", "hostile_plugin.py"]
    run.manifest.write_text(json.dumps({**manifest, "plugins": named, "plugin": named[0]}))
    for command in commands(run):
        result = rnnlab(*command, folder=folder)
        assert result.code == 0, result.error
    assert not (folder / "trap").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LAUGHS, "aliases"),
        ("a: !!python/object/apply:os.mkdir [trap]\n", "a tag"),
        ("x", "expected a mapping"),
        (SPEC + "plugin: hostile.py\n", "plugin: unknown key"),
        (SPEC + "plugins: [hostile.py]\n", "plugins: unknown key"),
        (SPEC.replace("stacked_rnn", "os"), "unknown architecture 'os'"),
        (SPEC.replace("stacked_rnn", "../../hostile"), "unknown architecture '../../hostile'"),
        (SPEC.replace("stacked_rnn", "hostile"), "unknown architecture 'hostile'"),
        (SPEC.replace("stacked_rnn", "__init__"), "unknown architecture '__init__'"),
        ("extends: /dev/zero\n" + SPEC, "not a file"),
    ],
)
def test_a_spec_that_was_tampered_with_is_refused_in_a_run_folder_too(run: RunDir, text: str, says: str) -> None:
    (lab_of(run) / "hostile.py").write_text(CODE.format(str(lab_of(run) / "trap")))
    run.spec.write_text(text)
    said = refused_by_some(run, "evaluate", "predict", "export")
    assert says in said
    result = rnnlab("train", "tiny.yaml", "--resume", "--run", run.path, folder=lab_of(run))
    assert result.code == 2
    assert says in result.error
    assert not (lab_of(run) / "trap").exists()


def test_a_spec_of_another_network_is_refused(run: RunDir) -> None:
    run.spec.write_text(run.spec.read_text().replace("- 4\n", "- 5\n"))
    assert "weights.npz: expected " in refused_by_some(run, "evaluate", "predict", "export")


@pytest.mark.parametrize(
    "text", ["epoch,loss\nx,1\n", "epoch,loss\n1\n", "epoch\n1,2\n", "epoch,loss\n1," + "9" * 200_000]
)
def test_a_hostile_history_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(RunError, match=r"history\.csv: ") as error:
        read_history(tmp_path / "history.csv")
    told(error.value)


@pytest.mark.parametrize(
    "text", ["", "3", "[]", "{}", '{"metrics": 3}', '{"metrics": {"accuracy": []}}', "[" * 100_000]
)
def test_hostile_scores_are_called_damaged(run: RunDir, text: str) -> None:
    (run.metrics / "test.json").write_text(text)
    listed = rnnlab("runs", folder=lab_of(run))
    assert listed.code == 0
    assert "damaged" in listed.out
    with pytest.raises(RunError, match=r"test\.json"):
        run.read_evaluation("test")


@POSIX
@pytest.mark.parametrize(
    "name", ["manifest.json", "spec.yaml", "weights.npz", "prepared.npz", "samples.npz", "history.csv"]
)
def test_a_pipe_in_a_run_folder_is_not_waited_for(run: RunDir, name: str) -> None:
    (run.path / name).unlink()
    os.mkfifo(run.path / name)
    readers = {"samples.npz": ("export",), "history.csv": ("evaluate",)}.get(name, ("evaluate", "predict", "export"))
    refused_by_some(run, *readers)


@pytest.mark.parametrize("units", [10**12, 2**63 - 1, 10**30])
def test_a_network_larger_than_any_memory_is_one_message(lab: Path, units: int) -> None:
    result = rnnlab("check", "tiny.yaml", "--set", f"model.units=[{units}]", folder=lab)
    assert result.code == 2
    assert told(result.error).startswith("model: the network can't be built")


# Links: what is written replaces a link, and never goes through it


def test_training_never_writes_through_a_link_onto_another_file(run: RunDir) -> None:
    folder = lab_of(run)
    victims = {}
    written = ["manifest.json", "spec.yaml", "weights.npz", "state.npz", "state.previous.npz", "history.csv"]
    for name in written:
        victims[name] = folder / f"victim-{name}"
        (run.path / name).rename(victims[name])  # the link leads to what belongs here, so that it is read
        (run.path / name).symlink_to(victims[name])
        (run.path / f".{name}.part").symlink_to(folder / f"victim-of-part-{name}")
        (folder / f"victim-of-part-{name}").write_text("mine")
    before = {path: path.read_bytes() for path in folder.glob("victim*")}
    result = rnnlab("train", "--resume", "--run", run.path, "--set", "training.epochs=4", folder=folder)
    assert result.code == 0, result.error
    assert {path: path.read_bytes() for path in folder.glob("victim*")} == before
    # The link that was the state may now be the one before; what is written is no link.
    assert not any(path.is_symlink() for path in (run.manifest, run.spec, run.state, run.history))


def test_scores_and_figures_never_write_through_a_link(run: RunDir) -> None:
    folder = lab_of(run)
    (folder / "victim").write_text("mine")
    for path in [*run.metrics.iterdir(), *run.figures.glob("*/*")]:
        path.unlink()
        path.symlink_to(folder / "victim")
        path.with_name(f".{path.name}.part").symlink_to(folder / "victim")
    assert rnnlab("evaluate", run.path, folder=folder).code == 0
    assert (folder / "victim").read_text() == "mine"


@pytest.mark.parametrize("form", ["keras", "saved_model"])
def test_an_export_never_writes_through_a_link_that_leads_nowhere(run: RunDir, form: str) -> None:
    for target in ("gone", "gone/deep"):
        path = lab_of(run) / ("out.keras" if form == "keras" else "out")
        path.unlink(missing_ok=True)
        path.symlink_to(target)
        assert "exists already" in refused(
            rnnlab("export", run.path, "--format", form, "--output", path, folder=lab_of(run))
        )
        assert not (lab_of(run) / "gone").exists()


def test_a_cache_never_writes_through_a_link(run: RunDir) -> None:
    victim = lab_of(run) / "victim"
    victim.write_text("mine")
    (run.path / "cache").mkdir()
    (run.path / "cache" / "train.float32").symlink_to(victim)
    command = ("train", "tiny.yaml", "--resume", "--run", run.path, "--set", "training.epochs=3")
    run.spec.write_text(run.spec.read_text().replace("cache: memory", "cache: disk"))
    result = rnnlab(*command, "--set", "data.cache=disk", folder=lab_of(run))
    assert result.code == 0, result.error
    assert victim.read_text() == "mine"


def test_removing_the_cache_never_follows_a_link(run: RunDir) -> None:
    victim = lab_of(run) / "victim"
    victim.mkdir()
    (victim / "file").write_text("mine")
    (run.path / "cache").symlink_to(victim)
    result = rnnlab("train", "--resume", "--run", run.path, "--set", "training.epochs=3", folder=lab_of(run))
    assert result.code == 0, result.error
    assert (victim / "file").read_text() == "mine"


def test_a_run_folder_may_itself_be_a_link(run: RunDir) -> None:
    moved = lab_of(run) / "elsewhere"
    run.path.rename(moved)
    run.path.symlink_to(moved)
    for command in commands(run):
        assert rnnlab(*command, folder=lab_of(run)).code == 0
    assert run.path.is_symlink()


def test_a_new_run_is_not_made_where_a_link_leads_nowhere(run: RunDir) -> None:
    path = lab_of(run) / "runs" / "new"
    path.symlink_to("gone")
    assert "can't make the run folder" in refused(rnnlab("train", "tiny.yaml", "--run", path, folder=lab_of(run)))
    assert not (lab_of(run) / "runs" / "gone").exists()


# Names


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "..",
        ".",
        "/x",
        "a/b",
        "a\\b",
        "-x",
        ".x",
        "a\n",
        "a\0b",
        "",
        " ",
        "é",
        "a b",
        "*",
        "~",
        "x" * 101,
        "a\x1b",
    ],
)
def test_the_name_of_a_run_can_not_leave_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.yaml").write_text(SPEC + f"name: {json.dumps(name)}\n")
    assert ": name: " in spec_error(tmp_path / "a.yaml")


@pytest.mark.parametrize("name", ["CON", "nul", "a..b", "a.", "x" * 100, "0", "A-b_c.d"])
def test_a_name_that_is_allowed_is_a_folder_beside_the_others(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.yaml").write_text(SPEC + f"name: {json.dumps(name)}\n")
    path = RunDir.free_name(tmp_path / "runs", load_experiment(tmp_path / "a.yaml").name)
    assert path.parent == tmp_path / "runs"
    assert path.name == f"{name}-001"
    assert RunDir.create(path).path.is_dir()


def test_a_run_folder_can_not_have_the_character_nul_in_its_name(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="can't make the run folder") as error:
        RunDir.create(tmp_path / "a\0b")
    told(error.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--run", "x" * 5000), "File name too long"),
        (("--run", "train.npz"), "can't make the run folder"),
        (("--run", "train.npz/x"), "can't make the run folder"),
        (("--run", "/dev/null"), "can't make the run folder"),
        (("--run", "/proc/x"), "can't make the run folder"),
        (("--run", ""), "not empty"),
        (("--run", "."), "not empty"),
        (("--run", ".", "--seeds", "0-1"), "expected a name"),
        (("--run", "..", "--seeds", "0-1"), "expected a name"),
        (("--run", "/", "--seeds", "0-1"), "expected a name"),
        (("--runs-dir", "train.npz"), "can't make the run folder"),
        (("--runs-dir", "/dev/null"), "can't make the run folder"),
        (("--runs-dir", "x" * 5000), "File name too long"),
        (("--resume", "--run", "/dev/null"), "no such folder"),
        (("--from", "/dev/zero"), "not a run folder"),
        (("--from", "a\nb"), r"a\nb: not a run folder"),
    ],
)
def test_a_hostile_place_for_a_run_is_one_message(lab: Path, options: tuple[str, ...], says: str) -> None:
    before = sorted(os.listdir(lab))
    result = rnnlab("train", "tiny.yaml", *options, folder=lab)
    assert result.code == 2, result.error
    assert says in told(result.error.splitlines()[-1])
    assert sorted(os.listdir(lab)) == before


def test_a_run_folder_may_have_any_name_that_the_system_takes(lab: Path, run: RunDir) -> None:
    odd = run.path.with_name("-a\nb é\x1b[2J")
    run.path.rename(odd)
    listed = rnnlab("runs", folder=lab_of(run))
    assert listed.code == 0
    assert all(line.isprintable() for line in listed.out.splitlines())
    assert rnnlab("evaluate", odd, folder=lab_of(run)).code == 0


# What can't be written


def test_a_system_that_refuses_to_write_is_one_message(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def read_only(path: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if set(mode) & set("wxa+") and path.is_relative_to(run.path):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return opened(path, mode, *rest, **named)

    monkeypatch.setattr(Path, "open", read_only)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    for command in commands(run)[:1] + commands(run)[3:4]:
        result = rnnlab(*command, folder=lab_of(run))
        assert result.code == 2, result.error
        assert "Read-only file system" in result.error
        assert "Traceback" not in result.error
    assert rnnlab(*commands(run)[1], folder=lab_of(run)).code == 0  # an answer needs nothing written
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


def test_a_folder_for_runs_that_can_not_be_written_is_one_message(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    message = refused(rnnlab("train", "tiny.yaml", folder=lab))
    assert message.startswith("runs/tiny-002: can't make the run folder: Read-only file system")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="to root, every folder can be written")
def test_folders_without_permission_are_one_message(run: RunDir) -> None:
    for folder in (run.path, run.path.parent, run.metrics):
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        for command in (commands(run)[0], ("train", "tiny.yaml")):
            result = rnnlab(*command, folder=lab_of(run))
            assert result.code == 2
            assert "Permission denied" in told(result.error.splitlines()[-1])
    finally:
        for folder in (run.path, run.path.parent, run.metrics):
            folder.chmod(stat.S_IRWXU)


# Keras files


def keras_file(path: Path, source: dict[str, Any]) -> Path:
    """Return a `.keras` file of one input and one layer, as a stranger could write it."""
    import keras

    inputs = keras.Input((3,), name="sequence")
    model = keras.Model(inputs, keras.layers.Dense(2, name="layer")(inputs))
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    (layer,) = [each for each in config["config"]["layers"] if each["name"] == "layer"]
    layer.update(source)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def lambda_layer(trap: Path) -> dict[str, Any]:
    """Return the layer's part of a configuration, in which Python bytecode makes a file."""
    import keras

    code = eval(f"lambda x: (__import__('os').mkdir({str(trap)!r}), x)[1]")  # noqa: S307 - the test's own
    layer = keras.layers.Lambda(code, output_shape=(3,), name="layer")
    serialized: dict[str, Any] = keras.saving.serialize_keras_object(layer)
    return {key: serialized[key] for key in ("module", "class_name", "config", "registered_name")}


def test_the_keras_export_loads_no_code_that_a_file_holds(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    from rnnlab.export import export
    from rnnlab.export.keras import Keras

    trap = lab_of(run) / "trap"
    predictor = Predictor.load(run.path)
    by_name = {"module": "os", "class_name": "mkdir", "config": {"path": str(trap)}, "registered_name": None}
    by_call = {"module": "builtins", "class_name": "exec", "config": {"source": "x"}, "registered_name": None}
    for number, layer in enumerate((lambda_layer(trap), by_name, by_call)):
        monkeypatch.setattr(Keras, "write", lambda self, predictor, path, layer=layer: keras_file(path, layer))
        with pytest.raises(ExportError, match="not loaded"):
            export(predictor, "keras", lab_of(run) / f"{number}.keras")
    assert not trap.exists()


def test_nothing_in_the_package_loads_without_its_guard() -> None:
    """Each way to load what could hold code stands in one known place, in its safe form."""
    package = Path(bounded.__file__).parent
    sources = {path.relative_to(package).as_posix(): path.read_text("utf-8") for path in package.rglob("*.py")}
    known = {
        r"\bload_model\(": {"export/keras.py"},
        # In the words of messages.
        r"\bnp\.load\(|pickle\.load|joblib|marshal\b|\bshelve\b": {"sources/npz.py", "sources/_sketch_archives.py"},
        r"yaml\.(unsafe_load|full_load|load|Loader|FullLoader|UnsafeLoader)\b": set(),
        r"\bextractall\(|\.extract\(|unpack_archive": set(),
        r"\beval\(|\bexec\(|__import__\(": set(),
        r"allow_pickle=True": {"sources/npz.py", "sources/_sketch_archives.py"},  # likewise
        r"safe_mode=False|enable_unsafe_deserialization": set(),
    }
    for pattern, places in known.items():
        assert {name for name, text in sources.items() if re.search(pattern, text)} == places, pattern
    assert "safe_mode=True" in sources["export/keras.py"]


# Videos


def clips(folder: Path) -> VideoFolder:
    """Return a source of one clip in each of two classes."""
    for name in ("clips/a/a.mp4", "clips/b/b.mp4"):
        write_clip(folder / name, moving(3, 16, 16))
    return VideoFolder(train="clips", size=[8, 8])


@POSIX
def test_a_pipe_or_a_device_in_a_folder_of_clips_makes_nobody_wait(tmp_path: Path) -> None:
    source, places = clips(tmp_path), Places(tmp_path, tmp_path)
    os.mkfifo(tmp_path / "clips" / "a" / "pipe.mp4")
    with pytest.raises(DataError, match="a pipe or a device"):
        source.open(places)
    (tmp_path / "clips" / "a" / "pipe.mp4").unlink()
    (tmp_path / "clips" / "a" / "zeros.mp4").symlink_to("/dev/zero")
    with pytest.raises(DataError, match="a pipe or a device"):
        source.open(places)


@POSIX
def test_the_cache_of_clips_writes_through_no_link(tmp_path: Path) -> None:
    source, places, folder = clips(tmp_path), Places(tmp_path, tmp_path), tmp_path / "video_cache"
    source.open(places)
    key = next(folder.glob("*.json")).stem
    for name in (f".{key}.frames.part", f"{key}.frames", f"{key}.json"):
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / name).symlink_to(tmp_path / "trap")
        assert source.open(places)["train"].lengths.tolist() == [3, 3]
        assert not (tmp_path / "trap").exists()
    (folder / "lock").unlink()
    next(folder.glob("*.json")).unlink()
    (folder / "lock").symlink_to(tmp_path / "trap")
    with pytest.raises(DataError, match="can't be written"):
        source.open(places)
    assert not (tmp_path / "trap").exists()


def test_a_playlist_that_is_called_a_video_opens_no_address(tmp_path: Path) -> None:
    """FFmpeg would follow it, whatever it is called."""
    source, opened = clips(tmp_path), []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        lists = (
            f"#EXTM3U\n#EXTINF:9,\n{address}\n",
            f"ffconcat version 1.0\nfile {address}\n",
            f"<MPD>{address}</MPD>",
        )
        for number, text in enumerate(lists):
            (tmp_path / "clips" / "a" / f"list{number}.mp4").write_text(text)
        left_out = source.model_copy(update={"on_bad": "skip"}).open(Places(tmp_path, tmp_path))["train"].skipped
        with contextlib.suppress(TimeoutError):
            opened.append(server.accept())
    assert len(left_out) == len(lists)
    assert not opened


# Reading within bounds


def test_a_file_is_read_up_to_its_bound_and_not_beyond(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "x" * 100)
    assert bounded.read_bytes(tmp_path / "a", 100) == b"x" * 100
    with pytest.raises(OSError, match="100 bytes is too large"):
        bounded.read_bytes(tmp_path / "a", 99)
    with pytest.raises(OSError, match="can't hold the character"):
        bounded.read_bytes(tmp_path / "a\0", 100)


def test_what_a_file_can_raise_is_exit_code_2() -> None:
    assert {each.exit_code for each in (UserError, SpecError, DataError, RunError)} == {2}
