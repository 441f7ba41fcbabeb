"""Inverted lists of product-quantised vectors: a query reads a few lists instead of the whole database."""

from __future__ import annotations

from os import PathLike

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import large_matrix, one_of, positive_int, small_matrix
from hcbir._inverted_index_file import SavedIndex, read_index, write_index
from hcbir._inverted_lists import InvertedLists, Part
from hcbir._inverted_training import nearest_lists, train_lists
from hcbir._quantization import METRICS, ProductQuantizer
from hcbir._runtime import num_threads_argument
from hcbir._search import SearchResult, search_arrays

Floats = npt.NDArray[np.float32]

BLOCK = 65536
"""Vectors whose differences from their centroids are in memory at a time."""


class IVFPQIndex:
    """An approximate index: vectors stand as codes in the list of their nearest centroid.

    A vector takes num_subquantizers * bits / 8 bytes, 8 of its id, and 4 more for l2; a search reads the nprobe lists
    that promise most. Scores are approximate as the codes are, which stand for differences from the list's centroid.

    Parameters
    ----------
    num_lists : int
        Between 4 and 16 times the square root of the number of vectors is usual.
    num_subquantizers : int
        A divisor of the vectors' dimension.
    bits : {8, 4}
    metric : {"dot", "l2"}
        For cosine, give vectors and queries of length 1.
    seed : int
        Of the training.

    Raises
    ------
    ValueError
        For a number or metric out of range.

    References
    ----------
    Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", PAMI 2011.

    >>> import numpy as np
    >>> vectors = np.random.default_rng(0).standard_normal((2000, 16), dtype=np.float32)
    >>> index = IVFPQIndex(20, num_subquantizers=8, metric="l2")
    >>> index.train(vectors)
    >>> ids = index.add(vectors)
    >>> index.search(vectors[:3], k=1, nprobe=4).indices.ravel().tolist()
    [0, 1, 2]
    >>> index.remove([1, 2]), len(index)
    (2, 1998)
    """

    def __init__(
        self, num_lists: int, *, num_subquantizers: int, bits: int = 8, metric: str = "dot", seed: int = 0
    ) -> None:
        self.num_lists = positive_int(num_lists, "num_lists")
        self.num_subquantizers = positive_int(num_subquantizers, "num_subquantizers")
        if bits not in (4, 8):
            raise ValueError(f"bits must be 8 or 4, got {bits!r}")
        self.bits = bits
        self.metric = one_of(metric, "metric", METRICS)
        self.seed = seed
        self._centroids: Floats | None = None
        self._quantizer: ProductQuantizer | None = None

    def train(
        self,
        vectors: Floats,
        *,
        num_iterations: int = 20,
        max_vectors_per_centroid: int = 256,
        num_threads: int | None = None,
    ) -> None:
        """Learns the lists' centroids, and the quantiser of differences from them.

        Parameters
        ----------
        vectors : (n, d) float32
            Like those that will be added; at least num_lists and 2**bits.
        num_iterations : int
            Of k-means, at most.
        max_vectors_per_centroid : int
            Of more vectors than this times num_lists a random sample is used for the lists' centroids.
        num_threads : int, optional
            Default: `hcbir.default_num_threads()`. The result does not depend on it.

        Raises
        ------
        ValueError, TypeError
            For what does not fit, and if there are vectors in the index already.
        """
        if len(self):
            raise ValueError(f"train must come before add; the index holds {len(self)} vectors")
        options = (num_iterations, max_vectors_per_centroid, self.seed, num_threads)
        centroids, quantizer = train_lists(vectors, self.num_lists, self.num_subquantizers, self.bits, *options)
        # Squared distances are split into products, which are small about a point among the vectors.
        origin = centroids.mean(axis=0, dtype=np.float64) if self.metric == "l2" else np.empty(0)
        self._take(centroids, quantizer, origin.astype(np.float32))

    def _take(self, centroids: Floats, quantizer: ProductQuantizer, origin: Floats) -> None:
        self._centroids, self._quantizer, self._origin = centroids, quantizer, origin
        self._lists = InvertedLists(self.num_lists, quantizer.code_size)

    @property
    def is_trained(self) -> bool:
        return self._quantizer is not None

    @property
    def quantizer(self) -> ProductQuantizer:
        """Of the differences between vectors and their lists' centroids."""
        if self._quantizer is None:
            raise ValueError("the index must be trained first: call train(vectors)")
        return self._quantizer

    @property
    def centroids(self) -> Floats:
        """(num_lists, d)"""
        if self._centroids is None:
            raise ValueError("the index must be trained first: call train(vectors)")
        return self._centroids

    def __len__(self) -> int:
        return len(self._lists) if self.is_trained else 0

    @property
    def nbytes(self) -> int:
        """Bytes of the lists: codes, ids, terms and where each list begins."""
        return self._lists.nbytes if self.is_trained else 0

    @property
    def inverted_lists(self) -> Part:
        """All codes, ids and terms; those of list l are rows offsets[l] to offsets[l + 1] - 1."""
        if not self.is_trained:
            raise ValueError("the index must be trained first: call train(vectors)")
        return self._lists.joined()

    def add(
        self,
        vectors: Floats,
        *,
        ids: npt.ArrayLike | None = None,
        num_threads: int | None = None,
    ) -> npt.NDArray[np.int64]:
        """Adds vectors to the lists of their nearest centroids.

        Parameters
        ----------
        vectors : (n, d) float32
            Never copied.
        ids : (n,) whole numbers of at least 0, optional
            What results call them; none may be in the index already. Default: the numbers that follow the largest
            ever given.

        Returns
        -------
        (n,) int64
            The ids.
        """
        v = large_matrix(vectors, "vectors")
        if v.shape[1] != self.quantizer.dim:
            raise ValueError(f"vectors must have the index's dimension, {self.quantizer.dim}, got {v.shape[1]}")
        given = self._lists.new_ids(ids, len(v))
        lists = np.empty(len(v), np.int64)
        codes = np.empty((len(v), self.quantizer.code_size), np.uint8)
        for first in range(0, len(v), BLOCK):
            block = v[first : first + BLOCK]
            lists[first : first + BLOCK] = listed = nearest_lists(block, self.centroids, num_threads)
            rests = block - self.centroids[listed]
            codes[first : first + BLOCK] = self.quantizer.encode(rests, num_threads=num_threads)
        terms = np.empty(0, np.float32)
        if self.metric == "l2":
            threads = num_threads_argument(num_threads)
            terms = _core.list_terms(self.quantizer._core, self.centroids, self._origin, codes, lists, threads)
        self._lists.add(codes, given, lists, terms)
        return given

    def remove(self, ids: npt.ArrayLike) -> int:
        """Takes out the vectors of these ids; those that are not there are passed over. Returns how many were."""
        return self._lists.remove(ids) if self.is_trained else 0

    def search(
        self,
        queries: npt.ArrayLike,
        k: int = 10,
        *,
        nprobe: int = 16,
        num_threads: int | None = None,
    ) -> SearchResult:
        """The k vectors that score highest against each query, of those in nprobe lists.

        Parameters
        ----------
        queries : (q, d) array
            Converted to float32.
        k : int
            Where the lists hold fewer, scores of -inf and indices of -1 follow.
        nprobe : int
            Lists that are read, those whose centroids score highest against the query; at most all.
        num_threads : int, optional
            Default: `hcbir.default_num_threads()`. The result does not depend on it, nor on the batch.

        Returns
        -------
        SearchResult
            Its indices are the vectors' ids.

        Raises
        ------
        ValueError, TypeError
            For what does not fit, and for NaN or infinite values.
        """
        q = small_matrix(queries, "queries")
        num_probes = min(positive_int(nprobe, "nprobe"), self.num_lists)
        if q.shape[1] != self.quantizer.dim:
            raise ValueError(f"queries must have the index's dimension, {self.quantizer.dim}, got {q.shape[1]}")
        probes = search_arrays(q, self.centroids, num_probes, self.metric, None, num_threads).indices
        return SearchResult(
            *_core.search_lists(
                self.quantizer._core,
                self.centroids,
                self._lists.parts,
                _core.Metric[self.metric],
                self._origin,
                q,
                probes,
                positive_int(k, "k"),
                num_threads_argument(num_threads),
            )
        )

    def save(self, folder: str | PathLike[str]) -> None:
        """Writes the index into a folder, which must not exist or be empty: plain `.npy` files with checksums."""
        next_id, metric = self._lists.next_id, METRICS.index(self.metric)
        numbers = np.array([self.num_subquantizers, self.bits, metric, self.seed, next_id], np.uint64)
        codebooks = self.quantizer.centroids
        write_index(folder, SavedIndex(self.centroids, codebooks, self._origin, numbers, self.inverted_lists))

    @classmethod
    def open(cls, folder: str | PathLike[str], *, check: bool = False) -> IVFPQIndex:
        """The index that was saved; its lists are read by memory map as searches need them.

        Parameters
        ----------
        folder : path
        check : bool
            Read everything and compare it with the checksums; without it only sizes, the lists' beginnings and the
            centroids are checked.

        Raises
        ------
        FileNotFoundError
            If there is no index.
        hcbir.FormatError
            If it is truncated or altered.
        """
        saved = read_index(folder, check)
        num_subquantizers, bits, metric, seed, next_id = saved.numbers.tolist()
        index = cls(
            len(saved.centroids), num_subquantizers=num_subquantizers, bits=bits, metric=METRICS[metric], seed=seed
        )
        index._take(saved.centroids, ProductQuantizer(saved.codebooks), saved.origin)
        index._lists.parts = [saved.part] if len(saved.part.ids) else []
        index._lists.next_id = next_id
        return index
