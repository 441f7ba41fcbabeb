"""Heads that pool an activation map, (n, c, height, width), into a vector, (n, c).

The definitions are those of cirtorch (filipradenovic/cnnimageretrieval-pytorch, cirtorch/layers/functional.py).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPSILON = 1e-6


def l2_normalised(x: Tensor, dim: int = 1) -> Tensor:
    """x divided by (its norm along the channels, which are `dim`, + 1e-6)."""
    return x / (torch.linalg.vector_norm(x, dim=dim, keepdim=True) + EPSILON)


def activation_maps(trunk: nn.Module, image: Tensor) -> Tensor:
    """What the trunk, in its own precision, gives for the images: float32."""
    precision = next(trunk.parameters()).dtype
    return trunk(image.to(precision)).float()


class MAC(nn.Module):
    """The maximum of each channel (Tolias et al., 2016)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax((2, 3))


class SPoC(nn.Module):
    """The mean of each channel (Babenko and Lempitsky, 2015)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


class GeM(nn.Module):
    """The generalised mean of each channel (Radenović et al., 2019): (mean of max(x, 1e-6)^p)^(1/p)."""

    def __init__(self, p: float = 3.0):
        super().__init__()
        self.p = nn.Parameter(torch.tensor([p]))

    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(min=EPSILON).pow(self.p).mean((2, 3)).pow(1 / self.p)


class RMAC(nn.Module):
    """The sum of the unit vectors of maxima over square regions and over the whole map (Tolias et al., 2016).

    Regions of three sizes, 2 w / (level + 1) for w the shorter side, stand `level` along the shorter side and `level +
    extra` along the longer one. Their places follow from the map's size, which is not known when the network is
    exported: all is computed by tensors of fixed shape, or whose shape is an expression of the map's.

    Starts and `extra` are computed in whole numbers. cirtorch's float32 arithmetic gives one `extra` more for maps of
    3 x 11 and 25 x 61 and their multiples, where two values of it tie, and puts the last of eight regions one place
    earlier where they are at most five places wide and span more than 31.
    """

    LEVELS = 3
    MOST_EXTRA = 6

    def forward(self, x: Tensor) -> Tensor:
        x = _longer_side_second(x)
        short, long = x.shape[1:3]
        extra = _extra_regions(short, long, x.device)
        total = l2_normalised(x.amax((1, 2)))
        for level in range(1, self.LEVELS + 1):
            side = torch.sym_max(2 * short // (level + 1), 1)
            inside = torch.arange(side, device=x.device)
            k = torch.arange(level, device=x.device)
            top = k * (short - side) // max(level - 1, 1)
            k = torch.arange(level + self.MOST_EXTRA, device=x.device)
            exists = k < level + extra
            left = torch.where(exists, k * (long - side) // (level + extra - 1).clamp(min=1), 0)
            # A tensor, since a condition on the size itself would be decided when the network is exported.
            fits = torch.scalar_tensor(2 * short, device=x.device) >= level + 1
            bands = _windows(x, 1, top, inside).amax(2)
            regions = _windows(bands, 2, left, inside).amax(3)
            total = total + (l2_normalised(regions, dim=-1) * (exists & fits).unsqueeze(1)).sum((1, 2))
        return total


def _extra_regions(short: int, long: int, device: torch.device) -> Tensor:
    """How many regions more than `level` stand along the longer side.

    For n regions of side w, b = (long - w) / (n - 1) from one to the next, and n = extra + 1 out of 2..7 is the
    smallest n that brings their overlap, (w^2 - w b) / w^2, nearest to 0.4. Going from n = k + 1 to k + 2 brings it
    nearer as long as 5 (long - w) (2 k + 1) > 6 w k (k + 1); with k = 0 this says that the map is not square.
    """
    k = torch.arange(RMAC.MOST_EXTRA, device=device)
    return (5 * (long - short) * (2 * k + 1) > 6 * short * k * (k + 1)).sum()


def _longer_side_second(x: Tensor) -> Tensor:
    """(n, c, height, width) -> (n, shorter side, longer side, c): with channels last all else works on whole rows."""
    height, width = x.shape[2:]
    short, long = torch.sym_min(height, width), torch.sym_max(height, width)
    i = torch.arange(short, device=x.device).unsqueeze(1)
    j = torch.arange(long, device=x.device)
    is_portrait = torch.scalar_tensor(height, device=x.device) > torch.scalar_tensor(width, device=x.device)
    place = torch.where(is_portrait, j * width + i, i * width + j)
    return x.flatten(2).transpose(1, 2).index_select(1, place.flatten()).unflatten(1, (short, long))


def _windows(x: Tensor, dim: int, starts: Tensor, inside: Tensor) -> Tensor:
    """x with `dim` replaced by two: the window, and the place inside it."""
    places = starts.unsqueeze(1) + inside
    return x.index_select(dim, places.flatten()).unflatten(dim, (starts.shape[0], inside.shape[0]))


POOLINGS: dict[str, type[nn.Module]] = {"gem": GeM, "mac": MAC, "spoc": SPoC, "rmac": RMAC}
