"""The equations of docs/cells.md are Keras' layers, and its shapes those of networks that are built."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from rnnlab.architectures import ARCHITECTURES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "cells.md").read_text("utf-8")
CELLS = {"Simple RNN": keras.layers.SimpleRNN, "LSTM": keras.layers.LSTM, "GRU": keras.layers.GRU}
B, T, F, U = 3, 7, 2, 5


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def equations(title: str) -> list[tuple[str, str]]:
    """Return the lines of a cell's equations, as Python says them: (name, expression)."""
    (block,) = re.findall(r"```text\n(.*?)```", section(title), flags=re.DOTALL)
    lines = [re.split(r"\s{2,}", line)[0].split(" = ") for line in block.splitlines()]
    signs = {"_{t-1}": "_before", "×": "*", "−": "-"}
    return [
        (name, "".join(signs.get(part, part) for part in re.split(r"(_\{t-1\}|×|−)", right))) for name, right in lines
    ]


def weights_on_the_page(title: str) -> list[tuple[str, str, list[str]]]:
    """Return of each row of a cell's table the variable, its shape, and the names of its blocks."""
    rows = re.findall(r"^\| `(\w+)`(?: (\w))? \| (\(.*?\)) \| (.*?) \|", section(title), flags=re.MULTILINE)
    return [
        (variable, shape, re.findall(r"\b[WRbd]_\w\b", blocks) or [letter]) for variable, letter, shape, blocks in rows
    ]


def layer_of(title: str) -> Any:
    """Return Keras' layer with weights that are all different."""
    layer = CELLS[title](U, return_sequences=True)
    layer.build((B, T, F))
    random = np.random.default_rng(0)
    layer.set_weights([random.normal(size=each.shape).astype(np.float32) for each in layer.weights])
    return layer


@pytest.mark.parametrize("title", CELLS)
def test_the_equations_are_what_keras_computes(title: str) -> None:
    layer = layer_of(title)
    known: dict[str, Any] = {"tanh": np.tanh, "σ": lambda a: 1 / (1 + np.exp(-a))}
    for variable, (_, _, names) in zip(layer.weights, weights_on_the_page(title), strict=True):
        values = variable.numpy().astype(np.float64)
        rows = values.reshape(1, -1) if variable.name == "bias" else values  # of two biases, one row after the other
        blocks = np.split(rows, len(names), axis=1)
        known |= dict(zip(names, blocks, strict=True))
    known |= {"h_t": np.zeros((B, U)), "c_t": np.zeros((B, U))}
    x, states = np.random.default_rng(1).normal(size=(B, T, F)), []
    for t in range(T):
        known |= {"x_t": x[:, t], "h_before": known["h_t"], "c_before": known["c_t"]}
        for name, right in equations(title):
            known[name] = eval(right, {"__builtins__": {}}, known)  # noqa: S307 - the page's own line
        states.append(known["h_t"])
    np.testing.assert_allclose(np.stack(states, axis=1), layer(x.astype(np.float32)), atol=2e-6)


@pytest.mark.parametrize("title", CELLS)
def test_the_weights_have_the_names_and_shapes_of_the_page(title: str) -> None:
    told, sizes = weights_on_the_page(title), {"F": F, "U": U}
    layer = layer_of(title)
    assert [each[0] for each in told] == [variable.name for variable in layer.weights]
    for variable, (_, shape, _) in zip(layer.weights, told, strict=True):
        parts = re.findall(r"(\d*)([FU]?)[,)]", shape)
        assert list(variable.shape) == [
            int(times or 1) * sizes.get(letter, 1) for times, letter in parts if times or letter
        ]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "cells.py"))


def test_every_architecture_is_on_the_page_as_it_is_built(script: dict[str, Any]) -> None:
    """A new one needs an entry among the script's examples; then `python docs/cells.py` writes the page."""
    assert sorted(script["EXAMPLES"]) == sorted(ARCHITECTURES.names())
    assert script["rewritten"](PAGE, script["sections"]()) == PAGE


def test_every_figure_is_there_and_small() -> None:
    figures = re.findall(r"!\[.*?\]\((.*?)\)", PAGE)
    assert len(figures) == len(CELLS) + len(ARCHITECTURES.names())
    for figure in figures:
        assert (ROOT / "docs" / figure).stat().st_size < 150_000
