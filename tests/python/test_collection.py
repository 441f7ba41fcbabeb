from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from models import save_identity
from PIL import Image
from scenes import scene, view, write_classes

import hcbir
from hcbir.collection import AddReport, Collection, CollectionError, indexing, search_images
from hcbir.collection.segments import exclusive
from hcbir.descriptors import describe_image


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_classes(tmp_path / "photos")


@pytest.fixture
def indexed(photos: Path, tmp_path: Path) -> Collection:
    collection = Collection.create(tmp_path / "photos.hcbir")
    collection.add(photos)
    return collection


def state(collection: Collection) -> tuple[list[Path], np.ndarray]:
    return collection.images(), collection.vectors()


def names(photos: Path, *places: str) -> list[str]:
    return [str(photos / place) for place in places]


def test_add_describes_what_is_there(photos: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    with Collection.create(tmp_path / "c.hcbir") as collection:
        report = collection.add(photos, progress=lambda done, total: calls.append((done, total)))
        assert (report.added, report.unchanged, report.skipped) == (11, 0, [])
        assert calls == [(i, 11) for i in range(1, 12)]
        assert len(collection) == 11
        assert collection.descriptors == {"sift": "local", "vlad": "aggregated"}
        vectors = collection.vectors()
        assert vectors.dtype == np.float32
        assert len(vectors) == 11
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        features = collection.features(photos / "place1" / "2.png")
        assert features.image_size == (220, 160)
        assert len(features) > 50
        same = collection.features(collection.images().index(photos / "place1" / "2.png"), "sift")
        np.testing.assert_array_equal(same.descriptors, features.descriptors)


def test_search_ranks_views_of_the_same_place_first(indexed: Collection, photos: Path) -> None:
    result = indexed.search(photos / "place2" / "1.png", k=3)
    assert isinstance(result, hcbir.SearchResult)
    assert (result.scores.dtype, result.indices.dtype) == (np.float32, np.int64)
    assert result.names is not None
    assert result.names[0][0] == str(photos / "place2" / "1.png")
    assert set(result.names[0]) == set(names(photos, "place2/0.png", "place2/1.png", "place2/2.png"))
    assert result.scores[0, 0] == pytest.approx(1, abs=1e-4)
    assert [indexed.images()[i] for i in result.indices[0]] == [Path(name) for name in result.names[0]]


def test_of_a_small_collection_all_are_found(indexed: Collection, photos: Path) -> None:
    found = indexed.search(photos / "place0" / "0.png", k=12)
    assert found.indices.shape == (1, 11)
    np.testing.assert_array_equal(found.indices, indexed.search(photos / "place0" / "0.png", k=None).indices)


def test_verification_ranks_by_inliers_beyond_chance_then_global_score(indexed: Collection, photos: Path) -> None:
    query = photos / "place0" / "0.png"
    plain = indexed.search(query, k=None)
    verified = indexed.search(query, k=None, verify=True)
    found = hcbir.verify_candidates(
        indexed.features(query), [indexed.features(i) for i in plain.indices[0]], model="affine", max_error=4.0
    )  # images described at their full size
    counts = np.where(found.log10_nfa < -10, found.num_inliers, 0)
    assert (counts > 0).sum() == 3
    assert (found.num_inliers > 0).sum() > 3
    expected = sorted(range(len(counts)), key=lambda i: (-counts[i], i))
    np.testing.assert_array_equal(verified.indices[0], plain.indices[0][expected])
    np.testing.assert_array_equal(verified.scores[0], counts[expected].astype(np.float32))


def test_verification_measures_errors_in_described_pixels(photos: Path, tmp_path: Path) -> None:
    with Collection.create(tmp_path / "c.hcbir", ["sift"], image_size=120) as collection:
        collection.add(photos)
        result = collection.search(photos / "place0" / "0.png", k=None)
        features = [collection.features(i) for i in result.indices[0]]  # the query itself is the best
    sizes = [f.image_size for f in features]
    assert all(size is not None and max(size) > 200 for size in sizes)
    small = [replace(f, keypoints=(f.keypoints + 0.5) * (120 / max(f.image_size or (0,))) - 0.5) for f in features]
    found = hcbir.verify_candidates(small[0], small, model="affine", max_error=4.0)
    np.testing.assert_array_equal(result.scores[0], found.num_inliers)
    unscaled = hcbir.verify_candidates(features[0], features, model="affine", max_error=4.0)
    assert (unscaled.num_inliers < found.num_inliers).any()


def test_verification_looks_at_the_best_candidates_alone(indexed: Collection, photos: Path) -> None:
    query = photos / "place0" / "0.png"
    plain = indexed.search(query, k=2)
    verified = indexed.search(query, k=2, verify="sift", num_candidates=1)
    assert set(verified.indices[0]) == set(plain.indices[0])


def test_local_descriptor_ranks_exhaustively(indexed: Collection, photos: Path) -> None:
    result = indexed.search(photos / "place1" / "0.png", k=4, descriptor="sift")
    assert result.names is not None
    assert set(result.names[0][:3]) == set(names(photos, "place1/0.png", "place1/1.png", "place1/2.png"))
    assert (np.diff(result.scores[0]) <= 0).all()


def test_queries_may_be_paths_images_arrays_or_several(indexed: Collection, photos: Path) -> None:
    path = photos / "place0" / "1.png"
    image = Image.open(path)
    expected = indexed.search(str(path), k=4)
    for query in (path, image, np.asarray(image)):
        np.testing.assert_array_equal(indexed.search(query, k=4).scores, expected.scores)
    several = indexed.search([path, photos / "place1" / "0.png"], k=4)
    assert several.indices.shape == (2, 4)
    np.testing.assert_array_equal(several.indices[0], expected.indices[0])


def test_facade_takes_a_collection_or_its_path(indexed: Collection, photos: Path) -> None:
    query = photos / "place0" / "1.png"
    expected = indexed.search(query, k=2)
    for database in (indexed, str(indexed.folder)):
        for function in (hcbir.search, search_images):
            result = function(str(query), database, k=2)
            np.testing.assert_array_equal(result.scores, expected.scores)
            assert result.names == expected.names


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"k": 0}, ValueError, "k must be a whole number"),
        ({"descriptor": "gist"}, ValueError, "descriptor must be one of the collection's: sift, vlad; got 'gist'"),
        ({"verify": "orb"}, ValueError, "a local descriptor of the collection is needed: sift; got 'orb'"),
        ({"verify": True, "num_candidates": 0}, ValueError, "num_candidates must be a whole number"),
        ({"metric": "manhattan"}, ValueError, "metric must be one of"),
    ],
)
def test_search_refuses_what_does_not_fit(
    indexed: Collection, photos: Path, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        indexed.search(photos / "place0" / "0.png", **options)


def test_query_that_is_no_image_is_refused(indexed: Collection, tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no image")
    for query, error in ((text, ValueError), (tmp_path / "missing.jpg", ValueError), (3, TypeError)):
        with pytest.raises(error):
            indexed.search(query)
    with pytest.raises(ValueError, match=r"an image must be \(h, w\) or \(h, w, 3\) uint8, got \(4, 4\) float64"):
        indexed.search(np.zeros((4, 4)))


def test_adding_again_leaves_unchanged_images_alone(indexed: Collection, photos: Path) -> None:
    before = state(indexed)
    report = indexed.add(photos)
    assert (report.added, report.unchanged) == (0, 11)
    assert indexed.images() == before[0]
    np.testing.assert_array_equal(indexed.vectors(), before[1])


def test_touched_file_is_unchanged_and_changed_one_is_described_anew(indexed: Collection, photos: Path) -> None:
    touched, changed = photos / "place0" / "0.png", photos / "place0" / "1.png"
    os.utime(touched, ns=(1, 1))
    scene(55, (130, 120)).save(changed)
    report = indexed.add(photos)
    assert (report.added, report.unchanged) == (1, 10)
    assert len(indexed) == 11
    assert sorted(indexed.images()) == sorted(photos.rglob("*.png"))
    assert indexed.features(changed).image_size == (130, 120)
    assert indexed.search(changed, k=1).names == [[str(changed)]]
    assert indexed.add(photos).unchanged == 11


def test_new_images_use_the_codebook_that_was_learned(indexed: Collection, photos: Path) -> None:
    codebook = (indexed.folder / "codebooks").iterdir().__next__()
    before, vectors = codebook.read_bytes(), indexed.vectors()
    view(0, -1).save(photos / "place0" / "new.png")
    assert indexed.add(photos / "place0" / "new.png") == AddReport(1, [], 0)
    assert codebook.read_bytes() == before
    np.testing.assert_array_equal(indexed.vectors()[:11], vectors)
    assert indexed.search(photos / "place0" / "new.png", k=1).names == [[str(photos / "place0" / "new.png")]]


def test_unreadable_images_are_skipped_each_with_its_reason(photos: Path, tmp_path: Path) -> None:
    (photos / "place0" / "empty.jpg").touch()
    (photos / "place0" / "text.jpg").write_text("no image")
    whole = (photos / "place0" / "0.png").read_bytes()
    (photos / "place0" / "cut.png").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (1, 1)).save(photos / "place0" / "dot.png")
    with Collection.create(tmp_path / "c.hcbir") as collection:
        report = collection.add([photos, tmp_path / "missing.jpg"])
        assert report.added == 12
        assert sorted(Path(error.path).name for error in report.skipped) == [
            "cut.png",
            "empty.jpg",
            "missing.jpg",
            "text.jpg",
        ]
        assert all(str(error) == f"{error.path}: {error.reason}" for error in report.skipped)
        assert len(collection.features(photos / "place0" / "dot.png")) == 0
        assert collection.search(photos / "place0" / "dot.png", k=12, verify=True).scores.max() == 0
        assert collection.add(photos).skipped != []


def test_images_without_features_are_kept(tmp_path: Path) -> None:
    flat = tmp_path / "flat.png"
    Image.new("RGB", (60, 40), "grey").save(flat)
    with Collection.create(tmp_path / "c.hcbir") as collection:
        assert collection.add(flat).added == 1
        with pytest.raises(CollectionError, match="vlad has no codebook"):
            collection.search(flat, k=1)
        scene(1).save(tmp_path / "scene.png")
        collection.add(tmp_path / "scene.png")
        assert collection.search(tmp_path / "scene.png", k=1, verify=True).indices.tolist() == [[1]]
        np.testing.assert_array_equal(collection.vectors()[0], 0)
        assert len(collection.features(flat)) == 0


def test_a_collection_of_a_network_opens_for_the_same_network(photos: Path, tmp_path: Path) -> None:
    network = f"{save_identity(tmp_path / 'net.onnx')}:gem"
    for added, unchanged in ((11, 0), (0, 11)):
        with Collection.open_or_create(tmp_path / "c.hcbir", [network], image_size=64) as collection:
            report = collection.add(photos)
        assert (report.added, report.unchanged) == (added, unchanged)
    with pytest.raises(CollectionError, match=r"was made with .*net\.onnx:gem at 64 pixels; other"):
        Collection.open_or_create(tmp_path / "c.hcbir", [network], image_size=65)


def test_interruption_keeps_what_is_described_and_the_same_call_resumes(
    photos: Path, tmp_path: Path, indexed: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "BATCH_SIZE", 4)

    def interrupt(done: int, total: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    folder = tmp_path / "c.hcbir"
    with Collection.create(folder) as collection, pytest.raises(KeyboardInterrupt):
        collection.add(photos, progress=interrupt)
    with Collection.open(folder) as collection:
        assert len(collection) == 6
        with pytest.raises(CollectionError, match="vlad has no codebook"):
            collection.search(photos / "place0" / "0.png", k=1)
        report = collection.add(photos)
        assert (report.added, report.unchanged) == (5, 6)
        assert collection.images() == indexed.images()
        np.testing.assert_array_equal(collection.vectors(), indexed.vectors())
        query = photos / "place1" / "1.png"
        for options in ({}, {"verify": True}, {"k": None}):
            split, whole = collection.search(query, **options), indexed.search(query, **options)
            np.testing.assert_array_equal(split.scores, whole.scores)
            np.testing.assert_array_equal(split.indices, whole.indices)


def test_interruption_while_the_codebook_is_learned_is_made_good(
    photos: Path, tmp_path: Path, indexed: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: object, *args: object) -> None:
        raise KeyboardInterrupt

    with Collection.create(tmp_path / "c.hcbir") as collection, monkeypatch.context() as patched:
        patched.setattr(indexing.DescriptorBank, "keep_codebook", interrupt)
        with pytest.raises(KeyboardInterrupt):
            collection.add(photos)
    with Collection.open(tmp_path / "c.hcbir") as collection:
        assert collection.add(photos) == AddReport(0, [], 11)
        np.testing.assert_array_equal(collection.vectors(), indexed.vectors())


def test_leftovers_of_a_crash_are_cleared(indexed: Collection, photos: Path) -> None:
    segments = indexed.folder / "segments"
    for name in ("000099-1.partial", "000099-1"):
        (segments / name).mkdir()
        (segments / name / "vectors.npy").write_bytes(b"half a file")
    kept = {path.name for path in segments.iterdir()} - {"000099-1.partial", "000099-1"}
    indexed.add(photos)
    assert {path.name for path in segments.iterdir()} == kept


def test_remove_forgets_images_and_empty_segments(indexed: Collection, photos: Path) -> None:
    gone, query = photos / "place0" / "1.png", photos / "place0" / "0.png"
    before = indexed.vectors()
    index = indexed.images().index(gone)
    assert indexed.remove(gone) == 1
    assert len(indexed) == 10
    assert gone not in indexed.images()
    np.testing.assert_array_equal(indexed.vectors(), np.delete(before, index, axis=0))
    assert str(gone) not in indexed.search(query, k=10).names[0]
    with pytest.raises(CollectionError, match=r"paths must be images of the collection, got .*1\.png"):
        indexed.remove([query, gone])
    assert len(indexed) == 10
    assert indexed.remove(indexed.images()) == 10
    assert list((indexed.folder / "segments").iterdir()) == []
    with pytest.raises(CollectionError, match="holds no image yet"):
        indexed.search(query)


def test_moved_collection_finds_images_that_moved_along_and_those_that_stayed(
    indexed: Collection, photos: Path, tmp_path: Path
) -> None:
    indexed.close()
    shutil.move(indexed.folder, tmp_path / "elsewhere.hcbir")
    alone = tmp_path / "far" / "away.hcbir"
    shutil.copytree(tmp_path / "elsewhere.hcbir", alone)
    with Collection.open(alone) as collection:
        assert collection.images() == sorted(photos.rglob("*.png"), key=str)[:2] + collection.images()[2:]
        assert set(collection.images()) == set(photos.rglob("*.png"))
        assert collection.add(photos).unchanged == 11
        assert collection.search(photos / "place0" / "0.png", k=1).names == [[str(photos / "place0" / "0.png")]]
    shutil.move(photos, tmp_path / "far" / "photos")
    with Collection.open(alone) as collection:
        moved = tmp_path / "far" / "photos"
        assert set(collection.images()) == set(moved.rglob("*.png"))
        assert collection.add(moved).unchanged == 11


def test_file_name_that_is_not_utf8_is_kept(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    scene(1).save(path)
    with Collection.create(tmp_path / "c.hcbir") as collection:
        collection.add(path)
        assert collection.images() == [path]
        assert collection.add(path).unchanged == 1


def test_what_is_no_collection_is_refused(tmp_path: Path) -> None:
    for make in (lambda folder: None, lambda folder: (folder / "collection.sqlite").write_bytes(b"no database" * 99)):
        folder = tmp_path / "folder"
        folder.mkdir(exist_ok=True)
        make(folder)
        with pytest.raises(CollectionError, match=r"folder is not an hcbir collection"):
            Collection.open(folder)
    other = sqlite3.connect(tmp_path / "collection.sqlite")
    other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(CollectionError, match="of another program"):
        Collection.open(tmp_path)


def test_newer_format_is_refused(tmp_path: Path) -> None:
    Collection.create(tmp_path / "c.hcbir").close()
    connection = sqlite3.connect(tmp_path / "c.hcbir" / "collection.sqlite")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(CollectionError, match="collection format 2, this hcbir reads format 1: install a newer hcbir"):
        Collection.open(tmp_path / "c.hcbir")


@pytest.mark.parametrize("num_bytes", [0, 10, 200])
def test_damaged_segment_is_named(indexed: Collection, photos: Path, num_bytes: int) -> None:
    indexed.close()
    file = next((indexed.folder / "segments").rglob("vectors.npy"))
    file.write_bytes(file.read_bytes()[:num_bytes])
    with Collection.open(indexed.folder) as collection, pytest.raises(CollectionError, match="is damaged"):
        collection.search(photos / "place0" / "0.png", k=1)


def test_a_full_disk_is_told_and_leaves_nothing(
    indexed: Collection, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Collection.create(tmp_path / "full.hcbir", ["orb"]) as collection:
        with monkeypatch.context() as patch:
            patch.setattr("hcbir._files.sync", full)
            with pytest.raises(OSError, match=r"No space left on device: .*000001-1\.partial/offsets\.npy"):
                collection.add(photos)
        assert list((tmp_path / "full.hcbir" / "segments").iterdir()) == []
        collection._records._connection.execute("PRAGMA query_only = 1")  # as SQLite fails on a full disk
        with pytest.raises(CollectionError, match=r"cannot write .*collection\.sqlite: attempt to write"):
            collection.add(photos)
        collection._records._connection.execute("PRAGMA query_only = 0")
        assert collection.add(photos).added == 11


def test_create_never_deletes_what_is_not_a_collection(indexed: Collection, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="exists: open it, or create it with overwrite=True"):
        Collection.create(indexed.folder)
    with pytest.raises(CollectionError, match="is not an hcbir collection"):
        Collection.create(photos, overwrite=True)
    assert len(list(photos.rglob("*.png"))) == 11
    with pytest.raises(CollectionError, match="is a file"):
        Collection.create(photos / "place0" / "0.png")
    indexed.close()
    with Collection.create(indexed.folder, overwrite=True) as collection:
        assert len(collection) == 0


def test_what_an_interrupted_creation_leaves_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Collection.create(tmp_path / "c.hcbir", ["orb"])
    (tmp_path / "c.hcbir" / "collection.sqlite.partial-journal").write_bytes(b"of a crash")
    with Collection.open_or_create(tmp_path / "c.hcbir", ["orb"]) as collection:
        assert len(collection) == 0
    assert {path.name for path in (tmp_path / "c.hcbir").iterdir()} == {"collection.sqlite", "lock"}


def test_open_or_create_refuses_other_descriptors(indexed: Collection, tmp_path: Path) -> None:
    with Collection.open_or_create(indexed.folder, ["vlad"]) as same:
        assert len(same) == 11
    for descriptors, size in ((["orb"], None), (None, 100)):
        with pytest.raises(CollectionError, match="need a collection of their own"):
            Collection.open_or_create(indexed.folder, descriptors, image_size=size)
    with Collection.open_or_create(tmp_path / "new.hcbir", ["orb"], image_size=100) as new:
        assert new.descriptors == {"orb": "local"}


@pytest.mark.parametrize(
    ("descriptors", "error", "message"),
    [
        ([], ValueError, "descriptors must name at least one"),
        (["vlad", "vlad"], ValueError, "descriptors must be different"),
        ("vlad", TypeError, "descriptors must be a sequence of names"),
        (["vald"], ValueError, "vald"),
    ],
)
def test_create_refuses_bad_descriptors(
    tmp_path: Path, descriptors: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Collection.create(tmp_path / "c.hcbir", descriptors)
    assert not (tmp_path / "c.hcbir").exists()


def test_local_descriptors_alone_have_no_vectors(photos: Path, tmp_path: Path) -> None:
    with Collection.create(tmp_path / "c.hcbir", ["orb"]) as collection:
        collection.add(photos)
        assert collection.features(0).is_binary
        assert collection.search(photos / "place0" / "0.png", k=1).names == [[str(photos / "place0" / "0.png")]]
        with pytest.raises(CollectionError, match="descriptor must be a global one, orb is local"):
            collection.vectors()


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with Collection.create(tmp_path / "c.hcbir") as collection:
        with pytest.raises(ValueError, match=r"empty: no image found in this folder"):
            collection.add(tmp_path / "empty")
        with pytest.raises(CollectionError, match="holds no image yet"):
            collection.vectors()


def test_features_refuses_unknown_images(indexed: Collection, tmp_path: Path) -> None:
    with pytest.raises(IndexError, match="image must be an index from 0 to 10, got 11"):
        indexed.features(11)
    with pytest.raises(CollectionError, match=r"image must be one of the collection's, got .*nowhere\.png"):
        indexed.features(tmp_path / "nowhere.png")


def test_two_processes_do_not_write_at_once(indexed: Collection, photos: Path) -> None:
    with (indexed.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CollectionError, match="is being written by another process"):
            indexed.add(photos)
    assert indexed.add(photos).unchanged == 11


def test_two_processes_do_not_make_one_at_once(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "c.hcbir").mkdir()
    with (tmp_path / "c.hcbir" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CollectionError, match="is being written by another process"):
            Collection.create(tmp_path / "c.hcbir", ["orb"])

    @contextmanager
    def late(folder: Path) -> Iterator[None]:
        monkeypatch.undo()
        with Collection.create(folder, ["orb"]) as other:
            other.add(photos)
        with exclusive(folder):
            yield

    monkeypatch.setattr("hcbir.collection.collection.exclusive", late)
    with pytest.raises(CollectionError, match="has just been made by another process: open it"):
        Collection.create(tmp_path / "c.hcbir", ["orb"])
    with Collection.open(tmp_path / "c.hcbir") as made:
        assert made.features(0).descriptors.shape[1] == 32


def test_a_codebook_learned_on_too_little_is_learned_anew(photos: Path, tmp_path: Path) -> None:
    """Begun with one image, VLAD's residuals cancel; grown, the collection is as if it had been indexed at once."""
    first = photos / "place0" / "0.png"
    with Collection.create(tmp_path / "grown") as grown, Collection.create(tmp_path / "whole") as whole:
        grown.add(first)
        grown.add(photos)
        whole.add([first, photos])
        assert grown.images() == whole.images()
        np.testing.assert_array_equal(grown.vectors(), whole.vectors())
        darker = Image.open(first).convert("RGB").point(lambda value: value * 0.9)
        assert grown.search(darker, k=1).names == [[str(first)]]
        before = grown.vectors()
        grown.add(photos)
        np.testing.assert_array_equal(grown.vectors(), before)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:100])])
def test_a_lost_codebook_is_said_and_made_good(
    indexed: Collection, photos: Path, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    folder = tmp_path / "lost.hcbir"
    shutil.copytree(indexed.folder, folder)
    damage(next((folder / "codebooks").iterdir()))
    query = photos / "place0" / "0.png"
    with Collection.open(folder) as collection, pytest.raises(CollectionError, match="index the images again"):
        collection.search(query, k=3)
    with Collection.open(folder) as collection:
        assert collection.add(photos).added == 0
        found = collection.search(query, k=3)
        assert found.scores[0, 0] == pytest.approx(1, abs=1e-4)
        assert (found.scores[0] > 0.1).all()


def test_a_damaged_segment_is_named(indexed: Collection, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "damaged.hcbir"
    shutil.copytree(indexed.folder, folder)
    next(folder.glob("segments/*/keypoints.npy")).unlink()
    with (
        Collection.open(folder) as collection,
        pytest.raises(CollectionError, match=r"segments/.* is damaged \(it lacks keypoints.npy\)"),
    ):
        collection.search(photos / "place0" / "0.png", k=3, verify=True)


@pytest.mark.parametrize(
    "damage",
    [
        lambda segments: shutil.rmtree(segments),
        lambda segments: shutil.rmtree(segments / "000001-1"),
        lambda segments: shutil.rmtree(segments / "000001-2"),
        lambda segments: (segments / "000001-1" / "scores.npy").unlink(),
        lambda segments: (segments / "000001-1" / "offsets.npy").write_bytes(b""),
        lambda segments: (segments / "000001-2" / "vectors.npy").unlink(),
        lambda segments: np.save(segments / "000001-2" / "vectors.npy", np.zeros(11, np.float32)),
        lambda segments: np.save(segments / "000001-2" / "vectors.npy", np.zeros((10, 99), np.float32)),
        lambda segments: np.save(segments / "000001-1" / "descriptors.npy", np.zeros((5, 128), np.float32)),
        lambda segments: np.save(segments / "000001-1" / "descriptors.npy", np.zeros(5, np.float32)),
    ],
)
def test_indexing_again_mends_what_is_damaged(
    indexed: Collection, photos: Path, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    folder = tmp_path / "damaged.hcbir"
    shutil.copytree(indexed.folder, folder)
    query = photos / "place0" / "0.png"
    damage(folder / "segments")
    with Collection.open(folder) as collection:
        with pytest.raises(CollectionError, match=r"damaged .*: index the images again to mend it"):
            [collection.search(query, k=3, verify=verify) for verify in (False, True)]
        collection.add(photos)
        assert collection.add(photos).unchanged == 11
        for verify in (False, True):
            mended, whole = (c.search(query, k=None, verify=verify) for c in (collection, indexed))
            np.testing.assert_allclose(mended.scores, whole.scores, atol=1e-6)
            assert mended.names == whole.names


def test_a_part_is_mended_and_the_rest_is_kept(indexed: Collection, photos: Path, tmp_path: Path) -> None:
    """Of images whose features are damaged only those that are given are described again."""
    folder = tmp_path / "damaged.hcbir"
    shutil.copytree(indexed.folder, folder)
    (folder / "segments" / "000001-1" / "scores.npy").unlink()
    with Collection.open(folder) as collection:
        assert collection.add(photos / "place0").added == 3
        assert len(collection) == 11
        assert len(collection.features(photos / "place0" / "0.png")) > 50
        with pytest.raises(
            CollectionError, match=r"000001-1 is damaged \(it lacks scores.npy\): index the images again"
        ):
            collection.features(photos / "place1" / "0.png")
        collection.remove([path for path in collection.images() if "place0" not in path.parts])
        assert len(collection.search(photos / "place0" / "0.png", k=3, verify=True).names) == 1


def test_altered_offsets_are_no_other_images_features(indexed: Collection, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "altered.hcbir"
    shutil.copytree(indexed.folder, folder)
    for file in folder.glob("segments/*/offsets.npy"):
        offsets = np.load(file)
        offsets[1] = 10**9
        np.save(file, offsets)
    with (
        Collection.open(folder) as collection,
        pytest.raises(CollectionError, match=r"segments/.* is damaged \(offsets.npy was altered\)"),
    ):
        collection.search(photos / "place0" / "0.png", k=3, verify=True)


def test_no_query(indexed: Collection) -> None:
    with pytest.raises(ValueError, match="queries must be at least one image"):
        indexed.search([], k=3)


def test_reduced_decoding_holds_for_images_and_queries(tmp_path: Path) -> None:
    """A query of the collection's own file has the same vector; the collection remembers how it was made."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        pixels = np.kron(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8), np.ones((12, 12, 1), np.uint8))
        Image.fromarray(pixels).save(folder / name)
    features = {}
    for reduced in (False, True):
        path = tmp_path / f"{reduced}.hcbir"
        with Collection.create(path, ["sift"], image_size=200, reduced_decoding=reduced) as made:
            made.add(folder)
        with Collection.open(path) as opened:
            assert opened.reduced_decoding == reduced
            features[reduced] = opened.features(0)
            query = describe_image(folder / "a.jpg", {"sift": opened.descriptor()}, reduced_decoding=reduced)
            np.testing.assert_array_equal(query.local_features["sift"].descriptors, features[reduced].descriptors)
            found = opened.search(folder / "a.jpg", k=1)
            assert (found.indices[0, 0], found.scores[0, 0]) == (0, len(features[reduced]))
    assert not np.array_equal(features[False].descriptors, features[True].descriptors)
    with pytest.raises(CollectionError, match="made without reduced decoding"):
        Collection.open_or_create(tmp_path / "False.hcbir", reduced_decoding=True)
    with Collection.open_or_create(tmp_path / "True.hcbir") as opened:
        assert opened.reduced_decoding
