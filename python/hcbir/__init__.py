"""Content-based image retrieval for heterogeneous collections.

Importing this package needs numpy alone and changes nothing; images and networks come with the extras
`hcbir[cpu]` and `hcbir[gpu]`.
"""

from typing import TYPE_CHECKING, Any

from hcbir._candidates import DELF_PROTOCOL, CandidateVerifications, count_inliers, verify_candidates
from hcbir._clustering import KMeans, kmeans
from hcbir._core import FormatError, __version__
from hcbir._evaluation import EvaluationResult, mean_average_precision, mean_average_precision_from_scores
from hcbir._exact_index import ExactIndex
from hcbir._explaining import explain
from hcbir._explanation import Explanation
from hcbir._features import LocalFeatures
from hcbir._inverted_index import IVFPQIndex
from hcbir._local_index import LocalFeatureIndex
from hcbir._matching import Matches, match
from hcbir._null_distribution import NullDistribution, null_distribution
from hcbir._quantization import ProductQuantizer
from hcbir._quantization_packed import PackedCodes
from hcbir._runtime import available_isas, default_num_threads, isa, use_isa
from hcbir._search import SearchResult, search
from hcbir._store import LocalFeatureStore
from hcbir._verification import Verification, verify
from hcbir._verification_of_many import Verifications, verify_many

if TYPE_CHECKING:
    from hcbir.collection import Collection as Collection

__all__ = [
    "DELF_PROTOCOL",
    "CandidateVerifications",
    "EvaluationResult",
    "ExactIndex",
    "Explanation",
    "FormatError",
    "IVFPQIndex",
    "KMeans",
    "LocalFeatureIndex",
    "LocalFeatureStore",
    "LocalFeatures",
    "Matches",
    "NullDistribution",
    "PackedCodes",
    "ProductQuantizer",
    "SearchResult",
    "Verification",
    "Verifications",
    "__version__",
    "available_isas",
    "count_inliers",
    "default_num_threads",
    "explain",
    "isa",
    "kmeans",
    "match",
    "mean_average_precision",
    "mean_average_precision_from_scores",
    "null_distribution",
    "search",
    "use_isa",
    "verify",
    "verify_candidates",
    "verify_many",
]


def __getattr__(name: str) -> Any:
    """Imports what needs an extra when it is first asked for."""
    if name == "Collection":
        from hcbir.collection import Collection

        return Collection
    raise AttributeError(f"module 'hcbir' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), "Collection"})
