"""Codes arranged once for many searches."""

from __future__ import annotations

from os import PathLike

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import describe, positive_int
from hcbir._quantization_file import read_packed, write_packed

Codes = npt.NDArray[np.uint8]


class PackedCodes:
    """Codes of 8 bits of a ProductQuantizer as a search reads them; made by `ProductQuantizer.pack`.

    Parameters
    ----------
    data : 1-D uint8
        What `data` of other packed codes was, which says their number at its end; may be a memory map, and is never
        copied.
    num_codes, code_size : int
        Of the codes: how many, of how many bytes.

    Raises
    ------
    ValueError, TypeError
        If the data are not of that many codes.

    >>> import numpy as np, pathlib, tempfile
    >>> from hcbir import PackedCodes, ProductQuantizer
    >>> pq = ProductQuantizer(np.zeros((3, 256, 2), np.float32))
    >>> codes = np.arange(12, dtype=np.uint8).reshape(4, 3)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "codes"
    >>> pq.pack(codes).save(path)
    >>> bool((PackedCodes.load(path).unpack() == codes).all())
    True
    """

    def __init__(self, data: Codes, num_codes: int, *, code_size: int) -> None:
        if not isinstance(data, np.ndarray) or data.ndim != 1 or data.dtype != np.uint8 or not data.flags.c_contiguous:
            raise TypeError(f"data must be a contiguous uint8 array of 1 dimension, got {describe(data)}")
        self.data = data
        self.code_size = positive_int(code_size, "code_size")
        self._num_codes = positive_int(num_codes, "num_codes")
        self.unpack(0, 0)  # asks whether the data fit

    def __len__(self) -> int:
        return self._num_codes

    @property
    def nbytes(self) -> int:
        """Of the data: those of the codes, filled up to whole groups of 64, and of their number."""
        return int(self.data.nbytes)

    def __repr__(self) -> str:
        return f"PackedCodes({len(self)} of {self.code_size} bytes)"

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the codes into a file, at once: what stood there is whole or replaced."""
        write_packed(path, self.data, len(self), self.code_size)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> PackedCodes:
        """The codes that were saved: read once for their checksum, and by memory map.

        Raises
        ------
        FileNotFoundError
            If there are none.
        hcbir.FormatError
            If the file is not one of packed codes, of a later version, cut short or altered.
        """
        data, num_codes, code_size = read_packed(path)
        return cls(data, num_codes, code_size=code_size)

    def unpack(self, first: int = 0, last: int | None = None) -> Codes:
        """Codes first .. last - 1, (n, code_size); all if not given."""
        start, stop, _ = slice(first, last).indices(len(self))
        return _core.unpack_codes(self.data, self.code_size, len(self), start, max(stop - start, 0))
