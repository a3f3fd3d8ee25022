"""The UCR/UEA archive: from aeon, from the data directory, or downloaded into it."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import pytest
from pydantic import ValidationError

from rnnlab.errors import DataError
from rnnlab.places import Places
from rnnlab.sources import _downloads
from rnnlab.sources.ucr import Ucr

CONTENT = b"@classLabel true a b\n@equalLength false\n@data\n1,2:a\n3:b\n"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(spec=tmp_path, data=tmp_path / "data")


def answer(damaged: bool = False) -> Callable[..., io.BytesIO]:
    """Return a stand-in for `urlopen` that serves the record of any problem."""

    def entry(name: str) -> dict[str, object]:
        return {
            "key": name,
            "checksum": "md5:" + hashlib.md5(CONTENT, usedforsecurity=False).hexdigest(),
            "links": {"self": f"https://zenodo.org/{name}"},
        }

    def urlopen(url: str, timeout: float) -> io.BytesIO:
        if "/api/records/" in url:
            names = ["Adiac_TRAIN.ts", "Adiac_TEST.ts", "../../evil.ts"]
            return io.BytesIO(json.dumps({"files": [entry(name) for name in names]}).encode())
        return io.BytesIO(CONTENT[: -3 if damaged else None])

    return urlopen


def no_network(url: str, timeout: float) -> io.BytesIO:
    raise URLError("no network")


def test_a_problem_that_comes_with_aeon_needs_no_network(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_downloads, "urlopen", no_network)
    splits = Ucr(dataset="JapaneseVowels").open(places)
    assert len(splits["train"]) == 270
    assert len(splits["test"]) == 370
    assert splits["train"].signature == splits["test"].signature
    assert splits["train"].signature.inputs[0].shape == (12,)
    assert not places.data.exists()


def test_a_regression_problem_has_numbers_for_targets(places: Places) -> None:
    target = Ucr(dataset="Covid3Month").open(places)["train"].signature.target
    assert target is not None
    assert target.kind == "numbers"


def test_a_problem_in_the_data_directory_is_read_from_there(places: Places) -> None:
    folder = places.data / "ucr" / "Mine"
    folder.mkdir(parents=True)
    for name in ("Mine_TRAIN.ts", "Mine_TEST.ts"):
        (folder / name).write_bytes(CONTENT)
    assert len(Ucr(dataset="Mine").open(places)["test"]) == 2


def test_without_a_network_the_message_says_where_to_put_the_files(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_downloads, "urlopen", no_network)
    with pytest.raises(DataError, match=r"put Adiac_TRAIN\.ts and Adiac_TEST\.ts into .*ucr"):
        Ucr(dataset="Adiac").open(places)


def test_an_unknown_name_is_met_with_the_nearest_one(places: Places) -> None:
    with pytest.raises(DataError, match="did you mean 'JapaneseVowels'"):
        Ucr(dataset="JapaneseVowel").open(places)


def test_a_download_writes_its_two_files_and_nothing_else(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_downloads, "urlopen", answer())
    assert len(Ucr(dataset="Adiac").open(places)["train"]) == 2
    written = {path.relative_to(places.data).as_posix() for path in places.spec.rglob("*") if path.is_file()}
    assert written == {"ucr/Adiac/Adiac_TRAIN.ts", "ucr/Adiac/Adiac_TEST.ts"}


def test_a_damaged_download_leaves_no_file(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_downloads, "urlopen", answer(damaged=True))
    with pytest.raises(DataError, match="arrived damaged"):
        Ucr(dataset="Adiac").open(places)
    assert not [path for path in places.data.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["../GunPoint", "a/b", "..", "", "a.b", "GunPoint\n", "/etc"])
def test_a_name_can_not_leave_its_folder(name: str) -> None:
    with pytest.raises(ValidationError):
        Ucr(dataset=name)
