"""Learned whitening of global descriptors: PCA, and Lw from matching pairs.

Both give v -> normalise(projection (v - mean)), whose first rows are the most useful ones, so that `dim` may cut them.
Sources: Jégou and Chum, ECCV 2012 (PCA); Mikolajczyk and Matas, ICCV 2007, and Radenović et al., TPAMI 2019 (Lw).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from PIL import Image

from hcbir._arrays import describe, positive_int, small_matrix
from hcbir._features import FloatArray
from hcbir._files import write_npz
from hcbir.descriptors.base import GlobalDescriptor
from hcbir.descriptors.pooling import normalise

Matrix = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Whitening:
    """A learned map of vectors to shorter or equally long unit vectors.

    Parameters
    ----------
    mean : (d,) float32
    projection : (k, d) float32
    provenance : mapping
        What it was learned from: plain JSON values. Where it has the "sha256" of a network and a "head", the whitening
        is refused for other descriptors.
    """

    mean: FloatArray
    projection: FloatArray
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        d = self.mean.size
        shapes = (self.mean.shape, self.projection.shape)
        if self.mean.ndim != 1 or self.projection.ndim != 2 or self.projection.shape[1:] != (d,) or 0 in shapes[1]:
            raise ValueError(f"mean must be (d,) and projection (k, d), got {shapes[0]} and {shapes[1]}")
        if self.mean.dtype != np.float32 or self.projection.dtype != np.float32:
            raise TypeError(f"mean and projection must be float32, got {self.mean.dtype} and {self.projection.dtype}")

    @property
    def dim(self) -> int:
        """Length of a whitened vector."""
        return len(self.projection)

    def apply(self, vectors: npt.ArrayLike) -> FloatArray:
        """(n, dim) float32 unit vectors of (n, d) vectors."""
        given = small_matrix(vectors, "vectors")
        if given.shape[1] != self.mean.size:
            raise ValueError(f"vectors must have {self.mean.size} dimensions for this whitening, got {describe(given)}")
        return normalise((given - self.mean) @ self.projection.T)

    def save(self, path: Path) -> None:
        """Writes an .npz file, whole or not at all."""
        text = np.array(json.dumps(dict(self.provenance)))
        write_npz(path, {"mean": self.mean, "projection": self.projection, "provenance": text})

    @classmethod
    def load(cls, path: Path) -> Whitening:
        """Reads what `save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is not one that `save` wrote.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return cls(stored["mean"], stored["projection"], json.loads(str(stored["provenance"])))
        except FileNotFoundError:
            raise FileNotFoundError(f"{path}: no such file") from None
        except (KeyError, ValueError, TypeError, OSError, EOFError, BadZipFile) as error:
            raise ValueError(f"{path}: not a whitening that hcbir wrote: {error}") from error


class WhitenedDescriptor:
    """A global descriptor whose vectors are whitened.

    Parameters
    ----------
    descriptor : GlobalDescriptor
    path : Path
        Of the whitening's .npz.
    name : str
    """

    kind: Literal["global"] = "global"

    def __init__(self, descriptor: GlobalDescriptor, path: Path, *, name: str) -> None:
        self.descriptor = descriptor
        self.path = path
        self.name = name
        self.whitening = Whitening.load(path)
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        learned_on, spec = self.whitening.provenance, descriptor.spec()
        if any(key in learned_on and learned_on[key] != spec.get(key) for key in ("sha256", "head")):
            raise ValueError(f"{path}: was learned on {learned_on.get('descriptor')}, not on {descriptor.name}")
        if self.whitening.mean.size != descriptor.dim:
            raise ValueError(
                f"{path}: whitens vectors of {self.whitening.mean.size} dimensions, "
                f"{descriptor.name} gives {descriptor.dim}"
            )

    @property
    def dim(self) -> int:
        return self.whitening.dim

    @property
    def image_size(self) -> int:
        """Longest side, in pixels, at which images are described."""
        return self.descriptor.image_size

    def describe(self, images: Sequence[Image.Image]) -> FloatArray:
        """(len(images), dim) float32 unit vectors of RGB images already shrunk to `image_size`."""
        return self.whitening.apply(self.descriptor.describe(images))

    def spec(self) -> dict[str, Any]:
        """What makes the same descriptor again, and what it was made of."""
        return {
            "kind": self.kind,
            "name": self.name,
            "whitening": {"path": str(self.path.resolve()), "sha256": self.sha256},
            "descriptor": self.descriptor.spec(),
        }


def learn_pca(vectors: npt.ArrayLike, *, dim: int | None = None, shrinkage: float = 0.0) -> Whitening:
    """PCA whitening: decorrelates the vectors and gives every direction the same variance.

    Parameters
    ----------
    vectors : (n, d)
    dim : int, optional
        Default: as many as the vectors' covariance has rank.
    shrinkage : float
        0 to 1: how far the covariance is drawn to a multiple of the identity, for few vectors.

    Raises
    ------
    ValueError
        If there are fewer than 2 vectors, they hold NaN, or dim is more than the rank.
    """
    given = _checked(vectors)
    mean = given.mean(axis=0)
    centred = given - mean
    variances, directions = _principal(_shrunk(centred.T @ centred / len(given), shrinkage))
    rank = int((variances > max(variances[0], 0.0) * max(given.shape) * np.finfo(np.float32).eps).sum())
    kept = _checked_dim(dim, rank)
    return _whitening(mean, directions[:kept] / np.sqrt(variances[:kept, None]))


def learn_lw(
    vectors: npt.ArrayLike, pairs: npt.ArrayLike, *, dim: int | None = None, shrinkage: float = 0.0
) -> Whitening:
    """Whitening learned from matching pairs: shrinks what changes between images of one place.

    The covariance of the pairs' differences is whitened, and the projected vectors' covariance then gives the order
    of the directions. With fewer pairs than dimensions the covariance of the differences is singular: a trifle is
    added to its diagonal until it is not, as in the source, but `shrinkage` serves better.

    Parameters
    ----------
    vectors : (n, d)
    pairs : (p, 2) integers
        Rows of `vectors` that match: query and positive.
    dim : int, optional
        Default: d.
    shrinkage : float
        0 to 1: how far the covariance of the differences is drawn to a multiple of the identity.

    Raises
    ------
    ValueError
        If there is no pair, or a pair names no vector.
    """
    given = _checked(vectors)
    matching = np.asarray(pairs)
    if matching.ndim != 2 or matching.shape[1] != 2 or len(matching) == 0 or matching.dtype.kind not in "iu":
        raise ValueError(f"pairs must be (p, 2) integers, at least one pair, got {describe(matching)}")
    if matching.min() < 0 or matching.max() >= len(given):
        raise ValueError(f"pairs must be rows of the {len(given)} vectors, got {matching.min()} to {matching.max()}")
    queries, positives = given[matching[:, 0]], given[matching[:, 1]]
    mean = queries.mean(axis=0)
    differences = queries - positives
    within = _shrunk(differences.T @ differences / len(differences), shrinkage)
    whitened = np.linalg.inv(_cholesky(within))
    projected = (given - mean) @ whitened.T
    _, directions = _principal(projected.T @ projected)
    kept = _checked_dim(dim, given.shape[1])
    return _whitening(mean, (directions @ whitened)[:kept])


def _checked(vectors: npt.ArrayLike) -> Matrix:
    given = small_matrix(vectors, "vectors", dtype=np.float64)
    if len(given) < 2 or given.shape[1] == 0:
        raise ValueError(f"vectors must be at least 2, got {describe(given)}")
    if not np.isfinite(given).all():
        raise ValueError("vectors must be finite, got NaN or infinity")
    return given


def _checked_dim(dim: int | None, most: int) -> int:
    if dim is not None and positive_int(dim, "dim") > most:
        raise ValueError(f"dim must be at most {most}, the rank of what there is to learn from, got {dim}")
    if most == 0:
        raise ValueError("vectors must differ, got equal ones")
    return most if dim is None else dim


def _shrunk(covariance: Matrix, shrinkage: float) -> Matrix:
    if not 0.0 <= shrinkage <= 1.0:
        raise ValueError(f"shrinkage must be from 0 to 1, got {shrinkage!r}")
    mean_variance = float(np.trace(covariance)) / len(covariance)
    return (1.0 - shrinkage) * covariance + shrinkage * mean_variance * np.eye(len(covariance))


def _principal(covariance: Matrix) -> tuple[Matrix, Matrix]:
    """Variances, descending, and the directions (rows) that have them; each direction's largest value is positive."""
    variances, columns = np.linalg.eigh((covariance + covariance.T) / 2)
    directions = columns.T[::-1]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    return variances[::-1], directions * np.where(largest < 0, -1.0, 1.0)


def _cholesky(matrix: Matrix) -> Matrix:
    added = 0.0
    while True:
        try:
            return np.linalg.cholesky(matrix + added * np.eye(len(matrix)))
        except np.linalg.LinAlgError:
            added = max(1e-10, added * 10)


def _whitening(mean: Matrix, projection: Matrix) -> Whitening:
    return Whitening(mean.astype(np.float32), np.ascontiguousarray(projection, np.float32))
