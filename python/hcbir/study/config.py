"""`study.toml`: what a study is made of."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hcbir._arrays import one_of
from hcbir._evaluation import INTERPOLATIONS
from hcbir.study.naming import short_names
from hcbir.study.normalisation import MIXED, NORMALISATIONS
from hcbir.study.similarity import BOTH, LOCAL_SEARCHES

DATASETS: Mapping[str, tuple[str, ...]] = {
    "folder": ("path",),
    "csv": ("path",),
    "alegoria": ("path",),
    "revisitop": ("path", "images"),
    "oxford5k": ("path", "images"),
    "paris6k": ("path", "images"),
    "gldv2": ("path", "images", "queries"),
}
"""The kinds of datasets, and which paths each needs."""

_PATHS = ("path", "images", "queries", "scores")


@dataclass(frozen=True)
class DatasetConfig:
    """Where the dataset is.

    Parameters
    ----------
    kind : str
        One of `DATASETS`.
    path : Path
        The folder, the CSV or the ground truth.
    images, queries : Path or None
        Folders of images, where `path` is the ground truth.
    scores : Path or None
        A CSV of predominance scores by class (`hcbir annotate`) instead of those that the images' strengths give.
    strong : int or None
        The least strength that counts as strong (`hcbir.study.annotation.annotate`).
    keep_query : bool
        Of oxford5k and paris6k: leave a query's own image in its ranking.
    """

    kind: str
    path: Path
    images: Path | None = None
    queries: Path | None = None
    scores: Path | None = None
    strong: int | None = None
    keep_query: bool = False

    def __post_init__(self) -> None:
        for key in _PATHS:
            if getattr(self, key) is not None:
                object.__setattr__(self, key, Path(os.path.abspath(getattr(self, key))))


@dataclass(frozen=True)
class ProtocolConfig:
    """How images are described, ranked and judged.

    Parameters
    ----------
    image_size : int or None
        Longest side, in pixels; None: each descriptor's own.
    ap : {"trapezoid", "rectangle"}
    local : {"exhaustive", "index", "both"}
        How local descriptors find the images whose inliers are counted; both: exhaustively, with a table of what the
        index changes.
    reduced_decoding : bool
        Decode large JPEGs at a fraction of their size, as `hcbir.descriptors.open_image` does.
    normalisations : tuple of str
        Each is measured beside the images as they are.
    """

    image_size: int | None = None
    ap: str = "trapezoid"
    local: str = "exhaustive"
    reduced_decoding: bool = False
    normalisations: tuple[str, ...] = ("grayscale",)


@dataclass(frozen=True)
class StatisticsConfig:
    """What the tables tell beside the means.

    Parameters
    ----------
    spearman : bool
        Rank correlations beside Pearson's.
    confidence : float
        Of all intervals.
    resamples : int
    seed : int
    """

    spearman: bool = False
    confidence: float = 0.95
    resamples: int = 10_000
    seed: int = 0


@dataclass(frozen=True)
class ReportConfig:
    """What the report shows.

    Parameters
    ----------
    ranks : int
        Images shown of each ranking.
    queries : tuple of str
        Ends of the paths of queries that are drawn beside the hardest ones.
    hard_queries : int
        How many hard queries are found and drawn.
    query_pages : bool
        A page for each query: large for large datasets.
    """

    ranks: int = 8
    queries: tuple[str, ...] = ()
    hard_queries: int = 6
    query_pages: bool = True


@dataclass(frozen=True)
class StudyConfig:
    """A study.

    Parameters
    ----------
    dataset : DatasetConfig
    descriptors : mapping of str to str
        Name of each descriptor as `hcbir.descriptors.load` knows it, by the label that tables show.
    output : Path
        The folder of the results.
    title : str
    """

    dataset: DatasetConfig
    descriptors: Mapping[str, str]
    output: Path
    title: str = "Study"
    protocol: ProtocolConfig = field(default_factory=ProtocolConfig)
    statistics: StatisticsConfig = field(default_factory=StatisticsConfig)
    report: ReportConfig = field(default_factory=ReportConfig)


def load_config(path: str | os.PathLike[str]) -> StudyConfig:
    """Read a `study.toml`; its paths are relative to it.

    Raises
    ------
    ValueError
        For what is not TOML, and for a key or value that does not fit; the message names it.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from None
    try:
        return _parse(content, path)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None


def _parse(content: Mapping[str, Any], path: Path) -> StudyConfig:
    folder = path.absolute().parent
    _known(content, ("title", "output", "descriptors", "dataset", "protocol", "statistics", "report"), "the file")
    protocol = ProtocolConfig(**_options(content, "protocol", ProtocolConfig))
    one_of(protocol.ap, "protocol.ap", INTERPOLATIONS)
    check_local(protocol.local, "protocol.local")
    for name in protocol.normalisations:
        one_of(name, "protocol.normalisations", tuple(other for other in NORMALISATIONS if other != MIXED))
    statistics = StatisticsConfig(**_options(content, "statistics", StatisticsConfig))
    if not 0 < statistics.confidence < 1:
        raise ValueError(f"statistics.confidence must be between 0 and 1, got {statistics.confidence}")
    return StudyConfig(
        dataset=_dataset(content.get("dataset"), folder),
        descriptors=_descriptors(content.get("descriptors"), folder),
        output=folder / content.get("output", f"{path.stem}-results"),
        title=content.get("title", "Study"),
        protocol=protocol,
        statistics=statistics,
        report=ReportConfig(**_options(content, "report", ReportConfig)),
    )


def check_local(value: object, name: str = "local") -> str:
    """One of the ways to find images by local descriptors."""
    return one_of(value, name, (*LOCAL_SEARCHES, BOTH))


def _dataset(table: Any, folder: Path) -> DatasetConfig:
    if not isinstance(table, Mapping):
        raise ValueError('expected a table [dataset] with kind = "csv" and path')
    _known(table, DatasetConfig.__dataclass_fields__, "[dataset]")
    kind = one_of(table.get("kind"), "dataset.kind", tuple(DATASETS))
    needed = DATASETS[kind]
    for key in needed:
        if key not in table:
            raise ValueError(f"dataset.{key} is missing: kind {kind} needs {', '.join(needed)}")
    values = dict(table)
    for key in _PATHS:
        if key in values:
            if not isinstance(values[key], str):
                raise TypeError(f"dataset.{key} must be a path, got {values[key]!r}")
            if key != "scores" and key not in needed:
                raise ValueError(f"dataset.{key} is not for kind {kind}")
            values[key] = folder / values[key]
    for key, expected in (("strong", int), ("keep_query", bool)):
        if key in values and type(values[key]) is not expected:
            raise ValueError(f"dataset.{key} must be {_WORDS[expected]}, got {values[key]!r}")
    return DatasetConfig(**values)


def _descriptors(entries: Any, folder: Path) -> dict[str, str]:
    if not isinstance(entries, list) or not entries:
        raise ValueError('descriptors must be a list such as ["vlad", {label = "GeM", name = "net.onnx:gem"}]')
    tables = [{"name": entry} if isinstance(entry, str) else entry for entry in entries]
    for table in tables:
        if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
            raise ValueError(f"descriptors must be names or {{label, name}}, got {table!r}")
        _known(table, ("name", "label"), "a descriptor")
    names = [resolve_descriptor(table["name"], folder) for table in tables]
    short = short_names(names)
    labels = [str(table.get("label", short[name])) for table, name in zip(tables, names, strict=True)]
    for kind, values in (("label", labels), ("name", names)):
        if len(set(values)) < len(values):
            twice = next(value for value in values if values.count(value) > 1)
            raise ValueError(f"descriptors must be different, the {kind} {twice} stands there twice")
    return dict(zip(labels, names, strict=True))


def resolve_descriptor(name: str, folder: Path) -> str:
    """The name with the files in it (PATH.onnx:CHOICE+PATH.npz) relative to the folder."""
    return re.sub(r"[^+]+?\.(?:onnx(?=[:+]|$)|npz$)", lambda match: str(folder / match[0]), name)


def _options(content: Mapping[str, Any], name: str, options: Any) -> dict[str, Any]:
    """The table of that name, its values of the types of the defaults."""
    table = content.get(name, {})
    if not isinstance(table, Mapping):
        raise TypeError(f"{name} must be a table [{name}], got {table!r}")
    fields = options.__dataclass_fields__
    _known(table, fields, f"[{name}]")
    values: dict[str, Any] = {}
    for key, value in table.items():
        expected = {"int | None": int, "tuple[str, ...]": list}.get(fields[key].type) or type(fields[key].default)
        right = isinstance(value, expected) and (expected is bool or not isinstance(value, bool))
        if expected is float and type(value) is int:
            right = True
        if expected is list and right:
            right = all(isinstance(item, str) for item in value)
            value = tuple(value)
        if not right or (expected is int and value < (0 if key in ("seed", "hard_queries") else 1)):
            raise ValueError(f"{name}.{key} must be {_WORDS[expected]}, got {table[key]!r}")
        values[key] = value
    return values


_WORDS: Mapping[type, str] = {
    int: "a whole number, not negative",
    float: "a number",
    bool: "true or false",
    str: "a text",
    list: "a list of texts",
}


def _known(table: Mapping[str, Any], names: Sequence[str] | Mapping[str, Any], where: str) -> None:
    for key in table:
        if key not in names:
            close = get_close_matches(key, names, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise ValueError(f"{where} may have {', '.join(names)}; got {key!r}{hint}")
