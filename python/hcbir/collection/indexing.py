"""Adding images to a collection, batch by batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence, Set
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np

from hcbir._features import LocalFeatures
from hcbir.collection.bank import DescriptorBank
from hcbir.collection.paths import Paths
from hcbir.collection.records import DescriptorRecord, ImageRecord, Records
from hcbir.collection.segments import Arrays, Segments, pack_features, unpack_features
from hcbir.descriptors import AggregatedDescriptor, Described, ImageError, Opener, describe_files, list_images

BATCH_SIZE = 64
"""Images between two commits: what a crash loses at most. Ctrl-C loses none that is described."""

MAX_LEARNING_IMAGES = 2000
"""Images from whose features a codebook is learned."""

SETTLED_IMAGES = 1000
"""A codebook that was learned on fewer is learned anew each time the collection has doubled."""

Progress = Callable[[int, int], None]
"""Called with the number of images done and the number to do."""


@dataclass(frozen=True)
class AddReport:
    """What `Collection.add` did.

    Parameters
    ----------
    added : int
        Images described and stored, new ones and changed ones.
    skipped : list of ImageError
        Those that could not be read; the message names the file and what is wrong.
    unchanged : int
        Images that the collection had already.
    """

    added: int
    skipped: list[ImageError]
    unchanged: int


@dataclass
class Indexer:
    """Writes batches of described images into a collection's segments and records."""

    records: Records
    segments: Segments
    bank: DescriptorBank
    paths: Paths
    batch: list[tuple[Described, ImageRecord]] = field(default_factory=list)

    def add(
        self,
        files: Sequence[Path],
        progress: Progress | None,
        num_threads: int | None,
        *,
        opener: Opener | None,
        reduced_decoding: bool,
    ) -> AddReport:
        self.bank.drop_damaged_codebooks()
        pending = self._pending(files, self._damaged_batches())
        skipped: list[ImageError] = []
        stats = {path: _stat(path) for path in pending}  # before the content is read: a later change shows
        describing = describe_files(
            pending,
            self.bank.describing(),
            num_threads=num_threads,
            opener=opener,
            reduced_decoding=reduced_decoding,
        )
        with closing(describing):  # type: ignore[type-var]  # it is a generator: its threads end with it
            try:
                for done, described in enumerate(describing, start=1):
                    error = described.error or self._collect(described, stats[described.path])
                    if error is not None:
                        skipped.append(error)
                    if progress is not None:
                        progress(done, len(pending))
            finally:
                self._commit()
        self._learn_codebooks()
        return AddReport(len(pending) - len(skipped), skipped, len(files) - len(pending))

    def _damaged_batches(self) -> set[int]:
        """Those whose images are to be described again; vectors that are made of stored features are forgotten."""
        num_images = {image.batch: image.row + 1 for image in self.records.images()}
        damaged = {key for key in self.records.segments() if not self.segments.is_whole(key, num_images.get(key[0], 0))}
        made = {record.id for record in self.bank.records.values() if record.local is not None}
        with self.records.transaction():
            self.records.drop_segments(key for key in damaged if key[1] in made)
        return {batch for batch, id in damaged if id not in made}

    def _pending(self, files: Sequence[Path], damaged: Set[int]) -> list[Path]:
        """The files that the collection does not have as they are now, and those of damaged batches."""
        known = {image.path: image for image in self.records.images()}
        pending: list[Path] = []
        rewritten: dict[str, int] = {}  # with the same content
        try:
            for path in files:
                image, stat = known.get(self.paths.name(path)), _stat(path)
                if image is None or stat is None or stat.st_size != image.size or image.batch in damaged:
                    pending.append(path)
                elif stat.st_mtime_ns != image.mtime_ns:
                    if _digest(path) == image.digest:
                        rewritten[image.path] = stat.st_mtime_ns
                    else:
                        pending.append(path)
        finally:
            with self.records.transaction():
                self.records.touch(rewritten)
        return pending

    def _collect(self, described: Described, stat: os.stat_result | None) -> ImageError | None:
        """Put a described image into the batch; an error if the file is gone meanwhile."""
        digest = _digest(described.path)
        if stat is None or digest is None or described.full_size is None:
            return ImageError(str(described.path), "changed while it was read")
        width, height = described.full_size
        image = ImageRecord(
            path=self.paths.name(described.path),
            size=stat.st_size,
            mtime_ns=stat.st_mtime_ns,
            digest=digest,
            width=width,
            height=height,
            batch=self.records.next_batch(),
            row=len(self.batch),
        )
        self.batch.append((described, image))
        if len(self.batch) == BATCH_SIZE:
            self._commit()
        return None

    def _commit(self) -> None:
        """Write the batch's segments, then the records that make them part of the collection, whole."""
        batch, self.batch = self.batch, []  # one that an error interrupts is not written again
        if not batch:
            return
        number = batch[0][1].batch
        written = []
        for record in self.bank.records.values():
            arrays = self._arrays(record, [described for described, _ in batch])
            if arrays is not None:
                self.segments.write((number, record.id), arrays)
                written.append(record.id)
        with self.records.transaction():
            self.records.add_images(image for _, image in batch)
            self.records.add_segments(number, written)
            self.records.drop_empty_segments()

    def _arrays(self, record: DescriptorRecord, batch: Sequence[Described]) -> Arrays | None:
        """A descriptor's segment of a batch; None for an aggregated one that has not learned its codebook yet."""
        if record.local is not None and not self.bank.is_fitted(record):
            return None
        if record.kind == "local":
            return pack_features([described.local_features[record.name] for described in batch])
        return {"vectors": np.stack([self.bank.vector(record, described) for described in batch])}

    def _learn_codebooks(self) -> None:
        """Learn the codebooks that are missing or were learned on too little, and describe by them what is stored."""
        for record, descriptor in self.bank.aggregated():
            local = self.bank.looking(record)
            if self._should_learn(record, descriptor):
                sample = self._learning_sample(local)
                if not sample:
                    continue
                with self.records.transaction():  # from here to the last vector, what is missing says what is to do
                    self.records.drop_segments(key for key in self.records.segments() if key[1] == record.id)
                    self.records.set_property(_learned_on(record), "0")
                descriptor.fit(sample, seed=0)
                self.bank.keep_codebook(record, descriptor)
                with self.records.transaction():
                    self.records.set_property(_learned_on(record), str(len(self.records.images())))
            present = self.records.segments()
            for batch in sorted(batch for batch, id in present if id == local.id and (batch, record.id) not in present):
                stored = self.segments.read((batch, local.id))
                rows = range(len(stored["offsets"]) - 1)
                vectors = [descriptor.aggregate(unpack_features(stored, row)) for row in rows]
                self.segments.write((batch, record.id), {"vectors": np.stack(vectors)})
                with self.records.transaction():
                    self.records.add_segments(batch, [record.id])

    def _should_learn(self, record: DescriptorRecord, descriptor: AggregatedDescriptor) -> bool:
        learned_on = int(self.records.property(_learned_on(record)) or 0)
        grown = learned_on < SETTLED_IMAGES and len(self.records.images()) >= 2 * learned_on
        return not descriptor.is_fitted or grown

    def _learning_sample(self, local: DescriptorRecord) -> list[LocalFeatures]:
        """The features of images drawn with a fixed seed, those without any left out."""
        images = self.records.images()
        if len(images) > MAX_LEARNING_IMAGES:
            chosen = np.random.default_rng(0).choice(len(images), MAX_LEARNING_IMAGES, replace=False)
            images = [images[i] for i in np.sort(chosen)]
        features = (unpack_features(self.segments.read((image.batch, local.id)), image.row) for image in images)
        return [f for f in features if len(f)]


def _learned_on(record: DescriptorRecord) -> str:
    """The property that holds the number of images a codebook was learned on."""
    return f"images learned on by {record.id}"


def find_files(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The files of a path or several: a folder stands for the images in it."""
    found: dict[Path, None] = {}
    for given in [paths] if isinstance(paths, (str, os.PathLike)) else paths:
        path = Path(os.path.abspath(given))
        images = list_images(path) if path.is_dir() else [path]
        if not images:
            raise ValueError(f"{path}: no image found in this folder")
        found.update(dict.fromkeys(images))
    return list(found)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _digest(path: Path) -> str | None:
    digest = blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError:
        return None
    return digest.hexdigest()
