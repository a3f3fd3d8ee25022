"""Write pairs of speeches of Shakespeare's plays: what is said, a TAB, and what another replies.

    python data/make_replies.py [TEXT]

It reads tinyshakespeare/input.txt of the data directory (`RNNLAB_DATA_DIR`, else this folder, `data/`) unless TEXT is
named, and writes into that directory, where `configs/replies.yaml` finds them.

The text is Karpathy's (2015): speeches with the speaker's name and a colon on a line of its own, an empty line between
them. Speeches of more than thirty words are left out, and so are pairs in which somebody answers himself. The last
tenth of the plays validates and tests. Writes replies-train.tsv, replies-validation.tsv and replies-test.tsv.
"""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from pathlib import Path

MOST = 30  # words of a speech
PLAYS = "tinyshakespeare/input.txt"


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


def data_directory() -> Path:
    """Return RNNLAB_DATA_DIR, or else the folder of this file, as rnnlab does in the checkout."""
    return Path(os.environ.get("RNNLAB_DATA_DIR") or Path(__file__).parent)


def main(arguments: list[str]) -> None:
    folder = data_directory()
    source = Path(arguments[0]) if arguments else folder / PLAYS
    if not source.is_file():
        raise SystemExit(f"{source}: no such file; put the plays there, or name them: python data/make_replies.py TEXT")
    try:
        write(source, folder)
    except OSError as error:
        raise SystemExit(f"{folder}: {error.strerror}; set RNNLAB_DATA_DIR to a folder that can be written") from None


if __name__ == "__main__":
    main(sys.argv[1:])
