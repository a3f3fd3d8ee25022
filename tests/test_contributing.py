"""The example of CONTRIBUTING.md, executed: a new architecture is one new file and nothing else."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import rnnlab.architectures
from rnnlab.architectures import ARCHITECTURES
from rnnlab.experiment import load_experiment
from rnnlab.places import Places
from rnnlab.rundir import RunDir

PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text("utf-8")


def block(language: str) -> str:
    """Return the page's one block in this language."""
    (text,) = re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    return text


@pytest.fixture
def new_file(tmp_path, monkeypatch):
    """The example's file, in a folder of its own that stands in for `rnnlab/architectures/`."""
    folder = tmp_path / "architectures"
    folder.mkdir()
    (folder / "parallel_rnn.py").write_text(block("python"), "utf-8")
    monkeypatch.setattr(rnnlab.architectures, "__path__", [*rnnlab.architectures.__path__, str(folder)])
    yield folder / "parallel_rnn.py"
    sys.modules.pop("rnnlab.architectures.parallel_rnn", None)


def test_the_new_file_is_found_by_its_name(new_file):
    assert "parallel_rnn" in ARCHITECTURES.names()
    assert ARCHITECTURES.name_of(ARCHITECTURES.load("parallel_rnn")) == "parallel_rnn"


def test_the_example_trains_evaluates_and_exports(new_file, tmp_path):
    from rnnlab.evaluation import evaluate
    from rnnlab.export import export
    from rnnlab.prediction import Predictor
    from rnnlab.training import train

    spec = tmp_path / "example.yaml"
    spec.write_text(block("yaml"), "utf-8")
    run = RunDir.create(tmp_path / "run")
    train(load_experiment(spec), run, Places(tmp_path, tmp_path))
    predictor = Predictor.load(run.path)
    assert evaluate(predictor, Places(tmp_path, tmp_path), figures=False).metrics["accuracy"] >= 0
    _, difference = export(predictor, "saved_model")
    assert difference <= 1e-5
