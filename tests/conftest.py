"""What all tests share."""

from __future__ import annotations

import hypothesis

# Times differ too much on a shared machine for a deadline; the same examples every time, so that a failure is no luck.
hypothesis.settings.register_profile("rnnlab", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("rnnlab")
