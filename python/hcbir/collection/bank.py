"""The descriptors of a collection."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir import descriptors
from hcbir._files import write_npz
from hcbir.collection.records import CollectionError, DescriptorRecord
from hcbir.collection.segments import read_npz
from hcbir.descriptors import AggregatedDescriptor, Described, Descriptor


def plan(names: Sequence[str], image_size: int | None, runtime: Mapping[str, Any]) -> list[DescriptorRecord]:
    """Records of the named descriptors, and of the local ones that aggregated ones are made from.

    They are loaded to run as `runtime` says, so that one that cannot fails before anything is written.
    """
    if not names:
        raise ValueError("descriptors must name at least one descriptor, got none")
    if len(set(names)) != len(names):
        raise ValueError(f"descriptors must be different, got {', '.join(names)}")
    planned: dict[str, tuple[Descriptor, str | None]] = {}
    for name in names:
        descriptor = descriptors.load(name, image_size=image_size, **runtime)
        local = None
        if descriptor.kind == "aggregated":
            local = descriptor.local.name
            planned.setdefault(local, (descriptor.local, None))
        planned.setdefault(name, (descriptor, local))
    return [
        DescriptorRecord(id, name, descriptor.kind, local, _as_read(descriptor.spec()))
        for id, (name, (descriptor, local)) in enumerate(planned.items(), start=1)
    ]


def _as_read(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec as the records give it back: JSON has lists alone where recipes have tuples."""
    read: dict[str, Any] = json.loads(json.dumps(dict(spec)))
    return read


class DescriptorBank:
    """Makes the descriptors that the records name, each when it is first needed, with the codebook it learned.

    Parameters
    ----------
    records : sequence of DescriptorRecord
    folder : Path
        Of the codebooks.
    runtime : mapping
        `provider` and `provider_options` of `hcbir.descriptors.load`.
    """

    def __init__(self, records: Sequence[DescriptorRecord], folder: Path, runtime: Mapping[str, Any]) -> None:
        self.records = {record.name: record for record in records}
        self._folder = folder
        self._runtime = dict(runtime)
        self._made: dict[str, Descriptor] = {}

    def choose(self, name: str | None) -> DescriptorRecord:
        """The record of a name; without one, that of the first global descriptor, else of the first local one."""
        if name is None:
            whole = [record for record in self.records.values() if record.kind != "local"]
            return (whole or list(self.records.values()))[0]
        if name not in self.records:
            raise CollectionError(f"descriptor must be one of the collection's: {self._names()}; got {name!r}")
        return self.records[name]

    def choose_global(self, name: str | None) -> DescriptorRecord:
        """The same, of a descriptor that has vectors."""
        record = self.choose(name)
        if record.kind == "local":
            raise CollectionError(f"descriptor must be a global one, {record.name} is local")
        return record

    def choose_local(self, name: str | None) -> DescriptorRecord:
        """The record of a local descriptor; without a name, the first."""
        local = {record.name: record for record in self.records.values() if record.kind == "local"}
        if not local:
            raise CollectionError(
                f"this needs local features, the collection has {self._names()} alone: index with sift or orb too"
            )
        if name is not None and name not in local:
            raise CollectionError(f"a local descriptor of the collection is needed: {', '.join(local)}; got {name!r}")
        return local[name] if name is not None else next(iter(local.values()))

    def _names(self) -> str:
        return ", ".join(self.records)

    def make(self, record: DescriptorRecord) -> Descriptor:
        if record.name not in self._made:
            descriptor = descriptors.from_spec(record.spec, **self._runtime)
            if descriptor.kind == "aggregated" and self._codebook(record).exists():
                descriptor.load_state(read_npz(self._codebook(record)))
            self._made[record.name] = descriptor
        return self._made[record.name]

    def looking(self, record: DescriptorRecord) -> DescriptorRecord:
        """The record of the descriptor that looks at pixels for this one: an aggregated one looks at features."""
        return record if record.local is None else self.records[record.local]

    def vector(self, record: DescriptorRecord, described: Described) -> npt.NDArray[np.float32]:
        """The vector of a global or aggregated descriptor."""
        descriptor = self.make(record)
        if descriptor.kind == "aggregated":
            if not descriptor.is_fitted:
                raise CollectionError(f"{self._codebook(record)} is missing: index the images again to learn it anew")
            return descriptor.aggregate(described.local_features[self.looking(record).name])
        return described.global_vectors[record.name]

    def describing(self) -> dict[str, Descriptor]:
        """The descriptors that look at pixels, by name."""
        return {record.name: self.make(record) for record in self.records.values() if record.local is None}

    def aggregated(self) -> list[tuple[DescriptorRecord, AggregatedDescriptor]]:
        pairs = [(record, self.make(record)) for record in self.records.values() if record.local is not None]
        return [(record, made) for record, made in pairs if made.kind == "aggregated"]

    def is_fitted(self, record: DescriptorRecord) -> bool:
        """Whether an aggregated descriptor has its codebook."""
        descriptor = self.make(record)
        return descriptor.kind != "aggregated" or descriptor.is_fitted

    def keep_codebook(self, record: DescriptorRecord, descriptor: AggregatedDescriptor) -> None:
        self._folder.mkdir(exist_ok=True)
        write_npz(self._codebook(record), descriptor.state())

    def drop_damaged_codebooks(self) -> None:
        """Delete those that cannot be read: what is missing is learned anew."""
        for record in self.records.values():
            path = self._codebook(record)
            if path.exists():
                try:
                    read_npz(path)
                except CollectionError:
                    path.unlink()

    def _codebook(self, record: DescriptorRecord) -> Path:
        return self._folder / f"{record.id}.npz"
