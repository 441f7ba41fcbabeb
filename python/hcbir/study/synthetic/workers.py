"""Batches of images made in this process or in several."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from io import BytesIO
from pathlib import Path

import cv2
from PIL import Image

from hcbir.study.synthetic.design import Shot
from hcbir.study.synthetic.journal import Record, key_of
from hcbir.study.synthetic.making import make_image

JPEG_QUALITY = 90


def run_batches(
    batches: Sequence[Sequence[Shot]], folder: Path, longest_side: int, workers: int
) -> Iterator[list[Record]]:
    """The records of each batch as soon as its files are written; after Ctrl-C those that were under way come first."""
    if workers == 1 or len(batches) < 2:
        for batch in batches:
            yield make_batch(batch, folder, longest_side)
        return
    # a forked process would inherit threads' locks; a fresh one has none
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(batches)), context, initializer=_ignore_interrupts)
    left: set[Future[list[Record]]] = {pool.submit(make_batch, batch, folder, longest_side) for batch in batches}
    try:
        while left:
            done, left = wait(left, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except BaseException:
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _ignore_interrupts() -> None:
    """Ctrl-C goes to the whole group; the parent decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def make_batch(batch: Sequence[Shot], folder: Path, longest_side: int) -> list[Record]:
    """Writes each image under its name, whole or not at all."""
    return [_make(shot, folder, longest_side) for shot in batch]


def _make(shot: Shot, folder: Path, longest_side: int) -> Record:
    made = make_image(shot, longest_side)
    path = folder / shot.name
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = BytesIO()
    Image.fromarray(made.pixels).save(buffer, "JPEG", quality=JPEG_QUALITY)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(buffer.getvalue())
    os.replace(partial, path)
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
