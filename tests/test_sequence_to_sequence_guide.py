"""What docs/sequence_to_sequence.md and the README show of answers in tokens is what happens."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from rnnlab.experiment import load_experiment
from rnnlab.places import Places
from rnnlab.training import prepare
from tests.test_readme import ROOT, call
from tests.test_readme import blocks as blocks_of_readme

GUIDE = (ROOT / "docs" / "sequence_to_sequence.md").read_text("utf-8")
QUICK = [
    *("--set", "training.epochs=1", "--set", "stem.units=4", "--set", "model.encoder.units=[4]"),
    *("--set", "model.decoder.units=[4]", "--set", "model.decoder.embedding_units=4"),
]
NUMBERS = {"ein": "a", "zwei": "two", "drei": "three", "vier": "four"}
NOUNS = {"hund": "dog", "mann": "man", "kind": "child"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the specs name."""
    pairs = [(f"{one} {other} .", f"{NUMBERS[one]} {NOUNS[other]} .") for one in NUMBERS for other in NOUNS]
    for name, own in (("train", pairs * 2), ("test", pairs[:4])):
        for ending, side in (("de", 0), ("en", 1)):
            (tmp_path / f"{name}.{ending}").write_text("".join(f"{pair[side]}\n" for pair in own))
    (tmp_path / "new.de").write_text("ein hund .\n\ndrei kind .\n")
    (tmp_path / "my_lists").mkdir()
    for name in ("Irish", "Welsh"):
        (tmp_path / "my_lists" / f"{name}.txt").write_text("".join(f"{name}{number}\n" for number in range(20)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RNNLAB_DATA_DIR", raising=False)
    return tmp_path


def of_readme() -> str:
    (spec,) = [block for block in blocks_of_readme("yaml") if "sequence_to_sequence" in block]
    return spec


@pytest.mark.parametrize("spec", [*blocks("yaml"), of_readme()], ids=[*map(str, range(len(blocks("yaml")))), "readme"])
def test_a_spec_is_without_a_mistake_and_its_data_can_be_prepared(spec: str, folder: Path) -> None:
    (folder / "spec.yaml").write_text(spec)
    experiment = load_experiment(folder / "spec.yaml")
    prepared = prepare(experiment, experiment.data.splits(Places(folder, folder)))
    assert len(prepared.pipeline.signature.known_target.names) > 8


def test_the_readmes_spec_is_that_of_the_guide() -> None:
    guide, readme = yaml.safe_load(blocks("yaml")[0]), yaml.safe_load(of_readme())
    assert readme.pop("name") == "translate"
    assert readme == guide


@pytest.mark.slow
def test_the_first_walk_works(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "translate.yaml").write_text(blocks("yaml")[0])
    for line in blocks("console")[0].splitlines():
        _, *command = shlex.split(line.removeprefix("$ "), comments=True)
        code, out, err = call([*command, *(QUICK if command[0] == "train" else [])], monkeypatch, capsys)
        assert code == 0, f"{line}\n{err}"
        assert out
        if command[0] == "predict":
            assert len(out.splitlines()) == 3
            assert "1 empty line(s) passed over" in err
    assert (folder / "runs" / "translate-001" / "export" / "saved_model" / "saved_model.pb").is_file()
