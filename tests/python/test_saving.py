"""Saved indexes replace one of their own kind, at once, and nothing else."""

import errno
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hcbir
from hcbir import _files
from hcbir._columns import append_rows, map_rows
from hcbir.study import files

Index = hcbir.ExactIndex | hcbir.IVFPQIndex


def exact(size: int) -> hcbir.ExactIndex:
    return hcbir.ExactIndex(vectors(size), precision="int8")


def inverted(size: int) -> hcbir.IVFPQIndex:
    index = hcbir.IVFPQIndex(4, num_subquantizers=4, bits=4)
    index.train(vectors(600))
    index.add(vectors(size))
    return index


def vectors(size: int) -> np.ndarray:
    return np.random.default_rng(size).standard_normal((size, 16), dtype=np.float32)


@pytest.fixture(params=[exact, inverted])
def make(request: pytest.FixtureRequest) -> Callable[[int], Index]:
    return request.param


def found(index: Index) -> list[list[int]]:
    return index.search(vectors(600)[:5], 3).indices.tolist()


def test_replaces_its_own_kind(tmp_path: Path, make: Callable[[int], Index]) -> None:
    first, second, third = make(500), make(400), make(300)
    first.save(tmp_path)
    opened = type(first).open(tmp_path)
    num_files = len(list(tmp_path.iterdir()))
    for index in (second, third):
        index.save(tmp_path)
        assert found(type(first).open(tmp_path, check=True)) == found(index)
        assert len(list(tmp_path.iterdir())) == num_files  # what was replaced is gone
    assert found(opened) == found(first)  # it still reads what it has opened
    opened.save(tmp_path)
    assert found(type(first).open(tmp_path)) == found(first)


def test_nothing_is_left_of_arrays_that_the_new_one_has_not(tmp_path: Path) -> None:
    exact(500).save(tmp_path)
    floats = hcbir.ExactIndex(vectors(400), precision="float32")
    floats.save(tmp_path)
    assert {path.name.partition("-")[0] for path in tmp_path.glob("*.npy")} == {"database", "numbers"}
    assert found(hcbir.ExactIndex.open(tmp_path)) == found(floats)


def test_an_opened_database_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    index = hcbir.ExactIndex(vectors(300).astype(bfloat16))
    index.save(tmp_path)
    opened = hcbir.ExactIndex.open(tmp_path)
    assert opened.database.dtype == bfloat16
    again = hcbir.ExactIndex(opened.database)
    again.save(tmp_path)
    assert found(again) == found(opened) == found(hcbir.ExactIndex.open(tmp_path)) == found(index)
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    bare = hcbir.ExactIndex.open(tmp_path)
    assert bare.database.dtype == np.uint16
    assert found(bare) == found(index)


def test_opens_what_is_replaced_meanwhile(
    tmp_path: Path, make: Callable[[int], Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(500).save(tmp_path)
    other, calls = make(400), 0

    def replacing(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:  # between the manifest and the second of its arrays
            with monkeypatch.context() as patch:
                patch.setattr("hcbir._growing.map_rows", map_rows)
                other.save(tmp_path)
        return map_rows(*arguments)

    monkeypatch.setattr("hcbir._growing.map_rows", replacing)
    assert found(type(other).open(tmp_path, check=True)) == found(other)


@pytest.mark.parametrize("check", [True, False])
def test_opens_what_is_replaced_once_it_is_mapped(
    tmp_path: Path, make: Callable[[int], Index], monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    """Its files have lost their names then."""
    first, other = make(500), make(400)
    first.save(tmp_path)
    num_arrays, calls = len(list(tmp_path.glob("*.npy"))), 0

    def then_replacing(*arguments: Any) -> Any:
        nonlocal calls
        mapped, calls = map_rows(*arguments), calls + 1
        if calls == num_arrays:
            with monkeypatch.context() as patch:
                patch.setattr("hcbir._growing.map_rows", map_rows)
                other.save(tmp_path)
        return mapped

    monkeypatch.setattr("hcbir._growing.map_rows", then_replacing)
    assert found(type(other).open(tmp_path, check=check)) == found(first)


def test_saves_an_opened_index_in_its_own_place(tmp_path: Path, make: Callable[[int], Index]) -> None:
    make(500).save(tmp_path)
    opened = type(make(20)).open(tmp_path)
    opened.save(tmp_path)
    assert found(opened) == found(type(opened).open(tmp_path)) == found(make(500))


def test_a_save_that_fails_leaves_what_stood_there(
    tmp_path: Path, make: Callable[[int], Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(500).save(tmp_path)
    files = set(tmp_path.iterdir())
    for calls_before in range(8):
        left = calls_before

        def full(*_: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            for name in ("_columns.sync", "_growing.sync_folder", "_files.sync", "_files.sync_folder"):
                patch.setattr(f"hcbir.{name}", full)
            with pytest.raises(OSError, match="No space left on device"):
                make(400).save(tmp_path)
        if left < 0 and found(type(make(20)).open(tmp_path)) == found(make(400)):
            break  # the manifest was there already: all is written
        assert found(type(make(20)).open(tmp_path)) == found(make(500))
        assert set(tmp_path.iterdir()) == files  # what is left of a save would fill the disk
    make(300).save(tmp_path)
    assert found(type(make(20)).open(tmp_path)) == found(make(300))


def test_a_first_save_that_failed_is_done_again(
    tmp_path: Path, make: Callable[[int], Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("hcbir._files.sync", full)  # of the manifest alone
        with pytest.raises(OSError, match=r"No space left on device.*manifest"):
            make(400).save(tmp_path / "index")
    with pytest.raises(FileNotFoundError):
        type(make(20)).open(tmp_path / "index")
    assert [path.name for path in (tmp_path / "index").iterdir()] == ["lock"]
    np.save(tmp_path / "index" / "centroids.npy", np.arange(3))  # as a loss of power leaves
    make(300).save(tmp_path / "index")
    assert found(type(make(20)).open(tmp_path / "index")) == found(make(300))


def test_refuses_what_is_something_else(tmp_path: Path, make: Callable[[int], Index]) -> None:
    index, other = make(100), (inverted if make is exact else exact)(100)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    (tmp_path / "arrays").mkdir()
    np.save(tmp_path / "arrays" / "codes.npy", np.arange(3))  # no lock stands by it: it is the user's
    (tmp_path / "file").touch()
    for name in ("photos", "arrays", "file"):
        with pytest.raises(ValueError, match=f"folder must not exist or be empty, got .*{name}"):
            index.save(tmp_path / name)
    other.save(tmp_path / "other")
    with pytest.raises(
        ValueError, match=r"folder must hold nothing, or what can be replaced: .*other.* must be of hcbir"
    ):
        index.save(tmp_path / "other")
    assert found(type(other).open(tmp_path / "other", check=True)) == found(other)
    manifest = tmp_path / "other" / "manifest.json"
    manifest.write_text("{")
    with pytest.raises(ValueError, match="is damaged"):
        other.save(tmp_path / "other")


def changed_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def without_checksum(folder: Path) -> None:
    """As it was written before there was one."""
    changed_manifest(folder, lambda manifest: manifest.pop("crc32"))


def test_a_manifest_without_checksum_is_read(tmp_path: Path, make: Callable[[int], Index]) -> None:
    index = make(300)
    index.save(tmp_path)
    without_checksum(tmp_path)
    assert found(type(index).open(tmp_path, check=True)) == found(index)


def test_every_byte_of_a_manifest_counts(tmp_path: Path, make: Callable[[int], Index]) -> None:
    index = make(100)
    index.save(tmp_path)
    manifest = tmp_path / "manifest.json"
    content, expected, refusals = manifest.read_bytes(), found(index), []
    for place in range(len(content)):
        altered = bytearray(content)
        altered[place] ^= 1 << place % 8
        manifest.write_bytes(altered)
        try:
            opened = type(index).open(tmp_path)
        except hcbir.FormatError as error:
            refusals.append(str(error))
        else:
            assert found(opened) == expected
    assert len(refusals) > len(content) / 2  # the rest is layout
    assert all(str(manifest) in refusal and len(refusal) < len(str(manifest)) + 300 for refusal in refusals)


def test_arrays_that_a_manifest_leaves_out_are_missed(tmp_path: Path) -> None:
    exact(300).save(tmp_path)
    changed_manifest(tmp_path, lambda manifest: [manifest["arrays"].pop(name) for name in ("codes", "bounds")])
    with pytest.raises(hcbir.FormatError, match=r"manifest\.json is damaged .*its checksum is another"):
        hcbir.ExactIndex.open(tmp_path, check=False)
    without_checksum(tmp_path)
    with pytest.raises(hcbir.FormatError, match=r"codes\.npy is not among the arrays of .*manifest\.json"):
        hcbir.ExactIndex.open(tmp_path, check=False)


def test_arrays_of_another_kind_are_refused_at_once(tmp_path: Path, make: Callable[[int], Index]) -> None:
    """Also where no checksum tells so: a search would fail in the middle."""
    index = make(320)
    index.save(tmp_path)
    without_checksum(tmp_path)
    content = (tmp_path / "manifest.json").read_text()
    for name, column in json.loads(content)["arrays"].items():
        shape, rows = column["row_shape"], column["num_rows"]
        changes: list[dict[str, object]] = [{"dtype": "|i1"}, {"row_shape": [*shape, 1]}]
        if rows > 1:
            changes.append({"num_rows": rows // 2})
        if shape and shape[-1] % 2 == 0:
            changes.append({"row_shape": [*shape[:-1], shape[-1] // 2]})
        for change in changes:
            changed_manifest(tmp_path, lambda manifest, n=name, c=change: manifest["arrays"][n].update(c))
            with pytest.raises(hcbir.FormatError, match=str(tmp_path)):
                type(index).open(tmp_path, check=False)
            (tmp_path / "manifest.json").write_text(content)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "write",
    [
        lambda folder, array: _files.write_whole(folder / "a", array.tobytes()),
        lambda folder, array: _files.write_npz(folder / "a", {"array": array}),
        lambda folder, array: _files.write_array(folder / "a.partial", array),
        lambda folder, array: files.write_whole(folder / "a", array.tobytes()),
        lambda folder, array: append_rows(folder / "a.partial", None, array),
    ],
)
def test_a_full_disk_is_told_with_the_file(tmp_path: Path, write: Callable[[Path, np.ndarray], object]) -> None:
    (tmp_path / "a.partial").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left on device: '.*/a\.partial'"):
        write(tmp_path, np.zeros(100_000))
