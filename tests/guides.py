"""What the guides in docs/ show, which tests hold true."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def specs_of(guide: str) -> list[str]:
    """Return the specs of a guide, and parts of such, in its order."""
    return re.findall(r"```yaml\n(.*?)```", (DOCS / f"{guide}.md").read_text("utf-8"), re.DOTALL)
