"""The numpy specification of every operation: slow, plain, and independent of what it checks."""

from hcbir.reference import clustering, evaluation, matching, quantization
from hcbir.reference.matching import match
from hcbir.reference.search import search

__all__ = ["clustering", "evaluation", "match", "matching", "quantization", "search"]
