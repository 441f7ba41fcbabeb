"""The descriptors of a study's images, kept in collections so that no image is described twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir._features import LocalFeatures
from hcbir.collection import Collection
from hcbir.collection.collection import RECORDS
from hcbir.descriptors import Descriptor, load
from hcbir.study.datasets.labelled import Box
from hcbir.study.normalisation import make_opener
from hcbir.study.store import hash_of


class Descriptions:
    """What descriptors say of some image files, each opened in one way; a context manager.

    The folder holds one collection a set of descriptors that were first asked for together: those that are new are
    described in one pass over the images.

    Parameters
    ----------
    folder : Path
    descriptors : sequence of str
        Names that `hcbir.descriptors.load` knows.
    image_size : int or None
    reduced_decoding : bool
    normalisation : str
        One of `hcbir.study.normalisation.NORMALISATIONS`.
    boxes : mapping of Path to Box
        Of the files that are cropped.
    **runtime
        As in `Collection.open`.
    """

    def __init__(
        self,
        folder: Path,
        descriptors: Sequence[str],
        *,
        image_size: int | None,
        reduced_decoding: bool,
        normalisation: str,
        boxes: Mapping[Path, Box],
        **runtime: Any,
    ) -> None:
        prepared = {"size": image_size, "normalisation": normalisation, "boxes": sorted(map(str, boxes.items()))}
        if reduced_decoding:
            prepared["reduced"] = True
        self.opened = hash_of(prepared)
        """Tells this way to open the files from others."""
        self._folder = folder / self.opened
        self._image_size = image_size
        self._runtime = runtime
        self._opener = make_opener(normalisation, boxes, reduced_decoding=reduced_decoding)
        self._open = ExitStack()
        self._collections: dict[str, Collection] = {}  # by the name of the descriptor
        self._rows: dict[str, list[int]] = {}
        try:
            self._find(descriptors)
        except BaseException:
            self._open.close()
            raise

    def __enter__(self) -> Descriptions:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def _find(self, names: Sequence[str]) -> None:
        wanted = {name: load(name, image_size=self._image_size, **self._runtime).spec() for name in names}
        folders = sorted(
            path.parent for path in self._folder.glob(f"*.hcbir/{RECORDS}")
        )  # an interruption leaves others
        for folder in folders:
            collection = self._open.enter_context(Collection.open(folder, **self._runtime))
            if _is_current(collection):
                found = {name for name, spec in wanted.items() if _same(collection.specs.get(name), spec)}
                self._collections |= dict.fromkeys(found, collection)
        if missing := [name for name in names if name not in self._collections]:
            new = Collection.create(
                self._folder / f"{len(folders):03d}.hcbir", missing, image_size=self._image_size, **self._runtime
            )
            collection = self._open.enter_context(new)
            self._collections |= dict.fromkeys(missing, collection)

    def add(
        self, files: Sequence[Path], *, progress: Callable[[int, int], None] | None, num_threads: int | None
    ) -> dict[Path, str]:
        """Describe what is not described yet; returns, of each file that could not be read, why."""
        failed: dict[Path, str] = {}
        for collection in dict.fromkeys(self._collections.values()):
            report = collection.add(files, progress=progress, num_threads=num_threads, opener=self._opener)
            failed |= {Path(error.path): str(error) for error in report.skipped}
        return failed

    def arrange(self, files: Sequence[Path]) -> None:
        """Order in which `digests`, `vectors` and `features` give what they hold; all files must be described."""
        for name, collection in self._collections.items():
            row_of = {path: row for row, path in enumerate(collection.images())}
            self._rows[name] = [row_of[path] for path in files]

    def descriptor(self, name: str) -> Descriptor:
        """As the collection holds it: an aggregated one with its codebook."""
        return self._collections[name].descriptor(name)

    def looking(self, name: str) -> str:
        """The descriptor that looks at pixels for this one: an aggregated one looks at local features."""
        descriptor = self.descriptor(name)
        return descriptor.local.name if descriptor.kind == "aggregated" else name

    def digests(self, name: str) -> list[str]:
        """Hash of the content of each file."""
        digests = self._collections[name].digests()
        return [digests[row] for row in self._rows[name]]

    def vectors(self, name: str) -> npt.NDArray[np.float32]:
        """(n, d) of a global or aggregated descriptor."""
        vectors = self._collections[name].vectors(name)
        rows = self._rows[name]
        return vectors if rows == list(range(len(vectors))) else vectors[rows]

    def features(self, name: str) -> list[LocalFeatures]:
        """Of a local descriptor, as views of memory maps."""
        collection = self._collections[name]
        return [collection.features(row, name) for row in self._rows[name]]


def _is_current(collection: Collection) -> bool:
    """Whether every descriptor that the collection was made with can still be made."""
    try:
        for name in collection.descriptors:
            collection.descriptor(name)
    except (ValueError, OSError):  # a network has changed or is gone
        return False
    return True


def _same(recorded: Mapping[str, Any] | None, spec: Mapping[str, Any]) -> bool:
    """A spec as it comes back from JSON has lists for tuples."""
    return recorded is not None and json.dumps(dict(recorded), sort_keys=True) == json.dumps(dict(spec), sort_keys=True)
