"""Files from the web: resumed, verified, and whole or not there."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from hcbir import __version__

CHUNK = 1 << 20
TIMEOUT = 30.0
"""Seconds without a byte."""

Progress = Callable[[int, int | None], None]


class DownloadError(OSError):
    """A file that could not be had; the message says why and what to do."""


def download(
    url: str, path: Path, *, sha256: str = "", progress: Progress | None = None, timeout: float = TIMEOUT
) -> str:
    """Gets a file, unless it is there; what an interrupted call left in `path` + `.part` is not asked for again.

    Parameters
    ----------
    url : str
    path : Path
        Written only when all of it is there and its hash is right.
    sha256 : str
        The hash, or the first digits of it, in hexadecimal. Without any, nothing tells whether two parts belong
        together, and a download starts anew.
    progress : callable, optional
        Called with the bytes there and their total, None if the server does not say.
    timeout : float
        In seconds, without a byte.

    Returns
    -------
    str
        The hash of the file.

    Raises
    ------
    DownloadError
        For an address that is not there, no network, an interruption, or a wrong hash.
    """
    if sha256 and path.is_file() and (found := _sha256(path)).startswith(sha256.lower()):
        return found
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not sha256:
        part.unlink(missing_ok=True)
    resumed = part.exists() and part.stat().st_size > 0
    _fetch(url, part, progress or (lambda done, total: None), timeout)
    found = _sha256(part)
    if not found.startswith(sha256.lower()):
        part.unlink()
        if resumed:  # the file may have changed on the server since the first part was fetched
            return download(url, path, sha256=sha256, progress=progress, timeout=timeout)
        raise DownloadError(f"{url}: SHA-256 must begin with {sha256.lower()}, got {found}: nothing was kept")
    os.replace(part, path)
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(url: str, part: Path, progress: Progress, timeout: float) -> None:
    there = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": f"hcbir/{__version__}", "Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
    try:
        with urlopen(Request(url, headers=headers), timeout=timeout) as response:
            _receive(url, response, part, there, progress)
    except HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and there:
            if _total(error.headers.get("Content-Range")) == there:
                return  # all of it was there
            part.unlink()
            _fetch(url, part, progress, timeout)
            return
        raise DownloadError(f"{url}: the server answers {error.code} {error.reason}") from None
    except (URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        kept = part.stat().st_size if part.exists() else 0
        again = f"; {kept} bytes are kept, run again to continue" if kept else ""
        raise DownloadError(f"{url}: {_words(reason)}{again}") from None


def _receive(url: str, response: Any, part: Path, there: int, progress: Progress) -> None:
    continues = response.status == http.client.PARTIAL_CONTENT
    if continues and not str(response.headers.get("Content-Range", "")).startswith(f"bytes {there}-"):
        raise http.client.HTTPException(f"the server sends other bytes than those from {there} on")
    done = there if continues else 0
    length = response.headers.get("Content-Length")
    total = None if length is None else done + int(length)
    with part.open("ab" if continues else "wb") as file:
        progress(done, total)
        while chunk := response.read(CHUNK):
            file.write(chunk)
            done += len(chunk)
            progress(done, total)
    if total is not None and done < total:
        raise ConnectionError(f"interrupted after {done} of {total} bytes")


def _total(content_range: str | None) -> int | None:
    match = re.fullmatch(r"bytes \*/(\d+)", content_range or "")
    return int(match[1]) if match else None


def _words(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return f"cannot be reached ({reason.strerror})"
    return str(reason)
