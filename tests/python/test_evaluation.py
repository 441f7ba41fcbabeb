"""hcbir.mean_average_precision, from rankings and from scores."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hcbir
from hcbir._evaluation import EvaluationResult, mean_average_precision, mean_average_precision_from_scores
from hcbir.reference import evaluation as reference

INTERPOLATIONS = ["trapezoid", "rectangle"]
AT = (1, 5, 10)


def assert_equal(result: EvaluationResult, expected: tuple[np.ndarray, np.ndarray], at: tuple[int, ...] = AT) -> None:
    ap, precisions = expected
    np.testing.assert_allclose(result.ap, ap, rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.precisions, precisions, rtol=0, atol=1e-12)
    defined = ~np.isnan(ap)
    if defined.any():
        assert result.mean_ap == pytest.approx(ap[defined].mean(), abs=1e-12)
        assert result.precision_at == pytest.approx(dict(zip(at, precisions[defined].mean(axis=0), strict=True)))
    else:
        assert np.isnan(result.mean_ap)
        assert list(result.precision_at) == list(at)
        assert np.isnan(list(result.precision_at.values())).all()


def bits(result: EvaluationResult) -> bytes:
    return result.ap.tobytes() + result.precisions.tobytes()


@pytest.mark.parametrize(
    ("ranks", "num_positives", "trapezoid", "rectangle"),
    [([1], 1, 0.25, 0.5), ([0, 2, 5], 3, 0.677778, 0.722222), ([3, 9], 4, 0.070139, 0.1125)],
)
def test_oracles_of_the_definition(ranks: list[int], num_positives: int, trapezoid: float, rectangle: float) -> None:
    never_found = range(100, 100 + num_positives - len(ranks))
    scores = -np.arange(12, dtype=np.float32)[None]
    for interpolation, ap in [("trapezoid", trapezoid), ("rectangle", rectangle)]:
        by_ranking = mean_average_precision([range(12)], [[*ranks, *never_found]], interpolation=interpolation)
        assert by_ranking.mean_ap == pytest.approx(ap, abs=5e-7)
        by_scores = mean_average_precision_from_scores(scores, [ranks], interpolation=interpolation)
        assert by_scores.mean_ap * len(ranks) / num_positives == pytest.approx(ap, abs=5e-7)


def test_precision_counts_to_the_last_positive_at_most() -> None:
    result = mean_average_precision([[4, 0, 1, 2, 3]], [[4, 1]], at=(1, 2, 3, 100))
    assert result.precision_at == pytest.approx({1: 1.0, 2: 0.5, 3: 2 / 3, 100: 2 / 3})
    np.testing.assert_array_equal(result.precisions, [list(result.precision_at.values())])


def test_junk_does_not_take_a_rank() -> None:
    with_junk = mean_average_precision([[7, 0, 8, 1, 9, 2]], [[0, 2]], junk=[[7, 8, 55]])
    assert bits(with_junk) == bits(mean_average_precision([[0, 1, 9, 2]], [[0, 2]]))
    assert with_junk.ap[0] == pytest.approx((1 + (1 / 3 + 2 / 4) / 2) / 2)


def test_positives_that_a_ranking_lacks_were_never_found() -> None:
    result = mean_average_precision([[5, 3], [5, 3], []], [[3, 9], [9], [1]], interpolation="rectangle")
    np.testing.assert_array_equal(result.ap, [0.25, 0, 0])
    np.testing.assert_array_equal(result.precisions[1:], np.zeros((2, 3)))


def test_queries_without_positives_are_left_out_of_the_mean() -> None:
    result = mean_average_precision([[0, 1], [0, 1]], [[], [1]], interpolation="rectangle", at=(1,))
    np.testing.assert_array_equal(result.ap, [np.nan, 0.5])
    np.testing.assert_array_equal(result.precisions, [[np.nan], [0]])
    assert (result.mean_ap, result.precision_at) == (0.5, {1: 0.0})
    none = mean_average_precision([[0, 1]], [[]])
    assert np.isnan([none.mean_ap, *none.precision_at.values()]).all()


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_nothing_to_evaluate(dtype: type[np.generic]) -> None:
    results = [
        mean_average_precision([], []),
        mean_average_precision(np.empty((5, 4), dtype)[:0], [], junk=[]),
        mean_average_precision_from_scores(np.empty((5, 4), np.float32)[:0], []),
        mean_average_precision_from_scores(np.empty((2, 0), np.float32), [[], []]),
    ]
    for result in results:
        assert np.isnan(result.mean_ap)
        assert result.precisions.shape == (len(result.ap), 3)
    assert mean_average_precision([[0]], [[0]], at=()).precision_at == {}


def random_case(
    seed: int, num_queries: int, num_images: int, num_positives: int, num_junk: int, levels: int
) -> tuple[np.ndarray, list[Any], list[Any]]:
    """Scores of few levels, so that many tie, and disjoint positives and junk of up to these numbers."""
    rng = np.random.default_rng(seed)
    scores = (rng.integers(-levels, levels + 1, (num_queries, num_images)) / levels).astype(np.float32)
    scores[scores == 0] *= rng.choice([-1, 1], np.count_nonzero(scores == 0))  # -0 ties with 0
    positives, junk = [], []
    for _ in range(num_queries):
        relevant = rng.permutation(num_images)
        split = rng.integers(0, min(num_positives, num_images) + 1)
        positives.append(relevant[:split])
        junk.append(relevant[split : split + rng.integers(0, num_junk + 1)])
    return scores, positives, junk


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    num_queries=st.integers(1, 5),
    num_images=st.integers(1, 60),
    num_positives=st.integers(0, 20),
    num_junk=st.integers(0, 20),
    levels=st.sampled_from([1, 3, 1000]),
    interpolation=st.sampled_from(INTERPOLATIONS),
    at=st.lists(st.integers(1, 70), max_size=4, unique=True).map(tuple),
)
def test_equals_the_reference(
    seed: int,
    num_queries: int,
    num_images: int,
    num_positives: int,
    num_junk: int,
    levels: int,
    interpolation: str,
    at: tuple[int, ...],
) -> None:
    scores, positives, junk = random_case(seed, num_queries, num_images, num_positives, num_junk, levels)
    rankings = reference.rank(scores)
    keywords: dict[str, Any] = {"junk": junk, "interpolation": interpolation, "at": at}
    expected = reference.evaluate(rankings, positives, **keywords)
    assert_equal(mean_average_precision_from_scores(scores, positives, **keywords), expected, at)
    assert_equal(mean_average_precision(rankings, positives, **keywords), expected, at)
    assert_equal(mean_average_precision(rankings.astype(np.int32), positives, **keywords), expected, at)

    lengths = np.random.default_rng(seed).integers(0, num_images + 1, num_queries)
    cut = [ranking[:length] for ranking, length in zip(rankings, lengths, strict=True)]
    assert_equal(mean_average_precision(cut, positives, **keywords), reference.evaluate(cut, positives, **keywords), at)


@pytest.mark.parametrize("num_images", [4095, 4096, 4097, 9000])
@pytest.mark.parametrize("num_positives", [1, 5, 7, 8, 17, 200, 1023, 1024, 1500])
@pytest.mark.parametrize("levels", [1, 50, 10**6])
def test_few_and_many_positives_over_several_blocks(num_images: int, num_positives: int, levels: int, isa: str) -> None:
    scores, positives, junk = random_case(num_images, 4, num_images, num_positives, 200, levels)
    positives[0] = np.random.default_rng(0).permutation(num_images)[:num_positives]
    junk[0] = []
    result = mean_average_precision_from_scores(scores, positives, junk=junk)
    assert_equal(result, reference.evaluate(reference.rank(scores), positives, junk=junk))


@pytest.mark.parametrize("levels", [2, 10**6])
def test_rows_of_every_length_at_every_level(levels: int, isa: str) -> None:
    for num_images in range(1, 70):
        scores, positives, junk = random_case(num_images, 6, num_images, 12, 5, levels)
        scores[0, 0], scores[1, -1], scores[2] = -np.inf, np.inf, -np.inf
        result = mean_average_precision_from_scores(scores, positives, junk=junk)
        assert_equal(result, reference.evaluate(reference.rank(scores), positives, junk=junk))
        for place in (0, num_images // 2, num_images - 1):
            for nan in (np.float32(np.nan), np.float32(-np.nan)):
                marred = scores.copy()
                marred[5, place] = nan
                with pytest.raises(ValueError, match=f"NaN at index {place} for query 5"):
                    mean_average_precision_from_scores(marred, positives, junk=junk)


def test_same_bits_at_every_level() -> None:
    scores, positives, junk = random_case(7, 40, 10_000, 300, 40, 3000)
    results = set()
    for isa in hcbir.available_isas():
        with hcbir.use_isa(isa):
            results.add(bits(mean_average_precision_from_scores(scores, positives, junk=junk)))
    assert len(results) == 1


def test_infinite_scores_are_ranked(isa: str) -> None:
    scores = np.array([[-np.inf, 0, np.inf, -np.inf, np.inf]], dtype=np.float32)
    for positive, rank in enumerate([3, 2, 0, 4, 1]):
        result = mean_average_precision_from_scores(scores, [[positive]], interpolation="rectangle")
        assert result.mean_ap == 1 / (rank + 1)


def test_same_bits_for_any_number_of_threads() -> None:
    scores, positives, junk = random_case(5, 60, 3000, 200, 40, 100)
    rankings = reference.rank(scores)
    by_scores = {
        bits(mean_average_precision_from_scores(scores, positives, junk=junk, num_threads=t)) for t in (1, 2, 7)
    }
    by_rankings = {bits(mean_average_precision(rankings, positives, junk=junk, num_threads=t)) for t in (1, 2, 7)}
    assert len(by_scores) == 1
    assert by_scores == by_rankings


def test_strided_and_mapped_rows(tmp_path: Path) -> None:
    scores, positives, junk = random_case(1, 9, 500, 30, 5, 20)
    wide = np.full((9, 700), np.nan, dtype=np.float32)
    wide[:, :500] = scores
    np.save(tmp_path / "scores.npy", wide)
    expected = reference.evaluate(reference.rank(scores), positives, junk=junk)
    assert_equal(mean_average_precision_from_scores(wide[:, :500], positives, junk=junk), expected)
    mapped = np.load(tmp_path / "scores.npy", mmap_mode="r")
    assert_equal(mean_average_precision_from_scores(mapped[:, :500], positives, junk=junk), expected)
    rankings = np.full((18, 600), -1, dtype=np.int32)
    rankings[::2, :500] = reference.rank(scores)
    assert_equal(mean_average_precision(rankings[::2, :500], positives, junk=junk), expected)


def test_short_rankings_among_many_images() -> None:
    rng = np.random.default_rng(3)
    rankings = [rng.choice(10**6, 20, replace=False) for _ in range(50)]
    positives = [np.r_[ranking[::3], 10**6 + query] for query, ranking in enumerate(rankings)]
    junk = [ranking[1::5] for ranking in rankings]
    junk = [np.setdiff1d(j, p) for j, p in zip(junk, positives, strict=True)]
    result = mean_average_precision(rankings, positives, junk=junk)
    assert_equal(result, reference.evaluate(rankings, positives, junk=junk))


def test_a_query_knows_nothing_of_the_one_before() -> None:
    rankings = [[0, 10**5], [7, 5, 3]]
    result = mean_average_precision(
        rankings, [[0, 7], [3]], junk=[[5, 6], []], interpolation="rectangle", num_threads=1
    )
    np.testing.assert_allclose(result.ap, [1 / 2, 1 / 3])


@pytest.mark.parametrize(
    ("rankings", "positives", "junk", "message"),
    [
        ([[0, 1], [2, -1]], [[0], [0]], None, r"rankings must be indices from 0 .* got -1 for query 1"),
        ([[0, 2**31]], [[0]], None, r"rankings must be indices from 0 to 2147483647, got 2147483648 for query 0"),
        ([[0, 1], [3, 4, 3]], [[0], [0]], None, r"rankings must be free of repetition, got 3 twice for query 1"),
        ([[0, 1]], [[0, -7]], None, r"positives must be indices from 0 .* got -7 for query 0"),
        ([[0, 1]], [[5, 0, 5]], None, r"positives must be free of repetition, got 5 twice for query 0"),
        ([[0, 1]], [[0]], [[2, 9, 2]], r"junk must be free of repetition, got 2 twice for query 0"),
        ([[0, 1]], [[0, 1]], [[1]], r"junk must be free of the query's positives, got 1 for query 0"),
        ([[0, 1]], [[0], [1]], None, r"positives must hold one sequence a query, 1, got 2"),
        ([[0, 1]], [[0]], [], r"junk must hold one sequence a query, 1, got 0"),
        ([[0, 1]], [0], None, r"positives must hold a sequence of integers a query, .* for query 0"),
    ],
)
def test_refuses_what_is_no_ranking(rankings: Any, positives: Any, junk: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mean_average_precision(rankings, positives, junk=junk)


@pytest.mark.parametrize("num_images", [3, 5000])
@pytest.mark.parametrize("num_positives", [0, 1, 200])
def test_refuses_nan_and_indices_beyond_the_scores(num_images: int, num_positives: int) -> None:
    scores = np.zeros((2, num_images), dtype=np.float32)
    positives: list[Any] = [[], range(min(num_positives, num_images))]
    with pytest.raises(ValueError, match=f"positives must be indices from 0 to .* got {num_images} for query 0"):
        mean_average_precision_from_scores(scores, [[num_images], []])
    scores[1, -1] = np.nan
    with pytest.raises(ValueError, match=f"scores must be free of NaN, got NaN at index {num_images - 1} for query 1"):
        mean_average_precision_from_scores(scores, positives)


def test_refuses_wrong_types_and_options() -> None:
    ranking = np.array([[0, 1, 2, 3]])
    scores = np.zeros((2, 3), dtype=np.float32)
    with pytest.raises(TypeError, match=r"rankings must be int64 .*numpy.ascontiguousarray\(rankings"):
        mean_average_precision(ranking[:, ::2], [[0]])
    with pytest.raises(TypeError, match=r"rankings must be int64 .* of float64"):
        mean_average_precision(ranking.astype(float), [[0]])
    with pytest.raises(TypeError, match=r"scores must be float32 .* of float64"):
        mean_average_precision_from_scores(scores.astype(float), [[0], [0]])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"positives must hold integers, got shape \(1,\) of float64 for query 0"):
        mean_average_precision(ranking, [[0.5]])
    with pytest.raises(ValueError, match=r"interpolation must be one of 'trapezoid', 'rectangle', got 'trapezium'"):
        mean_average_precision(ranking, [[0]], interpolation="trapezium")
    with pytest.raises(ValueError, match=r"at must be a whole number of at least 1, got 0"):
        mean_average_precision(ranking, [[0]], at=(5, 0))
    with pytest.raises(TypeError, match=r"at must hold whole numbers of at least 1, got 5"):
        mean_average_precision(ranking, [[0]], at=5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"num_threads must be a whole number of at least 1, got 0"):
        mean_average_precision(ranking, [[0]], num_threads=0)


def test_trec_eval(shared: Path) -> None:
    """trec_eval's `map` is the rectangle AP; its relevant documents that were not retrieved are never found.

    It orders a query's documents by descending score and equal scores by *descending* document number. Ours ties to
    the smaller index, so each query's documents are numbered in descending order of their names.
    """
    folder = shared / "data" / "groundtruth" / "trec_eval"
    relevant, retrieved = defaultdict(set), defaultdict(dict)
    for line in (folder / "qrels.test").read_text().splitlines():
        query, _, document, relevance = line.split()
        if int(relevance) > 0:
            relevant[query].add(document)
    for line in (folder / "results.test").read_text().splitlines():
        query, _, document, _, score, _ = line.split()
        retrieved[query][document] = float(score)
    printed: dict[tuple[str, str], str] = {}
    for line in (folder / "out.test.aq").read_text().splitlines():
        measure, query, value = line.split()
        printed[measure, query] = value

    queries = sorted(retrieved)
    assert len(queries) == 3
    rankings, positives, cut = [], [], []
    for query in queries:
        names = sorted(retrieved[query], reverse=True) + sorted(relevant[query] - retrieved[query].keys())
        scores = np.array([retrieved[query][name] for name in names[: len(retrieved[query])]], dtype=np.float32)
        rankings.append(reference.rank(scores))
        positives.append([i for i, name in enumerate(names) if name in relevant[query]])
        # Of the documents retrieved alone, from scores: the same sum, over fewer positives.
        found = [i for i in positives[-1] if i < len(scores)]
        ap = mean_average_precision_from_scores(scores[None], [found], interpolation="rectangle").mean_ap
        cut.append(ap * len(found) / len(positives[-1]))
    result = mean_average_precision(rankings, positives, interpolation="rectangle", at=(5, 10, 100))
    np.testing.assert_allclose(result.ap, cut, rtol=0, atol=1e-12)
    assert [f"{ap:.4f}" for ap in result.ap] == [printed["map", query] for query in queries]
    assert f"{result.mean_ap:.4f}" == printed["map", "all"]
    for column, k in enumerate(result.precision_at):
        assert [f"{p:.4f}" for p in result.precisions[:, column]] == [printed[f"P_{k}", query] for query in queries]


def ap_and_precisions_as_written(ranking: list[int], ok: set[int], junk: set[int]) -> tuple[float, list[float]]:
    """The benchmark's words in plain Python, for trapezoid AP and AT."""
    if not ok:
        return float("nan"), [float("nan")] * len(AT)
    ranks, num_junk = [], 0
    for place, image in enumerate(ranking):
        if image in ok:
            ranks.append(place - num_junk)
        num_junk += image in junk
    ap = 0.0
    for j, rank in enumerate(ranks):
        precision0 = 1.0 if rank == 0 else j / rank
        precision1 = (j + 1) / (rank + 1)
        ap += (precision0 + precision1) / 2 / len(ok)
    precisions = []
    for k in AT:
        length = min(max(ranks) + 1, k)
        precisions.append(sum(rank + 1 <= length for rank in ranks) / length)
    return ap, precisions


@pytest.mark.parametrize(
    ("right", "ignored"),
    [(["easy"], ["junk", "hard"]), (["easy", "hard"], ["junk"]), (["hard"], ["junk", "easy"])],
    ids=["easy", "medium", "hard"],
)
def test_revisited_oxford(shared: Path, right: list[str], ignored: list[str]) -> None:
    truth = json.loads((shared / "data" / "groundtruth" / "roxford5k" / "gnd_roxford5k.json").read_text())
    num_images = len(truth["imlist"])
    ok = [[i for name in right for i in query[name]] for query in truth["gnd"]]
    junk = [[i for name in ignored for i in query[name]] for query in truth["gnd"]]
    rng = np.random.default_rng(20)
    scores = rng.standard_normal((len(ok), num_images)).astype(np.float32)
    for row, query in zip(scores, truth["gnd"], strict=True):
        row[query["easy"]] += 3
        row[query["hard"]] += 1.5
    scores = (scores * 50).round() / 50  # ties
    rankings = [sorted(range(num_images), key=lambda i, row=row: (-row[i], i)) for row in scores.tolist()]  # type: ignore[misc]
    written = [
        ap_and_precisions_as_written(ranking, set(o), set(j)) for ranking, o, j in zip(rankings, ok, junk, strict=True)
    ]
    aps = np.array([ap for ap, _ in written])
    for result in (
        mean_average_precision(np.array(rankings), ok, junk=junk),
        mean_average_precision_from_scores(scores, ok, junk=junk),
    ):
        np.testing.assert_allclose(result.ap, aps, rtol=0, atol=1e-9)
        np.testing.assert_allclose(result.precisions, [p for _, p in written], rtol=0, atol=1e-9)
        assert result.mean_ap == pytest.approx(np.nanmean(aps), abs=1e-9)


def test_corridor(shared: Path) -> None:
    """Published scores of five techniques; a query has a recall of 1 at k where its precision at k is not 0."""
    folder = shared / "data" / "groundtruth" / "corridor"
    positives = json.loads((folder / "groundtruth.json").read_text())["positives"]
    expected = json.loads((folder / "expected.json").read_text())["expected"]
    with np.load(folder / "scores.npz", allow_pickle=False) as techniques:
        assert set(techniques) == set(expected)
        for name, scores in techniques.items():
            result = mean_average_precision_from_scores(scores, positives, at=(1, 5, 10, 20))
            assert result.mean_ap == pytest.approx(expected[name]["map_oxford"], abs=5.1e-7)
            for column, k in enumerate(result.precision_at):
                recall = np.count_nonzero(result.precisions[:, column]) / len(positives)
                assert recall == pytest.approx(expected[name][f"recall@{k}"], abs=5.1e-7)
