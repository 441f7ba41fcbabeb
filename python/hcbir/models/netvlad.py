"""The NetVLAD head (Arandjelović et al., 2016), as cvg/Hierarchical-Localization defines it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize


class NetVLAD(nn.Module):
    """Soft-assigned residuals to learned centres: an activation map (n, c, h, w) -> unit vectors (n, c * clusters).

    Parameters
    ----------
    dim : int
        c.
    clusters : int

    Notes
    -----
    `score_proj.weight` is (clusters, c, 1) and `centers` (c, clusters). The vector is flattened with the channel as the
    slower index.
    """

    def __init__(self, dim: int = 512, clusters: int = 64):
        super().__init__()
        self.score_proj = nn.Conv1d(dim, clusters, 1, bias=False)
        self.centers = nn.Parameter(torch.randn(dim, clusters))
        self.dim = dim * clusters

    def forward(self, x: Tensor) -> Tensor:
        x = normalize(x.flatten(2), dim=1)
        weights = self.score_proj(x).softmax(dim=1)
        # sum of weight * (x - centre) over the places, without the (n, c, clusters, places) array
        residuals = x @ weights.transpose(1, 2) - self.centers * weights.sum(dim=2).unsqueeze(1)
        return normalize(normalize(residuals, dim=1).flatten(1), dim=1)
