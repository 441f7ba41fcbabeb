from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenes import scene, write_classes

import hcbir
from hcbir.collection import Collection
from hcbir.study.datasets import Dataset, load_dataset
from hcbir.study.evaluation import Evaluation, evaluate_collection, evaluate_dataset
from hcbir.study.naming import short_names


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_classes(tmp_path_factory.mktemp("evaluation") / "photos")


@pytest.fixture(scope="module")
def collection(photos: Path) -> Collection:
    made = Collection.create(photos.parent / "c.hcbir", ["vlad", "orb"])
    made.add(photos)
    return made


@pytest.fixture(scope="module")
def evaluation(photos: Path, collection: Collection) -> Evaluation:
    return evaluate_collection(collection, load_dataset(photos), ["vlad", "orb"], verify="sift", num_candidates=3)


def rectangle_ap(ranking: list[int], positives: set[int]) -> float:
    """Mean over the positives of the precision at each."""
    found, total = 0, 0.0
    for rank, image in enumerate(ranking, start=1):
        if image in positives:
            found += 1
            total += found / rank
    return total / len(positives)


def test_every_labelled_image_is_a_query_left_out_of_its_own_ranking(evaluation: Evaluation) -> None:
    assert len(evaluation.queries) == 9
    assert evaluation.labels.count(None) == 2
    for figures in evaluation.columns.values():
        assert figures.num_queries == 9
        for query, ranking in zip(evaluation.queries, figures.ranking.indices, strict=True):
            assert sorted([*ranking, query]) == list(range(11))


def test_global_descriptor_ranks_by_dot_product(evaluation: Evaluation, collection: Collection) -> None:
    vectors = collection.vectors("vlad").astype(np.float64)
    for query, ranking, scores in zip(
        evaluation.queries,
        evaluation.descriptors["vlad"].ranking.indices,
        evaluation.descriptors["vlad"].ranking.scores,
        strict=True,
    ):
        similarity = vectors @ vectors[query]
        np.testing.assert_allclose(scores, similarity[ranking], atol=1e-6)
        assert (np.diff(scores) <= 0).all()


def test_local_descriptor_ranks_by_inliers_of_query_against_image(
    evaluation: Evaluation, collection: Collection
) -> None:
    query = int(evaluation.queries[4])
    others = [i for i in range(11) if i != query]
    counts = hcbir.count_inliers(
        collection.features(query, "orb"), [collection.features(i, "orb") for i in others], model="affine", max_error=4
    )
    digests = [collection.digests()[i] for i in others]
    order = sorted(range(10), key=lambda i: (-counts[i], digests[i]))
    np.testing.assert_array_equal(evaluation.descriptors["orb"].ranking.indices[4], [others[i] for i in order])
    np.testing.assert_array_equal(evaluation.descriptors["orb"].ranking.scores[4], counts[order])


def test_verification_reorders_the_candidates_alone(evaluation: Evaluation, collection: Collection) -> None:
    assert list(evaluation.verified) == ["vlad"]
    plain, verified = evaluation.descriptors["vlad"].ranking.indices, evaluation.verified["vlad"].ranking
    assert verified.num_verified == 3
    np.testing.assert_array_equal(verified.indices[:, 3:], plain[:, 3:])
    features = [collection.features(i, "sift") for i in range(11)]
    for row, query in enumerate(evaluation.queries):
        found = hcbir.verify_candidates(
            features[query], [features[i] for i in plain[row, :3]], model="affine", max_error=4
        )
        counts = np.where(found.log10_nfa < -10, found.num_inliers, 0)
        order = sorted(range(3), key=lambda i: (-counts[i], i))
        np.testing.assert_array_equal(verified.indices[row, :3], plain[row, :3][order])
        np.testing.assert_array_equal(verified.scores[row, :3], counts[order])


@pytest.mark.parametrize("interpolation", ["rectangle", "trapezoid"])
def test_map_is_the_mean_over_queries_per_class_and_in_all(
    photos: Path, collection: Collection, interpolation: str
) -> None:
    result = evaluate_collection(collection, load_dataset(photos), ["vlad"], interpolation=interpolation)
    figures = result.descriptors["vlad"]
    # With the query in the ranking, as junk, the figures are the same.
    whole = hcbir.search(collection.vectors()[result.queries], collection.vectors(), k=None).indices
    positives = [[i for i in range(11) if result.labels[i] == result.labels[q] and i != q] for q in result.queries]
    expected = hcbir.mean_average_precision(
        whole, positives, junk=[[int(q)] for q in result.queries], interpolation=interpolation
    )
    np.testing.assert_array_equal(figures.ap, expected.ap)
    assert figures.mean_ap == expected.mean_ap
    if interpolation == "rectangle":
        by_hand = [rectangle_ap(list(r), set(p)) for r, p in zip(figures.ranking.indices, positives, strict=True)]
        np.testing.assert_allclose(figures.ap, by_hand, rtol=1e-12)
    labels = np.array([result.labels[q] for q in result.queries])
    assert figures.per_class == {
        label: pytest.approx(figures.ap[labels == label].mean()) for label in ("place0", "place1", "place2")
    }
    assert np.mean(list(figures.per_class.values())) == pytest.approx(figures.mean_ap)  # classes of equal size
    assert figures.mean_ap > 0.9


def test_the_order_of_the_dataset_says_nothing(photos: Path, evaluation: Evaluation) -> None:
    """Nor do the names of files and folders: equal counts, of which there are many, follow what the images show."""
    dataset = load_dataset(photos)
    turned = Dataset(list(dataset.images[::-1]), list(dataset.labels[::-1]))
    other = evaluate_dataset(turned, ["orb"])
    assert other.images == evaluation.images[::-1]
    np.testing.assert_array_equal(other.descriptors["orb"].ap[::-1], evaluation.descriptors["orb"].ap)
    scores = evaluation.descriptors["orb"].ranking.scores
    assert (scores[:, 1:] == scores[:, :-1]).any()


def test_unreadable_images_are_neither_queries_nor_positives(tmp_path: Path) -> None:
    photos = write_classes(tmp_path / "photos", num_classes=2)
    (photos / "place0" / "broken.jpg").write_text("no image")
    (photos / "lonely").mkdir()
    scene(77).save(photos / "lonely" / "1.png")
    seen: list[tuple[str, int, int]] = []
    result = evaluate_dataset(load_dataset(photos), ["orb"], image_size=150, progress=lambda *state: seen.append(state))
    assert [Path(line.split(": ")[0]).name for line in result.skipped] == ["broken.jpg"]
    assert len(result.images) == 9
    assert result.single_image_classes == ["lonely"]
    figures = result.descriptors["orb"]
    assert figures.num_queries == 6
    assert len(result.queries) == 7
    assert np.isnan(figures.ap).sum() == 1
    assert set(figures.per_class) == {"place0", "place1"}
    assert seen[9] == ("describe", 10, 10)
    assert seen[-1] == ("orb", 7, 7)


def test_nothing_to_evaluate_is_said(tmp_path: Path) -> None:
    missing = Dataset([tmp_path / "a.jpg", tmp_path / "b.jpg"], ["x", "x"])
    with pytest.raises(ValueError, match=r"none of the 2 images could be read.*a\.jpg"):
        evaluate_dataset(missing, ["orb"])
    for name in ("c.png", "d.png"):
        Image.new("RGB", (30, 20)).save(tmp_path / name)
    with pytest.raises(ValueError, match="no class has two images"):
        evaluate_dataset(Dataset([tmp_path / "c.png", tmp_path / "d.png"], ["x", "y"]), ["orb"])


def test_tables_call_networks_by_short_names_that_differ() -> None:
    names = ["vlad", "m/a/net.onnx:gem", "m/b/net.onnx:gem", "m/b/net.onnx:mac", "m/b/net.onnx:gem+a/w.npz", "net.onnx"]
    assert list(short_names(names).values()) == ["vlad", "a/net:gem", "b/net:gem", "net:mac", "net:gem+w", "net"]
    assert list(short_names(["/net.onnx", "net.onnx", "./net.onnx"]).values()) == ["/net", "net.onnx", "./net.onnx"]


def test_verify_must_be_local(photos: Path) -> None:
    with pytest.raises(ValueError, match="verify must be a local descriptor such as sift or orb, vlad is not"):
        evaluate_dataset(load_dataset(photos), ["vlad"], verify="vlad")


def test_real_landmarks_give_the_published_figures(shared: Path) -> None:
    pytest.importorskip("onnxruntime")
    network = shared / "data" / "models" / "squeezenet1_1_imagenet.onnx"
    names = [f"{network}:{pooling}" for pooling in ("gem", "mac", "spoc")]
    dataset = load_dataset(shared / "data" / "landmarks.csv")
    result = evaluate_dataset(dataset, names, image_size=320, interpolation="rectangle")
    published = {"gem": 0.7862, "mac": 0.7679, "spoc": 0.7678}  # groundtruth/landmarks_baseline.json
    for name in names:
        assert result.descriptors[name].mean_ap == pytest.approx(published[name.rpartition(":")[2]], abs=0.01)
        assert result.descriptors[name].num_queries == 171
