"""Inverted lists of product-quantised vectors: a query reads a few lists instead of the whole database."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import large_matrix, one_of, positive_int, small_matrix, whole_numbers
from hcbir._clustering import kmeans
from hcbir._growing import GrowingArrays
from hcbir._quantization import METRICS, ProductQuantizer
from hcbir._runtime import num_threads_argument
from hcbir._search import SearchResult, search_arrays

KIND = "hcbir inverted lists"
BLOCK = 65536
"""Vectors whose differences from their centroids are in memory at a time."""


class _Part(NamedTuple):
    """Vectors added together, or joined since, by list: list l is rows offsets[l] .. offsets[l + 1]."""

    codes: npt.NDArray[np.uint8]
    ids: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]


class IVFPQIndex:
    """An approximate index: vectors stand as codes in the list of their nearest centroid.

    A vector takes num_subquantizers * bits / 8 bytes and 8 of its id; a search reads the nprobe lists that promise
    most. Scores are approximate as the codes are: those of `ProductQuantizer.search`, of the difference from the
    list's centroid.

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
        self._parts: list[_Part] = []
        self._centroids: npt.NDArray[np.float32] | None = None
        self._quantizer: ProductQuantizer | None = None
        self._next_id = 0

    def train(
        self,
        vectors: npt.NDArray[np.float32],
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
        if self._parts:
            raise ValueError(f"train must come before add; the index holds {len(self)} vectors")
        v = large_matrix(vectors, "vectors")
        if v.shape[1] == 0 or v.shape[1] % self.num_subquantizers:
            raise ValueError(f"vectors must have a dimension divisible by {self.num_subquantizers}, got {v.shape[1]}")
        if len(v) < max(self.num_lists, 2**self.bits):
            raise ValueError(f"vectors must be at least {max(self.num_lists, 2**self.bits)}, got {len(v)}")
        most = positive_int(max_vectors_per_centroid, "max_vectors_per_centroid") * self.num_lists
        if len(v) > most:
            v = v[np.sort(np.random.default_rng(self.seed).choice(len(v), most, replace=False))]
        centroids = kmeans(
            v, self.num_lists, num_iterations=num_iterations, seed=self.seed, num_threads=num_threads
        ).centroids
        rests = v - centroids[_lists_of(v, centroids, num_threads)]
        self._quantizer = ProductQuantizer.train(
            rests,
            num_subquantizers=self.num_subquantizers,
            bits=self.bits,
            num_iterations=num_iterations,
            max_vectors_per_centroid=max_vectors_per_centroid,
            seed=self.seed,
            num_threads=num_threads,
        )
        self._centroids = centroids

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
    def centroids(self) -> npt.NDArray[np.float32]:
        """(num_lists, d)"""
        if self._centroids is None:
            raise ValueError("the index must be trained first: call train(vectors)")
        return self._centroids

    def __len__(self) -> int:
        return sum(len(part.ids) for part in self._parts)

    @property
    def nbytes(self) -> int:
        """Bytes of the lists: codes, ids and where each list begins."""
        return sum(array.nbytes for part in self._parts for array in part)

    def add(
        self,
        vectors: npt.NDArray[np.float32],
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
        given = self._new_ids(ids, len(v))
        lists = np.empty(len(v), np.int64)
        codes = np.empty((len(v), self.quantizer.code_size), np.uint8)
        for first in range(0, len(v), BLOCK):
            block = v[first : first + BLOCK]
            lists[first : first + BLOCK] = listed = _lists_of(block, self.centroids, num_threads)
            codes[first : first + BLOCK] = self.quantizer.encode(
                block - self.centroids[listed], num_threads=num_threads
            )
        if len(v):
            self._parts.append(self._sorted(codes, given, lists))
            self._next_id = max(self._next_id, int(given.max()) + 1)
        while len(self._parts) > 1 and 2 * len(self._parts[-1].ids) >= len(self._parts[-2].ids):
            self._join(2)
        return given

    def remove(self, ids: npt.ArrayLike) -> int:
        """Takes out the vectors of these ids; those that are not there are passed over. Returns how many were."""
        wanted = np.unique(whole_numbers(ids, "ids"))
        before, kept = len(self), []
        for part in self._parts:
            stays = ~np.isin(part.ids, wanted)
            if stays.all():
                kept.append(part)
            elif stays.any():
                lists = np.repeat(np.arange(self.num_lists), np.diff(part.offsets))
                kept.append(self._sorted(part.codes[stays], part.ids[stays], lists[stays]))
        self._parts = kept
        return before - len(self)

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
                self._parts,
                _core.Metric[self.metric],
                q,
                probes,
                positive_int(k, "k"),
                num_threads_argument(num_threads),
            )
        )

    def save(self, folder: str | PathLike[str]) -> None:
        """Writes the index into a folder, which must not exist or be empty: plain `.npy` files with checksums."""
        path = Path(folder)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise ValueError(f"folder must not exist or be empty, got {folder}")
        self._join(len(self._parts))
        part = self._parts[0] if self._parts else self._sorted(*self._nothing())
        rows: dict[str, npt.NDArray[Any]] = dict(part._asdict())
        rows |= {"centroids": self.centroids, "codebooks": self.quantizer.centroids}
        numbers = [self.num_subquantizers, self.bits, METRICS.index(self.metric), self.seed, self._next_id]
        GrowingArrays(path, KIND).append(rows | {"numbers": np.array(numbers, np.uint64)})

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
        files = GrowingArrays(Path(folder), KIND)
        arrays = files.arrays
        if not arrays:
            raise FileNotFoundError(f"{folder} is no IVFPQIndex")
        for name in arrays if check else ("numbers", "offsets", "centroids", "codebooks"):
            files.check(name)
        try:
            num_subquantizers, bits, metric, seed, next_id = arrays["numbers"].tolist()
            centroids = arrays["centroids"]
            index = cls(
                len(centroids),
                num_subquantizers=num_subquantizers,
                bits=bits,
                metric=METRICS[metric],
                seed=seed,
            )
            index._centroids = np.array(centroids)
            index._quantizer = ProductQuantizer(arrays["codebooks"])
            part = _Part(arrays["codes"], arrays["ids"], arrays["offsets"])
            if part.codes.shape != (len(part.ids), index.quantizer.code_size) or part.offsets[-1] != len(part.ids):
                raise ValueError(f"its codes are {part.codes.shape}")
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise _core.FormatError(f"{folder} is no whole IVFPQIndex: {error}") from error
        index._parts = [part] if len(part.ids) else []
        index._next_id = next_id
        return index

    def _nothing(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        return np.empty((0, self.quantizer.code_size), np.uint8), np.empty(0, np.int64), np.empty(0, np.int64)

    def _sorted(self, codes: npt.NDArray[np.uint8], ids: npt.NDArray[np.int64], lists: npt.NDArray[np.int64]) -> _Part:
        order = np.argsort(lists, kind="stable")
        counts = np.bincount(lists, minlength=self.num_lists)
        return _Part(codes[order], ids[order], np.concatenate([[0], np.cumsum(counts)]))

    def _join(self, count: int) -> None:
        """Makes one of the last `count` parts."""
        if count < 2:
            return
        parts, self._parts = self._parts[-count:], self._parts[:-count]
        lists = np.concatenate([np.repeat(np.arange(self.num_lists), np.diff(part.offsets)) for part in parts])
        codes, ids = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
        self._parts.append(self._sorted(codes, ids, lists))

    def _new_ids(self, ids: npt.ArrayLike | None, count: int) -> npt.NDArray[np.int64]:
        if ids is None:
            return np.arange(self._next_id, self._next_id + count, dtype=np.int64)
        given = whole_numbers(ids, "ids")
        if len(given) != count:
            raise ValueError(f"ids must be one a vector ({count}), got {len(given)}")
        if count and given.min() < 0:
            raise ValueError(f"ids must be at least 0, got {given.min()}")
        if len(np.unique(given)) < count:
            raise ValueError("ids must differ from one another")
        for part in self._parts:
            if (there := np.isin(given, part.ids)).any():
                raise ValueError(f"ids must not be in the index already, got {given[there][0]}")
        return given


def _lists_of(
    vectors: npt.NDArray[np.float32], centroids: npt.NDArray[np.float32], num_threads: int | None
) -> npt.NDArray[np.int64]:
    return search_arrays(vectors, centroids, 1, "l2", None, num_threads).indices[:, 0]
