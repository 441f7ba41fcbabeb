"""The images of a store that hold local features like a query's, without comparing the query with each."""

from __future__ import annotations

import math
from collections.abc import Callable
from os import PathLike

import numpy as np
import numpy.typing as npt

from hcbir._arrays import positive_int
from hcbir._features import LocalFeatures
from hcbir._inverted_index import IVFPQIndex
from hcbir._inverted_index_file import read_index, write_index
from hcbir._search import SearchResult
from hcbir._store import LocalFeatureStore

Progress = Callable[[int, int], None]

BLOCK = 65536
VECTORS_PER_LIST = 64
"""That lists' centroids are learned from: a quarter of what k-means would like, since its time grows with the square
of the number of lists."""


class LocalFeatureIndex:
    """All features of a store in one `IVFPQIndex`; each feature of a query votes for the images of its neighbours.

    The images with the most votes are the short list for `count_inliers`:

        shortlist = index.search(query, k=100).indices[0]
        counts = count_inliers(query, store, shortlist)

    Parameters
    ----------
    store : LocalFeatureStore
    features : IVFPQIndex
        Of the store's descriptors; the id of a vector is its row in the store. Made by `build` or `open`.

    >>> import numpy as np, tempfile
    >>> rng = np.random.default_rng(0)
    >>> def image():
    ...     rows = rng.standard_normal((100, 16), dtype=np.float32)
    ...     return LocalFeatures(np.zeros((100, 2), np.float32), rows, np.ones(100, np.float32))
    >>> images = [image() for _ in range(5)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = LocalFeatureStore.create(folder + "/features", images)
    ...     index = LocalFeatureIndex.build(store, num_lists=8, num_subquantizers=8)
    ...     index.search(images[3], k=2).indices[0, 0]
    np.int64(3)
    """

    def __init__(self, store: LocalFeatureStore, features: IVFPQIndex) -> None:
        if features.quantizer.dim != store.dim:
            raise ValueError(f"features must have the store's dimension, {store.dim}, got {features.quantizer.dim}")
        self.store = store
        self.features = features

    @classmethod
    def build(
        cls,
        store: LocalFeatureStore,
        *,
        num_lists: int | None = None,
        num_subquantizers: int | None = None,
        bits: int = 8,
        metric: str = "l2",
        seed: int = 0,
        num_threads: int | None = None,
        progress: Progress | None = None,
    ) -> LocalFeatureIndex:
        """Learns lists and codes on a sample of the store's features, and adds them all.

        Parameters
        ----------
        store : LocalFeatureStore
            Of descriptors that are not binary.
        num_lists : int, optional
            At most the number of features. Default: 4 times its square root.
        num_subquantizers : int, optional
            A divisor of the descriptors' length. Default: one for 4 values if 4 divides it, else one a value.
        bits, metric, seed
            As of `IVFPQIndex`.
        num_threads : int, optional
            Default: `hcbir.default_num_threads()`. The result does not depend on it.
        progress : callable, optional
            progress(features added, features in all), called now and then.

        Raises
        ------
        TypeError
            For a store of binary descriptors: those are compared exhaustively.
        ValueError
            For a store without features, and for more lists than there are.
        """
        if store.dtype == "uint8":
            raise TypeError("store must hold float descriptors, got binary ones, which no codes can stand for")
        count = store.num_features
        if count == 0:
            raise ValueError("store must hold features to learn from, got one without any")
        if num_lists is None:
            num_lists = min(count, round(4 * math.sqrt(count)))
        if num_lists > count:
            raise ValueError(f"num_lists must be at most the number of features, {count}, got {num_lists}")
        if num_subquantizers is None:
            num_subquantizers = store.dim // 4 if store.dim % 4 == 0 else store.dim
        features = IVFPQIndex(num_lists, num_subquantizers=num_subquantizers, bits=bits, metric=metric, seed=seed)
        sample = min(count, max(VECTORS_PER_LIST * num_lists, 256 * 2**bits))
        rows = np.sort(np.random.default_rng(seed).choice(count, sample, replace=False))
        rows = np.resize(rows, max(sample, 2**bits))  # of fewer features than centroids some twice
        features.train(store.floats(rows), max_vectors_per_centroid=VECTORS_PER_LIST, num_threads=num_threads)
        for first in range(0, count, BLOCK):
            block = np.arange(first, min(first + BLOCK, count))
            features.add(store.floats(block), ids=block, num_threads=num_threads)
            if progress is not None:
                progress(int(block[-1]) + 1, count)
        return cls(store, features)

    def search(
        self,
        query: LocalFeatures,
        k: int = 100,
        *,
        num_neighbours: int = 20,
        nprobe: int = 8,
        num_threads: int | None = None,
    ) -> SearchResult:
        """The k images with the most votes.

        A feature of the query votes for the images of its nearest neighbours, once for each, with the score of the
        nearest one there less that of the last neighbour: what stands out counts, what is everywhere does not (McCann
        and Lowe, "Local Naive Bayes Nearest Neighbor for Image Classification", CVPR 2012).

        Parameters
        ----------
        query : LocalFeatures
            With float descriptors of the store's length.
        k : int
            Of fewer images in the store, all.
        num_neighbours : int
            Features of the store that each feature of the query votes by, at least 2: the last has no vote.
        nprobe : int
            Lists that are read for each.
        num_threads : int, optional
            Default: `hcbir.default_num_threads()`. The result does not depend on it.

        Returns
        -------
        SearchResult
            One row: scores are the sums of votes, indices are images of the store, of equal ones the smaller first.
        """
        if not isinstance(query, LocalFeatures):
            raise TypeError(f"query must be LocalFeatures, got {type(query).__name__}")
        if positive_int(num_neighbours, "num_neighbours") < 2:
            raise ValueError("num_neighbours must be at least 2, since the last one has no vote, got 1")
        neighbours = min(num_neighbours, max(2, len(self.features)))
        votes = np.zeros(len(self.store))
        if len(query):
            if query.is_binary:
                raise TypeError("query must have float descriptors like the store's, got binary ones")
            found = self.features.search(query.descriptors, neighbours, nprobe=nprobe, num_threads=num_threads)
            votes = _votes(found, self.store.offsets)
        best = np.argsort(-votes, kind="stable")[: positive_int(k, "k")]
        return SearchResult(votes[best][None].astype(np.float32), best[None])

    def save(self, folder: str | PathLike[str]) -> None:
        """Writes the index, without the store but with its fingerprint, as `IVFPQIndex.save` does."""
        write_index(folder, self.features._to_save()._replace(source=self.store.fingerprint))

    @classmethod
    def open(cls, folder: str | PathLike[str], store: LocalFeatureStore, *, check: bool = False) -> LocalFeatureIndex:
        """The index that was saved, of this store; parameters and errors as for `IVFPQIndex.open`.

        Raises
        ------
        ValueError
            If it is the index of another store, or of the same before more was appended.
        """
        saved = read_index(folder, check)
        features = IVFPQIndex._of_saved(saved)
        if len(features) != store.num_features:
            raise ValueError(f"store must have the index's {len(features)} features, got {store.num_features}")
        if saved.source not in (None, store.fingerprint):
            raise ValueError(f"store must be the one that the index in {folder} is of, got {store!r}")
        return cls(store, features)


def _votes(found: SearchResult, offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """One number an image, whose features are rows offsets[i] .. offsets[i + 1]."""
    num_images = len(offsets) - 1
    num_found = np.count_nonzero(found.indices >= 0, axis=1)
    last = found.scores[np.arange(len(num_found)), np.maximum(num_found, 1) - 1]
    voters, ranks = np.nonzero(found.indices >= 0)
    images = np.searchsorted(offsets, found.indices[voters, ranks], side="right") - 1
    _, first = np.unique(voters * num_images + images, return_index=True)  # of an image's neighbours the nearest
    weights = found.scores[voters[first], ranks[first]].astype(np.float64) - last[voters[first]]
    return np.bincount(images[first], weights, minlength=num_images).astype(np.float64)
