"""The tables of a synthetic collection: what a study reads, and all that is known of each image."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from hcbir.study.synthetic.design import STRONG, Shot
from hcbir.study.synthetic.journal import Record
from hcbir.study.synthetic.places.place import KINDS
from hcbir.study.variations import VARIATIONS

Pairs = Sequence[tuple[Shot, Record]]

_COLLECTIONS = {
    "photograph": "photographs",
    "postcard": "postcards",
    "engraving": "prints",
    "painting": "paintings",
    "map": "maps",
}


def dataset_table(pairs: Pairs) -> str:
    """`path,class,collection,date` and the strength of each variation; distractors have no class and no strengths."""
    rows = [["path", "class", "collection", "date", *VARIATIONS]]
    for shot, record in pairs:
        strengths = [str(s) if shot.class_name is not None else "" for s in shot.strengths]
        rows.append([shot.name, shot.class_name or "", _COLLECTIONS[shot.domain], str(record.date), *strengths])
    return _text(rows)


def annotation_table(pairs: Pairs) -> str:
    """The plan, the flags, and what was measured: see `making.Made`. `p00` to `p23` are the camera, row by row."""
    flags = [f"strong {variation}" for variation in VARIATIONS]
    measured = ["width", "height", "landmark_share", "landmark_hidden"]
    camera = [f"p{row}{col}" for row in range(3) for col in range(4)]
    rows = [["path", "class", "kind", "domain", "season", "date", *VARIATIONS, *flags, *measured, *camera]]
    for shot, record in pairs:
        rows.append(
            [
                shot.name,
                shot.class_name or "",
                KINDS[shot.kind].name,
                shot.domain,
                record.season,
                str(record.date),
                *(str(s) for s in shot.strengths),
                *(str(int(s >= STRONG)) for s in shot.strengths),
                str(record.width),
                str(record.height),
                f"{record.share:.6f}",
                f"{record.hidden:.6f}",
                *(f"{value:.10g}" for value in record.camera),
            ]
        )
    return _text(rows)


def _text(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
