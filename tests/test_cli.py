"""The command line, from a spec to answers: what it prints where, what it writes, and how it ends."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlab import cli
from rnnlab.rundir import RESOLVED

ROOT = Path(__file__).parent.parent
COMMANDS = [
    "train",
    "evaluate",
    "predict",
    "backtest",
    "generate",
    "export",
    "check",
    "list",
    "schema",
    "render",
    "runs",
]
SPEC = """\
data: {source: npz, train: train.npz, test: test.npz}
task: {kind: classification}
model: {architecture: stacked_rnn, cell: simple, units: [4]}
training: {epochs: 2, batch_size: 8}
"""


@dataclass
class Result:
    """How a command ended, and what it printed where."""

    code: int
    out: str
    error: str


def rnnlab(*arguments: object, folder: Path) -> Result:
    """Run the command line in this process, in a folder, as `rnnlab ARGUMENTS` would."""
    out, error = io.StringIO(), io.StringIO()
    code: object = 0
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        patch.chdir(folder)
        patch.delenv("RNNLAB_DATA_DIR", raising=False)
        patch.setattr(sys, "argv", ["rnnlab", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
    return Result(int(code or 0), out.getvalue(), error.getvalue())  # type: ignore[call-overload]


def start(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    """Start the command line in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "rnnlab", *arguments],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def write_data(path: Path, examples: int, seed: int, *, labels: bool = True) -> None:
    random = np.random.default_rng(seed)
    lengths, classes = random.integers(3, 12, examples), np.arange(examples) % 3
    values = random.normal(size=(lengths.sum(), 2)) + np.repeat(classes, lengths)[:, None]
    arrays: dict[str, Any] = {"values": values.astype(np.float32), "lengths": lengths}
    arrays["ids"] = np.array([f"s{number}" for number in range(examples)])
    if labels:
        arrays["labels"] = np.array(["low", "mid", "high"])[classes]
    np.savez(path, **arrays)


def make_lab(folder: Path) -> Path:
    write_data(folder / "train.npz", 45, 0)
    write_data(folder / "test.npz", 15, 1)
    write_data(folder / "new.npz", 5, 2, labels=False)
    (folder / "tiny.yaml").write_text(SPEC)
    return folder


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def trained(lab: Path) -> Result:
    """Train once; the run is `runs/tiny-001`."""
    return rnnlab("train", "tiny.yaml", folder=lab)


@pytest.fixture(scope="module")
def run(lab: Path, trained: Result) -> Path:
    assert trained.code == 0, trained.error
    return lab / "runs" / "tiny-001"


def manifest(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "manifest.json").read_text()))


# Help, version and what they load


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_names_its_options(tmp_path: Path, command: str) -> None:
    result = rnnlab(command, "--help", folder=tmp_path)
    assert result.code == 0
    assert result.error == ""
    assert f"rnnlab {command}" in result.out


def test_help_lists_every_command_and_the_test_knows_them_all(tmp_path: Path) -> None:
    known = {command.name or command.callback.__name__ for command in cli.app.registered_commands}  # type: ignore[union-attr]
    assert known == set(COMMANDS)
    for arguments in (["--help"], ["-h"]):
        result = rnnlab(*arguments, folder=tmp_path)
        assert result.code == 0
        assert all(re.search(rf"\b{command}\b", result.out) for command in COMMANDS)


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    import rnnlab as package

    assert rnnlab("--version", folder=tmp_path) == Result(0, f"{package.__version__}\n", "")


HEAVY = "{'tensorflow', 'keras', 'numpy', 'pandas', 'sklearn', 'aeon', 'matplotlib', 'yaml'}"


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    code = f"import atexit, sys; atexit.register(lambda: print(sorted({HEAVY} & set(sys.modules)), file=sys.stderr))\n"
    code += "from rnnlab.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr.strip() == "[]"


# The user's mistakes


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["bogus"], "No such command"),
        (["train", "tiny.yaml", "--bogus"], "No such option"),
        (["train"], "train: name a spec"),
        (["train", "none.yaml"], "none.yaml: no such file"),
        (["train", "tiny.yaml", "--set", "training.epoch=3"], "--set training.epoch=3: training.epoch: unknown"),
        (["train", "tiny.yaml", "--set", "nonsense"], "--set nonsense: expected KEY=VALUE"),
        (["train", "tiny.yaml", "--set", "data.train=gone.npz"], "data.train: no such file or folder: gone.npz"),
        (["train", "tiny.yaml", "--seeds", "x"], "--seeds x: expected numbers such as 0-2"),
        (["train", "tiny.yaml", "--seeds", "2-0"], "--seeds 2-0: expected numbers"),
        (["train", "tiny.yaml", "--seeds", "0-99999999999"], "--seeds 0-99999999999: 1000 runs at once are the most"),
        (["train", "tiny.yaml", "--folds", "7", "--set", "data.validation.by=folds"], "there are folds 0 to 4"),
        (["train", "tiny.yaml", "--from", "nowhere"], "nowhere: not a run folder"),
        (["train", "tiny.yaml", "--resume"], "--resume: name the run folder with --run"),
        (["train", "--resume", "--run", "nowhere"], "nowhere: not a run folder"),
        (["train", "tiny.yaml", "--run", "."], "not empty; choose another --run, or --resume"),
        (["train", "tiny.yaml", "--run", "tiny.yaml"], "tiny.yaml: can't make the run folder"),
        (["train", "tiny.yaml", "--plugin", "none.py"], "--plugin none.py: no such file"),
        (["evaluate", "nowhere"], "nowhere: not a run folder: no manifest.json (no such folder)"),
        (["evaluate", "."], "not a run folder: no manifest.json; `rnnlab runs`"),
        (["evaluate", "--runs-dir", "none"], "no runs in none; start one with"),
        (["predict", "nowhere", "new.npz"], "nowhere: not a run folder"),
        (["predict", "nowhere", "none.npz"], "none.npz: no such file"),
        (["export", "nowhere"], "nowhere: not a run folder"),
        (["export", "nowhere", "--format", "saved_modle"], "did you mean 'saved_model'?"),
        (["check", "none.yaml"], "none.yaml: no such file"),
        (["render", "none.yaml"], "none.yaml: no such file"),
        (["evaluate", "x" * 5000], "File name too long"),
        (["check", "tiny.yaml", "--set", f"data.train={'x' * 5000}"], "File name too long"),
        (["list", "architecture"], "did you mean 'architectures'?"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_on_standard_error_with_exit_code_2(lab: Path, arguments: list[str], says: str) -> None:
    result = rnnlab(*arguments, folder=lab)
    assert result.code == 2
    assert says in result.error
    assert "Traceback" not in result.error
    assert result.out == ""
    assert not (lab / "runs").exists() or all(any(each.iterdir()) for each in (lab / "runs").iterdir())


# train


def test_train_prints_the_table_on_standard_output_and_its_course_on_standard_error(trained: Result) -> None:
    assert trained.code == 0
    assert trained.out.startswith("runs/tiny-001: validation split, 9 examples")
    for row in ("this run", "majority class", "logistic regression", "accuracy: share of examples"):
        assert row in trained.out
    lines = trained.error.splitlines()
    assert lines[0] == "run folder: runs/tiny-001"
    assert [line.split("  ")[0] for line in lines[1:3]] == ["epoch 1/2", "epoch 2/2"]
    assert lines[3:] == ["2 epochs are done"]
    assert "\033" not in trained.out + trained.error


def test_train_leaves_all_that_a_run_needs(run: Path) -> None:
    for name in ("spec.yaml", "prepared.npz", "samples.npz", "weights.npz", "state.npz", "metrics/validation.json"):
        assert (run / name).is_file(), name
    assert not list(run.glob("**/.*"))
    rows = list(csv.DictReader(io.StringIO((run / "history.csv").read_text())))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    columns = list(rows[0])
    assert columns[:3] == ["epoch", "loss", "accuracy"]
    assert columns[-3:] == ["learning_rate", "gradient_norm", "seconds"]
    assert {"val_loss", "val_accuracy"} <= set(columns)
    found = manifest(run)
    assert found["status"] == "finished"
    assert found["seed"] == 0
    assert re.fullmatch(r"[0-9a-f]{64}", found["state_sha256"])


def test_the_spec_of_a_run_is_the_rendered_one(lab: Path, run: Path) -> None:
    assert rnnlab("render", "tiny.yaml", folder=lab).out == (run / "spec.yaml").read_text().removeprefix(RESOLVED)


def test_render_takes_settings(lab: Path) -> None:
    result = rnnlab("render", "tiny.yaml", "--set", "training.epochs=7", "--set", "seed=3", folder=lab)
    assert result.code == 0
    assert "epochs: 7" in result.out
    assert "seed: 3" in result.out


def test_a_second_training_takes_the_next_free_number_and_equal_ones_are_equal(lab: Path, run: Path) -> None:
    result = rnnlab("train", "tiny.yaml", folder=lab)
    assert result.error.startswith("run folder: runs/tiny-002")
    assert manifest(lab / "runs" / "tiny-002")["state_sha256"] == manifest(run)["state_sha256"]


def test_numbers_are_never_given_twice(tmp_path: Path) -> None:
    from rnnlab.rundir import RunDir

    for taken in ("a-001", "a-002-seed-0", "a-b-003"):
        (tmp_path / taken).mkdir()
    assert RunDir.free_name(tmp_path, "a").name == "a-003"


def test_a_run_that_is_not_empty_is_refused_and_left_alone(lab: Path, run: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    result = rnnlab("train", "tiny.yaml", "--run", run, folder=lab)
    assert result.code == 2
    assert "not empty" in result.error
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_several_seeds_make_one_run_each_and_one_table(lab: Path) -> None:
    arguments = ["--seeds", "0-1", "--run", "out/seeds", "--set", "training.epochs=1"]
    result = rnnlab("train", "tiny.yaml", *arguments, folder=lab)
    assert result.code == 0, result.error
    runs = [lab / "out" / f"seeds-seed-{seed}" for seed in (0, 1)]
    assert [manifest(each)["seed"] for each in runs] == [0, 1]
    assert manifest(runs[0])["state_sha256"] != manifest(runs[1])["state_sha256"]
    assert_spread(result.out, [each.name for each in runs])
    together = rnnlab("evaluate", *runs, folder=lab)
    assert_spread(together.out, [each.name for each in runs])
    assert rnnlab("evaluate", *runs, "--json", folder=lab).code == 2


def test_all_folds_make_one_run_each_and_one_table(lab: Path) -> None:
    folds = ["--set", "data.validation={by: folds, folds: 2}", "--folds", "all", "--set", "training.epochs=1"]
    result = rnnlab("train", "tiny.yaml", *folds, "--run", "out/folds", folder=lab)
    assert result.code == 0, result.error
    runs = [lab / "out" / f"folds-fold-{fold}" for fold in (0, 1)]
    prints = [manifest(each)["data"]["splits"]["validation"]["fingerprint"] for each in runs]
    assert len(set(prints)) == 2
    assert_spread(result.out, [each.name for each in runs])


def assert_spread(table: str, names: Sequence[str]) -> None:
    """Check that mean and standard deviation are those of the rows above them."""
    rows = {line.split("  ")[0].strip(): line.split()[-4:] for line in table.splitlines() if line}
    scores = np.array([[float(each) for each in rows[name]] for name in names])
    assert [float(each) for each in rows["mean"]] == pytest.approx(scores.mean(axis=0), abs=1e-4)
    assert [float(each) for each in rows["standard deviation"]] == pytest.approx(scores.std(axis=0, ddof=1), abs=1e-4)


def test_from_starts_with_the_weights_of_another_run(lab: Path, run: Path) -> None:
    arguments = [
        "--run",
        "out/from",
        "--set",
        "training.epochs=1",
        "--set",
        "training.optimizer={name: sgd, learning_rate: 1e-12}",
    ]
    result = rnnlab("train", "tiny.yaml", "--from", run, *arguments, folder=lab)
    assert result.code == 0, result.error
    assert re.search(r"(\d+) of \1 weights from ", result.error)
    assert manifest(lab / "out" / "from")["weights_from"] == str(run)
    with np.load(run / "weights.npz") as old, np.load(lab / "out" / "from" / "weights.npz") as new:
        assert set(old) == set(new)
        assert all(np.allclose(old[name], new[name], atol=1e-6) for name in old)


def test_a_training_without_validation_says_where_the_scores_are(lab: Path) -> None:
    arguments = ["--run", "out/none", "--set", "data.validation={by: none}", "--set", "training.epochs=1"]
    result = rnnlab("train", "tiny.yaml", *arguments, folder=lab)
    assert result.code == 0, result.error
    assert result.out == ""
    assert "rnnlab evaluate" in result.error


def test_a_finished_run_resumes_to_nothing_and_exits_with_0(lab: Path, run: Path) -> None:
    before = manifest(run)
    result = rnnlab("train", "--resume", "--run", run, folder=lab)
    assert result.code == 0
    assert "nothing to do" in result.error
    assert manifest(run) == before


def test_a_resume_that_could_not_be_exact_shows_the_difference(lab: Path, run: Path) -> None:
    result = rnnlab("train", "--resume", "--run", run, "--set", "training.batch_size=4", folder=lab)
    assert result.code == 2
    assert "-  batch_size: 8" in result.error
    assert "+  batch_size: 4" in result.error


# evaluate


def evaluated(*arguments: object, folder: Path) -> dict[str, Any]:
    result = rnnlab("evaluate", *arguments, "--json", folder=folder)
    assert result.code == 0, result.error
    assert result.out.count("\n") == 1
    return dict(json.loads(result.out))


def test_evaluate_json_prints_one_object_with_exactly_its_keys_and_nothing_else(lab: Path, run: Path) -> None:
    scores = evaluated(run, folder=lab)
    assert list(scores) == ["split", "examples", "left_out", "fingerprint", "metrics", "baselines", "skipped"]
    assert scores["split"] == "test"
    assert scores["examples"] == 15
    assert re.fullmatch(r"[0-9a-f]{64}", scores["fingerprint"])
    assert all(isinstance(each, float) for each in scores["metrics"].values())
    assert scores["baselines"]
    for baseline in scores["baselines"].values():
        assert list(baseline) == list(scores["metrics"])
    assert all(isinstance(reason, str) for reason in scores["skipped"].values())


def test_evaluate_prints_the_table_that_the_json_holds(lab: Path, run: Path) -> None:
    scores = evaluated(run, folder=lab)
    result = rnnlab("evaluate", run, folder=lab)
    row = next(line for line in result.out.splitlines() if line.startswith("this run"))
    assert [float(each) for each in row.split()[2:]] == pytest.approx(list(scores["metrics"].values()), abs=1e-4)
    assert scores["fingerprint"][:12] in result.out
    assert result.error == ""


def test_evaluate_takes_the_latest_run_and_any_split(lab: Path, run: Path) -> None:
    latest = max((lab / "runs").iterdir(), key=lambda each: manifest(each)["started"])
    assert rnnlab("evaluate", folder=lab).out.startswith(f"runs/{latest.name}: test split")
    assert evaluated(run, "--split", "validation", folder=lab)["examples"] == 9
    unknown = rnnlab("evaluate", run, "--split", "tset", folder=lab)
    assert unknown.code == 2
    assert "no tset split; it has " in unknown.error


def test_evaluate_gives_the_same_from_any_working_directory(lab: Path, run: Path, tmp_path: Path) -> None:
    assert evaluated(run, folder=tmp_path) == evaluated(run, folder=lab)


def test_evaluate_follows_data_that_has_moved(run: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    lab = make_lab(moved)
    setting = ["--set", f"data.train={lab}/train.npz", "--set", f"data.test={lab}/test.npz"]
    assert evaluated(run, *setting, folder=tmp_path) == evaluated(run, folder=tmp_path)
    gone = rnnlab("evaluate", run, "--set", "data.test=gone.npz", folder=tmp_path)
    assert gone.code == 2
    assert "data.test: no such file or folder: gone.npz (looked for " in gone.error


def test_evaluate_changes_nothing_but_the_data(lab: Path, run: Path) -> None:
    refused = rnnlab("evaluate", run, "--set", "model.units=[5]", folder=lab)
    assert refused.code == 2
    assert "evaluating takes data.KEY and task.search.KEY only" in refused.error
    typo = rnnlab("evaluate", run, "--set", "data.tset=x", folder=lab)
    assert typo.code == 2
    assert "data.tset: unknown key; did you mean 'test'?" in typo.error


def test_a_run_remembers_the_data_directory_that_it_was_trained_with(tmp_path: Path) -> None:
    data, work, elsewhere = (tmp_path / name for name in ("data-is-here", "work", "elsewhere"))
    for folder in (data, work, elsewhere):
        folder.mkdir()
    make_lab(data)
    (work / "tiny.yaml").write_text(SPEC)
    trained = rnnlab("train", "tiny.yaml", "--data-dir", data, "--run", "r", folder=work)
    assert trained.code == 0, trained.error
    assert evaluated(work / "r", folder=elsewhere)["examples"] == 15
    assert rnnlab("train", "--resume", "--run", work / "r", folder=elsewhere).code == 0
    assert rnnlab("evaluate", work / "r", "--data-dir", elsewhere, folder=elsewhere).code == 2  # it is asked for


# predict


def test_predict_answers_a_file_without_labels_in_csv(lab: Path, run: Path) -> None:
    result = rnnlab("predict", run, "new.npz", folder=lab)
    assert result.code == 0
    assert result.error == ""
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert [row["id"] for row in rows] == [f"s{number}" for number in range(5)]
    for row in rows:
        probabilities = {name[2:]: float(value) for name, value in row.items() if name.startswith("p_")}
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert row["class"] == max(probabilities, key=lambda name: probabilities[name])


def test_predict_answers_alike_in_every_form_and_place(lab: Path, run: Path, tmp_path: Path) -> None:
    shown = list(csv.DictReader(io.StringIO(rnnlab("predict", run, "new.npz", folder=lab).out)))
    lines = rnnlab("predict", run, lab / "new.npz", "--json", folder=tmp_path).out.splitlines()
    for name in ("answers.csv", "answers.jsonl"):
        written = rnnlab("predict", run, lab / "new.npz", "--output", name, folder=tmp_path)
        assert (written.code, written.out) == (0, "")
        assert f"5 answers in {name}" in written.error
    assert list(csv.DictReader(io.StringIO((tmp_path / "answers.csv").read_text()))) == shown
    assert (tmp_path / "answers.jsonl").read_text().splitlines() == lines
    assert [{key: str(value) for key, value in json.loads(line).items()} for line in lines] == shown


def test_predict_ignores_labels_that_a_file_has(lab: Path, run: Path) -> None:
    assert rnnlab("predict", run, "test.npz", folder=lab).out.count("\n") == 16


def test_predict_refuses_a_file_of_another_format_or_shape(lab: Path, run: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "wide.npz", values=np.zeros((5, 3), np.float32), lengths=np.array([5]))
    (tmp_path / "text.npz").write_text("no archive")
    for name in ("wide.npz", "text.npz"):
        result = rnnlab("predict", run, tmp_path / name, folder=lab)
        assert result.code == 2
        assert name in result.error
        assert result.out == ""
    assert rnnlab("predict", run, "new.npz", "--output", "x.txt", folder=lab).code == 2


# export, runs, check, list, schema


@pytest.mark.parametrize("form", ["saved_model", "keras"])
def test_export_says_where_what_and_how_close(lab: Path, run: Path, form: str, tmp_path: Path) -> None:
    target = tmp_path / ("model" if form == "saved_model" else "model.keras")
    result = rnnlab("export", run, "--format", form, "--output", target, folder=lab)
    assert result.code == 0, result.error
    assert target.exists()
    assert result.out.startswith(str(target))
    assert "largest difference" in result.out


def test_runs_lists_every_run_with_its_scores(lab: Path, run: Path) -> None:
    evaluated(run, folder=lab)
    result = rnnlab("runs", folder=lab)
    row = next(line for line in result.out.splitlines() if line.startswith("tiny-001"))
    assert "finished" in row
    assert row.count("accuracy") == 2
    assert rnnlab("runs", folder=lab.parent).code == 0


def test_a_damaged_run_does_not_hide_the_others(lab: Path, run: Path, tmp_path: Path) -> None:
    for name in ("a-001", "a-002"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    (tmp_path / "runs" / "a-001" / "manifest.json").write_text("{")
    (tmp_path / "runs" / "a-002" / "manifest.json").write_text((run / "manifest.json").read_text())
    rows = rnnlab("runs", folder=tmp_path).out.splitlines()[2:]
    assert [row.split()[:2] for row in rows] == [["a-001", "damaged"], ["a-002", "finished"]]


def test_check_tells_of_data_padding_and_network_and_leaves_nothing(lab: Path) -> None:
    before = sorted(lab.iterdir())
    result = rnnlab("check", "tiny.yaml", folder=lab)
    assert result.code == 0, result.error
    for part in ("split", "longest", "low", "Padding: ", "Network: ", "parameters", "Nothing wrong found."):
        assert part in result.out
    assert sorted(lab.iterdir()) == before


def test_list_names_every_component_and_key(tmp_path: Path) -> None:
    from rnnlab.registry import REGISTRIES

    everything = rnnlab("list", folder=tmp_path).out
    for kind in ("sources", "architectures", "heads", "tasks", "optimizers", "export"):
        registry = REGISTRIES[kind]
        details = rnnlab("list", kind, folder=tmp_path).out
        for name in registry.names():
            assert f"  {name}: " in everything
            assert f"  {name}: " in details
            for key in getattr(registry.load(name), "model_fields", {}):
                assert f"    {key} (" in details


def test_schema_is_json(tmp_path: Path) -> None:
    assert json.loads(rnnlab("schema", folder=tmp_path).out)["properties"]["model"]


# Processes: pipes and signals


@pytest.mark.parametrize("command", ["schema", "list sources", "--help"])
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path, command: str) -> None:
    process = start(*command.split(), folder=tmp_path)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()  # before anything is written
    assert process.stderr.read() == ""
    assert process.wait(60) == 0


LONG = ["--set", "training.epochs=60", "--set", "data.validation.by=none"]


def test_an_interrupted_training_exits_with_130_and_its_printed_command_goes_on_exactly(tmp_path: Path) -> None:
    make_lab(tmp_path)
    process = start("train", "tiny.yaml", "--run", "a run", *LONG, folder=tmp_path)
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("epoch 3/"):
            process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert "".join(lines).count("Traceback") == 0
    message = lines[-1].strip()
    assert message.startswith("SIGINT: the state is saved. Go on with: rnnlab train --resume ")
    stopped = manifest(tmp_path / "a run")
    assert stopped["status"] != "finished"
    arguments = shlex.split(message.partition("Go on with: rnnlab ")[2])
    resumed = rnnlab(*arguments, folder=tmp_path)
    assert resumed.code == 0, resumed.error
    assert "going on from epoch " in resumed.error
    unbroken = rnnlab("train", "tiny.yaml", "--run", "unbroken", *LONG, folder=tmp_path)
    assert unbroken.code == 0, unbroken.error
    assert manifest(tmp_path / "a run")["state_sha256"] == manifest(tmp_path / "unbroken")["state_sha256"]


def test_an_interruption_before_the_first_step_exits_with_130_and_leaves_no_empty_folder(tmp_path: Path) -> None:
    make_lab(tmp_path)
    process = start("train", "tiny.yaml", folder=tmp_path)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("run folder: ")
    time.sleep(0.1)  # TensorFlow is being imported
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert "Traceback" not in process.stderr.read()
    assert not any((tmp_path / "runs").iterdir())
