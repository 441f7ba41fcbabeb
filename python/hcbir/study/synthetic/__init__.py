"""A synthetic collection of landmarks: what `hcbir demo` runs on."""

from hcbir.study.synthetic.collection import SyntheticImage, make_collection

__all__ = ["SyntheticImage", "make_collection"]
