"""What the README shows is what happens."""

from __future__ import annotations

import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest

from rnnlab.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
TABLE = [line for line in README.splitlines() if line.startswith("| `rnnlab ")]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def call(arguments: list[str], monkeypatch, capsys) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of one command."""
    monkeypatch.setattr(sys, "argv", ["rnnlab", *arguments])
    code = 0
    try:
        main()
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def own_data(tmp_path, monkeypatch):
    """A folder with the README's spec and the made logs under the README's names."""
    made = runpy.run_path(str(ROOT / "data" / "make_logs.py"))
    made["write"](tmp_path / "logs.csv", devices=60, seed=0, labelled=True)
    made["write"](tmp_path / "new.csv", devices=5, seed=1, labelled=False)
    (spec,) = [block for block in blocks("yaml") if "csv_sequences" in block]
    (tmp_path / "logs.yaml").write_text(spec, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RNNLAB_DATA_DIR", raising=False)
    return tmp_path


def test_the_first_spec_is_the_shipped_one():
    shipped = (ROOT / "configs" / "japanese_vowels.yaml").read_text("utf-8").splitlines(keepends=True)
    assert blocks("yaml")[0] == "".join(line for line in shipped if not line.startswith("#"))


def test_the_own_spec_is_the_shipped_one():
    shipped = (ROOT / "configs" / "logs.yaml").read_text("utf-8").splitlines()
    (own,) = [block.splitlines() for block in blocks("yaml") if "csv_sequences" in block]
    assert [line for line in own if not line.startswith("#")] == [line for line in shipped if not line.startswith("#")]


def test_the_commands_on_own_data_work_in_the_readmes_order(own_data, monkeypatch, capsys):
    (console,) = [block for block in blocks("console") if "rnnlab check" in block]
    commands = [shlex.split(line.removeprefix("$ rnnlab "), comments=True) for line in console.splitlines()]
    assert [command[0] for command in commands] == ["check", "train", "evaluate", "predict", "export"]
    for command in commands:
        quick = ["--set", "training.epochs=1"] if command[0] == "train" else []
        code, out, err = call([*command, *quick], monkeypatch, capsys)
        assert code == 0, err
        assert out
    assert (own_data / "runs" / "logs-001" / "export" / "saved_model" / "saved_model.pb").is_file()


def test_the_mistakes_are_reported_as_shown(own_data, monkeypatch, capsys):
    (console,) = [block for block in blocks("console") if "clasification" in block]
    command, *expected = console.splitlines()
    code, _, err = call(shlex.split(command.removeprefix("$ rnnlab ")), monkeypatch, capsys)
    assert code == 2
    assert err.splitlines() == expected


def test_a_run_holds_what_the_tree_shows(own_data, monkeypatch, capsys):
    call(["train", "logs.yaml", "--set", "training.epochs=2"], monkeypatch, capsys)
    shown = {name.rstrip("/") for name in re.findall(r"[├└]── (\S+)", README)}
    found = {path.name for path in (own_data / "runs" / "logs-001").iterdir()}
    assert found == shown | {"state.previous.npz"}


@pytest.mark.parametrize("row", TABLE, ids=range(len(TABLE)))
def test_the_table_names_options_that_exist(row, monkeypatch, capsys):
    cell = row.split("|")[1] if "keras`" not in row else row.rpartition("|")[0].rpartition("|")[0]
    for command in re.findall(r"`rnnlab ([^`]*)`", cell.replace("\\|", " ")):
        name = command.split()[0]
        code, out, _ = call([name, "--help"], monkeypatch, capsys)
        assert code == 0
        for option in re.findall(r"--[a-z]+", command):
            assert option in out, f"{name} {option}"
