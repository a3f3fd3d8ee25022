"""A YAML file is read as everyone means it, or refused with the place; nothing in it runs, and nothing is lost."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from rnnlab import yamlfile
from rnnlab.errors import SpecError

NAMING = frozenset({"architecture", "name", "kind", "source"})


def values_of(text: str) -> object:
    return yamlfile.parse(text, "a.yaml").values


def mistakes_of(text: str) -> list[str]:
    with pytest.raises(SpecError) as error:
        yamlfile.parse(text, "a.yaml")
    return error.value.mistakes


def load(folder: Path, settings: tuple[str, ...] = (), **files: str | bytes) -> yamlfile.Document:
    """Write `NAME.yaml` for each file, and load the first one."""
    for name, text in files.items():
        (folder / f"{name}.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return yamlfile.load(folder / f"{next(iter(files))}.yaml", settings, NAMING)


def load_mistakes(folder: Path, settings: tuple[str, ...] = (), **files: str | bytes) -> list[str]:
    with pytest.raises(SpecError) as error:
        load(folder, settings, **files)
    return [each.replace(f"{folder}/", "") for each in error.value.mistakes]


# What YAML 1.1 would turn into something else


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1e-3", 1e-3),
        ("1E3", 1000.0),
        ("-2.5e-4", -2.5e-4),
        (".5", 0.5),
        ("3.", 3.0),
        ("3", 3),
        ("-7", -7),
        ("1_000", 1000),
        ("0x1F", 31),
        ("0", 0),
        (".inf", math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("2020-01-01", "2020-01-01"),
        ("2020-01-01 10:00:00", "2020-01-01 10:00:00"),
        ("1.5:30", "1.5:30"),
        ("y", "y"),
        ("1e", "1e"),
        ("=", "="),
        ("'no'", "no"),
        ('"012"', "012"),
        ("'12:30'", "12:30"),
    ],
)
def test_a_scalar_is_read_as_everyone_means_it(written: str, meant: object) -> None:
    (value,) = values_of(f"a: {written}\n").values()  # type: ignore[attr-defined]
    assert value == meant
    assert type(value) is type(meant)


@pytest.mark.parametrize("word", ["yes", "Yes", "no", "NO", "on", "On", "off", "OFF"])
def test_words_that_yaml_takes_for_truth_values_are_refused(word: str) -> None:
    (line,) = mistakes_of(f"x: 1\na: {word}\n")
    assert line.startswith(f"a.yaml:2:4: a: `{word}` is ")


@pytest.mark.parametrize("number", ["010", "-012", "0_7", "00", "12:30", "1:30:00"])
def test_octal_and_sexagesimal_numbers_are_refused(number: str) -> None:
    (line,) = mistakes_of(f"a: [1, {number}]\n")
    assert line.startswith(f"a.yaml:1:8: a.1: `{number}` is the number ")


def test_words_that_yaml_takes_for_truth_values_are_fine_as_keys() -> None:
    assert values_of("yes: 1\non: 2\n3: 4\n") == {"yes": 1, "on": 2, "3": 4}


def test_a_key_that_stands_twice_is_refused_at_its_second_place() -> None:
    assert mistakes_of("a:\n  b: 1\n  c: 2\n  b: 3\n") == ["a.yaml:4:3: a.b: the key stands twice; remove one"]


def test_several_mistakes_are_told_in_the_file_order() -> None:
    lines = mistakes_of("a: {b: 1, b: 2}\nc: no\nd: 012\n[1]: 2\n")
    assert [line.split(" ")[0] for line in lines] == ["a.yaml:1:11:", "a.yaml:2:4:", "a.yaml:3:4:", "a.yaml:4:1:"]


# What does not belong into a spec


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("a: &x 1\nb: *x\n", "2:4", "aliases"),
        ("a: &a [*a]\n", "1:8", "aliases"),
        ("a: {<<: {b: 1}}\n", "1:5", "merge keys"),
        ("a: 1\n---\nb: 2\n", "2:1", "second document"),
        ("? [a]\n: 2\n", "1:3", "a key must be a word"),
        ("{a: 1}: 2\n", "1:1", "a key must be a word"),
        ("k" * 300 + ": 1\n", "1:1", "a key of 300 characters"),
        ("a:\n\tb: 1\n", "2:1", "not valid YAML"),
        ("a: [1\n", "2:1", "not valid YAML"),
        ("a: b: c\n", "1:5", "not valid YAML"),
        ("a: @x\n", "1:4", "not valid YAML"),
        ("a: 1\nb: \x00\n", "2:4", "character #x0000"),
        ("a: \x1b[31m\n", "1:4", "character #x001b"),
        ('a: "\\0"\n', "1:4", "a character that is none"),
        ('a: "\\ud800"\n', "1:4", "a character that is none"),
        ("a: 9" + "9" * 5000 + "\n", "1:4", "can't be read as int"),
        ("", "1:1", "empty"),
        ("# only a comment\n", "1:1", "empty"),
        ("- a\n", "1:1", "expected a mapping (key: value); received a list"),
        ("text\n", "1:1", "expected a mapping (key: value); received text"),
        ("3\n", "1:1", "expected a mapping (key: value); received 3"),
    ],
)
def test_what_is_no_spec_is_refused_on_one_line_with_its_place(text: str, place: str, says: str) -> None:
    (line,) = mistakes_of(text)
    assert line.startswith(f"a.yaml:{place}: ")
    assert says in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "tagged",
    [
        "!!python/object:os.system x",
        "!!python/object/apply:os.system [x]",
        "!!python/name:os.system",
        "!!python/object/new:os.system {args: [x]}",
        "!!set {x, y}",
        "!!omap [x: 1]",
        "!!binary aGk=",
        "!!timestamp 2020-01-01",
        "!!bool x",
        "!!int x",
        "!!map [1]",
        "!foo {b: 1}",
        "! x",
        "!<tag:yaml.org,2002:int> 3",
    ],
)
def test_no_tag_is_allowed_on_any_kind_of_value(tagged: str) -> None:
    (line,) = mistakes_of(f"x: 1\na: {tagged}\n")
    assert line.startswith("a.yaml:2:4: ")
    assert "tag" in line


def test_a_tag_on_the_whole_file_is_refused() -> None:
    assert "tag" in mistakes_of("!!python/object:x.Y {a: 1}\n")[0]


@pytest.mark.parametrize(
    "bomb",
    [
        "a: " + "[" * 5000 + "\n",
        "a: " + "{b: " * 5000 + "\n",
        "- " * 5000 + "\n",
        "? " * 5000 + "\n",
        "a: [" + "1," * 30_000 + "]\n",
        "\n".join(["a: &a [x, x]"] + [f"{b}: &{b} [*{a}, *{a}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]),
    ],
    ids=["lists", "mappings", "sequences", "keys", "values", "aliases"],
)
def test_a_bomb_is_refused_quickly_before_anything_is_built(bomb: str) -> None:
    started = time.process_time()
    (line,) = mistakes_of(bomb)
    assert time.process_time() - started < 10
    assert len(line) < 300


def test_a_depth_that_a_spec_may_have_is_read() -> None:
    assert values_of("a: {b: {c: {d: [[1]]}}}") == {"a": {"b": {"c": {"d": [[1]]}}}}


def test_a_mark_at_the_file_start_is_skipped(tmp_path: Path) -> None:
    assert load(tmp_path, a=b"\xef\xbb\xbfa: 1\n").values == {"a": 1}


def test_line_ends_of_every_system_count_as_one_line(tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):
        assert load_mistakes(tmp_path, a=f"x: 1{end}a: 1{end}a: 2{end}")[0].startswith("a.yaml:3:1: ")


def test_a_file_that_is_not_utf_8_is_refused_with_its_place(tmp_path: Path) -> None:
    assert load_mistakes(tmp_path, a=b"a: b\n\nc: \xe9\n")[0].startswith("a.yaml:3:4: not UTF-8")
    assert load_mistakes(tmp_path, a="a: b\n".encode("utf-16"))[0].startswith("a.yaml:1:1: not UTF-8")


def test_a_file_that_is_missing_a_folder_or_too_large_is_refused(tmp_path: Path) -> None:
    for path, says in ((tmp_path / "none.yaml", "no such file"), (tmp_path, "can't be read")):
        with pytest.raises(SpecError, match=says):
            yamlfile.load(path)
    assert "too large" in load_mistakes(tmp_path, a="# " + "x" * 1_100_000)[0]


# extends


def test_extends_lays_a_file_over_another_key_by_key(tmp_path: Path) -> None:
    document = load(tmp_path, b="extends: a.yaml\nt: {y: 3, l: [9]}\nn: 1\n", a="t: {x: 1, y: 2, l: [1, 2]}\nm: 0\n")
    assert document.values == {"t": {"x": 1, "y": 3, "l": [9]}, "m": 0, "n": 1}


def test_extends_goes_through_a_chain_and_other_folders(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.yaml").write_text("extends: a.yaml\ny: 2\n")
    (tmp_path / "sub" / "a.yaml").write_text("x: 1\ny: 1\nz: 1\n")
    assert load(tmp_path, c="extends: sub/b.yaml\nz: 3\n").values == {"x": 1, "y": 2, "z": 3}


@pytest.mark.parametrize("key", sorted(NAMING))
def test_a_section_that_names_another_component_replaces_the_whole_section(tmp_path: Path, key: str) -> None:
    document = load(tmp_path, b=f"extends: a.yaml\ns: {{{key}: new, v: 1}}\n", a=f"s: {{{key}: old, u: 2}}\n")
    assert document.values == {"s": {key: "new", "v": 1}}


def test_a_section_that_names_the_same_component_or_none_is_merged(tmp_path: Path) -> None:
    for again in ("name: old, ", ""):
        document = load(tmp_path, b=f"extends: a.yaml\ns: {{{again}v: 1}}\n", a="s: {name: old, u: 2}\n")
        assert document.values == {"s": {"name": "old", "u": 2, "v": 1}}


def test_marks_after_merging_name_the_file_that_a_key_came_from(tmp_path: Path) -> None:
    document = load(
        tmp_path,
        b="extends: a.yaml\nt:\n  y: 3\n  s: {name: new}\n",
        a="t:\n  x: 1\n  y: 2\n  s: {name: old, u: 1}\nl: [1]\n",
    )

    def where(*location: str | int) -> str:
        return document.where(location).replace(f"{tmp_path}/", "")

    assert where("t", "x") == "a.yaml:2:6"
    assert where("t", "y") == "b.yaml:3:6"
    assert where("t", "s", "name") == "b.yaml:4:13"
    assert where("t", "s", "u") == "b.yaml:4:6"  # gone with the section; the nearest that stands is named
    assert where("l", 0) == "a.yaml:5:5"
    assert document.where(("t", "y"), key=True).endswith("b.yaml:3:3")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a": "extends: a.yaml\n"}, "a.yaml:1:10: extends: a.yaml extends itself"),
        ({"a": "extends: b.yaml\n", "b": "x: 1\nextends: a.yaml\n"}, "b.yaml:2:10: extends: a.yaml extends itself"),
        ({"a": "extends: none.yaml\n"}, "a.yaml:1:10: extends: no such file"),
        ({"a": "extends: .\n"}, "a.yaml:1:10: extends: not a file"),
        ({"a": "extends: " + "x" * 5000 + "\n"}, "a.yaml:1:10: extends: no such file"),
        ({"a": "extends: 3\n"}, "a.yaml:1:10: extends: expected the name of a YAML file; received 3"),
        ({"a": "extends: [b.yaml]\n"}, "a.yaml:1:10: extends: expected the name"),
        ({"a": "extends:\n"}, "a.yaml:1:9: extends: expected the name"),
        ({"a": "extends: b.yaml\n", "b": "x: no\n"}, "b.yaml:1:4: x: `no`"),
        ({"a": "extends: b.yaml\n", "b": ""}, "b.yaml:1:1: the file is empty"),
    ],
)
def test_what_can_not_be_extended_is_refused_in_the_file_that_says_so(
    tmp_path: Path, files: dict[str, str], says: str
) -> None:
    (line,) = load_mistakes(tmp_path, **files)
    assert line.startswith(says)


# --set

SPEC = "t:\n  x: 1\n  s: {name: old, u: 1}\nl:\n  - {a: 1}\n  - 2\nn: null\n"


@pytest.mark.parametrize(
    ("setting", "changed"),
    [
        ("new=3", {"new": 3}),
        ("new=", {"new": None}),
        ("new=a=b", {"new": "a=b"}),
        ("new='no'", {"new": "no"}),
        ("new=1e-3", {"new": 1e-3}),
        ("new=[1, {b: 2}]", {"new": [1, {"b": 2}]}),
        ("new.deep.er=3", {"new": {"deep": {"er": 3}}}),
        ("n.x=3", {"n": {"x": 3}}),
        ("t.x=2", {"t": {"x": 2, "s": {"name": "old", "u": 1}}}),
        ("t={x: 2}", {"t": {"x": 2, "s": {"name": "old", "u": 1}}}),
        ("t={s: {u: 2}}", {"t": {"x": 1, "s": {"name": "old", "u": 2}}}),
        ("t.s={name: new}", {"t": {"x": 1, "s": {"name": "new"}}}),
        ("t.s={name: old, v: 2}", {"t": {"x": 1, "s": {"name": "old", "u": 1, "v": 2}}}),
        ("t.s=bare", {"t": {"x": 1, "s": "bare"}}),
        ("l.0=5", {"l": [5, 2]}),
        ("l.1={b: 1}", {"l": [{"a": 1}, {"b": 1}]}),
        ("l.0.a=5", {"l": [{"a": 5}, 2]}),
        ("l=[]", {"l": []}),
    ],
)
def test_a_setting_overrides_one_key(tmp_path: Path, setting: str, changed: dict[str, object]) -> None:
    before = load(tmp_path, a=SPEC).values
    assert load(tmp_path, (setting,), a=SPEC).values == {**before, **changed}


def test_settings_apply_in_their_order(tmp_path: Path) -> None:
    assert load(tmp_path, ("t.x=2", "t.x=3", "t.y=4"), a=SPEC).values["t"] == {
        "x": 3,
        "y": 4,
        "s": {"name": "old", "u": 1},
    }


def test_a_setting_means_the_same_as_a_file_that_extends(tmp_path: Path) -> None:
    for text in ("{x: 5}", "{s: {name: new}}", "{s: {w: 1}}", "{y: {z: 1}}", "3"):
        extended = load(tmp_path, b=f"extends: a.yaml\nt: {text}\n", a=SPEC).values
        assert load(tmp_path, (f"t={text}",), a=SPEC).values == extended


@pytest.mark.parametrize("setting", ["t.x=9", "t={x: 9}", "t={s: {u: 9}}", "l.0.a=9", "l.0={a: 9}", "new.deep.er=9"])
def test_what_a_setting_gave_is_placed_at_the_setting(tmp_path: Path, setting: str) -> None:
    document = load(tmp_path, (setting,), a=SPEC)
    (location,) = _locations_of(document.values, 9)
    assert document.where(location) == f"--set {setting}"
    assert document.where(("t", "s", "name")).endswith("a.yaml:3:13")


def _locations_of(values: object, wanted: int, here: tuple[int | str, ...] = ()) -> list[tuple[int | str, ...]]:
    if isinstance(values, (dict, list)):
        pairs = values.items() if isinstance(values, dict) else enumerate(values)
        return [each for key, value in pairs for each in _locations_of(value, wanted, (*here, key))]
    return [here] if values == wanted else []


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("t.x", "expected KEY=VALUE"),
        ("=3", "expected KEY=VALUE"),
        ("", "expected KEY=VALUE"),
        ("t.=3", "expected KEY=VALUE"),
        ("t..x=3", "expected KEY=VALUE"),
        ("t.x.y=3", "t.x is not a mapping"),
        ("l.2=3", "l is a list of 2; no element 2"),
        ("l.-1=3", "l is a list of 2; no element -1"),
        ("l.a=3", "l is a list of 2; no element a"),
        ("l.7.a=3", "l is a list of 2; no element 7"),
        ("l.1.a=3", "l.1 is not a mapping"),
        ("t.x=[1", "not valid YAML"),
        ("t.x=no", "`no` is false"),
        ("t.x={a: 1, a: 2}", "the key stands twice"),
        ("t.x=!!python/object:os.system x", "tag"),
        ("t.x=*a", "aliases"),
        ("t.x=1\nb: 2", "not valid YAML"),
        ("t.x=\nb: 2", "expected one value"),
    ],
)
def test_a_setting_that_can_not_be_followed_is_one_line_that_repeats_it(
    tmp_path: Path, setting: str, says: str
) -> None:
    (line,) = load_mistakes(tmp_path, (setting,), a=SPEC)
    assert line.startswith(f"--set {setting}: " if setting.isprintable() else "--set '")
    assert says in line
    assert "\n" not in line
    assert ":1:" not in line.removeprefix(f"--set {setting}")  # no place within YAML that nobody wrote


def test_every_setting_that_can_not_be_followed_is_told(tmp_path: Path) -> None:
    assert len(load_mistakes(tmp_path, ("t.x", "t.y=3", "l.9=1", "t.x=no"), a=SPEC)) == 3
