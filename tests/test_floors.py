"""The floors: a module imports only from floors below, or from its own package.

Within a floor the line's order counts too, so that there is no circle anywhere.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import rnnlab

PACKAGE = Path(rnnlab.__file__).parent
FLOORS = {
    "F0": "errors bounded signals quiet strict archives midi signature record registry",
    "F1": "yamlfile rundir places examples vocabulary entities frequency calendars panel windows pixels waveforms "
    "decoding layers history manifest optimizers settings sources",
    "F2": "transforms plan",
    "F3": "preparation augmentations stems architectures heads metrics baselines figures",
    "F4": "batches tasks",
    "F5": "experiment",
    "F6": "network prediction",
    "F7": "training evaluation export generation",
    "F8": "rnnlab",  # the door to the package: `rnnlab.load`
    "F9": "cli __main__",
}
# A name and a version, which every floor may ask for.
KNOWN_TO_ALL = {("rnnlab", "__version__")}
ORDER = {name: place for place, name in enumerate(" ".join(FLOORS.values()).split())}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def owner(module: str) -> str:
    """Return the part that a module belongs to: `rnnlab.layers.time` to layers, `rnnlab` to itself."""
    return module.split(".")[1] if "." in module else module


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, part) of every import of rnnlab, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.split(".")[0] == "rnnlab"]
            yield from ((node.lineno, name) for name in names if name != "rnnlab" or _is_used_beyond(source, node))
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "relative"  # the house writes names out
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rnnlab":
            for alias in node.names:
                if node.module != "rnnlab":
                    yield node.lineno, node.module or ""
                elif ("rnnlab", alias.name) not in KNOWN_TO_ALL:
                    inside = (PACKAGE / alias.name).exists() or (PACKAGE / f"{alias.name}.py").exists()
                    yield node.lineno, f"rnnlab.{alias.name}" if inside else "rnnlab"


def _is_used_beyond(source: str, node: ast.Import) -> bool:
    """Whether `import rnnlab` serves for more than what is known to all."""
    used = {
        (each.value.id, each.attr)
        for each in ast.walk(ast.parse(source))
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == "rnnlab"
    }
    return not used <= KNOWN_TO_ALL


def violations(source: str, module: str) -> list[str]:
    here = owner(module)
    return [
        f"{module}:{line}: imports {imported}, which is not on a floor below"
        for line, imported in imports(source)
        if owner(imported) != here and ORDER.get(owner(imported), len(ORDER)) >= ORDER[here]
    ]


def test_every_module_has_its_floor() -> None:
    found = {owner(name_of(path)) for path in modules()}
    assert found == set(ORDER), "put a new module on a floor, in FLOORS"


def test_the_floors_that_contributors_read_of_are_these() -> None:
    page = (PACKAGE.parent / "CONTRIBUTING.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d) \| (.*)\|$", page, flags=re.MULTILINE)
    told = {f"F{number}": set(re.findall(r"`(\w+)/?`", row)) for number, row in rows}
    assert told == {floor: set(names.split()) for floor, names in FLOORS.items()}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_imports_from_floors_below(path: Path) -> None:
    assert violations(path.read_text("utf-8"), name_of(path)) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("rnnlab.layers.time", "from rnnlab.tasks import Task"),
        ("rnnlab.layers", "def build():\n    import rnnlab.export.keras"),
        ("rnnlab.strict", "from rnnlab import experiment"),
        ("rnnlab.strict", "from rnnlab import load"),
        ("rnnlab.strict", "import rnnlab\nrnnlab.load('run')"),
        ("rnnlab.sources.npz", "from .. import cli"),
        ("rnnlab.places", "from rnnlab.sources import Source"),
        ("rnnlab.training.loop", "if TYPE_CHECKING:\n    from rnnlab.cli import main"),
        ("rnnlab.plan", "from rnnlab.unheard_of import thing"),
    ],
)
def test_a_violation_is_found(module: str, source: str) -> None:
    """Or else the test above could not fail."""
    assert violations(source, module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("rnnlab.layers.pooling", "from rnnlab.layers.time import valid_steps"),
        ("rnnlab.export.keras", "from rnnlab.prediction import Predictor"),
        ("rnnlab.manifest", "import rnnlab\nprint(rnnlab.__version__)"),
        ("rnnlab.experiment", "from rnnlab import yamlfile"),
        ("rnnlab.strict", "import numpy, rnnlabel"),
    ],
)
def test_what_is_allowed_is_let_through(module: str, source: str) -> None:
    assert not violations(source, module)
