"""Product quantisers of FAISS, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def index_of(
    centroids: npt.NDArray[np.float32],
    rotation: npt.NDArray[np.float32] | None,
    codes: npt.NDArray[np.uint8] | None,
    metric: str,
) -> Any:
    """A faiss.IndexPQ, after a LinearTransform if there is a rotation."""
    import faiss

    num, values, width = centroids.shape
    metric_type = faiss.METRIC_INNER_PRODUCT if metric == "dot" else faiss.METRIC_L2
    index = faiss.IndexPQ(num * width, num, {16: 4, 256: 8}[values], metric_type)
    faiss.copy_array_to_vector(np.ascontiguousarray(centroids).ravel(), index.pq.centroids)
    index.is_trained = True
    if codes is not None:
        faiss.copy_array_to_vector(np.ascontiguousarray(codes).ravel(), index.codes)
        index.ntotal = len(codes)
    if rotation is None:
        return index
    transform = faiss.LinearTransform(num * width, num * width, False)
    faiss.copy_array_to_vector(np.ascontiguousarray(rotation).ravel(), transform.A)
    transform.is_trained = transform.is_orthonormal = True
    return faiss.IndexPreTransform(transform, index)  # which keeps both alive


def parts_of(
    index: Any,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None, npt.NDArray[np.uint8]]:
    """Centroids, rotation and codes of a faiss.ProductQuantizer, IndexPQ or IndexPreTransform of one."""
    import faiss

    rotation = None
    if isinstance(index, faiss.Index) and not index.is_trained:
        raise ValueError("index must be trained")
    if isinstance(index, faiss.Index):
        index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexPreTransform):
        chain: Any = index.chain
        transform = faiss.downcast_VectorTransform(chain.at(0))
        if chain.size() != 1 or not isinstance(transform, faiss.LinearTransform):
            raise ValueError("index must have one rotation at most before its codes")
        if transform.have_bias:
            raise ValueError("index must rotate only, got a transform that shifts vectors too, as one of PCA does")
        if transform.d_in != transform.d_out:
            raise ValueError(f"index must keep the dimension, got {transform.d_in} to {transform.d_out}")
        rotation = faiss.vector_to_array(transform.A).reshape(transform.d_out, transform.d_in)
        index = faiss.downcast_index(index.index)
    if isinstance(index, faiss.IndexPQ):
        pq, codes = index.pq, faiss.vector_to_array(index.codes)
    elif isinstance(index, faiss.ProductQuantizer):
        pq, codes = index, np.empty(0, np.uint8)
    else:
        raise TypeError(f"index must be a faiss.ProductQuantizer or IndexPQ, got {type(index).__name__}")
    if pq.nbits not in (4, 8):
        raise ValueError(f"index must have 8 or 4 bits, got {pq.nbits}")
    centroids = faiss.vector_to_array(pq.centroids).reshape(pq.M, 2**pq.nbits, pq.dsub)
    if not centroids.any():  # all that tells a faiss.ProductQuantizer that was never trained
        raise ValueError("index must be trained, got centroids that are all 0")
    return centroids, rotation, codes.reshape(-1, pq.code_size)
