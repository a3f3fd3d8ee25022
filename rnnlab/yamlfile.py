"""YAML read with the place of every key and value, so that each mistake can name its line.

What YAML 1.1 would turn into something else in silence is refused (`no`, `12:30`, `010`) or read as everyone
means it (`1e-3` is a number, a date is text).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from rnnlab import bounded
from rnnlab.errors import SpecError, one_line
from rnnlab.strict import shown

MAX_DEPTH = 20
MAX_NODES = 20_000
MAX_BYTES = 1_000_000
MAX_KEY = 200  # characters
MAX_NUMBER = 100  # characters
MAX_NAME = 200  # characters of a file's name in a message
MAX_EXTENDED = 20  # files that extend one another

Location = tuple[int | str, ...]


@dataclass(frozen=True)
class Mark:
    """Where a key and its value stand, such as `a.yaml:4:3` and `a.yaml:4:9`."""

    key: str
    value: str


Marks = dict[Location, Mark]


@dataclass
class Document:
    """The values of a YAML file, and the mark of every location in them."""

    values: dict[str, Any]
    marks: Marks = field(default_factory=dict)

    def where(self, location: Location, *, key: bool = False) -> str:
        """Return the place of a location, or of the nearest ancestor that stands in a file."""
        for size in range(len(location), -1, -1):
            mark = self.marks.get(location[:size])
            if mark is not None:
                return mark.key if key and size == len(location) else mark.value
        return "spec"


class _Refused(yaml.MarkedYAMLError):
    """Valid YAML that does not belong into a spec."""


class _Loader(yaml.SafeLoader):
    """The safe loader without YAML 1.1's surprises; `_scalar` refuses what stays ambiguous.

    Aliases, tags, deep nesting and huge documents are refused before a value is built: YAML bombs are made of them.
    """

    depth = nodes = 0

    def get_single_node(self) -> yaml.Node | None:
        self.get_event()  # type: ignore[no-untyped-call] # the stream's start
        document = None if self.check_event(yaml.StreamEndEvent) else self.compose_document()
        if not self.check_event(yaml.StreamEndEvent):
            self._refuse("a second document begins here; remove `---`")
        return document

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self.nodes += 1
        if getattr(event, "tag", None) is not None:
            self._refuse(f"a tag ({one_line(event.tag, 80)}) is not allowed in specs; remove it")
        if isinstance(event, yaml.AliasEvent):
            self._refuse("aliases (*name) are not used in specs; write the value out, or use `extends`")
        too_deep = self.depth >= MAX_DEPTH and isinstance(event, yaml.CollectionStartEvent)
        if too_deep or self.nodes > MAX_NODES:
            self._refuse(f"nested deeper than {MAX_DEPTH} levels, or more than {MAX_NODES:,} values")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _refuse(self, problem: str) -> NoReturn:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        raise _Refused(None, None, problem, mark)


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":float", ":value", ":merge"))
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+|\.inf|\.Inf|\.INF)$|^\.(?:nan|NaN|NAN)$"),
    list("-+0123456789."),
)

_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")
_WORDS_FOR_BOOL = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def load(path: Path, settings: Iterable[str] = (), naming_keys: frozenset[str] = frozenset()) -> Document:
    """Read a YAML mapping, the files that it extends, and `KEY=VALUE` settings on top.

    A mapping is merged key by key into the one that it extends; a list or a value replaces; a section that names
    another component (by one of `naming_keys`) replaces the whole section.

    Args:
        path: the file.
        settings: `a.b=value` overrides, whose values are YAML.
        naming_keys: keys that name a component, such as `architecture`.

    Raises:
        SpecError: every mistake found, with its line.
    """
    document = _load_chain(path, naming_keys, ())
    mistakes: list[str] = []
    for setting in settings:
        try:
            _apply(document, setting, naming_keys)
        except SpecError as error:
            mistakes += error.mistakes
    if mistakes:
        raise SpecError(mistakes)
    return document


def parse(text: str, name: str) -> Document:
    """Read YAML text into values and marks; `name` stands for the file in messages."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except _Refused as error:
        raise SpecError([f"{_place_of(name, error.problem_mark)}: {error.problem}"]) from None
    except yaml.MarkedYAMLError as error:
        place = _place_of(name, error.problem_mark or error.context_mark)
        raise SpecError([f"{place}: not valid YAML: {error.problem or error.context}"]) from None
    except yaml.reader.ReaderError as error:
        place = _place(name, text, int(error.position))
        raise SpecError(
            [f"{place}: not valid YAML: the character #x{_code(error.character):04x} is not allowed"]
        ) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise SpecError([f"{name}: not valid YAML: {' '.join(str(error).split())}"]) from None
    document = Document({}, {(): Mark(f"{name}:1:1", f"{name}:1:1")})
    if node is None:
        raise SpecError([f"{name}:1:1: the file is empty; expected a mapping with `data`, `task` and `model`"])
    mistakes: list[str] = []
    values = _build(node, (), lambda mark: _place_of(name, mark), document.marks, mistakes)
    if mistakes:
        raise SpecError(mistakes)
    if not isinstance(values, dict):
        raise SpecError([f"{name}:1:1: expected a mapping (key: value); received {_kind(values)}"])
    document.values = values
    return document


def _load_chain(path: Path, naming_keys: frozenset[str], seen: tuple[Path, ...]) -> Document:
    name = one_line(str(path), MAX_NAME)
    document = parse(_read(path, name), name)
    if "extends" not in document.values:
        return document
    base = document.values.pop("extends")
    place = f"{document.where(('extends',))}: extends"
    if not isinstance(base, str):
        raise SpecError([f"{place}: expected the name of a YAML file; received {shown(base)}"])
    if len(seen) >= MAX_EXTENDED:
        raise SpecError([f"{place}: more than {MAX_EXTENDED} files that extend one another; join some of them"])
    try:
        target = (path.parent / base).resolve()
    except (OSError, RuntimeError):  # a link that leads to itself
        target = path.parent / base
    if target in (*seen, path.resolve()):
        raise SpecError([f"{place}: {one_line(base, MAX_NAME)} extends itself"])
    if not os.path.isfile(target):  # noqa: PTH113 - that of Path raises where a name is too long
        why = "not a file" if os.path.exists(target) else "no such file"  # noqa: PTH110 - likewise
        raise SpecError([f"{place}: {why}: {one_line(str(target), MAX_NAME)}"])
    below = _load_chain(path.parent / base, naming_keys, (*seen, path.resolve()))
    below.values.pop("name", None)  # a spec that extends another is another experiment
    _merge(below.values, document.values, (), (below.marks, document.marks), naming_keys)
    return below


def _read(path: Path, name: str) -> str:
    try:
        data = bounded.read_bytes(path, MAX_BYTES)
    except FileNotFoundError:
        raise SpecError([f"{name}: no such file"]) from None
    except OSError as error:
        raise SpecError([f"{name}: can't be read as a spec: {error.strerror}"]) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place(name, data[: error.start].decode("utf-8-sig", "replace"), error.start)
        raise SpecError([f"{place}: not UTF-8 text; save the file as UTF-8"]) from None


def _build(
    node: yaml.Node,
    location: Location,
    place: Callable[[Any], str],
    marks: Marks,
    mistakes: list[str],
) -> Any:
    if location not in marks:
        marks[location] = Mark(place(node.start_mark), place(node.start_mark))
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(node, location, place, marks, mistakes)
    if isinstance(node, yaml.SequenceNode):
        return [_build(each, (*location, index), place, marks, mistakes) for index, each in enumerate(node.value)]
    return _scalar(node, location, place(node.start_mark), mistakes)


def _build_mapping(
    node: yaml.MappingNode,
    location: Location,
    place: Callable[[Any], str],
    marks: Marks,
    mistakes: list[str],
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        at = place(key_node.start_mark)
        if not isinstance(key_node, yaml.ScalarNode):
            mistakes.append(f"{at}: a key must be a word; received {_kind_of_node(key_node)}")
            continue
        key = key_node.value
        if len(key) > MAX_KEY:
            mistakes.append(f"{at}: a key of {len(key):,} characters (limit {MAX_KEY})")
        elif _NO_CHARACTER.search(key):
            mistakes.append(f"{at}: a key holds a character that is none (\\0, or half of a pair); remove it")
        elif key == "<<":
            mistakes.append(f"{at}: merge keys (<<) are not used in specs; use `extends`")
        elif key in values:
            mistakes.append(f"{at}: {dotted((*location, key))}: the key stands twice; remove one")
        else:
            marks[(*location, key)] = Mark(at, place(value_node.start_mark))
            values[key] = _build(value_node, (*location, key), place, marks, mistakes)
    return values


def _scalar(node: yaml.Node, location: Location, at: str, mistakes: list[str]) -> Any:
    text, tag = str(node.value), node.tag.rpartition(":")[2]
    key = dotted(location)
    if _NO_CHARACTER.search(text):
        mistakes.append(f"{at}: {key}: the text holds a character that is none (\\0, or half of a pair); remove it")
        return None
    if tag == "bool" and text.lower() in _WORDS_FOR_BOOL:
        meant = _WORDS_FOR_BOOL[text.lower()]
        mistakes.append(f"{at}: {key}: `{text}` is {meant} in YAML; write {meant}, or '{text}' in quotes for the word")
        return None
    if tag in ("int", "float") and len(text) > MAX_NUMBER:
        told = f"`{text[:60]}…` can't be read as {tag}: {len(text):,} characters (limit {MAX_NUMBER})"
        mistakes.append(f"{at}: {key}: {told}")
        return None
    if tag == "int" and (":" in text or re.match(r"^[-+]?0[0-7_]+$", text)):
        value = yaml.safe_load(text)
        mistakes.append(f"{at}: {key}: `{text}` is the number {value} in YAML; write {value}, or '{text}' in quotes")
        return None
    try:
        return yaml.SafeLoader("").construct_object(yaml.ScalarNode(node.tag, text))
    except (ValueError, yaml.YAMLError):
        mistakes.append(f"{at}: {key}: `{text}` can't be read as {tag}")
        return None


def _merge(
    under: dict[str, Any],
    over: dict[str, Any],
    location: Location,
    marks: tuple[Marks, Marks],
    naming_keys: frozenset[str],
) -> None:
    """Lay the mapping `over` over `under`, both at this location; `marks` are those of the one and of the other."""
    below, above = marks
    for key, value in over.items():
        here = (*location, key)
        if isinstance(value, dict) and isinstance(under.get(key), dict) and _same(under[key], value, naming_keys):
            below[here] = above[here]
            _merge(under[key], value, here, marks, naming_keys)
        else:
            under[key] = value
            _replace_marks(here, below, above)


def _replace_marks(location: Location, below: Marks, above: Marks) -> None:
    for known in [each for each in below if each[: len(location)] == location]:
        del below[known]
    below.update({each: mark for each, mark in above.items() if each[: len(location)] == location})


def _same(under: dict[str, Any], over: dict[str, Any], naming_keys: frozenset[str]) -> bool:
    return all(under.get(key) == over[key] for key in naming_keys & over.keys())


def _apply(document: Document, setting: str, naming_keys: frozenset[str]) -> None:
    key, equals, text = setting.partition("=")
    name = one_line(f"--set {setting}" if setting.isprintable() else f"--set {setting!r}", MAX_NAME)
    parts = key.strip().split(".")
    if not equals or not all(parts) or _NO_CHARACTER.search(key):
        raise SpecError([f"{name}: expected KEY=VALUE, such as training.epochs=5"])
    if len(parts) > MAX_DEPTH or len(key) > MAX_DEPTH * MAX_KEY or len(text) > MAX_BYTES:
        limits = f"{MAX_DEPTH} levels, {MAX_KEY} characters a key and {MAX_BYTES:,} a value"
        raise SpecError([f"{name}: longer than what a spec may hold ({limits})"])
    mark = Mark(name, name)
    target, location = _find(document, parts[:-1], mark)
    value, places = _setting_value(text, name, dotted((*location, parts[-1])))
    if isinstance(target, list):
        index = _index(target, parts[-1], location, name)
        here = (*location, index)
        target[index] = value
        _replace_marks(here, document.marks, {(*here, *place): mark for place in places})
    else:
        above = {(*location, parts[-1], *place): mark for place in places}
        _merge(target, {parts[-1]: value}, location, (document.marks, above), naming_keys)


def _find(document: Document, parts: list[str], mark: Mark) -> tuple[Any, Location]:
    """Return the mapping or list that a dotted key names, and its location; mappings that are not there are made."""
    target: Any = document.values
    location: Location = ()
    for part in parts:
        if isinstance(target, list):
            location = (*location, _index(target, part, location, mark.key))
        else:
            location = (*location, part)
            if target.get(part) is None:
                target[part] = {}
                document.marks[location] = mark
        target = target[location[-1]]
        if not isinstance(target, (dict, list)):
            raise SpecError([f"{mark.key}: {dotted(location)} is not a mapping in the spec"])
    return target, location


def _index(target: list[Any], part: str, location: Location, name: str) -> int:
    if not part.isdecimal() or len(part) > len(str(len(target))) or int(part) >= len(target):
        raise SpecError([f"{name}: {dotted(location)} is a list of {len(target)}; no element {part}"])
    return int(part)


def _setting_value(text: str, name: str, key: str) -> tuple[Any, list[Location]]:
    """Return the value of `--set`, read as YAML, and every location in it."""
    try:
        parsed = parse("value: " + text if "\n" not in text else f"value:\n{text}", name)
    except SpecError as error:
        # Lines and columns would be those of the YAML made up here, and so would the key.
        told = [re.sub(r"^:\d+:\d+: (value: )?", ": ", each.removeprefix(name)) for each in error.mistakes]
        raise SpecError([f"{name}{each}" for each in told]) from None
    if list(parsed.values) != ["value"]:
        raise SpecError([f"{name}: expected one value for {key}"])
    return parsed.values["value"], [place[1:] for place in parsed.marks if place]


def _code(character: int | str) -> int:
    return character if isinstance(character, int) else ord(character)


def _place_of(name: str, mark: Any) -> str:
    return f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name


def _place(name: str, text: str, position: int) -> str:
    """Return `name:line:column` of a position in a text."""
    before = text[:position]
    return f"{name}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def dotted(location: Location) -> str:
    """Return a location as messages write it, such as `model.units.0`, always on one line."""
    return (
        ".".join(part if isinstance(part, str) and part and part.isprintable() else repr(part) for part in location)
        or "spec"
    )


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else "text" if isinstance(value, str) else repr(value)


def _kind_of_node(node: yaml.Node) -> str:
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
