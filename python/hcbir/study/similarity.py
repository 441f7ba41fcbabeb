"""Rankings of a study's images for its queries, as the paper makes them."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir._features import LocalFeatures
from hcbir._local_index import LocalFeatureIndex
from hcbir._search import search
from hcbir._store import LocalFeatureStore
from hcbir.collection.retrieval import VERIFY_MAX_ERROR, VERIFY_MODEL, verify_query
from hcbir.descriptors.keypoints import as_described
from hcbir.study.datasets.task import Task
from hcbir.study.description import Descriptions
from hcbir.study.ranking import Progress, Ranking
from hcbir.study.store import Arrays, Store, hash_of

QUERIES_A_BLOCK = 16
"""Queries whose inliers are counted between two writes: what an interruption loses at most."""

Ranked = tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]
"""All images, best first, and how many inliers each has."""

RankImages = Callable[[LocalFeatures], Ranked]
"""For one query."""


def exhaustive(images: Sequence[LocalFeatures], num_threads: int | None) -> RankImages:
    """By the inliers of one-to-one matches of the query with every image."""

    def rank(query: LocalFeatures) -> Ranked:
        return _by_inliers(query, images, np.arange(len(images)), num_threads)

    return rank


SHORT_LIST = 100
"""Images whose inliers are counted after the votes."""


def through_index(images: Sequence[LocalFeatures], num_threads: int | None) -> RankImages:
    """By votes through inverted lists of product codes, and the first of them anew by inliers.

    An image of the short list stands before all others; equal inliers stay in the order of their votes, and an image
    that was not looked at has none. Where the short list would hold all images, or none has a feature, there is
    nothing to vote for.
    """
    if len(images) <= SHORT_LIST or not any(map(len, images)):
        return exhaustive(images, num_threads)
    folder = tempfile.TemporaryDirectory(prefix="hcbir-study-")
    store = LocalFeatureStore.create(Path(folder.name) / "features", images)
    index = LocalFeatureIndex.build(store, num_threads=num_threads)

    def rank(query: LocalFeatures) -> Ranked:
        voted = index.search(query, len(images), num_threads=num_threads).indices[0]
        head, inliers = _by_inliers(query, images, voted[:SHORT_LIST], num_threads)
        rest = voted[SHORT_LIST:]
        return np.concatenate([head, rest]), np.concatenate([inliers, np.zeros(len(rest), np.int32)])

    weakref.finalize(rank, folder.cleanup)
    return rank


def _by_inliers(
    query: LocalFeatures, images: Sequence[LocalFeatures], chosen: npt.NDArray[np.int64], num_threads: int | None
) -> Ranked:
    """The chosen images in the order of their inliers; equal ones stay in the order that they come in."""
    inliers = verify_query(query, [images[i] for i in chosen], num_threads=num_threads).num_inliers
    best = np.argsort(-inliers, kind="stable")
    return chosen[best], inliers[best]


LOCAL_SEARCHES: Mapping[str, Callable[[Sequence[LocalFeatures], int | None], RankImages]] = {
    "exhaustive": exhaustive,
    "index": through_index,
}
"""How the images are found whose inliers are counted, by the name that a study gives. Each looks at all images once
and then answers query after query."""

BOTH = "both"
"""The name of evaluating every query exhaustively, and through the index beside it."""


@dataclass(frozen=True)
class TaskRanker:
    """Ranks a task's images by what descriptors say of them; no ranking that the store holds is made again.

    Parameters
    ----------
    task : Task
    database : Descriptions
        Of the images.
    asked : Descriptions or None
        Of the queries that are cropped or are none of the images, in their order.
    store : Store
    local : str
        One of `LOCAL_SEARCHES`.
    """

    task: Task
    database: Descriptions
    asked: Descriptions | None
    store: Store
    local: str
    num_threads: int | None = None
    progress: Progress | None = None

    def rank(self, name: str, *, what: str) -> Ranking:
        """Of one descriptor: global by dot product, local by the number of inliers.

        Equal counts, of which there are many, follow the hash of the images' content (through the index their votes
        first): the order of a dataset often tells the classes. A query that is one of the images stands in its own
        ranking.
        """
        descriptor = self.database.descriptor(name)
        spec = dict(descriptor.spec())
        if descriptor.kind == "aggregated":
            spec["state"] = {
                key: hash_of({"values": array.tobytes().hex()}) for key, array in descriptor.state().items()
            }
        key = hash_of({"ranking of": spec, **self._content(name)})
        if descriptor.kind == "local":
            way = {"local": self._way(name), "model": VERIFY_MODEL, "error": VERIFY_MAX_ERROR, "ties": "by content"}
            key = hash_of({"ranking of": key, **way})
            arrays = self.store.get(key, lambda: self._by_inliers(name, key, what))
            for block in range(0, len(self.task.queries), QUERIES_A_BLOCK):
                self.store.forget(self._block(key, block))
        else:
            arrays = self.store.get(key, lambda: self._by_vectors(name))
        if self.progress is not None:
            self.progress(what, len(self.task.queries), len(self.task.queries))
        return Ranking(arrays["indices"], arrays["scores"])

    def features(self, name: str) -> tuple[list[LocalFeatures], list[LocalFeatures]]:
        """Of the images and of the queries, by a local descriptor."""
        images = self.database.features(name)
        asked = iter([] if self.asked is None else self.asked.features(name))
        return images, [next(asked) if query.place is None else images[query.place] for query in self.task.queries]

    def _way(self, name: str) -> list[Any]:
        """How the images are found whose inliers are counted: one of `LOCAL_SEARCHES`, and all that tells it from
        others. Binary descriptors, which no codes can stand for, are always matched exhaustively."""
        descriptor = self.database.descriptor(name)
        if self.local == "exhaustive" or (descriptor.kind == "local" and descriptor.is_binary):
            return ["exhaustive"]
        return [self.local, SHORT_LIST, "the rest by votes"]

    def _content(self, name: str) -> dict[str, Any]:
        """What tells the images and queries from others."""
        asked = [] if self.asked is None else self.asked.digests(self.database.looking(name))
        return {
            "images": self.database.digests(name),
            "asked": asked,
            "boxes": [query.box for query in self.task.queries],
            "queries": [query.place for query in self.task.queries],
            "depth": self.task.depth,
            "opened": self.database.opened,
        }

    def _by_vectors(self, name: str) -> Arrays:
        vectors = self.database.vectors(name)
        queries = np.empty((len(self.task.queries), vectors.shape[1]), np.float32)
        whole = np.array([query.place is not None for query in self.task.queries], dtype=bool)
        queries[whole] = vectors[[query.place for query in self.task.queries if query.place is not None]]
        if self.asked is not None:
            queries[~whole] = self._asked_vectors(self.asked, name)
        found = search(queries, vectors, k=self._depth(), num_threads=self.num_threads)
        return {"indices": found.indices.astype(np.int32), "scores": found.scores}

    def _asked_vectors(self, asked: Descriptions, name: str) -> npt.NDArray[np.float32]:
        descriptor = self.database.descriptor(name)
        if descriptor.kind == "aggregated":
            return np.stack([descriptor.aggregate(features) for features in asked.features(descriptor.local.name)])
        return asked.vectors(name)

    def _by_inliers(self, name: str, key: str, what: str) -> Arrays:
        size = self.database.descriptor(name).image_size
        images, queries = ([as_described(f, size) for f in features] for features in self.features(name))
        if self.progress is not None:
            self.progress(what, 0, len(queries))  # the index takes a while to be built
        shuffled = np.argsort(self.database.digests(name), kind="stable")
        rank = LOCAL_SEARCHES[self._way(name)[0]]([images[i] for i in shuffled], self.num_threads)
        depth = self._depth()
        blocks = []
        for first in range(0, len(queries), QUERIES_A_BLOCK):
            block = queries[first : first + QUERIES_A_BLOCK]

            def rank_block(block: Sequence[LocalFeatures] = block) -> Arrays:
                indices, inliers = zip(*(rank(query) for query in block), strict=True)
                return {
                    "indices": shuffled[np.stack(indices)[:, :depth]].astype(np.int32),
                    "scores": np.stack(inliers)[:, :depth].astype(np.float32),
                }

            blocks.append(self.store.get(self._block(key, first), rank_block))
            if self.progress is not None:
                self.progress(what, first + len(block), len(queries))
        return {name: np.concatenate([block[name] for block in blocks]) for name in ("indices", "scores")}

    @staticmethod
    def _block(key: str, first: int) -> str:
        """The key of the queries from `first` on, while the others are being ranked."""
        return f"{key}-{first}"

    def _depth(self) -> int | None:
        return None if self.task.depth is None else min(self.task.depth, len(self.task.images))
