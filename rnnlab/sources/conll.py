"""Sentences with a tag for each token: a token a line, an empty line between sentences.

Axes: N sentences, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.signature import Field as InputField
from rnnlab.signature import Signature
from rnnlab.sources._checks import BadSequences, shown_path
from rnnlab.sources._files import FileSource
from rnnlab.sources._targets import tags_target
from rnnlab.sources._texts import Encoding, read_text
from rnnlab.strict import shown

WORDS = InputField("words", "words", ())
DOCUMENT = "-DOCSTART-"
LONGEST = 1000  # bytes of a token; all tokens of a file are kept as long as the longest
Separator = Literal["tab", "space"]


@dataclass
class _Sentences:
    """What a file holds, sentence by sentence.

    Attributes:
        tokens, tags, lines: (ΣT,); a tag is empty where it was not asked for.
        ids, lengths: (N,).
    """

    tokens: list[bytes] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def begin(self) -> None:
        self.ids.append(str(len(self.ids)))
        self.lengths.append(0)

    def add(self, token: str, tag: str, line: int) -> None:
        self.tokens.append(token.encode(errors="replace"))
        self.tags.append(tag)
        self.lines.append(line)
        self.lengths[-1] += 1


class Conll(FileSource):
    """Sentences in the layout of the CoNLL shared tasks, a tag for each token; one file per split.

    Each line is a token and its columns; a line that is empty, or holds white space only, ends a sentence. Lines of
    `-DOCSTART-` are passed over. Where TABs separate the columns, tokens may hold spaces. Files may be gzipped.
    """

    token: int = Field(1, ge=1, description="the column of the token, counted from 1")
    tag: int | None = Field(None, ge=1, description="the column of the tag, counted from 1; default: the last")
    separator: Literal["auto", "tab", "space"] = Field(
        "auto",
        description="what stands between columns; space: any white space; auto: tab where the training file's first "
        "line has one",
    )
    encoding: Encoding = None

    @classmethod
    def gives_text(cls, keys: object) -> bool:
        return True

    def read_file(self, path: Path, like: Signature | None) -> FlatExamples:
        content = read_text(path, self.encoding)
        separator = self._separator(content, like)
        found, bad = self._read(path, content, separator, labelled=True)
        examples = _examples(path, found, separator)
        lengths = examples.lengths
        target, targets = tags_target(
            found.tags,
            lengths,
            lambda row: f"{shown_path(path)}:{found.lines[row]}",
            bad,
            like.target if like else None,
        )
        examples = replace(examples, signature=replace(examples.signature, target=target), targets=targets)
        return bad.left(examples, shown_path(path))

    def read_input(self, path: Path, signature: Signature) -> Examples:
        content = read_text(path, self.encoding)
        separator = self._separator(content, signature)
        found, bad = self._read(path, content, separator, labelled=False)
        return bad.left(_examples(path, found, separator), shown_path(path))

    def _separator(self, content: str, like: Signature | None) -> Separator:
        """Return what separates columns: as in the training file, where there is one, else as the first line says."""
        if self.separator != "auto":
            return self.separator
        known = dict(like.found).get("separator") if like is not None else None
        first = next((line for line in content.split("\n") if line.strip() and DOCUMENT not in line), "")
        return "tab" if (known or ("tab" if "\t" in first else "space")) == "tab" else "space"

    def _read(
        self, path: Path, content: str, separator: Separator, *, labelled: bool
    ) -> tuple[_Sentences, BadSequences]:
        found, inside, columns = _Sentences(), False, 0
        bad = BadSequences(self.on_bad, found.ids)
        for line, cells in _rows(content, separator):
            token = cells[self.token - 1] if len(cells) >= self.token else ""
            if not cells or token.strip() == DOCUMENT:
                inside = False
                continue
            if not inside:
                found.begin()
                inside = True
            columns = columns or len(cells)
            fault = self._fault(cells, columns, separator, labelled=labelled)
            tag = "" if fault or not labelled else cells[(self.tag or len(cells)) - 1].strip()
            found.add(token if fault is None else "", tag, line)
            if fault is not None and len(found.ids) - 1 not in bad:
                bad.add(len(found.ids) - 1, f"{shown_path(path)}:{line}", fault)
        return found, bad

    def _fault(self, cells: list[str], columns: int, separator: Separator, *, labelled: bool) -> str | None:
        """Return what is wrong with a line, or None."""
        between = "a TAB" if separator == "tab" else "white space"
        needed = max(self.token, (self.tag or max(2, self.token)) if labelled else 1)
        received = f"received {len(cells)}, with {between} between them: {shown(cells)}"
        if len(cells) < needed:
            return f"expected {needed} columns or more; {received}"
        if labelled and len(cells) != columns:
            return f"expected {columns} columns, as in the file's first line; {received}"
        token = cells[self.token - 1]
        if not token:
            return f"column {self.token}: expected a token; received nothing"
        size = len(token.encode(errors="replace"))
        if size > LONGEST:
            return f"column {self.token}: expected a token of at most {LONGEST:,} bytes; received {size:,}"
        if labelled and not cells[(self.tag or len(cells)) - 1].strip():
            return f"column {self.tag or len(cells)}: expected a tag; received nothing"
        return None


def _rows(content: str, separator: Separator) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each line; none of a line that ends a sentence."""
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            yield number, []
        else:
            yield number, line.split("\t") if separator == "tab" else line.split()


def _examples(path: Path, found: _Sentences, separator: Separator) -> FlatExamples:
    if not found.ids:
        raise DataError(f"{shown_path(path)}: expected at least one sentence; received none")
    signature = Signature((WORDS,), found=(("separator", separator),))
    begins = np.cumsum([0, *found.lengths[:-1]])
    places = [f"{shown_path(path)}:{found.lines[row]}" for row in begins]
    values, lengths = np.array(found.tokens, np.bytes_), np.array(found.lengths, np.int64)
    return FlatExamples.from_lengths(signature, found.ids, values, lengths, locations=places)
