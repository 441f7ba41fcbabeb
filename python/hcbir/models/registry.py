"""Which weights are published: a data file, `registry.toml`."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

FORMATS = ("cirtorch", "netvlad", "delf-tensorflow")


@dataclass(frozen=True, kw_only=True)
class PublishedModel:
    """Weights that their authors publish.

    Parameters
    ----------
    name : str
    url : str
    format : {"cirtorch", "netvlad", "delf-tensorflow"}
        What the file is: a .pth, a MATLAB structure, a TensorFlow SavedModel in a .tar.gz.
    trunk : str
    heads : names
        That the weights are made or good for.
    licence : str
        Of the repository that publishes them.
    sha256, sha256_prefix : str
        Hash of the file, or the first digits of it, where the authors give one.
    size : int
        In bytes; 0 where the authors do not say.
    scales : floats
        At which the authors describe images.
    figures : mapping from benchmark to percent
        mAP that the authors report.
    """

    name: str
    url: str
    format: str
    trunk: str
    heads: tuple[str, ...]
    licence: str
    sha256: str = ""
    sha256_prefix: str = ""
    size: int = 0
    scales: tuple[float, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """Last part of the address."""
        return PurePosixPath(urlsplit(self.url).path).name

    @property
    def known_hash(self) -> str:
        """All that is known of the hash: 64 digits, fewer, or none."""
        return self.sha256 or self.sha256_prefix


@cache
def published_models() -> Mapping[str, PublishedModel]:
    """Name -> model, in the order of the data file."""
    text = files("hcbir.models").joinpath("registry.toml").read_text(encoding="utf-8")
    models = {}
    for name, entry in tomllib.loads(text).items():
        lists = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
        models[name] = PublishedModel(name=name, **(entry | lists))
    return models


def find_model(name: str) -> PublishedModel:
    """The model of this name.

    Raises
    ------
    ValueError
        If there is none; with the nearest name.
    """
    models = published_models()
    if name not in models:
        near = get_close_matches(name, models, n=1)
        hint = f"did you mean {near[0]}?" if near else "`hcbir models list` shows all"
        raise ValueError(f"no published model is called {name!r}: {hint}")
    return models[name]


def default_folder() -> Path:
    """Where weights are kept unless the user says otherwise."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hcbir" / "models"
