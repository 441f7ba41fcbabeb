"""hcbir.PackedCodes: arranged as the reference says, and searched with the results of plain codes."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from test_quantization import assert_same, random_centroids, random_codes, random_vectors

import hcbir
from hcbir.reference import quantization as reference

SIZES = [1, 63, 64, 65, 130, 16319, 16320, 16321, 40_000]


def quantizer(num: int, sub_dim: int = 2) -> hcbir.ProductQuantizer:
    return hcbir.ProductQuantizer(random_centroids(num, sub_dim, 8))


@pytest.mark.parametrize("num", [1, 2, 3, 15, 16, 17, 32, 33, 48, 64, 65, 130])
def test_packs_as_the_reference_does(num: int) -> None:
    pq = quantizer(num)
    for rows in SIZES:
        codes = random_codes(pq, rows)
        packed = pq.pack(codes, num_threads=2)
        np.testing.assert_array_equal(packed.data, reference.arranged(codes))
        np.testing.assert_array_equal(packed.unpack(), codes)
        np.testing.assert_array_equal(packed.unpack(rows // 3, rows // 2), codes[rows // 3 : rows // 2])
        assert len(packed) == rows
        assert packed.nbytes == packed.data.nbytes
    np.testing.assert_array_equal(pq.pack(codes[::3]).unpack(-5), codes[::3][-5:])


@pytest.mark.parametrize("num", [1, 3, 8, 17, 33, 64])
def test_search_equals_that_of_plain_codes(isa: str, num: int) -> None:
    pq = quantizer(num)
    queries = random_vectors(70, pq.dim, seed=1)
    for rows in SIZES:
        codes = random_codes(pq, rows)
        packed = pq.pack(codes)
        for k in {1, min(rows, 10), min(rows, 100)}:
            for metric, num_queries, num_threads in (("dot", 1, 1), ("l2", 3, 2), ("dot", 70, 3)):
                options = {"metric": metric, "num_threads": num_threads}
                expected = pq.search(queries[:num_queries], codes, k, **options)
                found = pq.search(queries[:num_queries], packed, k, **options)
                assert_same(found, (expected.scores, expected.indices))


@pytest.mark.parametrize("kind", ["noise", "clustered", "sorted", "equal", "nothing"])
def test_many_packed_codes(isa: str, kind: str) -> None:
    """Enough for screens and for bars guessed from a sample, which may mislead."""
    rng = np.random.default_rng(8)
    pq = quantizer(12)
    codes, queries = random_codes(pq, 300_001), random_vectors(2, pq.dim, seed=1)
    if kind == "clustered":
        codes = codes[rng.integers(0, 40, len(codes))]
        codes[np.arange(len(codes)), rng.integers(0, pq.code_size, len(codes))] = rng.integers(0, 256, len(codes))
    if kind == "sorted":
        codes = codes[np.argsort(pq.decode(codes) @ queries[0], kind="stable")]
    if kind == "equal":
        codes[:] = codes[np.arange(len(codes)) % 3]
    if kind == "nothing":
        queries[:] = 0
    packed, allowed = pq.pack(codes), rng.random(len(codes)) < 0.3
    ids = np.flatnonzero(allowed)
    for k in (1, 100, 3000):
        expected = reference.adc_search(queries, codes, pq.centroids, 8, k)
        scores, places = reference.adc_search(queries, codes[ids], pq.centroids, 8, k)
        for num_threads in (1, 2):
            assert_same(pq.search(queries, packed, k, num_threads=num_threads), expected)
            found = pq.search(queries, packed, k, allowed=allowed, num_threads=num_threads)
            assert_same(found, (scores, ids[places]))


def test_very_long_codes(isa: str) -> None:
    """Which have no byte tables."""
    pq = quantizer(1030, sub_dim=1)
    codes, queries = random_codes(pq, 200), random_vectors(5, pq.dim, seed=1)
    expected = reference.adc_search(queries, codes, pq.centroids, 8, 7)
    assert_same(pq.search(queries, pq.pack(codes), 7), expected)


def test_rerank_and_rotation() -> None:
    vectors = random_vectors(3000, 16)
    pq = hcbir.ProductQuantizer.train(vectors, num_subquantizers=4, rotation="opq")
    codes = pq.encode(vectors)
    expected = pq.search(vectors[:9], codes, 5, rerank=vectors, num_candidates=50)
    found = pq.search(vectors[:9], pq.pack(codes), 5, rerank=vectors, num_candidates=50)
    assert_same(found, (expected.scores, expected.indices))


def test_memory_maps(tmp_path: Path) -> None:
    pq = quantizer(6)
    codes, queries = random_codes(pq, 1000), random_vectors(3, pq.dim, seed=1)
    np.save(tmp_path / "packed.npy", pq.pack(codes).data)
    data = np.load(tmp_path / "packed.npy", mmap_mode="r")
    packed = hcbir.PackedCodes(data, 1000, code_size=6)
    assert packed.data is data
    assert_same(pq.search(queries, packed, 9), reference.adc_search(queries, codes, pq.centroids, 8, 9))


def test_refuses_what_does_not_fit() -> None:
    pq = quantizer(6)
    packed = pq.pack(random_codes(pq, 100))
    with pytest.raises(ValueError, match="what was packed of 100 codes of 6 bytes, got 775 bytes"):
        hcbir.PackedCodes(packed.data[:-1], 100, code_size=6)
    with pytest.raises(ValueError, match="what was packed of 64 codes of 6 bytes, got 776 bytes"):
        hcbir.PackedCodes(packed.data, 64, code_size=6)
    for count in (99, 101, 128):  # fill as many groups
        with pytest.raises(ValueError, match=f"packed of {count} codes of 6 bytes, got those of 100 codes"):
            hcbir.PackedCodes(packed.data, count, code_size=6)
    for data in (packed.data[:0], packed.data[:8]):
        with pytest.raises(ValueError, match=f"packed of {2**62} codes of 4 bytes, got {len(data)} bytes"):
            hcbir.PackedCodes(data, 2**62, code_size=4)  # none, if the product overflowed
    with pytest.raises(ValueError, match="codes must be at least one, got none"):
        pq.pack(np.empty((0, 6), np.uint8))
    with pytest.raises(ValueError, match="pack is for codes of 8 bits"):
        hcbir.ProductQuantizer(random_centroids(6, 2, 4)).pack(np.zeros((3, 3), np.uint8))
    with pytest.raises(ValueError, match="code_size must be"):
        hcbir.PackedCodes(packed.data, 100, code_size=0)
    with pytest.raises(TypeError, match="data must be a contiguous uint8 array of 1 dimension"):
        hcbir.PackedCodes(packed.data[::2], 100, code_size=6)
    with pytest.raises(ValueError, match="codes must be of 6 bytes, 8 bits a number, got 5 bytes, 8 bits"):
        pq.search(random_vectors(1, pq.dim), quantizer(5).pack(random_codes(quantizer(5), 9)), 1)
    with pytest.raises(ValueError, match="at most the number of codes that may be found, 100, got 101"):
        pq.search(random_vectors(1, pq.dim), packed, 101)
    with pytest.raises(ValueError, match="codes must have 6 bytes a row"):
        pq.pack(np.zeros((3, 5), np.uint8))


def test_saves_and_loads(tmp_path: Path) -> None:
    pq, path = quantizer(6), tmp_path / "codes"
    codes, queries = random_codes(pq, 1000), random_vectors(3, pq.dim, seed=1)
    pq.pack(codes).save(path)
    loaded = hcbir.PackedCodes.load(path)
    assert (len(loaded), loaded.code_size) == (1000, 6)
    assert_same(pq.search(queries, loaded, 9), reference.adc_search(queries, codes, pq.centroids, 8, 9))
    with pytest.raises(FileNotFoundError):
        hcbir.PackedCodes.load(tmp_path / "elsewhere")
    with pytest.raises(hcbir.FormatError, match="not a file of a product quantizer"):
        hcbir.ProductQuantizer.load(path)
    for place in (tmp_path, tmp_path / "missing" / "codes"):
        with pytest.raises(ValueError, match="path must be that of a file in a folder that is there"):
            loaded.save(place)


def test_refuses_altered_files(tmp_path: Path) -> None:
    pq, path = quantizer(3), tmp_path / "codes"
    pq.pack(random_codes(pq, 5)).save(path)
    whole = path.read_bytes()
    for length in (0, 7, 20, 63, 64, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(hcbir.FormatError):
            hcbir.PackedCodes.load(path)
    for position in range(len(whole)):
        altered = bytearray(whole)
        altered[position] ^= 0x10
        path.write_bytes(altered)
        with pytest.raises(hcbir.FormatError):
            hcbir.PackedCodes.load(path)
    head = struct.pack("<8sIQQ28x", b"hcbirPC\n", 1, 2**60, 2**60)  # a header that is whole, and lies
    path.write_bytes(head + struct.pack("<I", zlib.crc32(head)) + whole[60:])
    with pytest.raises(hcbir.FormatError, match="bytes must follow its header, got 200"):
        hcbir.PackedCodes.load(path)
