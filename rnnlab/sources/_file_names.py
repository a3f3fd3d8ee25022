"""What the names of files say: a pattern such as `{label}_{group}_{take}`, and choices among its parts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from rnnlab.strict import shown

PART = re.compile(r"\{([a-z_]+)\}")


def _pattern(text: str) -> str:
    """Check that a pattern can be read in one way only."""
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


def read_name(pattern: str, path: Path) -> dict[str, str] | None:
    """Return what a file's name says by the parts of a pattern, or None where it is of another form.

    A pattern with slashes is about the folders that the file is in, too. A part is as short as it can be, and never
    holds a slash.
    """
    literals = [re.escape(each) for each in PART.split(pattern)[::2]]
    groups = [f"(?P<{name}>[^/]+?)" for name in parts_of(pattern)]
    form = "".join(part for pair in zip(literals, [*groups, ""], strict=True) for part in pair)
    name = "/".join([*path.parts[:-1], path.stem][-1 - pattern.count("/") :])
    found = re.fullmatch(form, name)
    return None if found is None else found.groupdict()


def chosen(said: Mapping[str, str], choices: Mapping[str, list[int | str]]) -> bool:
    """Whether what a name says is among the values of every part that choices name; `03` is the number 3."""
    return all(any(_same(said[part], value) for value in values) for part, values in choices.items())


def _same(said: str, value: int | str) -> bool:
    if isinstance(value, str):
        return said == value
    return said.isdecimal() and int(said) == value
