"""Write pairs of speeches of Shakespeare's plays beside this file: what is said, a TAB, and what another replies.

    python data/make_replies.py [tinyshakespeare/input.txt]

The text is Karpathy's (2015): speeches with the speaker's name and a colon on a line of its own, an empty line between
them. Speeches of more than thirty words are left out, and so are pairs in which somebody answers himself. The last
tenth of the plays validates and tests. Writes replies-train.tsv, replies-validation.tsv and replies-test.tsv.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

MOST = 30  # words of a speech
PLACES = ("tinyshakespeare/input.txt", "data/tinyshakespeare/input.txt")


def speeches(text: str) -> list[tuple[str, str]]:
    """Return who says what, in order."""
    found = []
    for block in text.split("\n\n"):
        name, _, said = block.strip().partition(":\n")
        if said and "\n" not in name:
            found.append((name, " ".join(said.split())))
    return found


def pairs(said: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return speeches and the replies to them, neither of them long."""
    return [
        (speech, reply)
        for (speaker, speech), (other, reply) in pairwise(said)
        if speaker != other and max(len(speech.split()), len(reply.split())) <= MOST
    ]


def write(source: Path, folder: Path) -> None:
    said = speeches(source.read_text("utf-8"))
    cuts = {"train": (0.0, 0.9), "validation": (0.9, 0.95), "test": (0.95, 1.0)}
    for name, (begin, end) in cuts.items():
        own = pairs(said[int(begin * len(said)) : int(end * len(said))])
        lines = "".join(f"{speech}\t{reply}\n" for speech, reply in own)
        (folder / f"replies-{name}.tsv").write_text(lines, encoding="utf-8")
        print(f"{folder / f'replies-{name}.tsv'}: {len(own):,} pairs")


if __name__ == "__main__":
    given = [Path(each) for each in sys.argv[1:] or PLACES]
    there = next((path for path in given if path.is_file()), None)
    if there is None:
        raise SystemExit(f"no such file: {', '.join(map(str, given))}; name the text as an argument")
    write(there, Path(__file__).parent)
