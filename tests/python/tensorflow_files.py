"""Writes what TensorFlow and DELF write, without TensorFlow: variables (a "tensor bundle") and `.datum` files."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

NUMBERS = {"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int64": 9, "bool": 10, "float16": 19}
MAGIC = bytes.fromhex("57fb808b247547db")


def masked_crc(data: bytes) -> int:
    """Bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value: int) -> bytes:
    digits = []
    while value >= 0x80:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])


def number(field: int, value: int) -> bytes:
    """A field of a protocol buffer; zero is left out."""
    return varint(field << 3) + varint(value) if value else b""


def part(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def entry(array: np.ndarray, offset: int, *, extra: bytes = b"") -> bytes:
    """BundleEntryProto."""
    data = array.tobytes()
    shape = b"".join(part(2, number(1, side)) for side in array.shape)
    fields = number(1, NUMBERS[array.dtype.name]) + part(2, shape) + number(4, offset) + number(5, len(data))
    return fields + varint(6 << 3 | 5) + masked_crc(data).to_bytes(4, "little") + extra


def block(entries: Mapping[bytes, bytes], *, restart_interval: int = 4) -> bytes:
    """Keys without what they share with the key before, restarts, kind of compression and checksum."""
    content, restarts, before = b"", [], b""
    for i, (key, value) in enumerate(entries.items()):
        shared = 0
        if i % restart_interval == 0:
            restarts.append(len(content))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    content += b"".join(place.to_bytes(4, "little") for place in [*restarts, len(restarts)]) + b"\0"
    return content + masked_crc(content).to_bytes(4, "little")


def table(entries: Mapping[bytes, bytes], *, entries_per_block: int = 7) -> bytes:
    keys = sorted(entries)
    content, index = b"", {}
    for start in range(0, len(keys), entries_per_block):
        members = keys[start : start + entries_per_block]
        written = block({key: entries[key] for key in members})
        index[members[-1]] = varint(len(content)) + varint(len(written) - 5)
        content += written
    handles = b""
    for written in (block({}), block(index)):
        handles += varint(len(content)) + varint(len(written) - 5)
        content += written
    return content + handles.ljust(40, b"\0") + MAGIC


def save_bundle(prefix: Path, variables: Mapping[str, np.ndarray], *, num_shards: int = 1) -> None:
    """prefix.index and prefix.data-00000-of-00001 (or more, in turn)."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    entries = {b"": number(1, num_shards) + part(3, number(1, 1))}
    shards = [b""] * num_shards
    for i, (name, array) in enumerate(variables.items()):
        shard = i % num_shards
        entries[name.encode()] = entry(array, len(shards[shard]), extra=number(3, shard))
        shards[shard] += array.tobytes()
    prefix.with_name(f"{prefix.name}.index").write_bytes(table(entries))
    for shard, data in enumerate(shards):
        prefix.with_name(f"{prefix.name}.data-{shard:05}-of-{num_shards:05}").write_bytes(data)


def datum(array: np.ndarray) -> bytes:
    """DatumProto: shape and values, packed."""
    shape = b"".join(varint(side) for side in array.shape)
    return part(1, part(1, shape)) + part(2, part(1, array.astype("<f4").tobytes()))


def save_published_delf(
    folder: Path, variables: Mapping[str, np.ndarray], pca: Mapping[str, np.ndarray], *, archive: Path | None = None
) -> None:
    """folder/model and folder/pca, as DELF's archives have them; and the archive."""
    save_bundle(folder / "model" / "variables" / "variables", variables)
    (folder / "model" / "saved_model.pb").write_bytes(b"graph")
    (folder / "pca").mkdir()
    for name, array in pca.items():
        (folder / "pca" / name).write_bytes(datum(array))
    if archive is not None:
        with tarfile.open(archive, "w:gz") as file:
            file.add(folder, folder.name)
