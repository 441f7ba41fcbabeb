"""ResNet trunks (He et al., 2016), parameters named as torchvision names them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

LAYERS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    expansion = 1

    def __init__(self, in_channels: int, channels: int, *, stride: int = 1, downsample: nn.Module | None = None):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + shortcut)


class Bottleneck(nn.Module):
    """1x1, 3x3 (which strides) and 1x1 convolutions and a shortcut."""

    expansion = 4

    def __init__(self, in_channels: int, channels: int, *, stride: int = 1, downsample: nn.Module | None = None):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, channels * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels * self.expansion)
        self.relu = nn.ReLU()
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + shortcut)


def projection(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """The shortcut where the number of channels changes."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), nn.BatchNorm2d(out_channels)
    )


class ResNet(nn.Module):
    """All of a ResNet before its average pooling.

    Parameters
    ----------
    block : BasicBlock or Bottleneck
    layers : four ints
        Blocks in each layer.
    width : int
        Channels of the first layer's 3x3 convolutions; 64 in everything published.

    Attributes
    ----------
    dim : int
        Channels of the activation map, (n, dim, ceil(height / 32), ceil(width / 32)) of (n, 3, height, width).
    """

    def __init__(self, block: type[BasicBlock] | type[Bottleneck], layers: Sequence[int], *, width: int = 64):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.dim = width
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            self._layer(block, width << i, count, stride=1 if i == 0 else 2) for i, count in enumerate(layers)
        )

    def _layer(
        self, block: type[BasicBlock] | type[Bottleneck], channels: int, count: int, *, stride: int
    ) -> nn.Sequential:
        out_channels = channels * block.expansion
        changes = stride != 1 or self.dim != out_channels
        first = block(
            self.dim,
            channels,
            stride=stride,
            downsample=projection(self.dim, out_channels, stride) if changes else None,
        )
        self.dim = out_channels
        return nn.Sequential(first, *(block(out_channels, channels) for _ in range(count - 1)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


def resnet(name: str) -> ResNet:
    """The trunk "resnet18", "resnet50" or "resnet101", with random weights."""
    return ResNet(BasicBlock if name == "resnet18" else Bottleneck, LAYERS[name])
