"""Ranking the images of a collection: by vectors that stand in parts, and by verified local features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hcbir._arrays import positive_int, whole_number
from hcbir._candidates import CandidateVerifications, Progress, verify_candidates
from hcbir._explaining import explain
from hcbir._explanation import MAX_LOG10_NFA, Explanation, nfa_bound
from hcbir._features import LocalFeatures
from hcbir._null_distribution import NullDistribution, null_distribution
from hcbir._search import SearchResult, search
from hcbir.collection.bank import DescriptorBank
from hcbir.collection.contents import Contents
from hcbir.collection.queries import Query, as_source
from hcbir.collection.records import CollectionError, DescriptorRecord
from hcbir.descriptors import describe_image
from hcbir.descriptors.keypoints import as_described

VERIFY_MODEL = "affine"
VERIFY_MAX_ERROR = 4.0
"""Pixels of the images as they were described. Mutual nearest neighbours are verified by RANSAC."""

Scores = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]


def retrieve(
    contents: Contents,
    bank: DescriptorBank,
    queries: Sequence[Query],
    k: int | None,
    *,
    descriptor: str | None,
    verify: bool | str,
    num_candidates: int,
    max_log10_nfa: float,
    metric: str,
    num_threads: int | None,
    reduced_decoding: bool,
) -> SearchResult:
    """Without names; see `Collection.search`."""
    if not queries:
        raise ValueError("queries must be at least one image, got none")
    num_images = len(contents.images())
    if num_images == 0:
        raise CollectionError("the collection holds no image yet")
    k = num_images if k is None else min(positive_int(k, "k"), num_images)
    bound = nfa_bound(max_log10_nfa)
    ranking = bank.choose(descriptor)
    checking = ranking if ranking.kind == "local" else None
    if verify is not False and checking is None:
        checking = bank.choose_local(None if verify is True else verify)

    parts = [] if ranking.kind == "local" else contents.vector_parts(ranking)
    wanted = [bank.looking(ranking)] + ([] if checking is None else [checking])
    describing = {record.name: bank.make(record) for record in wanted}
    described = [describe_image(as_source(query), describing, reduced_decoding=reduced_decoding) for query in queries]
    if ranking.kind == "local":
        orders = np.broadcast_to(np.arange(num_images), (len(described), num_images))
    else:
        vectors = np.stack([bank.vector(ranking, d) for d in described])
        num_ranked = k if checking is None else min(max(k, positive_int(num_candidates, "num_candidates")), num_images)
        scores, orders = rank_by_vectors(vectors, parts, num_ranked, metric=metric, num_threads=num_threads)
        if checking is None:
            return SearchResult(scores, orders)
    assert checking is not None
    ranked: list[tuple[Scores, Indices, npt.NDArray[np.float64]]] = []
    size = bank.make(checking).image_size
    for d, order in zip(described, orders, strict=True):
        candidates = [as_described(contents.features(int(index), checking), size) for index in order]
        query = as_described(d.local_features[checking.name], size)
        verified = verify_query(query, candidates, num_threads=num_threads)
        counts = verified.num_inliers if ranking.kind == "local" else beyond_chance(verified, bound)
        best = np.argsort(-counts, kind="stable")[:k]  # equal counts stay in the order of the global score
        ranked.append((counts[best].astype(np.float32), order[best], verified.log10_nfa[best]))
    scores, indices, log10_nfa = (np.stack(parts) for parts in zip(*ranked, strict=True))
    return SearchResult(scores, indices, log10_nfa=log10_nfa)


def rank_by_vectors(
    queries: npt.NDArray[np.float32],
    parts: Sequence[npt.NDArray[np.float32]],
    k: int,
    *,
    metric: str = "dot",
    num_threads: int | None = None,
) -> tuple[Scores, Indices]:
    """(q, k) scores and indices of the best rows of the parts, taken as one matrix that is never built."""
    scores, indices = [], []
    first = 0
    for part in parts:
        result = search(queries, part, min(k, len(part)), metric=metric, num_threads=num_threads)
        scores.append(result.scores)
        indices.append(result.indices + first)
        first += len(part)
    all_scores, all_indices = np.concatenate(scores, axis=1), np.concatenate(indices, axis=1)
    best = np.argsort(-all_scores, axis=1, kind="stable")[:, :k]  # equal scores stand in order of index already
    return np.take_along_axis(all_scores, best, axis=1), np.take_along_axis(all_indices, best, axis=1)


def verify_query(
    query: LocalFeatures, candidates: Sequence[LocalFeatures], *, num_threads: int | None = None
) -> CandidateVerifications:
    """Matched features of the query and each candidate, all `as_described`, that agree on one map."""
    return verify_candidates(query, candidates, model=VERIFY_MODEL, max_error=VERIFY_MAX_ERROR, num_threads=num_threads)


def beyond_chance(verified: CandidateVerifications, bound: float = MAX_LOG10_NFA) -> npt.NDArray[np.int32]:
    """(c,) inlier counts; 0 where chance explains them."""
    return np.where(verified.log10_nfa < bound, verified.num_inliers, 0).astype(np.int32)


def null_of_collection(
    contents: Contents,
    record: DescriptorRecord,
    image_size: int,
    groups: Sequence[object] | None,
    num_images: int,
    num_pairs: int,
    seed: int,
    num_threads: int | None,
    progress: Progress | None,
) -> NullDistribution:
    """See `Collection.null_distribution`."""
    count = len(contents.images())
    if groups is not None and len(groups) != count:
        raise ValueError(f"groups must be one for each of the {count} images, got {len(groups)}")
    drawn = np.random.default_rng(whole_number(seed, "seed")).permutation(count)
    chosen = np.sort(drawn[: positive_int(num_images, "num_images")])
    null = null_distribution(
        [as_described(contents.features(int(image), record), image_size) for image in chosen],
        None if groups is None else [str(groups[image]) for image in chosen],
        num_pairs=num_pairs,
        seed=seed,
        num_threads=num_threads,
        progress=progress,
        model=VERIFY_MODEL,
        max_error=VERIFY_MAX_ERROR,
    )
    return replace(null, pairs=chosen[null.pairs])


def explain_match(query: LocalFeatures, target: LocalFeatures, image_size: int) -> Explanation:
    """Why images match that were described at that size, by the rule that ranks them; in pixels of the full images."""
    longest = max(target.image_size) if target.image_size else 0
    max_error = VERIFY_MAX_ERROR * max(1.0, longest / image_size)
    return explain(query, target, model=VERIFY_MODEL, max_error=max_error)
