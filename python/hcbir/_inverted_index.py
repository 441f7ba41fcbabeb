"""Inverted lists of product-quantised vectors: a query reads a few lists instead of the whole database."""

from __future__ import annotations

from os import PathLike

import numpy.typing as npt

from hcbir._arrays import large_matrix, positive_int, small_matrix
from hcbir._inverted_index_file import SavedIndex, read_index, write_index
from hcbir._inverted_lists import Floats, Ids
from hcbir._inverted_state import Held, InvertedState
from hcbir._inverted_training import train_lists
from hcbir._search import SearchResult


class IVFPQIndex(InvertedState):
    """An approximate index: vectors stand as codes in the list of their nearest centroid.

    A vector takes num_subquantizers * bits / 8 bytes, 8 of its id, and 4 more for l2; a search reads the nprobe lists
    that promise most. Scores are approximate as the codes are, which stand for differences from the list's centroid.

    Threads may call any methods at once: a search, or `save`, sees the index as it was when it began; `train`, `add`
    and `remove` wait for one another. A signal handler that comes within one of these may read the index, and save it
    as it was.

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
            Like those that will be added; at least num_lists and 2**bits. The largest value may be from 1e-16 to 1e16
            in size, so that float32 holds their distances; those that are added, and queries, may be smaller.
        num_iterations : int
            Of k-means, at most. More than 1024 lists are learned in groups: k-means of all would take very long.
        max_vectors_per_centroid : int
            Of more vectors than this times num_lists a random sample is used for the lists' centroids.
        num_threads : int, optional
            Default: `hcbir.default_num_threads()`. The result does not depend on it.

        Raises
        ------
        ValueError, TypeError
            For what does not fit, and if there are vectors in the index already.
        """
        shape = self.num_lists, self.num_subquantizers, self.bits, self.metric
        with self._changing():
            if len(self):
                raise ValueError(f"train must come before add; the index holds {len(self)} vectors")
            options = (num_iterations, max_vectors_per_centroid, self.seed, num_threads)
            self._held = self._held._replace(learned=train_lists(vectors, *shape, *options))

    def add(self, vectors: Floats, *, ids: npt.ArrayLike | None = None, num_threads: int | None = None) -> Ids:
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
        with self._changing():
            coder, held = self._held.coder, self._held.lists
            coder.check_length(v, "vectors")
            given = held.new_ids(ids, len(v))
            lists, codes, terms = coder.encode(v, num_threads)
            self._held = Held(coder, held.with_added(codes, given, lists, terms))
        return given

    def remove(self, ids: npt.ArrayLike) -> int:
        """Takes out the vectors of these ids; those that are not there are passed over. Returns how many were."""
        with self._changing():
            before = len(self)
            self._held = self._held._replace(lists=self._held.lists.without(ids))
            return before - len(self)

    def search(
        self, queries: npt.ArrayLike, k: int = 10, *, nprobe: int = 16, num_threads: int | None = None
    ) -> SearchResult:
        """The k vectors that score highest against each query, of those in nprobe lists.

        Parameters
        ----------
        queries : (q, d) array
            Converted to float32.
        k : int
            Where the lists hold fewer, scores of -inf and indices of -1 follow. At most the number of vectors, or 2**20
            of fewer.
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
        held, q = self._held, small_matrix(queries, "queries")
        coder = held.coder
        coder.check_length(q, "queries")
        num_probes = min(positive_int(nprobe, "nprobe"), self.num_lists)
        return coder.search(q, held.lists.parts, positive_int(k, "k"), num_probes, num_threads)

    def save(self, folder: str | PathLike[str]) -> None:
        """Writes the index into a folder, which is made: plain `.npy` files with checksums.

        An IVFPQIndex that stands there is replaced once all is written, also the one that this index was opened from.

        Raises
        ------
        ValueError
            If something else stands there.
        BlockingIOError
            If another process saves there meanwhile.
        """
        write_index(folder, self._to_save())

    def _to_save(self) -> SavedIndex:
        held = self._joined()
        return SavedIndex(held.coder, held.lists.parts[0], self.seed, held.lists.next_id)

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
            If the folder is not there or holds no index.
        hcbir.FormatError
            If it is something else, or an index that is truncated or altered.
        """
        return cls._of_saved(read_index(folder, check))

    @classmethod
    def _of_saved(cls, saved: SavedIndex) -> IVFPQIndex:
        centroids, quantizer, metric, _ = saved.coder
        shape = {"num_subquantizers": quantizer.num_subquantizers, "bits": quantizer.bits}
        index = cls(len(centroids), **shape, metric=metric, seed=saved.seed)
        lists = index._held.lists._replace(parts=(saved.part,), next_id=saved.next_id)
        index._held = Held(saved.coder, lists)
        return index
