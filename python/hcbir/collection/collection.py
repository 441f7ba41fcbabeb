"""The collection as its users see it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from hcbir._explanation import MAX_LOG10_NFA
from hcbir._features import LocalFeatures
from hcbir._files import LOCK, PARTIAL
from hcbir._null_distribution import NullDistribution
from hcbir._search import SearchResult
from hcbir.collection.bank import DescriptorBank, plan
from hcbir.collection.contents import Contents
from hcbir.collection.indexing import AddReport, Indexer, Progress, find_files
from hcbir.collection.paths import Paths
from hcbir.collection.queries import Query
from hcbir.collection.records import CollectionError, Records
from hcbir.collection.retrieval import null_of_collection, retrieve
from hcbir.collection.segments import Segments, exclusive
from hcbir.descriptors import Descriptor, Opener

RECORDS, SEGMENTS, CODEBOOKS = "collection.sqlite", "segments", "codebooks"


def is_vacant(folder: Path) -> bool:
    """Whether a collection can be made in a folder: at most what an interruption has left of making one is there."""
    names = [path.name for path in folder.iterdir()]
    return all(name == LOCK or name.startswith(RECORDS + PARTIAL) for name in names)


DEFAULT_DESCRIPTORS = ("vlad",)
REDUCED = "reduced_decoding"
"""The property of collections that decode large JPEGs at a fraction of their size."""


class Collection:
    """A folder that holds what a set of images was described by; the images themselves stay where they are.

    `Collection.create` makes one, `Collection.open` (or this constructor) opens one; a context manager closes it.
    The collection may be moved, with the images beside it or without them.

    >>> with Collection.create("photos.hcbir") as photos:  # doctest: +SKIP
    ...     photos.add("photos/")
    ...     photos.search("query.jpg", k=5).names
    """

    def __init__(self, folder: str | PathLike[str], **runtime: Any) -> None:
        self.folder = Path(folder).absolute()
        self._records = Records(self.folder / RECORDS)
        self._segments = Segments(self.folder / SEGMENTS)
        self._bank = DescriptorBank(self._records.descriptors(), self.folder / CODEBOOKS, runtime)
        root = self.folder.parent
        self._paths = Paths(root, Path(self._records.property("root") or root))
        self._contents = Contents(self._records, self._segments)

    @classmethod
    def open(cls, folder: str | PathLike[str], **runtime: Any) -> Collection:
        """Open an existing collection.

        Parameters
        ----------
        folder : path
        **runtime
            `provider` ("auto", "cuda", "cpu") and `provider_options`: where networks run, as in
            `hcbir.descriptors.load`.

        Raises
        ------
        CollectionError
            If the folder is not a collection, or one of another format.
        """
        return cls(folder, **runtime)

    @classmethod
    def create(
        cls,
        folder: str | PathLike[str],
        descriptors: Sequence[str] = DEFAULT_DESCRIPTORS,
        *,
        image_size: int | None = None,
        reduced_decoding: bool = False,
        overwrite: bool = False,
        **runtime: Any,
    ) -> Collection:
        """Make an empty collection.

        Parameters
        ----------
        folder : path
            Must not exist or be empty.
        descriptors : sequence of str
            Names that `hcbir.descriptors.load` knows. An aggregated descriptor (`vlad`) brings its local one along.
        image_size : int, optional
            Longest side, in pixels, at which images are described; default: each descriptor's own.
        reduced_decoding : bool
            Decode large JPEGs at a fraction of their size, as `hcbir.descriptors.open_image` does: those of the
            collection, and those it is searched for.
        overwrite : bool
            Empty the collection that stands there. A folder of anything else is left alone.
        **runtime
            As in `open`.

        Raises
        ------
        ValueError
            For an unknown descriptor, or a folder that holds something.
        """
        if isinstance(descriptors, str):
            raise TypeError(f"descriptors must be a sequence of names, got the str {descriptors!r}")
        planned = plan(descriptors, image_size, runtime)
        path = Path(folder).absolute()
        if path.exists() and not path.is_dir():
            raise CollectionError(f"{path} is a file, expected a folder to make")
        if path.is_dir() and not is_vacant(path):
            if not overwrite:
                raise CollectionError(f"{path} exists: open it, or create it with overwrite=True")
            Collection.open(path).close()
        path.mkdir(parents=True, exist_ok=True)
        properties = {"root": str(path.parent), **({REDUCED: "1"} if reduced_decoding else {})}
        with exclusive(path):
            if not (overwrite or is_vacant(path)):
                raise CollectionError(f"{path} has just been made by another process: open it")
            for name in (SEGMENTS, CODEBOOKS):
                shutil.rmtree(path / name, ignore_errors=True)
            Records.create(path / RECORDS, planned, properties)
        return cls(path, **runtime)

    @classmethod
    def open_or_create(
        cls,
        folder: str | PathLike[str],
        descriptors: Sequence[str] | None = None,
        *,
        image_size: int | None = None,
        reduced_decoding: bool = False,
        **runtime: Any,
    ) -> Collection:
        """Open the collection if it is there, else make it.

        Raises
        ------
        CollectionError
            If the collection that is there was made with other descriptors or another image size, or without the
            reduced decoding that is asked for.
        """
        if not (Path(folder) / RECORDS).exists():
            return cls.create(
                folder,
                descriptors or DEFAULT_DESCRIPTORS,
                image_size=image_size,
                reduced_decoding=reduced_decoding,
                **runtime,
            )
        collection = cls(folder, **runtime)
        if reduced_decoding and not collection.reduced_decoding:
            collection.close()
            raise CollectionError(
                f"{folder} was made without reduced decoding; with it, images need a collection of their own"
            )
        if descriptors or image_size:
            asked = plan(descriptors or DEFAULT_DESCRIPTORS, image_size, runtime)
            there = collection._records.descriptors()
            if asked != there:
                collection.close()
                made = ", ".join(f"{d.name} at {d.spec['image_size']} pixels" for d in there if "image_size" in d.spec)
                raise CollectionError(
                    f"{folder} was made with {made}; other descriptors, sizes or versions of a network's file need a "
                    "collection of their own"
                )
        return collection

    def close(self) -> None:
        self._records.close()

    def __enter__(self) -> Collection:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._contents.images())

    def __repr__(self) -> str:
        return f"Collection({str(self.folder)!r}: {', '.join(self.descriptors)})"

    @property
    def descriptors(self) -> dict[str, str]:
        """Kind ("global", "local" or "aggregated") of each descriptor, by name."""
        return {record.name: record.kind for record in self._bank.records.values()}

    @property
    def specs(self) -> dict[str, Mapping[str, Any]]:
        """What each descriptor was made of when the collection was made, by name."""
        return {record.name: record.spec for record in self._bank.records.values()}

    @property
    def reduced_decoding(self) -> bool:
        """Whether large JPEGs are decoded at a fraction of their size."""
        return self._records.property(REDUCED) is not None

    def descriptor(self, name: str | None = None) -> Descriptor:
        """One of its descriptors, as `hcbir.descriptors.load` gives it; without a name the one that `search` takes."""
        return self._bank.make(self._bank.choose(name))

    def add(
        self,
        paths: str | PathLike[str] | Iterable[str | PathLike[str]],
        *,
        progress: Progress | None = None,
        num_threads: int | None = None,
        opener: Opener | None = None,
    ) -> AddReport:
        """Describe images and store what describes them.

        Images are committed in batches: an interruption (KeyboardInterrupt, power failure) loses the last, and the
        same call resumes. An image that is there already is left alone; one whose content changed, or what is stored of
        it is damaged, is described anew. An addition, once whole, learns the codebooks that are missing, and anew those
        that were learned on fewer than 1000 images and on half the collection or less; all vectors made with them are
        made again, from the stored features.

        Parameters
        ----------
        paths : path, or several
            Of images, and of folders, which stand for the images in them at any depth.
        progress : callable, optional
            progress(done, total), called after each image that had to be described.
        num_threads : int, optional
            Default: `hcbir.default_num_threads()`.
        opener : callable, optional
            opener(path, longest_side) opens the files instead of `hcbir.descriptors.images.open_image`: for images
            that are to be prepared before they are described. The collection does not remember it.

        Raises
        ------
        ValueError
            If a folder holds no image, or another process writes to the collection. An image that cannot be read
            is no error: it stands in the report.
        """
        files = find_files(paths)
        with exclusive(self.folder):
            self._segments.keep_only(self._records.segments())
            indexer = Indexer(self._records, self._segments, self._bank, self._paths)
            report = indexer.add(files, progress, num_threads, opener=opener, reduced_decoding=self.reduced_decoding)
            self._segments.keep_only(self._records.segments())
        return report

    def remove(self, paths: str | PathLike[str] | Iterable[str | PathLike[str]]) -> int:
        """Forget images (the files stay); returns how many.

        Raises
        ------
        ValueError
            If one is not in the collection; none is removed then.
        """
        several = [paths] if isinstance(paths, (str, PathLike)) else list(paths)
        names = {self._paths.name(path) for path in several}
        known = {image.path for image in self._contents.images()}
        if unknown := sorted(names - known):
            raise CollectionError(f"paths must be images of the collection, got {self._paths.resolve(unknown[0])}")
        with exclusive(self.folder):
            with self._records.transaction():
                self._records.remove_images(names)
                self._records.drop_empty_segments()
            self._segments.keep_only(self._records.segments())
        return len(names)

    def images(self) -> list[Path]:
        """Paths of the images; `SearchResult.indices` are indices into this list."""
        return [self._paths.resolve(image.path) for image in self._contents.images()]

    def digests(self) -> list[str]:
        """Hash of the content of each image file, in the order of `images()`."""
        return [image.digest for image in self._contents.images()]

    def vectors(self, descriptor: str | None = None) -> npt.NDArray[np.float32]:
        """(n, d) float32: a global or aggregated descriptor's vectors, in the order of `images()`."""
        parts = self._contents.vector_parts(self._bank.choose_global(descriptor))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def features(self, image: int | str | PathLike[str], descriptor: str | None = None) -> LocalFeatures:
        """Local features of an image, given by its index or path; of the first local descriptor unless one is named."""
        record = self._bank.choose_local(descriptor)
        if isinstance(image, (str, PathLike)):
            image = self._contents.index(self._paths.name(image))
        return self._contents.features(int(image), record)

    def search(
        self,
        queries: Query | Sequence[Query],
        k: int | None = 10,
        *,
        descriptor: str | None = None,
        verify: bool | str = False,
        num_candidates: int = 100,
        max_log10_nfa: float = MAX_LOG10_NFA,
        metric: str = "dot",
        num_threads: int | None = None,
    ) -> SearchResult:
        """The images most like each query.

        Parameters
        ----------
        queries : path, PIL image or (h, w[, 3]) uint8 array, or a sequence of those
        k : int or None
            How many to find, of a smaller collection all; None ranks everything.
        descriptor : str, optional
            By which to rank: a global one by the dot product, a local one by inlier counts, exhaustively. Default:
            the collection's first global descriptor.
        verify : bool or str
            Rank the best `num_candidates` (k, if that is more) by inlier count and then by global score; counts
            that chance explains are taken as 0, so that they move nothing. The scores are the counts then. True
            takes the collection's first local descriptor, a name that one.
        max_log10_nfa : float
            With `verify`, chance explains counts whose log10_nfa (see `Verification`) is not below this. The default
            suits sift and orb; for a network, `null_distribution` says what bound to set. Where a local descriptor
            ranks, counts stay as they are.
        metric : {"dot", "cosine", "l2"}
            Of a global descriptor.
        num_threads : int, optional
            Default: `hcbir.default_num_threads()`.

        Returns
        -------
        SearchResult
            With the images' paths in `names`, and with `log10_nfa` where local features were compared.

        Raises
        ------
        ValueError
            For an image that cannot be read, a descriptor the collection does not have, or an option that does not fit.
        """
        several: Sequence[Query] = queries if isinstance(queries, (list, tuple)) else [cast(Query, queries)]
        found = retrieve(
            self._contents,
            self._bank,
            several,
            k,
            descriptor=descriptor,
            verify=verify,
            num_candidates=num_candidates,
            max_log10_nfa=max_log10_nfa,
            metric=metric,
            num_threads=num_threads,
            reduced_decoding=self.reduced_decoding,
        )
        images = self._contents.images()
        names = [[str(self._paths.resolve(images[i].path)) for i in row] for row in found.indices]
        return replace(found, names=names)

    def null_distribution(
        self,
        descriptor: str | None = None,
        groups: Sequence[object] | None = None,
        *,
        num_images: int = 300,
        num_pairs: int = 10_000,
        seed: int = 0,
        num_threads: int | None = None,
        progress: Progress | None = None,
    ) -> NullDistribution:
        """How well images that show different things agree where `search` verifies: see `hcbir.null_distribution`.

        Parameters
        ----------
        descriptor : str, optional
            A local one; default: the first.
        groups : sequence of names (str, Path ...), optional
            One of each image in `images()`: those of one group may show the same thing, and are not compared.
        num_images : int
            At most so many are compared, drawn at random.
        num_pairs, seed, num_threads, progress
            As in `hcbir.null_distribution`.

        Raises
        ------
        ValueError
            As `hcbir.null_distribution` does, and for a descriptor that is not local.

        >>> null = photos.null_distribution(groups=[path.parent for path in photos.images()])  # doctest: +SKIP
        >>> photos.search("query.jpg", verify=True, max_log10_nfa=null.bound(0.001))  # doctest: +SKIP
        """
        record = self._bank.choose_local(descriptor)
        size = self._bank.make(record).image_size
        return null_of_collection(
            self._contents, record, size, groups, num_images, num_pairs, seed, num_threads, progress
        )


def search_images(
    queries: Any,
    database: Collection | str | PathLike[str],
    k: int | None = 10,
    **options: Any,
) -> SearchResult:
    """`Collection.search` on a collection or on the path of one: what `hcbir.search` does with such a database."""
    if isinstance(database, Collection):
        return database.search(queries, k, **options)
    with Collection.open(database) as collection:
        return collection.search(queries, k, **options)
