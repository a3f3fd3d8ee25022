"""The pairs of configs/replies.yaml are written where the spec finds them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnnlab.experiment import load_experiment
from rnnlab.places import Places

ROOT = Path(__file__).parents[1]
PLAYS = "".join(
    f"{speaker}:\nSpeech {number},\nof {speaker}.\n\n" for number in range(40) for speaker in ("ROMEO", "JULIET")
)


def make(folder: Path, data: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of the program, as in a checkout, with this data directory."""
    (folder / "data").mkdir(exist_ok=True)
    copy = folder / "data" / "make_replies.py"
    copy.write_text((ROOT / "data" / "make_replies.py").read_text("utf-8"), "utf-8")
    others = {key: value for key, value in os.environ.items() if key != "RNNLAB_DATA_DIR"}
    environment = others if data is None else {**others, "RNNLAB_DATA_DIR": str(data)}
    command = [sys.executable, str(copy), *arguments]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("named", [True, False], ids=["RNNLAB_DATA_DIR", "data/"])
def test_plays_are_read_from_and_pairs_written_to_the_data_directory(named: bool, tmp_path: Path) -> None:
    data = tmp_path / ("elsewhere" if named else "data")
    (data / "tinyshakespeare").mkdir(parents=True)
    (data / "tinyshakespeare" / "input.txt").write_text(PLAYS)
    result = make(tmp_path, data if named else None)
    assert result.returncode == 0, result.stderr
    splits = load_experiment(ROOT / "configs" / "replies.yaml").data.splits(Places(tmp_path, data))
    assert [len(splits[name]) for name in ("train", "validation", "test")] == [71, 3, 3]
    assert splits["train"].read(0)["text"].tobytes() == b"Speech 0, of ROMEO."
    assert splits["train"].targets[0] == b"Speech 0, of JULIET."
    assert "RNNLAB_DATA_DIR" in (ROOT / "configs" / "replies.yaml").read_text("utf-8")


def test_plays_that_are_not_there_are_one_line(tmp_path: Path) -> None:
    result = make(tmp_path, tmp_path / "nowhere")
    assert result.returncode == 1
    assert result.stderr.startswith(f"{tmp_path / 'nowhere' / 'tinyshakespeare' / 'input.txt'}: no such file; put the")
    assert len(result.stderr.splitlines()) == 1


def test_a_data_directory_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "plays.txt").write_text(PLAYS)
    result = make(tmp_path, tmp_path / "nowhere", "plays.txt")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "set RNNLAB_DATA_DIR to a folder that can be written" in result.stderr
