"""Published benchmarks, from the ground truth files that their authors give."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hcbir.descriptors.images import list_images
from hcbir.study.datasets.labelled import Box
from hcbir.study.datasets.pickles import read_pickle
from hcbir.study.datasets.tables import read_table
from hcbir.study.datasets.task import Query, Task, Truth

GLDV2_DEPTH = 100

_OXFORD_KINDS = ("good", "ok", "junk")
_NO_LANDMARK = {"oxford", "paris_general"}
"""What images are called that were found by the name of the city."""


def load_revisitop(ground_truth: Path, images: Path) -> Task:
    """ROxford5k or RParis6k: cropped queries that are not in the database; settings Medium (the main), Easy and Hard.

    The class of a query, which the ground truth does not tell, is the landmark after which most of its images are
    called.

    Parameters
    ----------
    ground_truth : Path
        The published `gnd_*.pkl`, read without running what it may hold, or the same as JSON: `imlist`, `qimlist` and
        `gnd`, a list of {bbx, easy, hard, junk} a query.
    images : Path
        The folder of the .jpg files, at any depth.

    Raises
    ------
    ValueError
        If a file does not fit; the message names file and entry.

    Notes
    -----
    Radenović et al., *Revisiting Oxford and Paris*, CVPR 2018; filipradenovic/revisitop, `python/evaluate.py`.
    """
    content = _read_json(ground_truth) if ground_truth.suffix == ".json" else read_pickle(ground_truth)
    content = _mapping(content, ("imlist", "qimlist", "gnd"), f"{ground_truth}")
    names, query_names, entries = (
        _list(content[key], f"{ground_truth}: {key}") for key in ("imlist", "qimlist", "gnd")
    )
    if len(entries) != len(query_names):
        raise ValueError(f"{ground_truth}: gnd must hold one entry a query, {len(query_names)}, got {len(entries)}")
    files = _Names(images)
    database = [files.path(name, f"{ground_truth}: imlist[{i}]") for i, name in enumerate(names)]
    queries, lists = [], []
    landmarks = [_landmark(str(name)) for name in names]
    for i, (name, entry) in enumerate(zip(query_names, entries, strict=True)):
        where = f"{ground_truth}: gnd[{i}]"
        entry = _mapping(entry, ("bbx", "easy", "hard", "junk"), where)
        path = files.path(name, f"{ground_truth}: qimlist[{i}]")
        own = {key: _indices(entry[key], len(names), f"{where}.{key}") for key in ("easy", "hard", "junk")}
        _check_once([(image, f"{where}.{key}[{k}]") for key, found in own.items() for k, image in enumerate(found)])
        shown = Counter(landmarks[i] for indices in own.values() for i in indices)
        for name_of_none in _NO_LANDMARK:
            del shown[name_of_none]
        label = shown.most_common(1)[0][0] if shown else _landmark(str(name))
        queries.append(Query(path, label, _box(entry["bbx"], f"{where}.bbx")))
        lists.append(own)

    def truth(positives: Sequence[str], junk: Sequence[str]) -> Truth:
        return Truth(
            [[i for key in positives for i in query[key]] for query in lists],
            [[i for key in junk for i in query[key]] for query in lists],
        )

    settings = {
        "Medium": truth(("easy", "hard"), ("junk",)),
        "Easy": truth(("easy",), ("junk", "hard")),
        "Hard": truth(("hard",), ("junk", "easy")),
    }
    return Task(database, queries, settings)


def load_oxford(ground_truth: Path, images: Path, *, keep_query: bool = False) -> Task:
    """Oxford5k or Paris6k: cropped queries from the database.

    Parameters
    ----------
    ground_truth : Path
        The folder of `NAME_N_query.txt`, `_good.txt`, `_ok.txt` and `_junk.txt`.
    images : Path
        The folder of the images, at any depth: all of them are the database.
    keep_query : bool
        Leave the query's own image in its ranking, where the authors list it as good.

    Raises
    ------
    ValueError
        If a file does not fit; the message names file, line and column.

    Notes
    -----
    Philbin et al., *Object retrieval with large vocabularies and fast spatial matching*, CVPR 2007.
    """
    files = sorted(ground_truth.glob("*_query.txt")) if ground_truth.is_dir() else []
    if not files:
        raise ValueError(f"{ground_truth}: expected a folder with files *_query.txt, found none")
    database = _Names(images)
    queries, positives, junk = [], [], []
    for file in files:
        stem = file.name.removesuffix("_query.txt")
        words = _read_text(file).split()
        if len(words) != 5:
            raise ValueError(f"{file}, line 1: expected a name and a box of 4 numbers, got {len(words)} words")
        own = database.place(words[0].removeprefix("oxc1_"), f"{file}, line 1, column 1")
        good, ok, other = (_read_places(file.with_name(f"{stem}_{kind}.txt"), database) for kind in _OXFORD_KINDS)
        _check_once([*good, *ok, *other])
        box = _box(words[1:], f"{file}, line 1, columns 2 to 5")
        left_out = set() if keep_query else {own}
        queries.append(Query(database.images[own], _landmark(stem), box, own))
        positives.append([i for i, _ in (*good, *ok) if i not in left_out])
        junk.append(sorted({*(i for i, _ in other), *left_out}))
    return Task(database.images, queries, {"all": Truth(positives, junk)}, query_left_out=not keep_query)


def load_gldv2(solution: Path, images: Path, queries: Path) -> Task:
    """Google Landmarks v2, retrieval: mAP@100; the classes are the parts Public and Private.

    Parameters
    ----------
    solution : Path
        The published CSV `id,images,Usage`: space-separated ids of the right images; queries whose usage is Ignored
        are left out.
    images, queries : Path
        The folders of index and test images, at any depth, each called after its id.

    Raises
    ------
    ValueError
        If the file does not fit; the message names file, line and column.

    Notes
    -----
    Weyand et al., *Google Landmarks Dataset v2*, CVPR 2020.
    """
    database, files = _Names(images), _Names(queries)
    asked, positives = [], []
    line_of: dict[Path, int] = {}
    for row in read_table(solution, ("id", "images", "Usage")):
        usage = row.cells["Usage"]
        if usage not in ("Public", "Private", "Ignored"):
            raise row.error("Usage", f"expected Public, Private or Ignored, got {usage!r}")
        if usage == "Ignored":
            continue
        path = files.path(row.cells["id"], f"{solution}, line {row.line}, column id")
        if path in line_of:
            raise row.error("id", f"{row.cells['id']} stands in line {line_of[path]} already")
        line_of[path] = row.line
        where = f"{solution}, line {row.line}, column images"
        names = row.cells["images"].split()
        found = [(database.place(name, where), f"{where}, word {k}") for k, name in enumerate(names, 1)]
        _check_once(found)
        asked.append(Query(path, usage))
        positives.append([i for i, _ in found])
    if not asked:
        raise ValueError(f"{solution}: expected queries whose usage is Public or Private, found none")
    return Task(database.images, asked, {"all": Truth(positives, [[] for _ in asked])}, depth=GLDV2_DEPTH)


class _Names:
    """The images of a folder, at any depth, by their names without extension."""

    def __init__(self, folder: Path) -> None:
        self.images = list_images(folder)
        self._folder = folder
        self._places: dict[str, list[int]] = {}
        for place, path in enumerate(self.images):
            self._places.setdefault(path.stem, []).append(place)

    def place(self, name: Any, where: str) -> int:
        """The place of the image among the images; `where` is named if there is none, or more than one."""
        places = self._places.get(str(name), [])
        if not places:
            raise ValueError(f"{where}: no image {name} in {self._folder} ({len(self.images)} images there)")
        if len(places) > 1:
            one, other = (self.images[place].relative_to(self._folder) for place in places[:2])
            raise ValueError(f"{where}: {len(places)} images {name} in {self._folder}: {one} and {other}")
        return places[0]

    def path(self, name: Any, where: str) -> Path:
        return self.images[self.place(name, where)]


def _check_once(told: Sequence[tuple[int, str]]) -> None:
    """Of images and where each is told: no image is right, wrong or junk twice."""
    seen: dict[int, str] = {}
    for image, where in told:
        if image in seen:
            raise ValueError(f"{where}: the image stands in {seen[image]} already")
        seen[image] = where


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected text in UTF-8 ({error})") from None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(_read_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}, column {error.colno}: {error.msg}") from None


def _mapping(value: Any, keys: Sequence[str], where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or (lacking := [key for key in keys if key not in value]):
        got = f"without {', '.join(lacking)}" if isinstance(value, Mapping) else type(value).__name__
        raise ValueError(f"{where}: expected a mapping with {', '.join(keys)}, got {got}")
    return value


def _list(values: Any, where: str) -> list[Any]:
    if not isinstance(values, (list, tuple, np.ndarray)):
        raise ValueError(f"{where}: expected a list, got {type(values).__name__}")
    return list(values)


def _indices(values: Any, count: int, where: str) -> list[int]:
    try:
        numbers = np.asarray(values)
    except ValueError:  # lists of lists of several lengths
        raise ValueError(f"{where}: expected a list of whole numbers, got lists within it") from None
    if numbers.size == 0:
        return []
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise ValueError(f"{where}: expected a list of whole numbers, got {numbers.dtype} of shape {numbers.shape}")
    for k, number in enumerate(numbers.tolist()):
        if not 0 <= number < count:
            raise ValueError(f"{where}[{k}]: expected an index from 0 to {count - 1}, got {number}")
    found: list[int] = numbers.tolist()
    return found


def _box(values: Any, where: str) -> Box:
    try:
        x1, y1, x2, y2 = (float(value) for value in values)
    except (TypeError, ValueError):
        raise ValueError(f"{where}: expected x1, y1, x2, y2, got {values!r}") from None
    if not (x1 < x2 and y1 < y2):
        raise ValueError(f"{where}: expected x1 < x2 and y1 < y2, got {values!r}")
    return x1, y1, x2, y2


def _read_places(file: Path, database: _Names) -> list[tuple[int, str]]:
    """The places of the images that the file names, one a line, and where each stands in it."""
    if not file.is_file():
        raise ValueError(f"{file}: no such file; expected one beside the query's")
    lines = [(line.strip(), f"{file}, line {n}, column 1") for n, line in enumerate(_read_text(file).splitlines(), 1)]
    return [(database.place(name, where), where) for name, where in lines if name]


def _landmark(name: str) -> str:
    """all_souls_000013 -> all_souls."""
    return re.sub(r"_\d+$", "", name)
