"""TensorFlow's saved variables, on files of their structure that are made here."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason='needs torch: pip install "hcbir[export]"')

from tensorflow_files import block, entry, masked_crc, number, part, save_bundle, table

from hcbir.models.checkpoints.bundle import bundle_files, is_bundle, read_bundle
from hcbir.models.checkpoints.crc32c import crc32c, masked_crc32c
from hcbir.models.checkpoints.sstable import FOOTER_SIZE, read_table


def some_variables() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    many = {f"net/block{i % 3}/unit_{i}/gamma": rng.normal(size=i).astype(np.float32) for i in range(40)}
    return many | {
        "global_step": np.array(7, np.int64),
        "net/conv/weights": rng.normal(size=(3, 3, 5, 2)).astype(np.float32),
        "net/half": rng.normal(size=(5, 3)).astype(np.float16),
        "net/none": np.empty((0, 3)),
        "net/flag": np.array([True, False]),
    }


def assert_equal(actual: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert actual.keys() == expected.keys()
    for name, array in expected.items():
        assert actual[name].dtype == array.dtype
        np.testing.assert_array_equal(actual[name], array, strict=True)


def test_checksum() -> None:
    """The vectors of RFC 3720, appendix B.4, and any length against bit by bit."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(bytes(range(32))) == 0x46DD794E
    rng = np.random.default_rng(0)
    for size in (*range(40), 4095, 16379, 16380, 16381, 40000):
        data = rng.integers(0, 256, size, dtype=np.uint8)
        assert masked_crc32c(data) == masked_crc(data.tobytes()), size


@pytest.mark.parametrize("num_shards", [1, 3])
def test_variables_come_back(tmp_path: Path, num_shards: int) -> None:
    variables = some_variables()
    prefix = tmp_path / "model" / "variables" / "variables"
    save_bundle(prefix, variables, num_shards=num_shards)
    for path in (prefix, prefix.with_name("variables.index"), tmp_path / "model"):
        assert is_bundle(path)
        assert [file.name for file in bundle_files(path)] == [
            "variables.index",
            *(f"variables.data-{shard:05}-of-{num_shards:05}" for shard in range(num_shards)),
        ]
        assert_equal(read_bundle(path), variables)
    assert not is_bundle(tmp_path / "model.pth")


def test_archive(tmp_path: Path) -> None:
    """As DELF is published: a SavedModel in a folder, with other files; nothing is written where its names say."""
    save_bundle(tmp_path / "model" / "variables" / "variables", some_variables())
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"graph")
    path = tmp_path / "delf.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tmp_path / "model" / "saved_model.pb", "../../evil/saved_model.pb")
        for file in bundle_files(tmp_path / "model"):
            archive.add(file, f"../../evil/variables/{file.name}")
    assert_equal(read_bundle(path), some_variables())
    assert bundle_files(path) == [path]
    assert not (tmp_path.parent.parent / "evil").exists()
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ValueError, match=r"delf\.tar\.gz: not an archive, or truncated"):
        read_bundle(path)
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tmp_path / "model" / "saved_model.pb", "model/saved_model.pb")
    with pytest.raises(ValueError, match=r"delf\.tar\.gz: holds no variables/variables\.index"):
        read_bundle(path)


def test_every_truncation_and_every_damaged_byte_of_the_index_is_told(tmp_path: Path) -> None:
    prefix, index = tmp_path / "net", tmp_path / "net.index"
    variables = {name: array for name, array in some_variables().items() if array.ndim > 1}
    save_bundle(prefix, variables)
    whole = index.read_bytes()
    for size in range(len(whole)):
        with pytest.raises(ValueError, match="not a table of TensorFlow, or truncated"):
            list(read_table(whole[:size]))
    unread = whole.index(block({}))  # the block about blocks
    checked = [*range(unread), *range(unread + len(block({})), len(whole) - FOOTER_SIZE)]
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x15
        index.write_bytes(damaged)
        if place in checked:
            with pytest.raises(ValueError, match=r"damaged|compressed"):
                read_bundle(prefix)
        else:
            try:
                assert_equal(read_bundle(prefix), variables)
            except ValueError:
                continue


def test_damaged_and_missing_data(tmp_path: Path) -> None:
    prefix, data = tmp_path / "net", tmp_path / "net.data-00000-of-00001"
    save_bundle(prefix, {"a": np.arange(100, dtype=np.int32), "b": np.ones(9, np.float32)})
    whole = bytearray(data.read_bytes())
    data.write_bytes(whole[:-1])
    with pytest.raises(ValueError, match=r"net\.index: b: its data end at 436, their file at 435: truncated"):
        read_bundle(prefix)
    whole[123] ^= 1
    data.write_bytes(whole)
    with pytest.raises(ValueError, match=r"net\.index: a: its data are damaged: their checksum is another"):
        read_bundle(prefix)
    data.unlink()
    with pytest.raises(FileNotFoundError, match=r"net\.data-00000-of-00001"):
        read_bundle(prefix)
    (tmp_path / "net.index").unlink()
    with pytest.raises(FileNotFoundError, match=r"net\.index"):
        read_bundle(prefix)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (part(7, b""), "a is saved in slices, which is not supported"),
        (number(1, 14), "a is of TensorFlow's type 14, which is not supported"),
        (number(4, 1 << 62), r"a: its data end at \d+, their file at 12: truncated"),
        (number(5, 1 << 62), r"a: 4611686018427387904 bytes cannot be an array of float32 of the shape \(3,\)"),
        (part(2, part(2, number(1, (1 << 64) - 1))), "a: 12 bytes cannot be an array of float32"),
        (number(3, 5), "net.data-00005-of-00001"),
        (b"\x0b", "field 1 is of unknown kind 3"),
        (b"\x0a\xff\xff\xff\xff\x0f", "field 1 is truncated"),
        (b"\x08\xff", "truncated inside a number"),
        (b"\x08" + b"\xff" * 12, "a number has more than ten bytes"),
    ],
)
def test_entries_that_cannot_be_followed(tmp_path: Path, fields: bytes, message: str) -> None:
    """Later fields override earlier ones."""
    array = np.ones(3, np.float32)
    save_bundle(tmp_path / "net", {"a": array})
    (tmp_path / "net.index").write_bytes(table({b"": number(1, 1), b"a": entry(array, 0, extra=fields)}))
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read_bundle(tmp_path / "net")


def test_strings_are_left_out_and_big_endian_is_refused(tmp_path: Path) -> None:
    save_bundle(tmp_path / "net", {"a": np.ones(3, np.float32)})
    entries = {b"": number(1, 1), b"a": entry(np.ones(3, np.float32), 0), b"text": number(1, 7) + number(5, 99)}
    (tmp_path / "net.index").write_bytes(table(entries))
    assert list(read_bundle(tmp_path / "net")) == ["a"]
    (tmp_path / "net.index").write_bytes(table(entries | {b"": number(1, 1) + number(2, 1)}))
    with pytest.raises(ValueError, match="its numbers are big-endian"):
        read_bundle(tmp_path / "net")


def test_compressed_blocks_are_refused() -> None:
    whole = bytearray(table({b"": b"x"}))
    whole[len(block({b"": b"x"})) - 5] = 1
    with pytest.raises(ValueError, match=r"a block is compressed \(snappy\), which is not supported"):
        list(read_table(bytes(whole)))
