"""A trunk and its heads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from torch import Tensor, nn

from hcbir.models.netvlad import NetVLAD
from hcbir.models.pooling import GeM, activation_maps, l2_normalised


class Whitening(nn.Module):
    """A learned affine map of unit vectors, (n, c) -> unit vectors (n, dim)."""

    def __init__(self, in_dim: int, dim: int):
        super().__init__()
        self.linear = nn.Linear(in_dim, dim)
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return l2_normalised(self.linear(x))


class Head(nn.Module):
    """Pooling, unit length and, if there is one, whitening: (n, c, h, w) -> (n, dim).

    Parameters
    ----------
    pooling : nn.Module
        Of `pooling`, or a `NetVLAD`.
    in_channels : int
        c.
    whitening : Whitening, optional
    """

    def __init__(self, pooling: nn.Module, in_channels: int, whitening: Whitening | None = None):
        super().__init__()
        self.pooling = pooling
        self.whitening = whitening
        pooled_dim = pooling.dim if isinstance(pooling, NetVLAD) else in_channels
        self.dim = pooled_dim if whitening is None else whitening.dim

    @property
    def power(self) -> float:
        """The exponent of the mean over several scales: GeM's own p, unless whitened; else 1."""
        return float(self.pooling.p.detach()) if isinstance(self.pooling, GeM) and self.whitening is None else 1.0

    def forward(self, x: Tensor) -> Tensor:
        x = self.pooling(x)
        if not isinstance(self.pooling, NetVLAD):  # whose vectors have unit length
            x = l2_normalised(x)
        return x if self.whitening is None else self.whitening(x)


class RetrievalNetwork(nn.Module):
    """One or several global descriptors of an image from one pass through the trunk.

    Parameters
    ----------
    trunk : nn.Module
        Images (n, 3, height, width) -> activation map (n, c, h, w).
    heads : mapping from name to Head

    Notes
    -----
    The trunk may be in half precision; heads compute in single.
    """

    def __init__(self, trunk: nn.Module, heads: Mapping[str, Head]):
        super().__init__()
        self.trunk = trunk
        self.heads: Mapping[str, Head] = cast(Mapping[str, Head], nn.ModuleDict(heads))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """The descriptors of all heads, in their order."""
        maps = activation_maps(self.trunk, image)
        return tuple(head(maps) for head in self.heads.values())
