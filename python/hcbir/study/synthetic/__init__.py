"""A synthetic heterogeneous benchmark: places in three dimensions, seen under the paper's eleven variations.

`places` builds them, `rendering` draws them, `design` says which image shows what, `making` makes one image and
`collection` all of them.
"""

from hcbir.study.synthetic.collection import ANNOTATIONS, DATASET, SyntheticImage, make_collection

__all__ = ["ANNOTATIONS", "DATASET", "SyntheticImage", "make_collection"]
