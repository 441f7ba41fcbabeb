"""Product quantisation: codes of a few bytes in the place of vectors."""

from __future__ import annotations

from os import PathLike

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import describe, large_matrix, one_of, positive_int, row_flags, small_matrix
from hcbir._quantization_file import read_quantizer, write_quantizer
from hcbir._runtime import num_threads_argument
from hcbir._search import SearchResult

METRICS = ("dot", "l2")


class ProductQuantizer:
    """Turns vectors into codes, and searches codes without turning them back.

    A vector is cut into sub-vectors, and each is replaced by the number of the nearest of 256 (or 16) centroids; a
    code is those numbers. Queries stay floats: their products with all centroids, in look-up tables, make the score
    of a code one sum of table entries. Make one by `train`, `load` or of centroids.

    Parameters
    ----------
    centroids : (m, 256 or 16, s) float32
        Of every sub-space; vectors have dimension m * s.

    Raises
    ------
    ValueError, TypeError
        For another shape or dtype, and for NaN or infinite values.

    References
    ----------
    Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", PAMI 2011.

    >>> import numpy as np
    >>> vectors = np.random.default_rng(0).standard_normal((1000, 8), dtype=np.float32)
    >>> pq = ProductQuantizer.train(vectors, num_subquantizers=4)
    >>> codes = pq.encode(vectors)
    >>> codes.shape, codes.dtype
    ((1000, 4), dtype('uint8'))
    >>> pq.search(vectors[:2], codes, k=1, metric="l2").indices
    array([[0],
           [1]])
    """

    def __init__(self, centroids: npt.NDArray[np.float32]) -> None:
        c = np.ascontiguousarray(centroids)
        if c.ndim != 3 or c.shape[1] not in (16, 256) or c.dtype != np.float32 or c.size == 0:
            raise ValueError(f"centroids must be float32 of shape (m, 256 or 16, s), got {describe(c)}")
        self.centroids = c.copy()
        self.centroids.flags.writeable = False
        self.bits = 8 if c.shape[1] == 256 else 4
        self.num_subquantizers = len(c)
        self.dim = len(c) * int(c.shape[2])
        self.code_size = (len(c) * self.bits + 7) // 8  # bytes
        self._core = _core.ProductQuantizer(self.centroids.reshape(-1, c.shape[2]), len(c), self.bits)

    @classmethod
    def train(
        cls,
        vectors: npt.NDArray[np.float32],
        *,
        num_subquantizers: int,
        bits: int = 8,
        num_iterations: int = 25,
        max_vectors_per_centroid: int = 256,
        seed: int = 0,
        num_threads: int | None = None,
    ) -> ProductQuantizer:
        """Learns centroids by k-means in every sub-space, the same for any number of threads.

        Parameters
        ----------
        vectors : (n, d) float32
            At least 2**bits; never copied.
        num_subquantizers : int
            A divisor of d. A code takes num_subquantizers * bits / 8 bytes.
        bits : {8, 4}
            Of a centroid's number.
        num_iterations : int
            At most; a sub-space ends earlier once no vector changes its centroid.
        max_vectors_per_centroid : int
            Of more than this times 2**bits vectors a random sample is used.
        seed : int
            0 to 2**64 - 1.
        num_threads : int, optional
            Default: `hcbir.default_num_threads()`.

        Raises
        ------
        ValueError, TypeError
            For what does not fit, and for NaN or infinite values.
        """
        v = large_matrix(vectors, "vectors")
        if positive_int(num_subquantizers, "num_subquantizers") > v.shape[1] or v.shape[1] % num_subquantizers:
            raise ValueError(
                f"num_subquantizers must be a divisor of the vectors' dimension, {v.shape[1]}, got {num_subquantizers}"
            )
        if bits not in (4, 8):
            raise ValueError(f"bits must be 8 or 4, got {bits!r}")
        if not 0 <= seed < 2**64:
            raise ValueError(f"seed must be from 0 to 2**64 - 1, got {seed}")
        limits = (
            positive_int(num_iterations, "num_iterations"),
            positive_int(max_vectors_per_centroid, "max_vectors_per_centroid"),
        )
        centroids, _ = _core.train_pq(v, num_subquantizers, bits, *limits, seed, num_threads_argument(num_threads))
        return cls(centroids.reshape(num_subquantizers, 2**bits, -1))

    def encode(self, vectors: npt.NDArray[np.float32], *, num_threads: int | None = None) -> npt.NDArray[np.uint8]:
        """Codes, (n, code_size) uint8, of vectors, (n, d) float32, which are never copied.

        A byte is a centroid's number, or two of 4 bits, the first in the low half.
        """
        v = large_matrix(vectors, "vectors")
        if v.shape[1] != self.dim:
            raise ValueError(f"vectors must have the quantizer's dimension, {self.dim}, got {v.shape[1]}")
        return self._core.encode(v, num_threads_argument(num_threads))

    def decode(self, codes: npt.NDArray[np.uint8], *, num_threads: int | None = None) -> npt.NDArray[np.float32]:
        """The vectors, (n, d) float32, that codes stand for."""
        return self._core.decode(self._check_codes(codes), num_threads_argument(num_threads))

    def search(
        self,
        queries: npt.ArrayLike,
        codes: npt.NDArray[np.uint8],
        k: int = 10,
        *,
        metric: str = "dot",
        allowed: npt.ArrayLike | None = None,
        num_threads: int | None = None,
    ) -> SearchResult:
        """The k codes that score highest against each query.

        A score is the sum of the table entries that a code names, in float32 and in a fixed order
        (`hcbir.reference.quantization.adc_scores`); codes of equal score stand in ascending order. The result is the
        same, to the bit, for any number of threads, any batch of queries and any instruction level.

        Parameters
        ----------
        queries : (q, d) array
            Converted to float32.
        codes : (n, code_size) uint8
            May be strided or a memory map; never copied.
        k : int
            1 to n.
        metric : {"dot", "l2"}
            q·x or -|q - x|² of the vector x that the code stands for. For cosine, encode vectors of length 1.
        allowed : (n,) bool, or code numbers, optional
            The codes that may be found; all if not given.
        num_threads : int, optional
            Default: `hcbir.default_num_threads()`.

        Raises
        ------
        ValueError, TypeError
            For a k, metric, shape, dtype or dimension that does not fit, and for NaN or infinite values.
        """
        q, c = small_matrix(queries, "queries"), self._check_codes(codes)
        one_of(metric, "metric", METRICS)
        if q.shape[1] != self.dim:
            raise ValueError(f"queries must have the quantizer's dimension, {self.dim}, got {q.shape[1]}")
        flags = row_flags(allowed, len(c))
        count = len(c) if flags is None else int(np.count_nonzero(flags))
        if positive_int(k, "k") > count:
            raise ValueError(f"k must be at most the number of codes that may be found, {count}, got {k}")
        threads = num_threads_argument(num_threads)
        return SearchResult(*self._core.search(q, c, k, _core.Metric[metric], flags, threads))

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the quantizer into a file, at once: what stood there is whole or replaced."""
        write_quantizer(path, self.centroids)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> ProductQuantizer:
        """The quantizer that was saved.

        Raises
        ------
        FileNotFoundError
            If there is none.
        hcbir.FormatError
            If the file is not one of a quantizer, of a later version, cut short or altered.
        """
        return cls(read_quantizer(path))

    def _check_codes(self, codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        c = large_matrix(codes, "codes", dtype=np.uint8)
        if c.shape[1] != self.code_size:
            raise ValueError(f"codes must have {self.code_size} bytes a row, got {c.shape[1]}")
        return c
