"""hcbir.LocalFeatureStore: what comes back, what survives, what is refused."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import hcbir
from hcbir import LocalFeatures, LocalFeatureStore
from hcbir._files import exclusive


def image(n: int, *, dim: int = 16, binary: bool = False, scales: bool = True, seed: int = 0) -> LocalFeatures:
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 256, (n, dim), np.uint8) if binary else rng.standard_normal((n, dim)).astype(np.float32)
    keypoints, rest = rng.uniform(0, 500, (n, 2)).astype(np.float32), rng.uniform(0, 9, (3, n)).astype(np.float32)
    scores = -np.sort(-rest[0])
    return LocalFeatures(keypoints, rows, scores, rest[1] if scales else None, rest[2] if scales else None, (640, 480))


def images(**options: object) -> list[LocalFeatures]:
    return [image(n, seed=n, **options) for n in (5, 0, 31, 1)]  # type: ignore[arg-type]


def assert_same(found: LocalFeatures, expected: LocalFeatures, *, atol: float = 0) -> None:
    np.testing.assert_allclose(found.descriptors, expected.descriptors, rtol=0, atol=atol)
    assert found.descriptors.dtype == expected.descriptors.dtype
    assert found.image_size == expected.image_size
    for name in ("keypoints", "scores", "scales", "orientations"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert (ours is None) == (theirs is None)
        if ours is not None:
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("scales", [True, False])
def test_what_goes_in_comes_out(tmp_path: Path, dtype: str, scales: bool) -> None:
    expected = images(binary=dtype == "uint8", scales=scales)
    made = LocalFeatureStore.create(tmp_path / "store", expected[:1])
    made.append(expected[1:3])
    made.append(expected[3])
    made.append([])
    for store in (made, LocalFeatureStore.open(tmp_path / "store", check=True)):
        assert (len(store), store.num_features, store.dtype, store.dim) == (4, 37, dtype, 16)
        for number, features in enumerate(expected):
            assert_same(store[number], features)
    for index in (4, -1, np.int64(4)):
        with pytest.raises(IndexError, match=r"store index must be a whole number from 0 to 3, got .*\d"):
            made[index]
    for wrong in (True, "a", None, slice(0, 2), 1.0):
        with pytest.raises(TypeError, match=r"store index must be a whole number from 0 to 3, got "):
            made[wrong]  # type: ignore[index]
    assert_same(made[np.int64(2)], expected[2])


@pytest.mark.parametrize(("dtype", "largest_error"), [("float16", 2.0**-11), ("int8", 1 / 254)])
def test_compact_descriptors_are_as_near_as_said(tmp_path: Path, dtype: str, largest_error: float) -> None:
    expected = images()
    store = LocalFeatureStore.create(tmp_path / "store", expected, dtype=dtype)
    for number, features in enumerate(expected):
        largest = np.abs(features.descriptors).max(initial=0)
        assert_same(store[number], features, atol=largest * largest_error * (1 + 1e-6))


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("num_subquantizers", [1, 4])
def test_codes_come_back_as_what_they_stand_for(tmp_path: Path, bits: int, num_subquantizers: int) -> None:
    expected = [image(n, seed=n) for n in (5, 0, 300, 1)]
    pq = hcbir.ProductQuantizer.train(expected[2].descriptors, num_subquantizers=num_subquantizers, bits=bits)
    made = LocalFeatureStore.create(tmp_path / "store", expected[:3], quantizer=pq)
    made.append(expected[3])
    for store in (made, LocalFeatureStore.open(tmp_path / "store", check=True)):
        assert (len(store), store.num_features, store.dtype, store.dim) == (4, 306, "pq", 16)
        assert store.descriptors.shape == (306, pq.code_size)
        np.testing.assert_array_equal(store.quantizer.centroids, pq.centroids)
        for number, features in enumerate(expected):
            np.testing.assert_array_equal(store[number].descriptors, pq.decode(pq.encode(features.descriptors)))
            np.testing.assert_array_equal(store[number].keypoints, features.keypoints)
    with pytest.raises(ValueError, match="length 16, got 8"):
        made.append(image(3, dim=8))
    with pytest.raises(TypeError, match="must be float32 for a store of pq"):
        made.append(image(3, binary=True))
    with pytest.raises(ValueError, match="dtype must not be given with a quantizer, got 'int8'"):
        LocalFeatureStore.create(tmp_path / "other", expected, dtype="int8", quantizer=pq)
    books = tmp_path / "store" / "codebooks.npy"
    content = bytearray(books.read_bytes())
    content[-1] ^= 1
    books.write_bytes(content)
    with pytest.raises(hcbir.FormatError, match=r"codebooks\.npy has been altered"):
        LocalFeatureStore.open(tmp_path / "store")


def test_int8_of_zeros(tmp_path: Path) -> None:
    points = np.zeros((2, 2), np.float32)
    rows = np.array([[0, 0], [-3, 1]], np.float32)
    store = LocalFeatureStore.create(tmp_path / "s", [LocalFeatures(points, rows, points[:, 0])], dtype="int8")
    np.testing.assert_allclose(store[0].descriptors, rows, atol=0.02)


def test_memory_is_what_it_says(tmp_path: Path) -> None:
    sizes = {}
    for dtype in ("float32", "float16", "int8"):
        store = LocalFeatureStore.create(tmp_path / dtype, [image(1000, dim=128, scales=False)], dtype=dtype)
        sizes[dtype] = store.nbytes
        on_disk = sum(file.stat().st_size for file in (tmp_path / dtype).glob("*.npy"))
        assert 0 <= on_disk - store.nbytes < 2000
    per_feature = {"float32": 512, "float16": 256, "int8": 128 + 4}
    for dtype, size in sizes.items():
        assert size == 1000 * (per_feature[dtype] + 8 + 4) + 8 + 16


def test_arrays_are_plain_npy(tmp_path: Path) -> None:
    store = LocalFeatureStore.create(tmp_path / "store", images())
    for _ in range(12):  # the header grows with the number of rows
        store.append([image(90)])
    np.testing.assert_array_equal(np.load(tmp_path / "store" / "descriptors.npy"), store.descriptors)
    np.testing.assert_array_equal(np.load(tmp_path / "store" / "keypoints.npy", mmap_mode="r"), store.keypoints)


def test_an_interrupted_append_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = images()
    store = LocalFeatureStore.create(tmp_path / "store", expected)

    def fail(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("hcbir._manifest.write_whole", fail)
        with pytest.raises(OSError, match="no space left"):
            store.append(images(scales=True))
    for found in (store, LocalFeatureStore.open(tmp_path / "store", check=True)):
        assert len(found) == 4
        assert_same(found[2], expected[2])
    store.append([expected[2]])
    again = LocalFeatureStore.open(tmp_path / "store", check=True)
    assert len(again) == 5
    assert_same(again[4], expected[2])


def test_two_who_append_in_turn(tmp_path: Path) -> None:
    expected = images()
    first = LocalFeatureStore.create(tmp_path / "store", expected[:1])
    second = LocalFeatureStore.open(tmp_path / "store")
    first.append(expected[2])
    second.append(expected[3])
    assert [len(second[i]) for i in range(3)] == [5, 31, 1]
    assert_same(second[1], expected[2])
    LocalFeatureStore.open(tmp_path / "store", check=True)


def test_a_store_is_made_as_its_images_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hcbir._store_rows.BATCH_BYTES", 10_000)
    expected = [image(0, scales=False)] + [image(50, seed=n, scales=n != 17) for n in range(30)]
    alive: weakref.WeakSet[LocalFeatures] = weakref.WeakSet()

    def coming() -> Iterator[LocalFeatures]:
        for features in expected:
            fresh = LocalFeatures(**vars(features))
            alive.add(fresh)
            yield fresh
            del fresh
            assert len(alive) < 12

    LocalFeatureStore.create(tmp_path / "store", coming())
    store = LocalFeatureStore.open(tmp_path / "store", check=True)
    assert len(store) == 31
    for number, features in enumerate(expected[1:]):
        found = store[1 + number]
        np.testing.assert_array_equal(found.descriptors, features.descriptors)
        np.testing.assert_array_equal(found.keypoints, features.keypoints)
    assert store.scales is store.orientations is None  # the 18th has none, when those before are written
    assert not (tmp_path / "store" / "scales.npy").exists()
    pq = hcbir.ProductQuantizer.train(expected[3].descriptors, num_subquantizers=4, bits=4)
    codes = LocalFeatureStore.create(tmp_path / "codes", iter(expected), quantizer=pq)
    np.testing.assert_array_equal(codes.quantizer.centroids, pq.centroids)  # type: ignore[union-attr]
    np.testing.assert_array_equal(codes.descriptors, pq.encode(store.descriptors))


def test_an_interrupted_making_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hcbir._store_rows.BATCH_BYTES", 1000)
    many = [image(50, seed=n) for n in range(9)]
    with pytest.raises(ValueError, match="image 9 must be of length 16, got 8"):
        LocalFeatureStore.create(tmp_path / "store", [*many, image(3, dim=8)])
    with pytest.raises(FileNotFoundError, match="is no store"):
        LocalFeatureStore.open(tmp_path / "store")
    assert not list((tmp_path / "store").glob("*.npy"))
    LocalFeatureStore.create(tmp_path / "store", many)
    assert_same(LocalFeatureStore.open(tmp_path / "store", check=True)[8], many[8])


def test_a_relative_folder_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = LocalFeatureStore.create("store", images())
    opened = LocalFeatureStore.open("store")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    for store in (made, opened):
        store.append(image(3))
    assert [len(made), len(opened)] == [5, 6]
    assert not list((tmp_path / "other").iterdir())


@pytest.mark.parametrize("removed", ["all", "manifest", "array", "replaced", "replaced by something else"])
def test_append_to_what_was_removed_changes_nothing(tmp_path: Path, removed: str) -> None:
    folder, expected = tmp_path / "store", images()
    store = LocalFeatureStore.create(folder, expected)
    if removed == "manifest":
        (folder / "manifest.json").unlink()
    elif removed == "array":
        (folder / "scores.npy").unlink()
    else:
        shutil.rmtree(folder)
    if removed == "replaced":
        LocalFeatureStore.create(folder, images() * 2)
    elif removed == "replaced by something else":
        folder.mkdir()
        (folder / "counts.npy").write_bytes(b"mine")
    there = {path: path.read_bytes() for path in tmp_path.glob("store/*")}
    with pytest.raises(FileNotFoundError, match=r"store no longer holds what was opened there"):
        store.append(image(3))
    assert {path: path.read_bytes() for path in tmp_path.glob("store/*")} == there
    assert folder.exists() == (removed != "all")
    assert len(store) == 4
    assert_same(store[2], expected[2])  # what was opened is still mapped


def test_a_damaged_manifest_leaves_what_was_opened(folder: Path) -> None:
    store = LocalFeatureStore.open(folder)
    (folder / "manifest.json").write_text("{")
    with pytest.raises(hcbir.FormatError, match=r"manifest\.json is damaged"):
        store.append(image(3))
    assert len(store[2]) == 31


def test_two_who_append_at_once(folder: Path) -> None:
    store = LocalFeatureStore.open(folder)
    with exclusive(folder), pytest.raises(BlockingIOError, match=r"another process is writing there: '.*store'"):
        store.append(image(3))
    store.append(image(3))
    assert len(store) == 5


def test_threads_append_and_compare(tmp_path: Path) -> None:
    """int8: rows and their factors must be of one moment."""
    store = LocalFeatureStore.create(tmp_path / "store", [image(30)], dtype="int8")

    def append() -> None:
        for _ in range(10):
            store.append(image(30))

    def compare() -> None:
        for _ in range(20):
            count = len(store)
            assert len(hcbir.count_inliers(image(30), store, range(count), num_threads=1)) == count
            assert len(store[count - 1]) == 30

    with ThreadPoolExecutor(6) as pool:
        for call in [pool.submit(work) for work in (append, compare, append, compare, append, compare)]:
            call.result()
    assert len(store) == len(LocalFeatureStore.open(tmp_path / "store", check=True)) == 31
    assert store.num_features == store.offsets[-1] == 31 * 30


def test_copies_and_pickles_open_the_folder(tmp_path: Path) -> None:
    quantizer = hcbir.ProductQuantizer.train(image(300).descriptors, num_subquantizers=4)
    for encoding in ({"dtype": "int8"}, {"quantizer": quantizer}):
        store = LocalFeatureStore.create(tmp_path / next(iter(encoding)), [image(30)], **encoding)
        for again in (copy.copy(store), copy.deepcopy(store), pickle.loads(pickle.dumps(store))):
            again.append(image(3))
            np.testing.assert_array_equal(again[0].descriptors, store[0].descriptors)
        assert len(store) == 1
        assert len(again) == 4


def test_floats_of_bits_are_none(tmp_path: Path) -> None:
    store = LocalFeatureStore.create(tmp_path / "store", images(binary=True))
    with pytest.raises(TypeError, match=r"store must hold float descriptors for floats\(\), got binary ones"):
        store.floats(slice(0, 2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    LocalFeatureStore.create(tmp_path / "store", images(), dtype="int8")
    return tmp_path / "store"


@pytest.mark.parametrize("name", ["counts", "keypoints", "descriptors", "factors", "scores", "scales", "image_sizes"])
def test_truncated(folder: Path, name: str) -> None:
    file = folder / f"{name}.npy"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(hcbir.FormatError, match=rf"{name}\.npy is truncated"):
        LocalFeatureStore.open(folder)
    file.unlink()
    with pytest.raises(hcbir.FormatError, match=rf"{name}\.npy cannot be read"):
        LocalFeatureStore.open(folder)
    file.mkdir()
    with pytest.raises(hcbir.FormatError, match=rf"{name}\.npy cannot be read \(Is a directory\)"):
        LocalFeatureStore.open(folder)


@pytest.mark.parametrize("name", ["counts", "image_sizes", "keypoints", "descriptors"])
def test_altered(folder: Path, name: str) -> None:
    file = folder / f"{name}.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    if name not in ("counts", "image_sizes"):  # sizes alone tell nothing
        LocalFeatureStore.open(folder)
    with pytest.raises(hcbir.FormatError, match=rf"{name}\.npy has been altered"):
        LocalFeatureStore.open(folder, check=True)


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("kind",), "another", "must be of hcbir local features, version 1; got another"),
        (("version",), 9, "got hcbir local features, version 9"),
        (("arrays", "keypoints", "num_rows"), 10**15, "keypoints.npy is truncated"),
        (("arrays", "keypoints", "num_rows"), -1, "is damaged"),
        (("arrays", "keypoints", "num_rows"), 3, "keypoints has 3 rows, expected 37"),
        (("arrays", "keypoints", "dtype"), "|O", "is damaged"),
        (("arrays", "keypoints", "dtype"), ",f4", "is damaged"),
        (("arrays", "scores", "dtype"), "<m4", "is damaged"),
        (("arrays", "scores", "dtype"), "<i4", "scores.npy must be of shape .any. and float32, got .* int32"),
        (("arrays", "descriptors", "dtype"), "<u2", "descriptors.npy must be .* got .* uint16|truncated"),
        (("arrays", "descriptors", "row_shape"), [2**40, 2**40], "truncated"),
        (("arrays", "descriptors"), None, "is damaged"),
        (("arrays",), [], "is damaged"),
    ],
)
def test_damaged_manifest(folder: Path, keys: tuple[str, ...], value: object, message: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    place = manifest
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    (folder / "manifest.json").write_text(json.dumps(manifest))
    by_checksum = keys not in (("kind",), ("version",))
    with pytest.raises(hcbir.FormatError, match="its checksum is another" if by_checksum else message):
        LocalFeatureStore.open(folder)
    del manifest["crc32"]  # as it was written before
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(hcbir.FormatError, match=message):
        LocalFeatureStore.open(folder)


def test_no_store(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is no store of local features"):
        LocalFeatureStore.open(tmp_path / "nothing")
    (folder / "manifest.json").write_text("{")
    with pytest.raises(hcbir.FormatError, match=r"manifest\.json is damaged"):
        LocalFeatureStore.open(folder)
    with pytest.raises(ValueError, match="folder must not exist or be empty"):
        LocalFeatureStore.create(folder, images())
    shutil.rmtree(folder)
    with pytest.raises(ValueError, match="images must be at least one"):
        LocalFeatureStore.create(folder, [])
    with pytest.raises(ValueError, match=r"dtype must be one of .* got 'float64'"):
        LocalFeatureStore.create(folder, images(), dtype="float64")
    with pytest.raises(TypeError, match="image 1 must be LocalFeatures, got int"):
        LocalFeatureStore.create(folder, [image(3), 5])  # type: ignore[list-item]


def test_a_quantizer_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="quantizer must be a ProductQuantizer, got str"):
        LocalFeatureStore.create(tmp_path / "store", [image(3)], quantizer="pq")  # type: ignore[arg-type]


def test_images_of_another_kind(tmp_path: Path) -> None:
    store = LocalFeatureStore.create(tmp_path / "store", images(), dtype="float16")
    with pytest.raises(TypeError, match=r"image 1 must be float32 for a store of float16, got uint8"):
        store.append([image(3), image(3, binary=True)])
    with pytest.raises(ValueError, match="image 0 must be of length 16, got 8"):
        store.append(image(3, dim=8))
    with pytest.raises(ValueError, match="image 0 must have scales and orientations like the others"):
        store.append(image(3, scales=False))
    for value, message in ((1e6, "range of float16"), (np.nan, "image 0 must be finite")):
        rows = np.full((1, 16), value, np.float32)
        with pytest.raises(ValueError, match=message):
            store.append(LocalFeatures(np.zeros((1, 2), np.float32), rows, *np.ones((3, 1), np.float32)))
    assert len(LocalFeatureStore.open(tmp_path / "store", check=True)) == 4
