"""Decoded clips on disk: those of a data set end to end in one flat file of pixels, in a folder that is bounded.

    video_cache/
      KEY.frames     uint8 (ΣT, H, W, C)
      KEY.json       how many frames each clip has, and which clips are bad; its time is that of the last use
      lock           is held by whoever writes

The key is a digest of every file's path, size and time of change, of what frames are wanted, and of the decoder's
version. The index is written last, so that what a kill leaves behind is never read; the next writer removes it. None is
written where a clip could not be read by a fault that may pass. Only one process writes at a time.

Axes: N clips, T time, H height, W width, C channels.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from rnnlab import bounded
from rnnlab.errors import DataError
from rnnlab.sources._checks import shown_path
from rnnlab.sources._progress import Progress, say
from rnnlab.sources._videos import ClipError, Look, TooMuchError, decode, require_decoder

FORMAT = 1  # of what is in the folder; another number forgets what is there
FRAMES, INDEX = ".frames", ".json"
GIGABYTE = 1_000_000_000
MOST_BYTES_OF_INDEX = 500_000_000

Fault = Callable[[int, str], None]
"""Is told the number of a clip that is bad, and why; may raise."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """The frames of clips.

    Attributes:
        values: (ΣT, H, W, C) uint8, a memory map.
        lengths: (N,) int64; 0 of a clip that is bad.
        faults: what is wrong with the bad ones, by number.
    """

    values: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    faults: dict[int, str]


class FrameStore:
    """The folder of decoded clips.

    Args:
        folder: where it is; it is made when it is needed.
        gigabytes: the most that is in it. What has not been used for longest goes first, and of what this store was
            asked for nothing.
    """

    def __init__(self, folder: Path, gigabytes: float) -> None:
        self.folder, self.gigabytes = folder, gigabytes
        self.keys: set[str] = set()
        self.unkept = 0  # bytes that are read and have no index

    def decoded(self, files: Sequence[Path], look: Look, fault: Fault) -> Decoded:
        """Return the frames of clips, which are decoded unless they were before.

        Raises:
            DataError: the folder can't be written, or there is no room in it.
        """
        key = key_of(files, look)
        found = self._read(key, len(files), look)
        decoded = None
        if found is None:
            require_decoder()
            with self._locked():
                found = self._read(key, len(files), look)
                if found is None:
                    found = decoded = self._decode(key, files, look, fault)
        self.keys.add(key)
        if self._make_room(0) < 0:
            raise self._too_much("as it was decoded before")
        for number, reason in found.faults.items() if decoded is None else ():
            fault(number, reason)
        with contextlib.suppress(OSError):  # a folder that may only be read serves as well
            os.utime(self._path(key, INDEX))
        return found

    def _path(self, key: str, suffix: str) -> Path:
        return self.folder / f"{key}{suffix}"

    def _read(self, key: str, count: int, look: Look) -> Decoded | None:
        """Return clips, or None where they have not been decoded, or what is there can't be relied on."""
        try:
            index = json.loads(bounded.read_bytes(self._path(key, INDEX), MOST_BYTES_OF_INDEX))
            lengths, faults = index["lengths"], dict(index["faults"])
            sound = len(lengths) == count and all(type(each) is int and each >= 0 for each in (*lengths, *faults))
            sound = sound and all(number < count and type(each) is str for number, each in faults.items())
            with bounded.open_regular(self._path(key, FRAMES)) as file:
                values = mapped(file, look)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        whole = sound and sum(lengths) == len(values)
        whole = whole and all((length == 0) == (number in faults) for number, length in enumerate(lengths))
        return Decoded(values, np.array(lengths, np.int64), faults) if whole else None

    def _decode(self, key: str, files: Sequence[Path], look: Look, fault: Fault) -> Decoded:
        """Decode clips into the folder, and return them."""
        part = self.folder / f".{key}{FRAMES}.part"
        try:
            self._remove_left_over()
            with part.open("xb") as file:
                written = write_frames(files, look, file, self._make_room, fault)
                file.flush()
                os.fsync(file.fileno())
            if written.passing:
                with bounded.open_regular(part) as file:
                    self.unkept += os.fstat(file.fileno()).st_size
                    return written.of(file, look)
            os.replace(part, self._path(key, FRAMES))
            index = {"lengths": written.lengths, "faults": list(written.faults.items())}
            part.write_text(json.dumps(index), "utf-8")
            os.replace(part, self._path(key, INDEX))
            with bounded.open_regular(self._path(key, FRAMES)) as file:
                return written.of(file, look)
        except OSError as error:
            raise self._error(error) from None
        except TooMuchError as error:
            raise self._too_much(str(error)) from None
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _remove_left_over(self) -> None:
        """Remove what a kill left behind; whoever holds the lock is alone."""
        for path in self.folder.iterdir():
            half = path.name.startswith(".") and path.name.endswith(".part")
            if half or (path.suffix == FRAMES and not path.with_suffix(INDEX).exists()):
                path.unlink(missing_ok=True)

    def _make_room(self, size: int) -> int:
        """Remove what has not been used for longest until there is room for so many bytes; return what is left then."""
        limit, own, others = int(self.gigabytes * GIGABYTE), self.unkept, []
        for path in self.folder.glob(f"*{FRAMES}"):
            with contextlib.suppress(OSError):
                used, taken = path.with_suffix(INDEX).stat().st_mtime_ns, path.stat().st_size
                if path.stem in self.keys:
                    own += taken
                else:
                    others.append((used, taken, path))
        others.sort(key=lambda each: each[0], reverse=True)
        while others and own + size + sum(taken for _, taken, _ in others) > limit:
            _, _, path = others.pop()
            with contextlib.suppress(OSError):  # Windows does not remove what is open
                path.with_suffix(INDEX).unlink(missing_ok=True)
                path.unlink()
        return limit - own - size

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from writing; whoever comes second finds what the first has decoded."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)  # a link would make a file elsewhere
            descriptor = os.open(self.folder / "lock", flags, 0o666)
        except OSError as error:
            raise self._error(error) from None
        try:
            _wait_for(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _too_much(self, how: str) -> DataError:
        return DataError(
            f"data.cache_gigabytes: the frames of this data set take more than {self.gigabytes:g} GB ({how}); lower "
            "data.size or the frames of each clip (data.frames), take channels: gray, or raise data.cache_gigabytes"
        )

    def _error(self, error: OSError) -> DataError:
        return DataError(
            f"{shown_path(self.folder)}: can't be written: {error.strerror or error}; decoded frames are kept there: "
            "make room, or name another data directory (--data-dir or RNNLAB_DATA_DIR)"
        )


def _wait_for(descriptor: int) -> None:
    """Wait until no other process holds the lock; the system lets go when its holder dies."""
    if os.name == "nt":  # no such locks there
        return
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("waiting for another process that decodes videos into the same data directory")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:  # some disks of the network have none
        return


def key_of(files: Sequence[Path], look: Look) -> str:
    """Return what tells clips and how they are looked at from others."""
    wanted = {**asdict(look), "frames": look.frames.model_dump(mode="json"), "format": FORMAT, "decoder": _decoder()}
    digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode())
    for file in files:
        try:
            status = file.stat()
            known: tuple[int, ...] = (status.st_size, status.st_mtime_ns)
        except (OSError, ValueError):
            known = ()
        digest.update(json.dumps([str(file.absolute()), *known]).encode())
    return digest.hexdigest()[:32]


def _decoder() -> str:
    """Return the version of PyAV: another one may know a codec that this one does not."""
    try:
        return version("av")
    except PackageNotFoundError:
        return "unknown"


def decode_aside(files: Sequence[Path], look: Look, gigabytes: float, fault: Fault) -> Decoded:
    """Return the frames of clips from a file that nobody sees, and that is gone with them.

    Raises:
        DataError: there is no room.
    """
    require_decoder()
    limit = int(gigabytes * GIGABYTE)
    try:
        with tempfile.TemporaryFile() as file:
            written = write_frames(files, look, file, lambda size: limit - size, fault)
            file.flush()
            return written.of(file, look)
    except TooMuchError as error:
        raise DataError(
            f"data.cache_gigabytes: these clips take more than {gigabytes:g} GB ({error}); give fewer"
        ) from None
    except OSError as error:
        raise DataError(f"{tempfile.gettempdir()}: can't be written: {error.strerror}; make room (TMPDIR)") from None


@dataclass
class Written:
    """What was written of clips.

    Attributes:
        lengths: the number of frames of each.
        faults: what is wrong with the bad ones, by number.
        passing: whether a fault may be gone the next time.
    """

    lengths: list[int] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)
    passing: bool = False

    def of(self, file: BinaryIO, look: Look) -> Decoded:
        return Decoded(mapped(file, look), np.array(self.lengths, np.int64), self.faults)


def write_frames(
    files: Sequence[Path], look: Look, sink: BinaryIO, make_room: Callable[[int], int], fault: Fault
) -> Written:
    """Write the frames of clips end to end, as they are decoded; of a bad clip nothing stays.

    Args:
        files: the clips.
        look: what frames are wanted.
        sink: takes them.
        make_room: given how many bytes there are, returns how many more may come.
        fault: is told of a bad clip; unless it raises, the others follow.

    Raises:
        TooMuchError: there is no room; the message says how far it went.
    """
    done, size = Written(), 0
    with Progress("decoding videos", len(files)) as progress:
        for number, path in enumerate(files):
            progress.at(number)
            length = 0
            try:
                length = decode(path, look, sink, make_room(size))
            except TooMuchError:
                raise TooMuchError(f"full at clip {number + 1:,} of {len(files):,}") from None
            except ClipError as error:
                sink.seek(size)
                sink.truncate()
                done.faults[number] = str(error)
                done.passing |= error.passing
                fault(number, str(error))
            done.lengths.append(length)
            size += length * look.bytes
    return done


def mapped(file: BinaryIO, look: Look) -> NDArray[np.uint8]:
    """Return the frames of a file, (ΣT, H, W, C); an empty one can't be mapped.

    Raises:
        ValueError: it has no whole number of frames.
    """
    flat = np.memmap(file, np.uint8, "r") if os.fstat(file.fileno()).st_size else np.zeros(0, np.uint8)
    return flat.reshape(-1, *look.shape)
