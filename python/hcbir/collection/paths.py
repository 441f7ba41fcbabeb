"""How a collection names its images, so that it can be moved, with the photographs or without them."""

from __future__ import annotations

import os
from pathlib import Path


class Paths:
    """Names relative to the folder that holds the collection, absolute for images that stand elsewhere.

    Parameters
    ----------
    root : Path
        The folder that holds the collection now.
    former_root : Path
        The one that held it when it was made: images that did not move with the collection are found there.
    """

    def __init__(self, root: Path, former_root: Path) -> None:
        self._roots = [root] if root == former_root else [root, former_root]

    def name(self, path: str | os.PathLike[str]) -> str:
        absolute = Path(os.path.abspath(path))
        for root in self._roots:
            if absolute.is_relative_to(root):
                return str(absolute.relative_to(root))
        return str(absolute)

    def resolve(self, name: str) -> Path:
        """Where the image is; joining an absolute name to a root gives that name."""
        candidates = [root / name for root in self._roots]
        return next((path for path in candidates[:-1] if path.exists()), candidates[-1])
