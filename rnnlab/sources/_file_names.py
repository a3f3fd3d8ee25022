"""What the names of files say: a pattern such as `{label}_{group}_{take}`, and choices among its parts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from rnnlab.errors import DataError, printable
from rnnlab.sources._checks import MANY, near
from rnnlab.sources._targets import sorted_names
from rnnlab.strict import shown

PART = re.compile(r"\{([a-z_]+)\}")


def _pattern(text: str) -> str:
    """Check that a pattern has parts that can be told apart."""
    literals, names = PART.split(text)[::2], PART.findall(text)
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"expected each part once; received {{{twice}}} twice")
    if any(brace in "".join(literals) for brace in "{}") or not names:
        raise ValueError(f"expected parts such as {{label}} and what stands between them; received {shown(text)}")
    if not all(literals[1:-1]):
        raise ValueError("expected something between two parts, such as _, by which they are told apart")
    return text


NamePattern = Annotated[str, AfterValidator(_pattern)]
Values = Annotated[list[int | str], Field(min_length=1)]
Choices = Annotated[dict[str, Values], Field(min_length=1)]


def parts_of(pattern: str) -> list[str]:
    """Return the names of a pattern's parts."""
    return PART.findall(pattern)


def read_name(pattern: str, path: Path, place: str) -> dict[str, str]:
    """Return what a file's name says by the parts of a pattern.

    A pattern with slashes is about the folders that the file is in, too. A part has one character or more, and never
    holds a slash.

    Args:
        pattern: of the name, less its ending.
        path: the file.
        place: where it stands, for messages.

    Raises:
        DataError: the name is of another form, or can be read in several ways.
    """
    literals, parts = PART.split(pattern)[::2], parts_of(pattern)
    name = "/".join([*path.parts[:-1], path.stem][-1 - pattern.count("/") :])
    shortest = _read(literals, name)
    longest = _read([each[::-1] for each in reversed(literals)], name[::-1])
    if shortest is None or longest is None:
        expected = f"a name of the form {shown(pattern)}, as data.names says"
        raise DataError(f"{place}: expected {expected}; received another; rename or move it")
    first, last = (dict(zip(parts, way, strict=True)) for way in (shortest, [each[::-1] for each in reversed(longest)]))
    if first != last:  # of all ways: where these two agree there is no other
        one, other = (", ".join(f"{part} {shown(value)}" for part, value in each.items()) for each in (first, last))
        raise DataError(
            f"{place}: expected a name that {shown(pattern)}, as data.names says, reads in one way; received one that "
            f"is {one}, or {other}; rename it, or tell its parts apart by what stands in none of them"
        )
    return first


def _read(literals: list[str], name: str) -> list[str] | None:
    """Return the parts of a name between literals, each ending as early as it may; None where it is of another form.

    A part that ends later leaves the ones behind it no more, so nothing is tried twice, as a regular expression would.
    """
    begin, *between, end = literals
    if not (name.startswith(begin) and name.endswith(end)):
        return None
    found, at, last = [], len(begin), len(name) - len(end)
    for literal in (*between, None):
        stop = last if literal is None else name.find(literal, at + 1)
        if stop <= at or "/" in name[at:stop]:
            return None
        found.append(name[at:stop])
        at = stop + len(literal or "")
    return found


def check_choices(key: str, choices: Mapping[str, list[int | str]], said: Sequence[Mapping[str, str]]) -> None:
    """Refuse values that no name has, and choices that fit none.

    Args:
        key: of the choices, for messages.
        choices: the values of each part that is chosen by.
        said: what each name says.

    Raises:
        DataError: which value, and which there are.
    """
    for part, values in choices.items():
        there = sorted_names(each[part] for each in said)
        known = ", ".join(there) if len(there) <= MANY else f"{len(there):,}, {there[0]} to {there[-1]}"
        for value in values:
            if not any(_same(each, value) for each in there):
                hint = near(str(value), there, listed=False)
                raise DataError(
                    f"data.{key}: {part}: expected a value that names of files have; received {shown(value)}, which "
                    f"none has{hint}; there are {printable(known)}"
                )
    if not any(chosen(each, choices) for each in said):
        raise DataError(
            f"data.{key}: expected values that some file has together; received {shown(dict(choices))}, which none has"
            "; choose by fewer parts, or name more values"
        )


def chosen(said: Mapping[str, str], choices: Mapping[str, list[int | str]]) -> bool:
    """Whether what a name says is among the values of every part that choices name; `03` is the number 3."""
    return all(any(_same(said[part], value) for value in values) for part, values in choices.items())


def _same(said: str, value: int | str) -> bool:
    if isinstance(value, str):
        return said == value
    return said.isdecimal() and int(said) == value
