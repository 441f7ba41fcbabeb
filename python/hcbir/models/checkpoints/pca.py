"""The PCA of DELF's descriptors, which stands in files of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy.typing as npt

from hcbir.models.checkpoints.archives import is_archive, unpacked
from hcbir.models.checkpoints.arrays import read_arrays
from hcbir.models.checkpoints.bundle import variables_prefix
from hcbir.models.checkpoints.datum import read_datum
from hcbir.models.checkpoints.files import as_tensor, fill
from hcbir.models.delf import PCA

# The published models have the first two; their configurations name a file of variances and do without.
DATUM_FILES = {"mean": "mean.datum", "matrix": "pca_proj_mat.datum", "variances": "pca_vars.datum"}


def published_pca(weights: Path) -> Path:
    """Where the PCA of published weights is: in the archive itself, or in the folder "pca" beside the SavedModel's."""
    return weights if is_archive(weights) else variables_prefix(weights).resolve().parents[2] / "pca"


def pca_files(path: Path) -> list[Path]:
    """The files that a path for `load_pca` stands for."""
    return [file for name in DATUM_FILES.values() if (file := path / name).is_file()] if path.is_dir() else [path]


def load_pca(path: Path, *, in_channels: int, dim: int | None = None, whiten: bool = False) -> PCA:
    """A PCA of descriptors: matrix (x - mean), by whitening divided by the square roots of the variances.

    Parameters
    ----------
    path : Path
        A folder with mean.datum, pca_proj_mat.datum and, for whitening, pca_vars.datum; a `.tar.gz` with a folder "pca"
        of these; or a `.npz` with mean (in_channels,), matrix (rows, in_channels) and variances (rows,).
    in_channels : int
    dim : int, optional
        Only the first `dim` rows are used; default: all.
    whiten : bool

    Raises
    ------
    ValueError
        If an array is missing, or of another shape, or a file is truncated or no such file.
    FileNotFoundError
        If there is nothing at `path`.
    """
    arrays = _read(path)
    wanted = ("mean", "matrix", "variances") if whiten else ("mean", "matrix")
    if missing := [name for name in wanted if name not in arrays]:
        name = missing[0] if path.suffix == ".npz" else f"{missing[0]} (pca/{DATUM_FILES[missing[0]]})"
        raise ValueError(f"{path}: {name} is missing; found: {', '.join(arrays) or 'nothing'}")
    tensors = {name: as_tensor(arrays[name], name, path).double() for name in wanted}
    mean, matrix = tensors["mean"].reshape(-1), tensors["matrix"]
    if matrix.ndim != 2 or matrix.shape[1] != in_channels or len(mean) != in_channels:
        shapes = f"mean {tuple(mean.shape)} and matrix {tuple(matrix.shape)}"
        raise ValueError(f"{path}: mean must be ({in_channels},) and matrix (dim, {in_channels}), got {shapes}")
    if dim is not None and not 1 <= dim <= len(matrix):
        raise ValueError(f"{path}: dim must be 1 to {len(matrix)}, the rows of the matrix, got {dim}")
    matrix = matrix[:dim]
    if whiten:
        variances = tensors["variances"].reshape(-1)[: len(matrix)]
        if len(variances) < len(matrix) or not (variances > 0).all():
            raise ValueError(f"{path}: variances must be {len(matrix)} numbers above 0, got {tuple(variances.shape)}")
        matrix = matrix / variances[:, None].sqrt()
    pca = PCA(in_channels, len(matrix))
    state = {"projection.weight": matrix[:, :, None, None].float(), "projection.bias": -(matrix @ mean).float()}
    fill(pca, state, f"{path}: PCA")
    return pca


def _read(path: Path) -> dict[str, npt.NDArray[Any]]:
    if is_archive(path):
        with unpacked(path, lambda name: name.parent.name == "pca" and name.suffix == ".datum") as folder:
            return _read(folder)
    if path.is_dir():
        return {name: read_datum(path / file) for name, file in DATUM_FILES.items() if (path / file).is_file()}
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such PCA: neither a folder of .datum files nor a file")
    return read_arrays(path)
