"""Every mistake of a spec is told at once, on one line with its place, before any data or TensorFlow is loaded."""

from __future__ import annotations

import copy
import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rnnlab import cli
from rnnlab.errors import SpecError
from rnnlab.experiment import Experiment, load_experiment, schema
from rnnlab.optimizers import OPTIMIZERS, SCHEDULES
from rnnlab.registry import REGISTRIES, Registry
from rnnlab.strict import Strict

ROOT = Path(__file__).parent.parent
SHIPPED = sorted((ROOT / "configs").glob("**/*.yaml"))
PARTS = ("sources", "transforms", "architectures", "heads", "tasks", "optimizers", "schedules")

DATA, TASK, MODEL = "{source: npz, train: a.npz}", "{kind: classification}", "{architecture: stacked_rnn}"


def spec(data: str = DATA, task: str = TASK, model: str = MODEL, rest: str = "") -> str:
    """Return a spec with `data` in line 1, `task` in 2, `model` in 3 and the rest from line 4 on."""
    return f"data: {data}\ntask: {task}\nmodel: {model}\n{rest}\n"


def training(text: str) -> str:
    return spec(rest=f"training: {text}")


def mistakes_of(folder: Path, text: str, *settings: str) -> list[str]:
    (folder / "a.yaml").write_text(text)
    with pytest.raises(SpecError) as error:
        load_experiment(folder / "a.yaml", settings)
    return [line.replace(f"{folder}/", "") for line in error.value.mistakes]


def adam(text: str) -> str:
    return training(f"{{optimizer: {{name: adam, {text}}}}}")


ARCHITECTURES = "cnn_rnn, conv3d, conv_rnn, seq2seq, stacked_rnn, two_stream"

CASES = [
    # Keys
    (spec(rest="modle: x"), "4:1: modle: unknown key; did you mean 'model'?"),
    (spec(rest="1: x"), "4:1: 1: unknown key; known: augmentations, data, "),
    (spec(rest='"": x'), "4:1: '': unknown key"),
    (spec(rest='"a\\nb": x'), r"4:1: 'a\nb': unknown key"),
    (spec(rest='"\\e[31m": x'), r"4:1: '\x1b[31m': unknown key"),
    (spec(model="{architecture: stacked_rnn, unit: [3]}"), "3:36: model.unit: unknown key; did you mean 'units'?"),
    (training("{epoch: 3}"), "4:12: training.epoch: unknown key; did you mean 'epochs'?"),
    (training("{early_stopping: {patients: 3}}"), "4:29: training.early_stopping.patients: unknown key; did you mean"),
    (adam("momentum: 0.9"), "4:36: training.optimizer.momentum: unknown key; known: amsgrad, "),
    (spec(data="{source: npz}"), "1:7: data.train: required key is missing"),
    (f"task: {TASK}\nmodel: {MODEL}\n", "1:1: data: required key is missing"),
    (spec(rest="transforms: [{name: truncate}]"), "4:14: transforms.0.max_length: required key is missing"),
    # Names of components
    (spec(model="{architecture: staked_rnn}"), "3:23: model.architecture: unknown architecture 'staked_rnn'; did you"),
    (spec(model="staked_rnn"), "3:8: model: unknown architecture 'staked_rnn'; did you mean 'stacked_rnn'?"),
    (spec(model="{units: [3]}"), f"3:8: model.architecture: expected one of {ARCHITECTURES}"),
    (spec(model="{architecture: [x]}"), f"3:23: model.architecture: expected one of {ARCHITECTURES}"),
    (spec(model="{architecture: ../os}"), "3:23: model.architecture: unknown architecture '../os'; known: "),
    (spec(model='{architecture: "a\\nb"}'), r"3:23: model.architecture: unknown architecture 'a\nb'"),
    (spec(task="{kind: clasification}"), "2:14: task.kind: unknown kind 'clasification'; did you mean 'classification"),
    (spec(data="{source: npy, train: a}"), "1:16: data.source: unknown source 'npy'; did you mean 'npz'?"),
    (spec(rest="head: {name: clases}"), "4:14: head.name: unknown name 'clases'; did you mean 'classes'?"),
    (spec(rest="transforms: [standardise]"), "4:14: transforms.0: unknown name 'standardise'; did you mean"),
    (training("{optimizer: adm}"), "4:23: training.optimizer: unknown name 'adm'; did you mean 'adam'?"),
    (training("{optimizer: {learning_rate: 1}}"), "4:23: training.optimizer.name: expected one of adadelta, "),
    (adam("learning_rate: {name: cosine}"), "4:58: training.optimizer.learning_rate.name: unknown name 'cosine'; did"),
    # Kinds of value
    (training("3"), "4:11: training: expected a mapping (key: value); received 3"),
    (training("null"), "4:11: training: expected a mapping (key: value); received nothing"),
    (spec(data="null"), "1:7: data: expected a mapping with 'source'; received nothing"),
    (spec(task="[classification]"), "2:7: task: expected a mapping with 'kind'; received ['classification']"),
    (spec(rest="head: []"), "4:7: head: expected a mapping with 'name'; received []"),
    (spec(rest="name: 3"), "4:7: name: expected text; received 3"),
    (spec(rest="name: ../a"), "4:7: name: expected text of the form "),
    (spec(rest=f"name: {'x' * 101}"), "4:7: name: expected text of at most 100 characters; received 'xxx"),
    (spec(rest="seed: 1.5"), "4:7: seed: expected a whole number; received 1.5"),
    (spec(rest="seed: -1"), "4:7: seed: expected a value greater than or equal to 0; received -1"),
    (training("{epochs: ten}"), "4:20: training.epochs: expected a whole number; received 'ten'"),
    (training('{epochs: "5"}'), "4:20: training.epochs: expected a whole number; received '5'"),
    (training("{epochs: true}"), "4:20: training.epochs: expected a whole number; received true"),
    (training("{epochs: 0}"), "4:20: training.epochs: expected a value greater than or equal to 1; received 0"),
    (training("{tensorboard: 1}"), "4:25: training.tensorboard: expected true or false; received 1"),
    (training("{tensorboard: yes}"), "4:25: training.tensorboard: `yes` is true in YAML"),
    (training("{buckets: {shapes: 65}}"), "4:30: training.buckets.shapes: expected a value less than or equal to 64"),
    (training("{early_stopping: true}"), "4:28: training.early_stopping: expected a mapping (key: value); received tr"),
    (training("{early_stopping: {mode: maximum}}"), "4:35: training.early_stopping.mode: expected one of 'auto', 'min"),
    (training("{save_every: 60}"), "4:24: training.save_every: expected a mapping (key: value); received 60"),
    (training("{save_every: {seconds: .nan}}"), "4:34: training.save_every.seconds: expected a finite number"),
    (adam("clip_norm: .inf"), "4:47: training.optimizer.clip_norm: expected a finite number; received inf"),
    (
        spec(model="{architecture: stacked_rnn, units: 64}"),
        "3:43: model.units: expected a list, such as [64]; received",
    ),
    (spec(model="{architecture: stacked_rnn, units: []}"), "3:43: model.units: expected 1 or more elements; received"),
    (
        spec(model="{architecture: stacked_rnn, units: [3, x]}"),
        "3:47: model.units.1: expected a whole number; received",
    ),
    (spec(model="{architecture: stacked_rnn, dropout: 1}"), "3:45: model.dropout: expected a value less than 1; rece"),
    (spec(model="{architecture: conv_rnn, blocks: [{kernel: 3}]}"), "3:43: model.blocks.0.kernel: unknown key; did y"),
    (spec(model="{architecture: conv_rnn, blocks: [4]}"), "3:42: model.blocks.0: expected a mapping (key: value); re"),
    (spec(rest="transforms: standardize"), "4:13: transforms: expected a list, such as [standardize]; received 'st"),
    (spec(rest="transforms: {name: standardize}"), "4:13: transforms: expected a list; received {'name': 'standardize"),
    # Unions: one readable line
    (
        training("{devices: gpu}"),
        "4:21: training.devices: expected one of 'auto' or 'cpu' or a mapping (key: value); rec",
    ),
    (
        training("{devices: 2}"),
        "4:21: training.devices: expected one of 'auto' or 'cpu' or a mapping (key: value); recei",
    ),
    (training("{devices: {replicas: 0}}"), "4:32: training.devices.replicas: expected a value greater than or equal"),
    (
        adam("learning_rate: -1"),
        "4:51: training.optimizer.learning_rate: expected a value greater than 0 or a mapping wit",
    ),
    (adam("learning_rate: .nan"), "4:51: training.optimizer.learning_rate: expected a finite number or a mapping with"),
    (
        adam("learning_rate: [1]"),
        "4:51: training.optimizer.learning_rate: expected a number or a mapping with 'name'; re",
    ),
    (
        adam("learning_rate: fast"),
        "4:51: training.optimizer.learning_rate: expected a number; received 'fast'; or unknow",
    ),
    (
        spec(task="{kind: classification, class_weights: balance}"),
        "2:45: task.class_weights: expected one of 'none' or",
    ),
    (spec(task="{kind: classification, class_weights: {a: -1}}"), "2:49: task.class_weights.a: expected a value great"),
    # What does not fit together
    (training("{save_every: {seconds: 1, steps: 2}}"), "4:24: training.save_every: give either `seconds` or `steps`"),
    (training("{batch_steps: 9, batch_size: 3}"), "4:40: training.batch_size: does nothing while 'batch_steps' is 9; "),
    (
        spec(rest="head: {name: classes, attention_units: 3}"),
        "4:40: head.attention_units: does nothing while 'readout'",
    ),
    (spec(rest="head: numbers"), "4:7: head.name: 'numbers' does not serve classification; use classes"),
    (spec(rest="transforms: [{name: min_max, low: 2}]"), "4:14: transforms.0: expected low < high; received low 2.0"),
    (
        spec(data="{source: npz, train: a, validation: {by: given}}"),
        "1:7: data: validation.by: given needs the key val",
    ),
    (spec(data="{source: npz, train: a, validation: {by: folds, fold: 5}}"), "1:43: data.validation: fold 5 does not"),
    (
        training("{best: {monitor: val_acc}}"),
        "4:28: training.best.monitor: no column 'val_acc' in the history; did you",
    ),
    (training("{best: {monitor: val_mae}}"), "4:28: training.best.monitor: no column 'val_mae' in the history"),
    (training("{best: {monitor: seconds}}"), "4:28: training.best.monitor: no column 'seconds' in the history"),
    (
        spec(data="{source: npz, train: a, validation: {by: none}}", rest="training: {early_stopping: {}}"),
        "4:28: training.early_stopping.monitor: 'val_loss' needs a validation split",
    ),
    (
        training(
            "{reduce_on_plateau: {}, optimizer: {name: sgd, learning_rate: {name: cosine_decay, decay_steps: 9, "
            "initial_learning_rate: 1.0}}}"
        ),
        "4:11: training: reduce_on_plateau can't lower a learning rate that follows a schedule",
    ),
]


@pytest.mark.parametrize(("text", "line"), CASES)
def test_a_mistake_is_one_line_with_its_place_expected_and_received(tmp_path: Path, text: str, line: str) -> None:
    (found,) = mistakes_of(tmp_path, text)
    assert found.startswith(f"a.yaml:{line}")
    assert "\n" not in found
    assert found.count("; received ") <= 1
    assert found.isprintable()


@pytest.mark.parametrize("key", ["epochs", "tensorboard", "optimizer", "devices", "early_stopping"])
def test_what_was_received_never_floods_the_line(tmp_path: Path, key: str) -> None:
    for long in ("x" * 5000, "[" + "1, " * 5000 + "]"):
        for line in mistakes_of(tmp_path, training(f"{{{key}: {long}}}")):
            assert len(line) < 500


SEVERAL = """\
model:
  architecture: stacked_rnn
  unit: [64]
  dropout: 2
training:
  epochs: 1.5
  optimizer: {name: adam, learning_rate: {name: cosine_decay, decay_steps: no-number}}
  early_stopping:
    patience: 0
    mode: up
transforms: [{name: truncate, max_length: 5}, {nam: truncate}, nonsense]
data: {source: npz, train: [a.npz], validation: {by: half}}
sede: 3
"""


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    lines = mistakes_of(tmp_path, SEVERAL)
    assert [re.sub(r"^a\.yaml:\d+:\d+: ([^:]*): .*", r"\1", line) for line in lines] == [
        "task",  # what is missing in the whole file stands at its beginning
        "model.unit",
        "model.dropout",
        "training.epochs",
        "training.optimizer.learning_rate.initial_learning_rate",
        "training.optimizer.learning_rate.decay_steps",
        "training.early_stopping.patience",
        "training.early_stopping.mode",
        "transforms.1.name",
        "transforms.2",
        "data.train",
        "data.validation.by",
        "sede",
    ]
    places = [tuple(map(int, line.split(":")[1:3])) for line in lines]
    assert places == sorted(places)


def test_what_does_not_fit_together_is_told_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "training: {early_stopping: {monitor: x}, best: {monitor: y}}\nhead: numbers\n" + spec()
    assert [line.split(":")[3].strip() for line in mistakes_of(tmp_path, text)] == [
        "training.early_stopping.monitor",
        "training.best.monitor",
        "head.name",
    ]


def test_a_mistake_that_a_setting_makes_is_placed_at_the_setting(tmp_path: Path) -> None:
    settings = ("training.epoch=3", "model={dropout: 2}", "seed=x", "data.validation.by=half")
    lines = mistakes_of(tmp_path, spec(rest="seed: 0"), *settings)
    assert len(lines) == 4
    for setting, key in zip(settings, ("training.epoch", "model.dropout", "seed", "data.validation.by"), strict=True):
        assert any(line.startswith(f"--set {setting}: {key}: ") for line in lines)


def test_a_mistake_in_an_extended_file_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(spec(rest="training: {epochs: x, batch_size: y}"))
    lines = mistakes_of(tmp_path, "extends: base.yaml\n\ntraining: {batch_size: z}\n")
    assert [line[: line.index(": ")] for line in lines] == ["a.yaml:3:24", "base.yaml:4:20"]


def test_a_monitored_column_is_one_of_the_task(tmp_path: Path) -> None:
    regression = spec(task="{kind: regression}", rest="training: {best: {monitor: val_mae}}")
    (tmp_path / "a.yaml").write_text(regression)
    assert load_experiment(tmp_path / "a.yaml").training.best is not None
    assert "did you mean" in mistakes_of(tmp_path, regression.replace("val_mae", "val_ma"))[0]
    assert mistakes_of(tmp_path, regression.replace("val_mae", "val_accuracy"))


@pytest.mark.parametrize("name", ["my spec", "spec (copy)", "größe", "-x-", "v1.2"])
def test_any_file_name_gives_a_run_a_name(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.yaml").write_text(spec())
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", load_experiment(tmp_path / f"{name}.yaml").name)


# Did you mean


def keys_of_all_components() -> list[tuple[str, str, str]]:
    return [
        (kind, name, key)
        for kind in PARTS
        for name in REGISTRIES[kind].names()
        for key in _class(kind, name).model_fields
    ]


def _class(kind: str, name: str) -> type[Strict]:
    component: type[Strict] = REGISTRIES[kind].load(name)
    return component


def _parse(registry: Registry[Any], values: object) -> list[str]:
    """Return the messages of what a registry says of values."""
    from pydantic import ValidationError

    with pytest.raises(ValidationError) as error:
        registry.parse(values)
    return [str(each["msg"]) for each in error.value.errors()]


@pytest.mark.parametrize(("kind", "name", "key"), keys_of_all_components())
def test_a_slip_in_any_key_of_any_component_is_recognised(kind: str, name: str, key: str) -> None:
    slip = f"{key[:-1]}{key[-1]}{key[-1]}"
    messages = _parse(REGISTRIES[kind], {REGISTRIES[kind].key: name, slip: 1})
    assert f"unknown key; did you mean '{key}'?" in messages


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in PARTS for name in REGISTRIES[kind].names()])
def test_a_slip_in_any_name_of_a_component_is_recognised(kind: str, name: str) -> None:
    slip = name[0] + name
    (message,) = _parse(REGISTRIES[kind], {REGISTRIES[kind].key: slip})
    assert message == f"unknown {REGISTRIES[kind].key} '{slip}'; did you mean '{name}'?"


# Through the command line


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["rnnlab", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


@pytest.mark.parametrize("command", ["train", "check", "render"])
def test_every_command_that_takes_a_spec_exits_with_2_and_only_the_lines(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(SEVERAL)
    assert run_main(monkeypatch, command, "a.yaml") == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert len(error.splitlines()) == 13
    assert all(line.startswith("a.yaml:") for line in error.splitlines())
    assert not (tmp_path / "runs").exists()


def test_the_lines_are_not_wrapped_on_a_narrow_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    (tmp_path / "a.yaml").write_text(adam("lr: 1"))
    assert run_main(monkeypatch, "check", str(tmp_path / "a.yaml")) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


SHOW_MODULES = (
    "import atexit, sys; atexit.register(lambda: print(sorted({'tensorflow', 'keras', 'pandas', 'sklearn', 'aeon', "
    "'matplotlib'} & set(sys.modules)))); from rnnlab.cli import main; main()"
)


@pytest.mark.parametrize("text", [spec(rest="modle: x"), training("{best: {monitor: val_acc}}"), "a: [\n"])
def test_a_typo_is_told_before_tensorflow_or_any_data_library_is_loaded(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", SHOW_MODULES, "train", "a.yaml"],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("a.yaml:")
    assert "Traceback" not in done.stderr
    assert done.stdout.strip() == "[]"


# Anything at all


def _paths(values: object, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in pairs:
        yield (*here, key)
        yield from _paths(value, (*here, key))


NONSENSE: list[Any] = [
    *(None, True, 0, -1, -(10**9), 10**30, 10**99, 1.5, -0.0, 1e308, 5e-324, float("nan"), float("inf"), -float("inf")),
    *("", "x", "no", "a\nb", "\x1b[0m", "../..", "adam", "stacked_rnn", "é", "模型", "\u202e", "x" * 3000, "٣", "1e9"),
    *([], [[]], [None], ["adam"], [0] * 300, [[[[[[]]]]]], [{}]),
    *({}, {"x": 1}, {"name": "x"}, {"name": None}, {"kind": []}, {"": {}}, {1: 2}, {"k" * 190: 1}, {"a": {"b": {}}}),
]


def _mutate(values: Any, dice: random.Random) -> None:
    """Change one place of a spec: replace, remove, rename, nest, double or move a value."""
    path = dice.choice(list(_paths(values)))
    root = values
    for key in path[:-1]:
        values = values[key]
    key, action = path[-1], dice.randrange(6)
    if action == 0 or (isinstance(values, list) and action in (2, 3)):
        values[key] = copy.deepcopy(dice.choice(NONSENSE))
    elif action == 1:
        del values[key]
    elif action == 2:
        word = str(key)
        names = [word + "s", word[:-1], word.upper(), "", 3, None, "a b", "name", "ключ", "\u200b" + word, "<<"]
        values[dice.choice(names)] = values.pop(key)
    elif action == 3:
        values[key] = {key: values[key]}
    elif action == 4:
        values[key] = [values[key]] * dice.randrange(3)
    else:
        values[key] = copy.deepcopy(dice.choice([root[each] for each in root]))


FULL = """\
name: full
data: {source: csv_sequences, train: a.csv, label: y, validation: {by: folds, folds: 3, fold: 1}, cache: disk}
transforms: [{name: truncate, max_length: 5, keep: end}, {name: min_max, low: -1.0}, standardize]
task: {kind: classification, class_weights: {a: 1.0, b: 2.0}, label_smoothing: 0.1}
model:
  architecture: conv_rnn
  blocks: [{filters: 8, pool_size: 2, pool_kind: mean}, {kernel_size: 3, padding: causal}]
  units: [8, 8]
head: {name: classes, readout: attention, attention_units: 8}
training:
  batch_steps: 100
  optimizer: {name: sgd, learning_rate: {name: cosine_decay, initial_learning_rate: 0.1, decay_steps: 9}, momentum: 0.9}
  early_stopping: {monitor: val_accuracy, patience: 3}
  devices: {replicas: 2}
  save_every: {steps: 5}
seed: 3
"""


MUTATIONS = 2000  # of all sources together
SOURCES_OF_MUTATION: list[Path | str] = [*SHIPPED, "full"]
SHARE = MUTATIONS // 2 // len(SOURCES_OF_MUTATION) + 1  # of one source, in one of the two ways


def text_of(source: Path | str) -> str:
    return FULL if isinstance(source, str) else source.read_text()


def check_mutant(path: Path) -> bool:
    """Load a spec that may be anything; return whether it was refused, in lines that anyone can read."""
    started = time.process_time()
    try:
        experiment = load_experiment(path)
    except SpecError as error:
        mistakes = error.mistakes
    else:
        mistakes = []
        assert experiment.to_yaml()
    assert time.process_time() - started < 30
    for line in mistakes:
        assert line.startswith(f"{path}"), line
        assert line.isprintable(), line
        assert len(line) <= 500, line
    assert len(set(mistakes)) == len(mistakes)  # no mistake is told twice
    return bool(mistakes)


@pytest.mark.parametrize("source", SOURCES_OF_MUTATION, ids=lambda source: Path(source).stem)
def test_a_mutated_spec_is_valid_or_a_spec_error_never_a_traceback(tmp_path: Path, source: Path | str) -> None:
    # Shipped specs do not extend one another; one that did would need its base beside it here.
    refused = 0
    for number in range(SHARE):
        dice = random.Random(f"{Path(source).name}-{number}")
        values = yaml.safe_load(text_of(source))
        for _ in range(dice.choice([1, 1, 1, 2, 4])):
            if values:
                _mutate(values, dice)
        (tmp_path / "a.yaml").write_text(yaml.dump(values, Dumper=WithoutAliases, sort_keys=False))
        refused += check_mutant(tmp_path / "a.yaml")
    assert refused > SHARE // 2


class WithoutAliases(yaml.SafeDumper):
    """Writes a value that stands twice out twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


ODD = [b"&a ", b"*a", b"!!x ", b"? ", b"- ", "é".encode(), b"<<: ", b"1e9", b"---\n", b"...\n", b": ", b"\xef\xbb\xbf"]
ODD += [
    b"\xe2\x80\xae",
    b"\xc2\x85",
    b"\xed\xa0\x80",
    b"9" * 200,
    b"[" * 30,
    b"  ",
    b"\r",
    b"%YAML 9\n",
    b"extends: a.yaml\n",
]
ODD += [bytes([each]) for each in b"\t\n:{}[]'\"\xff\0|#%@\\0"]


def _mutate_text(data: bytes, dice: random.Random) -> bytes:
    """Change one place of a text: insert or overwrite, flip a bit, cut off, shift or repeat a line."""
    at, action = dice.randrange(len(data) + 1), dice.randrange(8)
    lines = data.split(b"\n")
    line = dice.randrange(len(lines))
    if action == 0 and at < len(data):
        return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]
    if action == 1:
        return data[:at]
    if action == 2:
        lines[line] = dice.choice([b" ", b"  ", b"\t", b" \t"]) + lines[line]
    elif action == 3:
        lines[line] = lines[line][dice.randrange(4) :]
    elif action == 4:
        lines.insert(dice.randrange(len(lines)), lines[line])
    else:
        return data[:at] + dice.choice(ODD) + data[at + dice.choice([0, 0, 1, 4]) :]
    return b"\n".join(lines)


@pytest.mark.parametrize("source", SOURCES_OF_MUTATION, ids=lambda source: Path(source).stem)
def test_mutated_characters_are_valid_or_a_spec_error_never_a_traceback(tmp_path: Path, source: Path | str) -> None:
    refused = 0
    for number in range(SHARE):
        dice = random.Random(f"{Path(source).name}-{number}")
        data = text_of(source).encode()
        for _ in range(dice.choice([1, 1, 2, 5])):
            data = _mutate_text(data, dice)
        (tmp_path / "a.yaml").write_bytes(data)
        refused += check_mutant(tmp_path / "a.yaml")
    assert refused > SHARE // 3


# Render, schema and the shipped specs


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_rendered_spec_reads_as_an_equal_experiment(path: Path, tmp_path: Path) -> None:
    experiment = load_experiment(path)
    (tmp_path / "rendered.yaml").write_text(experiment.to_yaml())
    again = load_experiment(tmp_path / "rendered.yaml")
    assert again == experiment
    assert again.to_yaml() == experiment.to_yaml()


def test_a_spec_that_uses_every_section_is_rendered_and_read_again(tmp_path: Path) -> None:
    (tmp_path / "full.yaml").write_text(FULL)
    experiment = load_experiment(tmp_path / "full.yaml")
    (tmp_path / "again.yaml").write_text(experiment.to_yaml())
    assert load_experiment(tmp_path / "again.yaml") == experiment


def test_a_rendered_spec_says_every_key_of_every_component_in_use(tmp_path: Path) -> None:
    (tmp_path / "full.yaml").write_text(FULL)
    experiment = load_experiment(tmp_path / "full.yaml")
    rendered = yaml.safe_load(experiment.to_yaml())
    assert set(rendered) == set(Experiment.model_fields)
    for section in ("data", "task", "model", "head", "training"):
        assert set(type(getattr(experiment, section)).model_fields) <= set(rendered[section])
    assert set(type(experiment.training.optimizer).model_fields) <= set(rendered["training"]["optimizer"])


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_spec_opens_with_its_command_and_is_short(path: Path) -> None:
    lines = path.read_text().splitlines()
    folds = " --folds all" if "test_fold: true" in path.read_text() else ""  # each tests once
    assert lines[0] == f"# rnnlab train {path.relative_to(ROOT)}{folds}"
    assert len(lines) <= 40
    load_experiment(path)


def _refs(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for each in value.values():
            yield from _refs(each)
    elif isinstance(value, list):
        for each in value:
            yield from _refs(each)


def _alternatives(value: object) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return (naming key, name, properties) of every component that a schema describes."""
    if isinstance(value, dict):
        for key, each in (value.get("properties") or {}).items():
            if isinstance(each, dict) and "const" in each:
                assert key in value["required"]
                yield key, each["const"], value["properties"]
        value = list(value.values())
    for each in value if isinstance(value, list) else []:
        yield from _alternatives(each)


def test_the_schema_is_json_whose_references_all_lead_somewhere() -> None:
    described = json.loads(schema())
    assert described["type"] == "object"
    assert set(described["properties"]) == {*Experiment.model_fields, "extends"}
    assert described["required"] == ["data", "task", "model"]
    assert described["additionalProperties"] is False
    references = set(_refs(described))
    assert references
    assert all(each.removeprefix("#/$defs/") in described["$defs"] for each in references)


@pytest.mark.parametrize("kind", PARTS)
def test_the_schema_describes_every_key_of_every_component(kind: str) -> None:
    registry = REGISTRIES[kind]
    found = [(name, keys) for key, name, keys in _alternatives(json.loads(schema())) if key == registry.key]
    for name in registry.names():
        fields = {*registry.load(name).model_fields, registry.key}
        assert any(each == name and set(keys) == fields for each, keys in found), name


def undescribed() -> list[str]:
    # Optimizers and schedules carry Keras's own arguments, which Keras describes.
    return [
        f"{kind} {name}: {key}"
        for kind in PARTS if kind not in (OPTIMIZERS.kind, SCHEDULES.kind)
        for name in REGISTRIES[kind].names()
        for key, field in _class(kind, name).model_fields.items()
        if not field.description
    ]  # fmt: skip


def test_every_key_has_a_description() -> None:
    assert undescribed() == []
    for name, definition in json.loads(schema())["$defs"].items():
        if name in (
            "Validation",
            "SeriesValidation",
            "Calendar",
            "Holidays",
            "Training",
            "Buckets",
            "EarlyStopping",
            "ReduceOnPlateau",
            "SaveEvery",
            "Replicas",
        ):
            for key, each in definition["properties"].items():
                assert each.get("description"), f"{name}.{key}"


@pytest.mark.slow
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_spec_builds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rnnlab.errors import DataError
    from rnnlab.network import build_network
    from rnnlab.places import Places
    from rnnlab.training import prepare

    experiment = load_experiment(path)
    try:
        raw = experiment.data.splits(Places(path.parent))
    except DataError as error:
        pytest.skip(f"its data is not here: {error}")
    assert build_network(experiment, prepare(experiment, raw).pipeline.signature).count_params() > 0
