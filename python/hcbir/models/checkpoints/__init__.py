"""Published weights -> networks. Files are read as data: no pickle, no code in them is executed."""

from hcbir.models.checkpoints.bundle import is_bundle, read_bundle
from hcbir.models.checkpoints.delf import load_delf
from hcbir.models.checkpoints.files import LoadedNetwork, read_torch
from hcbir.models.checkpoints.learned_whitening import read_learned_whitening
from hcbir.models.checkpoints.netvlad import load_netvlad
from hcbir.models.checkpoints.pca import load_pca
from hcbir.models.checkpoints.retrieval import load_retrieval

__all__ = [
    "LoadedNetwork",
    "is_bundle",
    "load_delf",
    "load_netvlad",
    "load_pca",
    "load_retrieval",
    "read_bundle",
    "read_learned_whitening",
    "read_torch",
]
