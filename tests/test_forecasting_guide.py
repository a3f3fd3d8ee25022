"""What docs/forecasting.md shows is what happens."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_readme import call

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "forecasting.md").read_text("utf-8")
QUICK = ["--set", "training.epochs=1", "--set", "task.stride=14"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the guide's spec and table, where they are in a checkout."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "configs" / "sales.yaml").write_text((ROOT / "configs" / "sales.yaml").read_text("utf-8"), "utf-8")
    runpy.run_path(str(ROOT / "data" / "make_sales.py"))["write"](tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RNNLAB_DATA_DIR", raising=False)
    return tmp_path


def run(console: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    for line in console.splitlines():
        command = shlex.split(line.removeprefix("$ "))
        if command[0] == "python":
            continue
        quick = QUICK if command[1] == "train" else []
        if any("tbptt" in part for part in command):  # which asks every step
            quick = quick[:2]
        code, out, err = call([*command[1:], *quick], monkeypatch, capsys)
        assert code == 0, f"{line}\n{err}"
        assert out or "--output" in command


def test_the_spec_is_the_shipped_one() -> None:
    shipped = yaml.safe_load((ROOT / "configs" / "sales.yaml").read_text("utf-8"))
    assert yaml.safe_load(blocks("yaml")[0]) == shipped


def test_the_table_begins_as_shown(checkout: Path) -> None:
    made = (checkout / "data" / "sales.csv").read_text("utf-8").splitlines()
    assert blocks("csv")[0].splitlines() == made[:3]


@pytest.mark.slow
def test_the_walk_and_its_code_work(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(blocks("console")[0], monkeypatch, capsys)
    assert (checkout / "forecast.csv").read_text("utf-8").startswith("series,time,sales\nHarbour,2024-01-08,")
    exec(compile("\n".join(blocks("python")), "docs/forecasting.md", "exec"), {"__name__": "guide"})  # noqa: S102, the guide's own code
    *_, shape, difference = capsys.readouterr().out.splitlines()
    assert shape == "(1, 14, 1)"
    assert float(difference) < 1e-3


BACKTEST, LONG_MEMORY = blocks("console")[1:]


@pytest.mark.slow
@pytest.mark.parametrize(
    "console", [pytest.param(BACKTEST, id="backtest"), pytest.param(LONG_MEMORY, id="long memory")]
)
def test_the_other_commands_work(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], console: str
) -> None:
    run(console, monkeypatch, capsys)


def test_a_value_that_nothing_fills_in_is_refused_with_its_column(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    transforms = "transforms=[{name: impute, columns: [sales]}, standardize]"
    code, _, err = call(["check", "configs/sales.yaml", "--set", transforms], monkeypatch, capsys)
    assert code == 2
    assert "series 'Harbour' has no value of 'price' at 2022-05-16" in err


def test_a_static_value_that_nothing_fills_in_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [f"2024-0{month}-{day:02d}" for month in range(1, 7) for day in range(1, 29)]
    rows = [
        f"{shop},{day},{number % 7},{size}" for shop, size in (("a", 3), ("b", "")) for number, day in enumerate(days)
    ]
    (tmp_path / "shops.csv").write_text("\n".join(["shop,day,sold,size", *rows]) + "\n", "utf-8")
    (tmp_path / "shops.yaml").write_text(
        "data: {source: series, file: shops.csv, layout: long, id: shop, time: day, target: sold, static: [size]}\n"
        "transforms: [{name: impute, columns: [sold]}, standardize]\n"
        "task: {kind: forecasting, history: 7, horizon: 2}\n"
        "model: {architecture: stacked_rnn, units: [4]}\n",
        "utf-8",
    )
    code, _, err = call(["check", str(tmp_path / "shops.yaml")], monkeypatch, capsys)
    assert code == 2
    assert "series 'b' has no value of 'size'" in err
