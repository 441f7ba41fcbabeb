"""DELF (Noh et al., 2017): local descriptors from the fourth stage of a ResNet-50 and their attention scores.

As tensorflow/models defines it (research/delf/delf/python/delf_v1.py with the slim library's resnet_v1_50), whose
ResNet differs from torchvision's: the last block of a layer strides, and the first pooling pads as TensorFlow's "SAME".
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import pad, softplus

from hcbir.models.pooling import activation_maps
from hcbir.models.resnet import Bottleneck, projection

LAYERS = (3, 4, 6)
# A descriptor sees 291 pixels; that of place i is centred at pixel 32 i.
RECEPTIVE_FIELD, STRIDE, PADDING = 291, 32, 145
SCALES = (0.25, 0.3536, 0.5, 0.7071, 1.0, 1.4142, 2.0)
TINY = 1e-12


class SamePool(nn.Module):
    """3x3 maxima with stride 2, padded as TensorFlow's "SAME": before only if the side is odd; for values from 0 up."""

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        padded = pad(x, (width % 2, 1, height % 2, 1))
        return nn.functional.max_pool2d(padded, 3, stride=2)


class DELFTrunk(nn.Module):
    """slim's resnet_v1_50 up to block3: (n, 3, h, w) -> (n, dim, ceil(h / 32), ceil(w / 32)).

    Parameters
    ----------
    width : int
        Channels of the first layer's 3x3 convolutions; 64 in everything published.
    layers : ints
        Blocks in each layer.
    """

    def __init__(self, *, width: int = 64, layers: Sequence[int] = LAYERS):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.pool = SamePool()
        self.dim = width
        self.layers = nn.Sequential(*(self._layer(width << i, count) for i, count in enumerate(layers)))

    def _layer(self, channels: int, count: int) -> nn.Sequential:
        out_channels = channels * Bottleneck.expansion
        first = Bottleneck(self.dim, channels, downsample=projection(self.dim, out_channels, 1))
        middle = (Bottleneck(out_channels, channels) for _ in range(count - 2))
        last = Bottleneck(out_channels, channels, stride=2, downsample=nn.MaxPool2d(1, stride=2))
        self.dim = out_channels
        return nn.Sequential(first, *middle, last)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(self.pool(self.bn1(self.conv1(x)).relu()))


class PCA(nn.Module):
    """A projection of the descriptors of an activation map, (n, c, h, w) -> (n, dim, h, w).

    Parameters
    ----------
    in_channels, dim : int

    Notes
    -----
    Projection, mean and whitening stand in one 1x1 convolution: `checkpoints.load_pca` fills it.
    """

    def __init__(self, in_channels: int, dim: int):
        super().__init__()
        self.projection = nn.Conv2d(in_channels, dim, 1)
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return unit_descriptors(self.projection(x))


class DELF(nn.Module):
    """Unit descriptors (n, dim, h, w) and attention scores (n, 1, h, w) of images (n, 3, height, width).

    Parameters
    ----------
    trunk : DELFTrunk, optional
    attention_width : int
        Channels between the two convolutions of the attention.
    """

    def __init__(self, trunk: DELFTrunk | None = None, *, attention_width: int = 512):
        super().__init__()
        self.trunk = DELFTrunk() if trunk is None else trunk
        self.attention1 = nn.Conv2d(self.trunk.dim, attention_width, 1, bias=False)
        self.attention_bn1 = nn.BatchNorm2d(attention_width)
        self.attention2 = nn.Conv2d(attention_width, 1, 1)
        self.pca: PCA | None = None

    @property
    def dim(self) -> int:
        """Length of a descriptor."""
        return self.trunk.dim if self.pca is None else self.pca.dim

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = activation_maps(self.trunk, image)
        scores = softplus(self.attention2(self.attention_bn1(self.attention1(x)).relu()))
        descriptors = unit_descriptors(x)
        return descriptors if self.pca is None else self.pca(descriptors), scores


def unit_descriptors(x: Tensor) -> Tensor:
    """TensorFlow's l2_normalize along the channels."""
    return x * x.square().sum(dim=1, keepdim=True).clamp(min=TINY).rsqrt()
