"""The compiled core; its callers are the facade modules, which check and convert."""

import enum
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__version__: str

class FormatError(ValueError): ...

def available_isas() -> list[str]: ...
def isa() -> str: ...
def use_isa(name: str) -> None: ...
def default_num_threads() -> int: ...

class Metric(enum.Enum):
    dot = 0
    cosine = 1
    l2 = 2

class Precision(enum.Enum):
    auto = 0
    float32 = 1
    int8 = 2

max_byte_codes_dim: int

def is_small(rows: int, cols: int) -> bool: ...

# codes, bounds, offsets, reflectors, tail_shift
_ByteCodes = tuple[
    npt.NDArray[np.uint8], npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32], int
]

# metric and precision: an enumeration's value
def search(
    queries: npt.NDArray[np.float32],
    database: npt.NDArray[Any],
    k: int,
    metric: int,
    precision: int,
    allowed: npt.NDArray[np.uint8] | None,
    codes: _ByteCodes | None,
    num_threads: int,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]: ...
def rank(
    queries: npt.NDArray[np.float32],
    database: npt.NDArray[Any],
    count: int,
    metric: int,
    allowed: npt.NDArray[np.uint8] | None,
    num_threads: int,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]: ...
def quantize(
    database: npt.NDArray[Any],
    metric: Metric,
    reflectors: npt.NDArray[np.float32],
    tail_shift: int,
    num_threads: int,
) -> _ByteCodes: ...
def check_codes(codes: _ByteCodes, database: npt.NDArray[Any], metric: Metric) -> None: ...
def match_float(
    descriptors0: npt.NDArray[np.float32],
    descriptors1: npt.NDArray[np.float32],
    metric: Metric,
    cross_check: bool,
    max_distance: float,
    max_ratio: float,
    num_threads: int,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]: ...
def match_binary(
    descriptors0: npt.NDArray[np.uint8],
    descriptors1: npt.NDArray[np.uint8],
    cross_check: bool,
    max_distance: float,
    max_ratio: float,
    num_threads: int,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]: ...
def kmeans(
    vectors: npt.NDArray[np.float32], num_clusters: int, num_iterations: int, seed: int, num_threads: int
) -> tuple[npt.NDArray[np.float32], float]: ...
def train_pq(
    vectors: npt.NDArray[np.float32],
    num_subquantizers: int,
    bits: int,
    num_iterations: int,
    max_vectors_per_centroid: int,
    seed: int,
    initial: npt.NDArray[np.float32] | None,
    num_threads: int,
) -> tuple[npt.NDArray[np.float32], float]: ...
def rerank(
    queries: npt.NDArray[np.float32],
    vectors: npt.NDArray[Any],
    factors: npt.NDArray[np.float32] | None,
    candidates: npt.NDArray[np.int64],
    k: int,
    metric: Metric,
    num_threads: int,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]: ...
def rotate(
    vectors: npt.NDArray[np.float32], rotation: npt.NDArray[np.float32], num_threads: int
) -> npt.NDArray[np.float32]: ...
def pack_codes(codes: npt.NDArray[np.uint8], num_threads: int) -> npt.NDArray[np.uint8]: ...
def unpack_codes(
    packed: npt.NDArray[np.uint8], code_size: int, num_codes: int, first: int, count: int
) -> npt.NDArray[np.uint8]: ...

class ProductQuantizer:
    def __init__(self, centroids: npt.NDArray[np.float32], num_subquantizers: int, bits: int) -> None: ...
    def encode(
        self, vectors: npt.NDArray[np.float32], anisotropic: float | None, num_threads: int
    ) -> npt.NDArray[np.uint8]: ...
    def decode(self, codes: npt.NDArray[np.uint8], num_threads: int) -> npt.NDArray[np.float32]: ...
    def search(
        self,
        queries: npt.NDArray[np.float32],
        codes: npt.NDArray[np.uint8],
        k: int,
        metric: Metric,
        allowed: npt.NDArray[np.uint8] | None,
        num_threads: int,
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]: ...
    def search_packed(
        self,
        queries: npt.NDArray[np.float32],
        packed: npt.NDArray[np.uint8],
        num_codes: int,
        k: int,
        metric: Metric,
        allowed: npt.NDArray[np.uint8] | None,
        num_threads: int,
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]: ...

def resize_bicubic(
    pixels: npt.NDArray[np.uint32], box_width: float, box_height: float, width: int, height: int
) -> npt.NDArray[np.uint8]: ...

class GeometricModel(enum.Enum):
    similarity = 0
    affine = 1
    homography = 2

# model, max_error, confidence, min_trials, max_trials, seed, one_to_one, exhaustive
_VerifyOptions = tuple[GeometricModel, float, float, int, int, int, bool, bool]
# scales0, orientations0, scales1, orientations1
_Frames = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]

def verify(
    points0: npt.NDArray[np.float32],
    points1: npt.NDArray[np.float32],
    frames: _Frames | None,
    options: _VerifyOptions,
) -> tuple[int, npt.NDArray[np.bool_], npt.NDArray[np.float64], int, float]: ...
def verify_many(
    points0: npt.NDArray[np.float32],
    points1: npt.NDArray[np.float32],
    offsets: npt.NDArray[np.int64],
    frames: _Frames | None,
    options: _VerifyOptions,
    num_threads: int,
) -> tuple[
    npt.NDArray[np.int64],
    npt.NDArray[np.bool_],
    npt.NDArray[np.float64],
    npt.NDArray[np.int64],
    npt.NDArray[np.float64],
]: ...

# keypoints, descriptors, what decodes these, scales, orientations
_Features = tuple[
    npt.NDArray[np.float32],
    npt.NDArray[np.generic],
    npt.NDArray[np.float32] | ProductQuantizer | None,
    npt.NDArray[np.float32] | None,
    npt.NDArray[np.float32] | None,
]
_CandidateOptions = tuple[Any, ...]  # metric, those of match_float, those of verify, use_frames, min_inliers

def verify_candidates(
    query: _Features, candidates: Sequence[_Features], options: _CandidateOptions, num_threads: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]: ...
def verify_stored(
    query: _Features,
    stored: _Features,
    offsets: npt.NDArray[np.int64],
    ids: npt.NDArray[np.int64],
    options: _CandidateOptions,
    num_threads: int,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]: ...

# codes, ids, offsets, terms
_ListsPart = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]

def search_lists(
    quantizer: ProductQuantizer,
    centroids: npt.NDArray[np.float32],
    parts: Sequence[_ListsPart],
    metric: Metric,
    origin: npt.NDArray[np.float32],
    queries: npt.NDArray[np.float32],
    probes: npt.NDArray[np.int64],
    k: int,
    num_threads: int,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]: ...
def list_terms(
    quantizer: ProductQuantizer,
    centroids: npt.NDArray[np.float32],
    origin: npt.NDArray[np.float32],
    codes: npt.NDArray[np.uint8],
    lists: npt.NDArray[np.int64],
    num_threads: int,
) -> npt.NDArray[np.float32]: ...

class Interpolation(enum.Enum):
    trapezoid = 0
    rectangle = 1

_Lists = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]  # values, offsets

def evaluate_rankings(
    rankings: npt.NDArray[np.int64] | npt.NDArray[np.int32] | _Lists,
    positives: _Lists,
    junk: _Lists,
    interpolation: Interpolation,
    at: npt.NDArray[np.int64],
    num_threads: int,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]: ...
def evaluate_scores(
    scores: npt.NDArray[np.float32],
    positives: _Lists,
    junk: _Lists,
    interpolation: Interpolation,
    at: npt.NDArray[np.int64],
    num_threads: int,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]: ...
