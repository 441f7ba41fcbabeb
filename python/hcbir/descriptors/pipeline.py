"""Describing many image files: decoded ahead by threads, delivered one by one in order."""

from __future__ import annotations

import os
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from PIL import Image

from hcbir._arrays import positive_int
from hcbir._features import FloatArray, LocalFeatures
from hcbir._runtime import default_num_threads
from hcbir.descriptors.base import BatchedLocalDescriptor, Descriptor, GlobalDescriptor, LocalDescriptor
from hcbir.descriptors.images import ImageError, LoadedImage, Source, name_of, open_image
from hcbir.descriptors.network import IN_FLIGHT, Network, network_of
from hcbir.descriptors.progress import Progress, RateMeter
from hcbir.descriptors.session import run_side_by_side
from hcbir.descriptors.vectors import describe_together

# Images that meet the networks together; those of equal size among them make the batches.
WINDOW = 16
# Windows that are ready for the networks beside those that they have.
WAITING = 1

T = TypeVar("T")
R = TypeVar("R")

Opener = Callable[[Source, int], LoadedImage]
"""Opens an image at a longest side: `open_image`, or what prepares its result."""


@dataclass(eq=False)
class Described:
    """What the descriptors say of one image.

    Parameters
    ----------
    path : Path
    full_size : (width, height) or None
        Of the upright image in pixels; None if it could not be read.
    global_vectors : name -> (dim,) float32
    local_features : name -> LocalFeatures
    error : ImageError or None
        Why the image could not be described; the mappings are empty then.
    """

    path: Path
    full_size: tuple[int, int] | None = None
    global_vectors: dict[str, FloatArray] = field(default_factory=dict)
    local_features: dict[str, LocalFeatures] = field(default_factory=dict)
    error: ImageError | None = None


def describe_files(
    paths: Iterable[str | os.PathLike[str]],
    descriptors: Mapping[str, Descriptor],
    *,
    num_threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    reduced_decoding: bool = False,
    opener: Opener | None = None,
) -> Iterator[Described]:
    """Describes image files one after another.

    Threads decode, and describe locally what needs no network, a bounded number of files ahead. Each file is decoded
    once for all descriptors of the same `image_size`, and descriptors made of one network share its passes. Closing
    the iterator, or an exception while it waits, ends the threads after the files they are at.

    Parameters
    ----------
    paths : iterable
    descriptors : mapping from a name to a descriptor, global or local
        Of an aggregated descriptor pass its `local` one, and aggregate what comes.
    num_threads : int, optional
        Default: `hcbir.default_num_threads()`.
    progress : callable, optional
        Called before each image is delivered, with count, rate and remaining time.
    reduced_decoding : bool
        Of large JPEGs, as for `open_image`: faster, with descriptors that differ a little.
    opener : callable, optional
        opener(path, longest_side) opens the files instead of `open_image`.

    Yields
    ------
    Described
        One a path, in their order; with an `error` where the file could not be used.

    Raises
    ------
    TypeError
        For an aggregated descriptor.
    """
    plan = _Plan(descriptors, opener or partial(_open, reduced_decoding=reduced_decoding))
    threads = default_num_threads() if num_threads is None else positive_int(num_threads, "num_threads")
    total = len(paths) if isinstance(paths, Sized) else None
    return _describe_files((Path(path) for path in paths), plan, threads, total, progress)


def describe_image(
    source: Source, descriptors: Mapping[str, Descriptor], *, reduced_decoding: bool = False
) -> Described:
    """Describes one image, which need not be a file.

    Parameters
    ----------
    source : path, bytes of a file, or PIL.Image.Image
    descriptors : mapping
        As for `describe_files`.
    reduced_decoding : bool
        As for `open_image`; an image that is decoded already stays as it is.

    Raises
    ------
    ImageError
        If it cannot be used.
    """
    plan = _Plan(descriptors, partial(_open, reduced_decoding=reduced_decoding))
    [described] = plan.describe_window([plan.prepare(Path(name_of(source)), source)])
    if described.error is not None:
        raise described.error
    return described


def _open(source: Source, longest_side: int, *, reduced_decoding: bool = False) -> LoadedImage:
    return open_image(source, longest_side=longest_side, reduced_decoding=reduced_decoding)


@dataclass
class _Prepared:
    described: Described
    images: dict[int, Image.Image]  # by longest side, for the networks


class _Plan:
    """Which descriptors want which size of image."""

    def __init__(self, descriptors: Mapping[str, Descriptor], opener: Opener) -> None:
        self.open = opener
        self.globals: dict[int, dict[str, GlobalDescriptor]] = defaultdict(dict)
        self.batched: dict[int, dict[str, BatchedLocalDescriptor]] = defaultdict(dict)
        self.locals: dict[int, dict[str, LocalDescriptor]] = defaultdict(dict)
        for name, descriptor in descriptors.items():
            if descriptor.kind == "aggregated":
                raise TypeError(f"{name} is aggregated: pass its local descriptor, {descriptor.local.name}, instead")
            if descriptor.kind == "global":
                self.globals[descriptor.image_size][name] = descriptor
            elif isinstance(descriptor, BatchedLocalDescriptor):
                self.batched[descriptor.image_size][name] = descriptor
            else:
                self.locals[descriptor.image_size][name] = descriptor
        self.sizes = sorted({*self.globals, *self.batched, *self.locals})
        if not self.sizes:
            raise ValueError("descriptors must hold at least one descriptor, got none")

    def run_side_by_side(self, num_threads: int) -> bool:
        """As for `Network`, of all networks that take windows; False if a descriptor is made otherwise."""
        return all(network and network.runs_side_by_side(size, num_threads) for size, network in self._networks())

    def _networks(self) -> Iterator[tuple[int, Network | None]]:
        """Of each descriptor that takes windows, with the size of its images."""
        for groups in (self.globals, self.batched):
            for size, descriptors in groups.items():
                yield from ((size, network_of(descriptor)) for descriptor in descriptors.values())

    @property
    def in_flight(self) -> int:
        """Windows that all networks take at a time."""
        return min((network.in_flight for _, network in self._networks() if network), default=IN_FLIGHT)

    def prepare_file(self, path: Path) -> _Prepared:
        return self.prepare(path, path)

    def prepare(self, path: Path, source: Source) -> _Prepared:
        prepared = _Prepared(Described(path), {})
        described = prepared.described
        try:
            for size in self.sizes:
                loaded = self.open(source, size)
                described.full_size = loaded.full_size
                for name, descriptor in self.locals.get(size, {}).items():
                    described.local_features[name] = descriptor.describe(loaded.image, loaded.full_size)
                if size in self.globals or size in self.batched:
                    prepared.images[size] = loaded.image
        except ValueError as error:
            return _Prepared(Described(path, error=_of_image(path, error)), {})
        return prepared

    def describe_file(self, path: Path) -> Described:
        [described] = self.describe_window([self.prepare_file(path)])
        return described

    def describe_window(self, window: list[_Prepared]) -> list[Described]:
        self._describe([prepared for prepared in window if prepared.described.error is None])
        return [prepared.described for prepared in window]

    def _describe(self, readable: list[_Prepared]) -> None:
        if not readable:
            return
        try:
            self._describe_together(readable)
        except ValueError as error:  # find out which
            for prepared in readable:
                if len(readable) > 1:
                    self._describe([prepared])
                else:
                    path = prepared.described.path
                    prepared.described = Described(path, error=_of_image(path, error))

    def _describe_together(self, window: list[_Prepared]) -> None:
        for size, descriptors in self.globals.items():
            vectors = describe_together(descriptors, [prepared.images[size] for prepared in window])
            for i, prepared in enumerate(window):
                prepared.described.global_vectors |= {name: rows[i] for name, rows in vectors.items()}
        for size, local in self.batched.items():
            images = [prepared.images[size] for prepared in window]
            full_sizes = [prepared.described.full_size or (0, 0) for prepared in window]
            for name, descriptor in local.items():
                for prepared, features in zip(window, descriptor.describe_batch(images, full_sizes), strict=True):
                    prepared.described.local_features[name] = features


def _describe_files(
    paths: Iterator[Path],
    plan: _Plan,
    num_threads: int,
    total: int | None,
    progress: Callable[[Progress], None] | None,
) -> Iterator[Described]:
    meter = RateMeter(total)
    with closing(_described(paths, plan, num_threads)) as images:
        for described in images:
            if progress is not None:
                progress(meter.count())
            yield described


def _described(paths: Iterator[Path], plan: _Plan, num_threads: int) -> Generator[Described]:
    if plan.run_side_by_side(num_threads):
        # Who has decoded an image describes it, while its pixels are in the cache.
        with closing(_ahead(plan.describe_file, paths, num_threads, waiting=2 * num_threads)) as images:
            yield from images
        return
    with (
        closing(_ahead(plan.prepare_file, paths, num_threads, waiting=WINDOW + num_threads)) as prepared,
        closing(
            _ahead(plan.describe_window, _windows(prepared), plan.in_flight, waiting=WAITING, whole=True)
        ) as windows,
    ):
        for window in windows:
            yield from window


def _windows(prepared: Iterator[_Prepared]) -> Iterator[list[_Prepared]]:
    while window := list(islice(prepared, WINDOW)):
        yield window


def _ahead(
    function: Callable[[T], R], items: Iterator[T], num_threads: int, *, waiting: int, whole: bool = False
) -> Generator[R]:
    """The function's results in the order of the items, made by threads that are at most so many items further.

    `waiting` is the number of items that are done or wait for a thread, beside those that threads are at. Each pass of
    a network takes the `whole` machine, or one thread.
    """
    side_by_side = 1 if whole else num_threads
    threads = ThreadPoolExecutor(num_threads, "hcbir-describe", run_side_by_side, (side_by_side,))
    futures: deque[Future[R]] = deque()
    try:
        futures.extend(threads.submit(function, item) for item in islice(items, num_threads + waiting))
        while futures:
            result = futures.popleft().result()
            futures.extend(threads.submit(function, item) for item in islice(items, 1))
            yield result
    finally:
        threads.shutdown(wait=True, cancel_futures=True)


def _of_image(path: Path, error: ValueError) -> ImageError:
    """The error as one of that image: a network may not take every image."""
    return error if isinstance(error, ImageError) else ImageError(str(path), str(error))
