"""DELF's `.datum` files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason='needs torch: pip install "hcbir[export]"')

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorflow_files import datum, number, part, varint

from hcbir.models.checkpoints.datum import read_datum

ARRAY = np.random.default_rng(0).normal(size=(3, 200)).astype(np.float32)


def published_messages(*, packed: bool) -> dict[str, Any]:
    """datum.proto's messages, made by protobuf itself."""
    file = descriptor_pb2.FileDescriptorProto(name=f"datum_{packed}.proto", package=f"delf_{packed}", syntax="proto2")
    field = descriptor_pb2.FieldDescriptorProto
    of_list = {"DatumShape": ("dim", field.TYPE_INT64), "FloatList": ("value", field.TYPE_FLOAT)}
    for name, (values, kind) in of_list.items():
        added = file.message_type.add(name=name).field.add(name=values, number=1, type=kind, label=field.LABEL_REPEATED)
        added.options.packed = packed
    whole = file.message_type.add(name="DatumProto")
    for i, (name, kind) in enumerate({"shape": "DatumShape", "float_list": "FloatList"}.items(), start=1):
        whole.field.add(
            name=name,
            number=i,
            type=field.TYPE_MESSAGE,
            type_name=f".delf_{packed}.{kind}",
            label=field.LABEL_OPTIONAL,
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {"DatumProto": message_factory.GetMessageClass(pool.FindMessageTypeByName(f"delf_{packed}.DatumProto"))}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("shape", [(600,), (3, 200), (300, 2, 1), (600, 1)])
def test_as_protobuf_writes_it(tmp_path: Path, packed: bool, shape: tuple[int, ...]) -> None:
    """datum_io.ArrayToDatum: readers of protocol buffers take repeated fields packed and one by one."""
    message = published_messages(packed=packed)["DatumProto"]()
    message.float_list.value.extend(ARRAY.flat)
    message.shape.dim.extend(shape)
    path = tmp_path / "mean.datum"
    path.write_bytes(message.SerializeToString())
    np.testing.assert_array_equal(read_datum(path), ARRAY.reshape(shape), strict=True)
    if packed:
        assert path.read_bytes() == datum(ARRAY.reshape(shape))


def test_every_truncation_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mean.datum"
    whole = datum(ARRAY[:, :20])
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"mean\.datum: not an array of floats as DELF writes it"):
            read_datum(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "its shape or its values are missing"),
        (part(1, part(1, varint(2))), "its shape or its values are missing"),
        (
            part(1, part(1, varint(3))) + part(2, part(1, bytes(8))),
            "8 bytes cannot be float32 numbers",
        ),
        (part(1, part(1, varint(2))) + part(2, part(1, bytes(7))), "7 bytes cannot be float32 numbers"),
        (part(1, part(1, varint((1 << 64) - 2))) + part(2, part(1, bytes(8))), "8 bytes cannot be float32 numbers"),
        (part(1, part(1, b"\x80")) + part(2, part(1, bytes(8))), "truncated inside a number"),
        (part(1, part(1, varint(2))) + part(3, part(1, b"\1\2")), "it holds whole numbers"),
        (number(1, 5) + part(2, part(1, bytes(8))), "its shape or its values are missing"),
        (b"not a datum", "DatumProto"),
    ],
)
def test_other_structures(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.datum").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_datum(tmp_path / "x.datum")
