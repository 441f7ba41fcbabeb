"""Archives in which models are published."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

SUFFIXES = (".tar.gz", ".tgz", ".tar")
MAX_FILE_SIZE = 4 << 30
"""Of a file in an archive, in bytes."""


def is_archive(path: Path) -> bool:
    """By its name."""
    return path.name.endswith(SUFFIXES)


@contextmanager
def unpacked(path: Path, wanted: Callable[[PurePosixPath], bool]) -> Iterator[Path]:
    """A folder with the wanted files of an archive, by the last part of their names; it lasts as long as the context.

    Raises
    ------
    ValueError
        If the file is no archive, truncated, or holds a wanted file above `MAX_FILE_SIZE`.
    """
    with tempfile.TemporaryDirectory(prefix="hcbir-archive-") as folder:
        try:
            with tarfile.open(path) as archive:
                _extract(archive, Path(folder), wanted)
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise ValueError(f"{path}: not an archive, or truncated: {error}") from error
        yield Path(folder)


def _extract(archive: tarfile.TarFile, folder: Path, wanted: Callable[[PurePosixPath], bool]) -> None:
    for member in archive:
        name = PurePosixPath(member.name)
        if member.isfile() and wanted(name):
            if member.size > MAX_FILE_SIZE:
                raise tarfile.TarError(f"{member.name} has {member.size} bytes, more than {MAX_FILE_SIZE}")
            source = archive.extractfile(member)
            assert source is not None  # of a regular file
            with (folder / name.name).open("wb") as target:
                shutil.copyfileobj(source, target)
