"""What objects say of themselves where they are printed."""

from pathlib import Path

import numpy as np

import hcbir


def test_indexes_say_what_they_hold(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).standard_normal((300, 8), dtype=np.float32)
    index = hcbir.ExactIndex(vectors, metric="l2", precision="int8")
    assert repr(index) == "ExactIndex(300 x 8, metric='l2', precision='int8': bytes)"
    assert repr(hcbir.ExactIndex(vectors)) == "ExactIndex(300 x 8, metric='dot', precision='auto': floats)"
    pq = hcbir.ProductQuantizer.train(vectors, num_subquantizers=4, bits=4)
    assert repr(pq) == "ProductQuantizer(8 -> 2 bytes: 4 of 4 bits)"
    lists = hcbir.IVFPQIndex(2, num_subquantizers=4, bits=4)
    of_kind = "IVFPQIndex(2 lists, num_subquantizers=4, bits=4, metric='dot'"
    assert repr(lists) == f"{of_kind}: not trained)"
    lists.train(vectors)
    lists.add(vectors)
    assert repr(lists) == f"{of_kind}: 300 vectors)"
    features = hcbir.LocalFeatures(np.zeros((300, 2), np.float32), vectors, np.zeros(300, np.float32))
    store = hcbir.LocalFeatureStore.create(tmp_path / "s", [features], dtype="float16")
    assert repr(store) == f"LocalFeatureStore({str(tmp_path / 's')!r}: 1 images, 300 features of 8 float16)"
