"""Batches of images made in this process or in several."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from io import BytesIO
from pathlib import Path

import cv2
from PIL import Image

from hcbir.study.files import write_whole
from hcbir.study.synthetic.design import Shot
from hcbir.study.synthetic.journal import Record, key_of
from hcbir.study.synthetic.making import make_image

JPEG_QUALITY = 90


def run_batches(
    batches: Sequence[Sequence[Shot]],
    folder: Path,
    longest_side: int,
    workers: int,
    keep: Callable[[list[Record]], None],
    tell: Callable[[list[Record]], None],
) -> None:
    """`keep` is given the records of each batch once its files are written, and then `tell`.

    After Ctrl-C, or an error, batches under way are finished and kept.
    """
    if workers == 1 or len(batches) < 2:
        for batch in batches:
            records = make_batch(batch, folder, longest_side)
            keep(records)
            tell(records)
        return
    # a forked process would inherit threads' locks; a fresh one has none
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(batches)), context, initializer=_ignore_interrupts)
    left: set[Future[list[Record]]] = {pool.submit(make_batch, batch, folder, longest_side) for batch in batches}
    try:
        while left:
            done, _ = wait(left, return_when=FIRST_COMPLETED)
            for future in done:
                keep(future.result())
                left.discard(future)
                tell(future.result())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for future in left:
            if not future.cancelled() and future.exception() is None:
                keep(future.result())


def _ignore_interrupts() -> None:
    """Ctrl-C goes to the whole group; the parent decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def make_batch(batch: Sequence[Shot], folder: Path, longest_side: int) -> list[Record]:
    """Writes each image under its name, whole or not at all."""
    return [_make(shot, folder, longest_side) for shot in batch]


def _make(shot: Shot, folder: Path, longest_side: int) -> Record:
    made = make_image(shot, longest_side)
    buffer = BytesIO()
    Image.fromarray(made.pixels).save(buffer, "JPEG", quality=JPEG_QUALITY)
    write_whole(folder / shot.name, buffer.getvalue())
    height, width = made.pixels.shape[:2]
    return Record(
        shot.name,
        key_of(shot, longest_side),
        width,
        height,
        round(made.share, 6),
        round(made.hidden, 6),
        made.season,
        made.date,
        tuple(float(value) for value in made.camera.reshape(-1)),
    )
