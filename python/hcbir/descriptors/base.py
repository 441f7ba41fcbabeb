"""What a descriptor is to the rest of hcbir: one of three protocols, told apart by `kind`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from hcbir._features import LocalFeatures

if TYPE_CHECKING:
    from PIL.Image import Image


class GlobalDescriptor(Protocol):
    """Describes an image by one unit vector; two images compare by the dot product."""

    @property
    def kind(self) -> Literal["global"]: ...

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> int: ...

    @property
    def image_size(self) -> int:
        """Longest side, in pixels, at which images are described."""
        ...

    def describe(self, images: Sequence[Image]) -> npt.NDArray[np.float32]:
        """(len(images), dim) float32 unit vectors of RGB images already shrunk to `image_size`."""
        ...

    def spec(self) -> dict[str, Any]:
        """What a collection records to make the same descriptor again (`from_spec`): plain JSON values."""
        ...


class LocalDescriptor(Protocol):
    """Describes an image by keypoints with a descriptor each; may be called from several threads."""

    @property
    def kind(self) -> Literal["local"]: ...

    @property
    def name(self) -> str: ...

    @property
    def image_size(self) -> int: ...

    @property
    def max_features(self) -> int: ...

    @property
    def is_binary(self) -> bool:
        """Whether descriptors are bytes, compared by the Hamming distance."""
        ...

    def describe(self, image: Image, full_size: tuple[int, int]) -> LocalFeatures:
        """Features of an RGB image already shrunk to `image_size`, keypoints in pixels of `full_size`."""
        ...

    def spec(self) -> dict[str, Any]: ...


@runtime_checkable
class BatchedLocalDescriptor(LocalDescriptor, Protocol):
    """One made by a network, which describes several images in one pass."""

    def describe_batch(self, images: Sequence[Image], full_sizes: Sequence[tuple[int, int]]) -> list[LocalFeatures]:
        """What `describe` gives for each image."""
        ...


class AggregatedDescriptor(Protocol):
    """A global descriptor made of local ones with a codebook that is learned on the collection (VLAD)."""

    @property
    def kind(self) -> Literal["aggregated"]: ...

    @property
    def name(self) -> str: ...

    @property
    def local(self) -> LocalDescriptor: ...

    @property
    def image_size(self) -> int: ...

    @property
    def dim(self) -> int: ...

    @property
    def is_fitted(self) -> bool: ...

    def fit(self, features: Sequence[LocalFeatures], *, seed: int = 0) -> None:
        """Learns the codebook on a sample of the collection's features."""
        ...

    def aggregate(self, features: LocalFeatures) -> npt.NDArray[np.float32]:
        """(dim,) float32 unit vector; zero if there is no feature."""
        ...

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """What fit learned, to be kept in a .npz; `load_state` takes it back."""
        ...

    def load_state(self, state: dict[str, npt.NDArray[Any]]) -> None: ...

    def spec(self) -> dict[str, Any]: ...


Descriptor = GlobalDescriptor | LocalDescriptor | AggregatedDescriptor
