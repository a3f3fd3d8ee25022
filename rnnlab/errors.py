"""Everything rnnlab raises on purpose.

RnnlabError
├── UserError              exit code 2: the spec, the data or the command is wrong
│   ├── SpecError          one or more mistakes in a spec, one a line
│   ├── DataError          the data is not what the spec says it is
│   └── RunError           a run folder is missing, damaged, in use or does not fit
├── NonFiniteError         exit code 3: the loss or a gradient is no longer a number
├── ExportError            exit code 1: what was exported does not answer like the run
└── Interrupted            exit code 130: SIGINT or SIGTERM; the state is saved
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any


class RnnlabError(Exception):
    """Base of all errors that rnnlab raises on purpose; `exit_code` is the command line's."""

    exit_code = 1


class UserError(RnnlabError):
    """The user can put it right: the message says where, what was expected, received, and what to do."""

    exit_code = 2


class SpecError(UserError):
    """Mistakes in a spec, all at once; `mistakes` holds one printable line each, and the message the first of them."""

    most = 50

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = [one_line(each) for each in mistakes]
        more = len(self.mistakes) - self.most
        told = [*self.mistakes[: self.most], f"… and {more:,} more mistakes"] if more > 0 else self.mistakes
        super().__init__("\n".join(told))


class DataError(UserError):
    """The data is missing, damaged, or not what the spec says it is."""


class RunError(UserError):
    """A run folder is missing, damaged, in use, or does not fit what is asked of it."""


class NonFiniteError(RnnlabError):
    """The loss or a gradient became infinite or NaN; the last good state is kept.

    Attributes:
        record: what is known of it, for the manifest: where it happened, the examples of the batch by id.
    """

    exit_code = 3

    def __init__(self, message: str, record: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.record = dict(record)


class ExportError(RnnlabError):
    """An export was written, loaded again, and did not answer like the run's model."""


class Interrupted(RnnlabError):
    """SIGINT or SIGTERM arrived; the state was saved at a step's end."""

    exit_code = 130


def printable(text: str) -> str:
    """Return text with every character that a terminal would obey, or not show, written as in a Python string."""
    return text if text.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def one_line(text: str, limit: int = 500) -> str:
    """Return text as one printable line; of a long one, its beginning and its end."""
    line, end = printable(text), limit // 3
    return line if len(line) <= limit else f"{line[: limit - end - 1]}…{line[-end:]}"


def told(error: BaseException, limit: int = 300) -> str:
    """Return what another package says is wrong: as one line, and not too long."""
    return one_line(" ".join(str(error).split()) or type(error).__name__, limit)


def did_you_mean(word: str, known: Iterable[str], *, listed: bool = True) -> str:
    """Return `"; did you mean 'x'?"` for the nearest known word, or else, if `listed`, what is known."""
    candidates = sorted(known)
    near = get_close_matches(word, candidates, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; known: {', '.join(candidates)}" if candidates and listed else ""
