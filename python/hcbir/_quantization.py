"""Product quantisation: codes of a few bytes in the place of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import full_vectors, large_matrix, one_of, positive_int, small_matrix
from hcbir._quantization_codebooks import Codebooks
from hcbir._quantization_codes import checked_codes, decode, encode
from hcbir._quantization_faiss import index_of, parts_of
from hcbir._quantization_packed import PackedCodes
from hcbir._quantization_search import search_codes
from hcbir._quantization_training import train
from hcbir._runtime import num_threads_argument
from hcbir._search import SearchResult
from hcbir._value_range import check_range

METRICS = ("dot", "l2")


class ProductQuantizer(Codebooks):
    """Turns vectors into codes, and searches codes without turning them back.

    A vector is cut into sub-vectors, and each is replaced by the number of the nearest of 256 (or 16) centroids; a
    code is those numbers. Queries stay floats: their products with all centroids, in look-up tables, make the score
    of a code one sum of table entries. Make one by `train`, `load` or of centroids.

    Parameters
    ----------
    centroids : (m, 256 or 16, s) float32
        Of every sub-space; vectors have dimension m * s.
    rotation : (m * s, m * s) float32, optional
        Orthogonal; vectors are multiplied by it before they are cut.

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

    @classmethod
    def train(
        cls,
        vectors: npt.NDArray[np.float32],
        *,
        num_subquantizers: int,
        bits: int = 8,
        rotation: str | None = None,
        num_iterations: int = 25,
        max_vectors_per_centroid: int = 256,
        seed: int = 0,
        num_threads: int | None = None,
    ) -> ProductQuantizer:
        """Learns centroids by k-means in every sub-space, the same for any number of threads.

        Parameters
        ----------
        vectors : (n, d) float32
            At least 2**bits; never copied. The largest value may be from 1e-16 to 1e16 in size, so that float32 holds
            their distances.
        num_subquantizers : int
            A divisor of d. A code takes num_subquantizers * bits / 8 bytes.
        bits : {8, 4}
            Of a centroid's number.
        rotation : {None, "opq"}
            "opq": vectors are rotated first, so that less is lost (Ge et al., CVPR 2013); takes longer. The
            rotation comes out of numpy.linalg, which may round differently on another machine.
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
        limits = num_iterations, max_vectors_per_centroid
        check_range(large_matrix(vectors, "vectors"))
        return cls(*train(vectors, num_subquantizers, bits, rotation, *limits, seed, num_threads))

    def __repr__(self) -> str:
        code = f"{self.num_subquantizers} of {self.bits} bits" + ("" if self.rotation is None else ", rotated")
        return f"ProductQuantizer({self.dim} -> {self.code_size} bytes: {code})"

    def encode(
        self, vectors: npt.NDArray[np.float32], *, anisotropic: float | None = None, num_threads: int | None = None
    ) -> npt.NDArray[np.uint8]:
        """Codes, (n, code_size) uint8, of vectors, (n, d) float32 up to 1e16, which are never copied.

        A byte is a centroid's number, or two of 4 bits, the first in the low half. `anisotropic`, a cosine such as
        0.2, is for search by dot products above it: what is lost along a vector weighs more than what is lost across
        (Guo et al., ICML 2020). More is found; encoding takes longer, and squared distances are told less well.
        """
        threads = num_threads_argument(num_threads)
        return encode(self._core, self.rotation, vectors, self.dim, self.code_size, anisotropic, threads)

    def decode(self, codes: npt.NDArray[np.uint8], *, num_threads: int | None = None) -> npt.NDArray[np.float32]:
        """The vectors, (n, d) float32, that codes stand for."""
        return decode(self._core, self.rotation, self._check(codes), num_threads_argument(num_threads))

    def pack(self, codes: npt.NDArray[np.uint8], *, num_threads: int | None = None) -> PackedCodes:
        """Codes of 8 bits arranged so that `search` reads them as they lie, once for many searches.

        With the same results. One query takes half the time; batches of hundreds take longer than with plain codes.
        """
        if self.bits != 8:
            raise ValueError("pack is for codes of 8 bits: those of 4 are searched as quickly as they are")
        c = self._check(codes)
        if len(c) == 0:
            raise ValueError("codes must be at least one, got none")
        return PackedCodes(_core.pack_codes(c, num_threads_argument(num_threads)), len(c), code_size=self.code_size)

    def search(
        self,
        queries: npt.ArrayLike,
        codes: npt.NDArray[np.uint8] | PackedCodes,
        k: int = 10,
        *,
        metric: str = "dot",
        allowed: npt.ArrayLike | None = None,
        rerank: npt.NDArray[Any] | tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]] | None = None,
        num_candidates: int | None = None,
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
        codes : (n, code_size) uint8, or what `pack` made of them
            A memory map or rows that lie apart (`codes[::2]`) will do; never copied. The result is the same for both.
        k : int
            1 to n.
        metric : {"dot", "l2"}
            q·x or -|q - x|² of the vector x that the code stands for. For cosine, encode vectors of length 1.
        allowed : (n,) bool, or code numbers, optional
            The codes that may be found; all if not given.
        rerank : (n, d) float32, float16 or bfloat16, or ((n, d) int8, (n,) float32), optional
            The vectors that were encoded, or bytes and a factor for each row (converted to float32); may be memory
            maps. The best codes are scored anew with them, in float64.
        num_candidates : int, optional
            Codes to score anew, at least k; of more than there are, all. Default: 10 k.
        num_threads : int, optional
            Default: `hcbir.default_num_threads()`.

        Raises
        ------
        ValueError, TypeError
            For a k, metric, shape, dtype or dimension that does not fit, and for NaN or infinite values.
        """
        c = self._check_packed(codes) if isinstance(codes, PackedCodes) else self._check(codes)
        best = positive_int(k, "k")
        full = None if rerank is None else full_vectors(rerank, len(c), self.dim)
        what = (_core.Metric[one_of(metric, "metric", METRICS)], allowed, full, num_candidates)
        q, threads = small_matrix(queries, "queries"), num_threads_argument(num_threads)
        return search_codes(self._core, self.rotation, q, c, best, *what, threads)

    def to_faiss(self, codes: npt.NDArray[np.uint8] | None = None, *, metric: str = "dot") -> Any:
        """A faiss.IndexPQ with these centroids and codes, whose scores it gives; needs faiss.

        Its metric is "dot" by default, as here; FAISS's own is L2. `from_faiss` does not bring it back.
        """
        held = None if codes is None else self._check(codes)
        return index_of(self.centroids, self.rotation, held, one_of(metric, "metric", METRICS))

    @classmethod
    def from_faiss(cls, index: Any) -> tuple[ProductQuantizer, npt.NDArray[np.uint8]]:
        """Quantizer and codes of a faiss.ProductQuantizer, IndexPQ, or IndexPreTransform (OPQ) of one.

        The index's metric does not come along: one of L2, FAISS's default, is searched with metric="l2".

        Raises
        ------
        ValueError, TypeError
            For one that is not trained, or does more than rotate vectors and cut them.
        """
        centroids, rotation, codes = parts_of(index)
        return cls(centroids, rotation), codes

    def _check(self, codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        return checked_codes(codes, self.code_size)

    def _check_packed(self, codes: PackedCodes) -> PackedCodes:
        if self.bits != 8 or codes.code_size != self.code_size:
            wanted = f"{self.code_size} bytes, {self.bits} bits a number"
            raise ValueError(f"codes must be of {wanted}, got {codes.code_size} bytes, 8 bits")
        return codes
