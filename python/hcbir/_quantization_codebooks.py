"""What a product quantizer has learned, in memory and in a file."""

from __future__ import annotations

from os import PathLike
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._quantization_codes import checked_centroids, checked_rotation, code_size
from hcbir._quantization_file import read_quantizer, write_quantizer


class Codebooks:
    """The centroids of every sub-space, and the rotation, of a ProductQuantizer, which says what they are."""

    def __init__(self, centroids: npt.NDArray[np.float32], rotation: npt.NDArray[np.float32] | None = None) -> None:
        c = self.centroids = checked_centroids(centroids)
        self.bits = 8 if c.shape[1] == 256 else 4
        self.num_subquantizers = len(c)
        self.dim = len(c) * int(c.shape[2])
        self.code_size = code_size(len(c), self.bits)  # bytes
        self.rotation = None if rotation is None else checked_rotation(rotation, self.dim)
        self._core = _core.ProductQuantizer(c.reshape(-1, c.shape[2]), len(c), self.bits)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.centroids, self.rotation)

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the quantizer into a file, at once: what stood there is whole or replaced."""
        write_quantizer(path, self.centroids, self.rotation)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """The quantizer that was saved.

        Raises
        ------
        FileNotFoundError
            If there is none.
        hcbir.FormatError
            If the file is not one of a quantizer, of a later version, cut short or altered.
        """
        return cls(*read_quantizer(path))
