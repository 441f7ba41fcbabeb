"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from hcbir._files import PARTIAL, telling_where

RESULTS = "study.json"
"""The file of a study's output folder that holds all its figures."""


def write_whole(path: Path, content: str | bytes) -> None:
    """Write to a file beside it, then rename: a reader meets the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + PARTIAL)
    # a file name that is not valid Unicode reaches us with lone surrogates
    with telling_where(partial):
        partial.write_bytes(content.encode("utf-8", errors="replace") if isinstance(content, str) else content)
    os.replace(partial, path)
