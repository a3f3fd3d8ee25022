"""Draw the figures of docs/cells.md and write its tables: `python docs/cells.py` from the root of the repository.

What the tables and the last figure say is read from networks that are built and run here; nothing is typed.

Axes: B batch, T time, F features, U units.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnnlab.architectures import ARCHITECTURES
from rnnlab.experiment import Experiment
from rnnlab.figures._style import AMBER, BLUE, GREEN, GREY, INK, LIGHT, ORANGE, PINK, SKY
from rnnlab.network import build_network
from rnnlab.signature import Field, Signature
from rnnlab.vocabulary import MARKS

PAGE = Path(__file__).with_name("cells.md")
FIGURES = Path(__file__).with_name("figures")
BATCH, STEPS, TOKENS = 2, 12, 5  # of the example that runs through each network; no size of a layer is one of these

# What each architecture is tried with: it differs from the defaults in sizes only, which fit on a page.
SERIES = Field("sequence", "series", (3,), ("x", "y", "z"))
FRAMES = Field("clip", "frames", (16, 16, 1))
SHOWN = {"Recurrent", "FrameDifferences"}
CLASSES = Field("label", "class", (), ("a", "b", "c", "d", "e"))
TEXT = Field("text", "string", (TOKENS - 1,), (*MARKS, *"abcde"))
CNN: dict[str, Any] = {"name": "cnn", "blocks": [{"filters": 8}], "units": 16}


@dataclass(frozen=True)
class Example:
    """An architecture as the page shows it: its keys, what goes in, and what is asked."""

    keys: dict[str, Any]
    field: Field = SERIES
    task: str = "classification"


EXAMPLES: dict[str, Example] = {
    "stacked_rnn": Example({"cell": "gru", "units": [8, 4]}),
    "conv_rnn": Example({"cell": "gru", "units": [8], "blocks": [{"filters": 16, "stride": 2}]}),
    "cnn_rnn": Example({"cell": "gru", "units": [8], "cnn": CNN}, FRAMES),
    "conv3d": Example({"blocks": [{"filters": 4, "pool_time": 2}, {"filters": 8}], "units": 16}, FRAMES),
    "two_stream": Example(
        {
            "cell": "gru",
            "units": [8],
            "spatial": CNN,
            "temporal": CNN,
        },
        FRAMES,
    ),
    "seq2seq": Example(
        {
            "encoder": {"architecture": "stacked_rnn", "cell": "gru", "units": [8]},
            "decoder": {"cell": "gru", "units": [8], "attention": "luong", "embedding_units": 4},
        },
        task="sequence_to_sequence",
    ),
    "vec2seq": Example(
        {"hidden_units": 16, "decoder": {"cell": "gru", "units": [8], "embedding_units": 4}},
        task="sequence_to_sequence",
    ),
}


@dataclass(frozen=True)
class Row:
    """What a layer gives.

    Attributes:
        name: the layer's, or the input's.
        kind: of layer.
        shapes: of its outputs: a batch that was run, and whether each axis is as long as the batch says.
        before: the names of the rows that it reads.
        parameters: how many.
        names: of the outputs, where a network gives several.
    """

    name: str
    kind: str
    shapes: tuple[tuple[tuple[int, bool], ...], ...]
    before: tuple[str, ...]
    parameters: int
    names: tuple[str, ...] = ("",)

    def said(self) -> str:
        """Return the shapes in letters."""
        letters = {BATCH: "B", STEPS: "T", STEPS // 2: "T/2", TOKENS: "L"}
        told = [", ".join(letters[size] if free else str(size) for size, free in shape) for shape in self.shapes]
        return ", ".join(f"{name} ({each})".strip() for name, each in zip(self.names, told, strict=True))


def built(name: str) -> Any:
    """Return the network of an architecture."""
    example = EXAMPLES[name]
    target = CLASSES if example.task == "classification" else TEXT
    spec = {
        "name": name,
        "data": {"source": "npz", "train": "train.npz"},
        "task": {"kind": example.task},
        "model": {"architecture": name, **example.keys},
    }
    experiment = Experiment.model_validate(spec)
    return build_network(experiment, Signature((example.field,), target))


def rows(network: Any) -> list[Row]:
    """Run a batch through a network, and return what goes in, and what each layer gives that is of another shape.

    Left out is what keeps the shape of what it reads, unless it is one of `SHOWN`, and what counts lengths.
    """
    import keras

    given = {}
    for name, each in network.input.items():
        if name == "lengths":
            given[name] = np.full(BATCH, STEPS, np.int32)
        else:
            given[name] = np.zeros((BATCH, TOKENS if name == "teacher" else STEPS, *each.shape[2:]), each.dtype)
    layers = [each for each in network.layers if not isinstance(each, keras.layers.InputLayer)]
    outputs = keras.Model(network.input, [keras.tree.flatten(each.output) for each in layers])(given)
    answers = {id(each): name for name, each in network.output.items()} if isinstance(network.output, dict) else {}
    found, named = {}, {}  # rows by the tensor that they give; of what is left out, the row before
    for name, each in network.input.items():
        if name != "lengths":
            named[id(each)] = found[name] = Row(name, "Input", (_sizes(each, given[name]),), (), 0)
    for layer, values in zip(layers, outputs, strict=True):
        read = [named[id(each)] for each in keras.tree.flatten(layer.input) if id(each) in named]
        symbols = keras.tree.flatten(layer.output)
        shapes = tuple(_sizes(*each) for each in zip(symbols, values, strict=True))
        if len(symbols[0].shape) < 2 or not read:
            continue
        if shapes == read[0].shapes and len(read) == 1 and type(layer).__name__ not in SHOWN:
            row = read[0]
        else:
            before = tuple(dict.fromkeys(each.name for each in read))
            names = tuple(answers.get(id(each), "") for each in symbols)
            kind = type(layer).__name__
            row = found[layer.name] = Row(layer.name, kind, shapes, before, layer.count_params(), names)
        named.update({id(each): row for each in symbols})
    return list(found.values())


def _sizes(symbol: Any, values: Any) -> tuple[tuple[int, bool], ...]:
    return tuple((size, known is None) for size, known in zip(values.shape, symbol.shape, strict=True))


def table(found: Sequence[Row]) -> str:
    """Return rows as a table of Markdown."""
    lines = ["| layer | kind | output | parameters |", "|---|---|---|--:|"]
    lines += [f"| `{row.name}` | {row.kind} | {row.said()} | {row.parameters or ''} |" for row in found]
    return "\n".join(lines)


def spec_of(name: str) -> str:
    """Return the model section of an example, as a spec has it."""
    import yaml

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    section = {"model": {"architecture": name, **EXAMPLES[name].keys}}
    return yaml.dump(section, Dumper=Plain, sort_keys=False, default_flow_style=None, width=110).strip()


def section(name: str) -> str:
    """Return what the page says of an architecture, between the marks that hold it."""
    words = (ARCHITECTURES.load(name).__doc__ or "").split("\n\n")[0].replace("\n", " ")
    figure = f"![The shapes in {name}](figures/dimensions_{name}.png)"
    block = f"```yaml\n{spec_of(name)}\n```"
    return f"### {name}\n\n{' '.join(words.split())}\n\n{block}\n\n{figure}\n\n{table(rows(built(name)))}"


def sections() -> str:
    return "\n\n".join(section(name) for name in ARCHITECTURES.names())


BEGIN, END = "<!-- what docs/cells.py writes begins -->", "<!-- and ends -->"


def rewritten(page: str, made: str) -> str:
    """Return the page with what was made between its marks."""
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n\n{made}\n\n{END}", page, flags=re.DOTALL)


# Figures of cells. Units of the drawing: tenths of an inch; y points up.

GATE = {"i": SKY, "f": AMBER, "c": PINK, "o": GREEN, "z": AMBER, "r": GREEN, "h": PINK}
STATE, INPUT, MEMORY = BLUE, "#3A7D5D", ORANGE  # colours of wires: h, x and c
WALLS = "#F3F3F3"  # what is within
WIDTH = 90.0
GATES_AT, H_AT, X_AT = 34.0, 27.0, 23.0  # heights of gates, and of the buses below them


class Sketch:
    """A canvas with one pencil for all cells."""

    def __init__(self, height: float, width: float = WIDTH, low: float = 0.0) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=(width / 10, (height - low) / 10), facecolor="white")
        FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(low, height))
        self.axes.set_axis_off()

    def box(self, x: float, y: float, text: str, colour: str, width: float = 7.0, height: float = 4.6) -> None:
        """Draw a layer: weights and a function, by its middle."""
        self._patch(x, y, width, height, colour, 0.55, 0.9)
        self.text(x, y, text, size=11)

    def frame(self, left: float, low: float, right: float, high: float) -> None:
        """Draw the walls of a cell."""
        self._patch((left + right) / 2, (low + high) / 2, right - left, high - low, WALLS, 1.0, 2.0, edge=LIGHT)

    def _patch(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        colour: str,
        strength: float,
        rounding: float,
        edge: str = INK,
    ) -> None:
        from matplotlib.colors import to_rgb
        from matplotlib.patches import FancyBboxPatch

        pale = tuple(1 - strength * (1 - each) for each in to_rgb(colour))
        shape = f"round,pad=0,rounding_size={rounding}"
        style: dict[str, Any] = {"facecolor": pale, "edgecolor": edge, "zorder": 4 if edge == INK else 0}
        self.axes.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, boxstyle=shape, **style))

    def operation(self, x: float, y: float, sign: str) -> None:
        """Draw what is done element by element: ×, + or 1 −."""
        from matplotlib.patches import Circle

        self.axes.add_patch(Circle((x, y), 1.7, facecolor="white", edgecolor=INK, linewidth=1, zorder=4))
        self.text(x, y, sign, size=11 if len(sign) == 1 else 8.5)

    def wire(self, *ends: tuple[float, float], colour: str = INK, arrow: bool = True, over: bool = False) -> None:
        """Draw a wire from end to end; `over` what was drawn before, it keeps a margin."""
        x, y = zip(*ends, strict=True)
        if over:
            inner = np.linspace(ends[-2], ends[-1], 100)[10:-10]
            self.axes.plot(*inner.T, color=WALLS, linewidth=6, solid_capstyle="butt", zorder=2)
        if arrow:
            way = {"arrowstyle": "-|>,head_width=0.22,head_length=0.45", "color": colour, "linewidth": 1.6}
            way |= {"shrinkA": 0, "shrinkB": 0}
            before = np.add(ends[-1], np.clip(np.subtract(ends[-2], ends[-1]), -1.2, 1.2))
            self.axes.annotate("", ends[-1], tuple(before), arrowprops=way, zorder=3)
            x, y = (*x[:-1], before[0]), (*y[:-1], before[1])
        self.axes.plot(x, y, color=colour, linewidth=1.6, solid_joinstyle="round", zorder=2)

    def dot(self, x: float, y: float, colour: str) -> None:
        """Draw where a wire parts."""
        self.axes.plot([x], [y], "o", color=colour, markersize=4.5, zorder=3)

    def text(self, x: float, y: float, text: str, size: float = 10.0, colour: str = INK, **style: Any) -> None:
        placed = {"ha": "center", "va": "center", "zorder": 5} | style
        self.axes.text(x, y, text, fontsize=size, color=colour, **placed)

    def save(self, name: str) -> None:
        self.figure.savefig(FIGURES / f"{name}.png", dpi=200, metadata={"Software": None})

    def strips(self, top: float, gates: str, kernels: Sequence[tuple[str, str, float]]) -> None:
        """Draw weights as strips of blocks, one a gate, in Keras' order.

        Args:
            top: where they begin.
            gates: their letters in order.
            kernels: of each its caption, the letter of each of its rows, and a row's height.
        """
        room = WIDTH / len(kernels)
        side = min((room - 6) / len(gates), 6.0)
        for number, (caption, letters, height) in enumerate(kernels):
            left = room * number + (room - side * len(gates)) / 2
            self.text(left + side * len(gates) / 2, top + 2.0, caption, size=10)
            for row, letter in enumerate(letters):
                for place, gate in enumerate(gates):
                    x, y = left + side * (place + 0.5), top - height * (row + 0.5)
                    self._patch(x, y, side, height, GATE[gate], 0.55, 0.01)
                    self.text(x, y, f"${letter}_{gate}$" if len(gates) > 1 else f"${letter}$", size=10)

    def gate(self, x: float, function: str, letter: str, of_x: bool = True, of_h: bool = True) -> None:
        """Draw a gate, and what it reads of the buses below it."""
        self.box(x, GATES_AT, function, GATE[letter])
        apart = 1.7 if of_x and of_h else 0.0
        if of_h:
            self.dot(x + apart, H_AT, STATE)
            self.wire((x + apart, H_AT), (x + apart, GATES_AT - 2.3), colour=STATE)
        if of_x:
            self.dot(x - apart, X_AT, INPUT)
            self.wire((x - apart, X_AT), (x - apart, GATES_AT - 2.3), colour=INPUT, over=of_h)

    def end(self, x: float, y: float, name: str, shape: str, colour: str) -> None:
        """Name what comes in or goes out, with its shape below."""
        self.text(x, y, name, size=13, colour=colour)
        self.text(x, y - 2.9, shape, size=8.5, colour=GREY)

    def ends(self, y: float, letter: str, colour: str) -> None:
        """Name what a cell carries from step to step, where it comes in and where it goes out."""
        self.end(4, y, f"${letter}_{{t-1}}$", "(B, U)", colour)
        self.end(86, y, f"${letter}_t$", "(B, U)", colour)


def draw_simple() -> Sketch:
    sketch = Sketch(43, low=3)
    sketch.frame(9, 27, 81, 41)
    sketch.ends(34, "h", STATE)
    sketch.end(45, 22, "$x_t$", "(B, F)", INPUT)
    sketch.wire((7, 34), (41.5, 34), colour=STATE)
    sketch.wire((45, 24), (45, 31.7), colour=INPUT)
    sketch.box(45, 34, "tanh", GATE["h"])
    sketch.wire((48.5, 34), (83.5, 34), colour=STATE)
    sketch.strips(10, "h", [("kernel (F, U)", "W", 5), ("recurrent_kernel (U, U)", "R", 5), ("bias (U,)", "b", 2.5)])
    return sketch


def with_gates(x: float, letter: str, colour: str) -> Sketch:
    """Return the canvas of a cell with gates, where x_t comes in from below and what is carried on stands on top."""
    sketch = Sketch(61, low=3)
    sketch.frame(9, 20.5, 81, 59.5)
    sketch.ends(55, letter, colour)
    sketch.text(x, 17.2, "$x_t$", size=13, colour=INPUT)
    sketch.text(x + 5, 17.2, "(B, F)", size=8.5, colour=GREY)
    return sketch


def draw_lstm() -> Sketch:
    sketch = with_gates(14, "c", MEMORY)
    sketch.ends(H_AT, "h", STATE)
    f, i, c, o, out = 24.0, 36.0, 47.0, 60.0, 71.0
    add = (i + c) / 2
    sketch.wire((7, H_AT), (o + 1.7, H_AT), colour=STATE, arrow=False)
    sketch.wire((14, 19), (14, X_AT), (o - 1.7, X_AT), colour=INPUT, arrow=False)
    for x, function, letter in ((f, "σ", "f"), (i, "σ", "i"), (c, "tanh", "c"), (o, "σ", "o")):
        sketch.gate(x, function, letter)
    top = GATES_AT + 2.3
    sketch.wire((7, 55), (f - 1.7, 55), colour=MEMORY)
    sketch.wire((f + 1.7, 55), (add - 1.7, 55), colour=MEMORY)
    sketch.wire((add + 1.7, 55), (83.5, 55), colour=MEMORY)
    sketch.wire((f, top), (f, 53.3))
    sketch.wire((i, top), (i, 44), (add - 1.7, 44))
    sketch.wire((c, top), (c, 44), (add + 1.7, 44))
    sketch.wire((add, 45.7), (add, 53.3))
    sketch.dot(out, 55, MEMORY)
    sketch.wire((out, 55), (out, 51.3), colour=MEMORY)
    sketch.box(out, 49, "tanh", "#FFFFFF")
    sketch.wire((out, 46.7), (out, 43.7))
    sketch.wire((o, top), (o, 42), (out - 1.7, 42))
    sketch.wire((out, 40.3), (out, H_AT), (83.5, H_AT), colour=STATE)
    for x, y, sign in ((f, 55, "×"), (add, 55, "+"), (add, 44, "×"), (out, 42, "×")):
        sketch.operation(x, y, sign)
    for x, name in ((f, "$f_t$"), (i, "$i_t$"), (c, r"$\tilde{c}_t$"), (o, "$o_t$")):
        sketch.text(x + (1 if x != i else -1), 39.2, name, size=11, ha="left" if x != i else "right")
    kernels = [("kernel (F, 4U)", "W", 5), ("recurrent_kernel (U, 4U)", "R", 5), ("bias (4U,)", "b", 2.5)]
    sketch.strips(10, "ifco", kernels)
    return sketch


def draw_gru() -> Sketch:
    sketch = with_gates(17, "h", STATE)
    z, r, candidate, out = 26.0, 38.0, 50.0, 66.0
    top = GATES_AT + 2.3
    sketch.wire((7, 55), (z - 1.7, 55), colour=STATE)
    sketch.wire((z + 1.7, 55), (out - 1.7, 55), colour=STATE)
    sketch.wire((out + 1.7, 55), (83.5, 55), colour=STATE)
    sketch.dot(13, 55, STATE)
    sketch.wire((13, 55), (13, H_AT), (candidate, H_AT), colour=STATE, arrow=False)
    sketch.wire((17, 19), (17, X_AT), (out, X_AT), (out, 39.7), colour=INPUT)
    sketch.gate(z, "σ", "z")
    sketch.gate(r, "σ", "r")
    sketch.gate(candidate, "$R_h$, $d_h$", "h", of_x=False)
    sketch.wire((z, top), (z, 53.3))
    sketch.dot(z, 48.5, INK)
    sketch.wire((z, 48.5), (r - 1.7, 48.5))
    sketch.wire((r + 1.7, 48.5), (out - 1.7, 48.5))
    sketch.wire((r, top), (r, 42), (candidate - 1.7, 42))
    sketch.wire((candidate, top), (candidate, 40.3))
    sketch.wire((candidate + 1.7, 42), (out - 3.5, 42))
    sketch.box(out, 42, "tanh", GATE["h"])
    sketch.wire((out, 44.3), (out, 46.8))
    sketch.wire((out, 50.2), (out, 53.3))
    for x, y, sign in ((z, 55, "×"), (out, 55, "+"), (r, 48.5, "1−"), (candidate, 42, "×"), (out, 48.5, "×")):
        sketch.operation(x, y, sign)
    for x, y, name in ((z, 39.2, "$z_t$"), (r, 39.2, "$r_t$"), (out, 45.4, r"$\tilde{h}_t$")):
        sketch.text(x + 1, y, name, size=11, ha="left")
    kernels = [("kernel (F, 3U)", "W", 5), ("recurrent_kernel (U, 3U)", "R", 5), ("bias (2, 3U)", "bd", 2.5)]
    sketch.strips(10, "zrh", kernels)
    return sketch


# Figures of dimensions: what each layer gives, to scale.

CELL, PIXEL, SHEET = 0.42, 0.28, 0.6  # of a step or feature, of a frame; between frames behind each other
CARD, HIGHEST = 27.0, 12.0  # of a row of cards, and of what is drawn on one
FAMILIES = (  # the ends of kinds of layers, and the colour of what they give
    (("Input",), GREY),
    (("Convolution",), AMBER),
    (("Recurrent", "Decoder"), SKY),
    (("Dense",), PINK),
    (("",), GREEN),  # no weights
)


def draw_dimensions(found: Sequence[Row]) -> Sketch:
    """Draw the rows of a table from left to right, each where all that it reads has been drawn; streams in rows."""
    columns: dict[str, int] = {}
    lanes: dict[str, int] = {}
    taken: set[str] = set()
    for row in found:
        columns[row.name] = max((columns[each] + 1 for each in row.before), default=0)
        follows = [each for each in row.before if each not in taken]
        taken.update(row.before)
        lanes[row.name] = lanes[follows[0]] if follows else max(lanes.values(), default=-1) + 1
    count = max(columns.values()) + 1
    # Inputs and streams that join later stand just before what reads them.
    for row in reversed(found):
        readers = [columns[each.name] for each in found if row.name in each.before]
        if not row.before and readers:
            columns[row.name] = min(readers) - 1
    width = min(WIDTH / count, 16.0)
    rows_ = max(lanes.values()) + 1
    sketch = Sketch(CARD * rows_)
    left = (WIDTH - width * count) / 2
    middle = {
        row.name: (left + width * (columns[row.name] + 0.5), CARD * (rows_ - 0.5 - lanes[row.name])) for row in found
    }
    for row in found:
        (to_x, to_y), to_half = middle[row.name], _half(row)
        for each in row.before:
            before = next(other for other in found if other.name == each)
            (from_x, from_y), from_half = middle[each], _half(before)
            start, end = (from_x + from_half + 0.5, from_y), (to_x - to_half - 0.7, to_y)
            between = range(columns[each] + 1, columns[row.name])
            if from_y != to_y:  # from another stream, a little aside, so that it does not run into this one's
                turn, aside = to_x - width / 2, to_y + (1.2 if from_y > to_y else -1.2)
                sketch.wire(start, (turn, from_y), (turn, aside), (end[0], aside), colour=GREY)
            elif any(columns[other] in between and lanes[other] == lanes[each] for other in columns):  # over these
                tops = [y + min(_extent(other)[1], HIGHEST) / 2 + 0.5 for other, y in ((before, from_y), (row, to_y))]
                over = to_y + HIGHEST / 2 + 1.0
                sketch.wire((from_x, tops[0]), (from_x, over), (to_x, over), (to_x, tops[1]), colour=GREY)
            else:
                sketch.wire(start, end, colour=GREY)
        _card(sketch, row, to_x, to_y)
    return sketch


def _extent(row: Row) -> tuple[float, float, int]:
    """Return width and height of what is drawn of a row, and how many sheets of it."""
    sizes = [size for size, _ in max(row.shapes, key=lambda shape: (shape[-1][0] != 1, len(shape)))][1:]
    if len(sizes) == 4:  # frames
        return sizes[2] * PIXEL, sizes[1] * PIXEL, 3
    if len(sizes) == 1 and not any(free for _, free in row.shapes[0][1:]):  # a vector stands upright
        return CELL, sizes[0] * CELL, 1
    return sizes[0] * CELL, (sizes[1] if len(sizes) > 1 else 1) * CELL, 1


def _half(row: Row) -> float:
    wide, _, sheets = _extent(row)
    return wide / 2 + (sheets - 1) * SHEET / 2


def _card(sketch: Sketch, row: Row, x: float, y: float) -> None:
    """Draw a row: its kind above, its shape below, and between them one example of it; rows are features."""
    from matplotlib.patches import Rectangle

    colour = next(colour for ends, colour in FAMILIES if row.kind.endswith(ends))
    wide, high, sheets = _extent(row)
    high = min(high, HIGHEST)
    for sheet in reversed(range(sheets)):
        shift = (sheet - (sheets - 1) / 2) * SHEET
        corner = (x - wide / 2 + shift, y - high / 2 + shift)
        sketch.axes.add_patch(Rectangle(corner, wide, high, facecolor="white", edgecolor="none", zorder=4))
        sketch.axes.add_patch(
            Rectangle(corner, wide, high, facecolor=colour, alpha=0.6, edgecolor=INK, linewidth=0.6, zorder=4)
        )
    if sheets == 1:
        style: dict[str, Any] = {"color": "white", "linewidth": 0.5, "zorder": 5}
        for place in np.arange(CELL, wide - CELL / 2, CELL):
            sketch.axes.plot([x - wide / 2 + place] * 2, [y - high / 2, y + high / 2], **style)
        if high < HIGHEST:
            for place in np.arange(CELL, high - CELL / 2, CELL):
                sketch.axes.plot([x - wide / 2, x + wide / 2], [y - high / 2 + place] * 2, **style)
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "\n", row.kind) if row.kind != "Input" else row.name
    sketch.text(x, y + 7.8, kind, size=8.5, va="bottom", linespacing=1.1)
    said = row.said().replace("), ", ")\n")
    if sheets > 1:
        said = said.replace(", ", ",\n", 2).replace(",\n", ", ", 1)
    sketch.text(x, y - 7.4, said, size=8, va="top", linespacing=1.2)


def main() -> None:
    FIGURES.mkdir(exist_ok=True)
    for name, draw in (("simple", draw_simple), ("lstm", draw_lstm), ("gru", draw_gru)):
        draw().save(f"cell_{name}")
    for name in ARCHITECTURES.names():
        draw_dimensions(rows(built(name))).save(f"dimensions_{name}")
    PAGE.write_text(rewritten(PAGE.read_text("utf-8"), sections()), "utf-8")


if __name__ == "__main__":
    main()
