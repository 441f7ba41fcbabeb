"""The VGG-16 trunk (Simonyan and Zisserman, 2015), parameters named as torchvision names them."""

from __future__ import annotations

from torch import Tensor, nn

CHANNELS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class VGG16(nn.Module):
    """The thirteen convolutions of VGG-16, without the last max-pooling.

    Parameters
    ----------
    last_relu : bool
        Whether the last convolution is followed by a ReLU; NetVLAD wants the map before it.
    divisor : int
        Divides the number of channels of every layer; 1 in everything published.

    Attributes
    ----------
    dim : int
        Channels of the activation map, (n, dim, height // 16, width // 16) of (n, 3, height, width).
    """

    def __init__(self, *, last_relu: bool = True, divisor: int = 1):
        super().__init__()
        layers: list[nn.Module] = []
        self.dim = 3
        for block in CHANNELS:
            for channels in block:
                layers += [nn.Conv2d(self.dim, channels // divisor, 3, padding=1), nn.ReLU()]
                self.dim = channels // divisor
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers[: -1 if last_relu else -2])

    def forward(self, x: Tensor) -> Tensor:
        return self.features(x)
