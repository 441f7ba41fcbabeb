"""Heads in torch against plain numpy that shares nothing with them."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs torch: pip install "hcbir[export]"')

from published import randomised, tiny_delf, tiny_resnet, tiny_vgg

from hcbir.models.delf import PADDING, RECEPTIVE_FIELD, STRIDE, DELFTrunk, SamePool
from hcbir.models.netvlad import NetVLAD
from hcbir.models.network import Head, RetrievalNetwork, Whitening
from hcbir.models.pooling import MAC, RMAC, GeM, SPoC, l2_normalised

# height, width -> regions of each level, and starts of the third along rows and columns, and their side
ORACLE = {
    (32, 32): ([1, 4, 9], [0, 8, 16], [0, 8, 16], 16),
    (24, 32): ([2, 6, 12], [0, 6, 12], [0, 6, 13, 20], 12),
    (32, 24): ([2, 6, 12], [0, 6, 13, 20], [0, 6, 12], 12),
    (21, 32): ([2, 6, 12], [0, 5, 11], [0, 7, 14, 22], 10),
    (16, 32): ([3, 8, 15], [0, 4, 8], [0, 6, 12, 18, 24], 8),
    (25, 25): ([1, 4, 9], [0, 6, 13], [0, 6, 13], 12),
    (3, 5): ([2, 6, 12], [0, 1, 2], [0, 1, 2, 4], 1),
}


def rmac_regions(height: int, width: int) -> list[list[tuple[int, int, int]]]:
    """(top, left, side) of each level's regions, from the definition, in exact fractions."""
    w, longest = min(height, width), max(height, width)
    overlaps = [Fraction(w * w) - w * Fraction(longest - w, s - 1) for s in range(2, 8)]
    distances = [abs(overlap / w**2 - Fraction(2, 5)) for overlap in overlaps]
    extra = distances.index(min(distances)) + 1
    levels = []
    for level in (1, 2, 3):
        side = 2 * w // (level + 1)
        half = math.floor(Fraction(side, 2) - 1)
        starts = []
        for length in (height, width):
            n = level + (extra if length > w else 0)
            step = Fraction(length - side, n - 1) if n > 1 else Fraction(0)
            starts.append([math.floor(half + k * step) - half for k in range(n)])
        levels.append([(top, left, side) for top in starts[0] for left in starts[1] if side])
    return levels


def unit(x: np.ndarray) -> np.ndarray:
    return x / (np.sqrt(np.sum(x * x)) + 1e-6)


def rmac(x: np.ndarray) -> np.ndarray:
    """(c, h, w) -> (c,)"""
    total = unit(x.max(axis=(1, 2)))
    for level in rmac_regions(*x.shape[1:]):
        for top, left, side in level:
            total = total + unit(x[:, top : top + side, left : left + side].max(axis=(1, 2)))
    return unit(total)


def maps(n: int, c: int, h: int, w: int, seed: int = 0) -> np.ndarray:
    return np.maximum(np.random.default_rng(seed).normal(size=(n, c, h, w)), 0).astype(np.float32)


def run(module: torch.nn.Module, x: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return module(torch.from_numpy(x)).numpy()


@pytest.mark.parametrize("size", ORACLE, ids=str)
def test_our_rmac_regions_are_the_oracles(size: tuple[int, int]) -> None:
    counts, rows, columns, side = ORACLE[size]
    levels = rmac_regions(*size)
    assert [len(level) for level in levels] == counts
    assert levels[2] == [(top, left, side) for top in rows for left in columns]


SIZES = [
    *ORACLE,
    (1, 1),
    (1, 2),
    (2, 1),
    (1, 32),
    (32, 1),
    (2, 2),
    (3, 11),
    (11, 3),
    (4, 31),
    (7, 50),
    (25, 61),
    (33, 47),
]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_rmac(size: tuple[int, int]) -> None:
    x = maps(2, 7, *size)
    np.testing.assert_allclose(run(Head(RMAC(), 7), x), [rmac(image) for image in x], atol=2e-6)


def test_rmac_at_every_small_size() -> None:
    """Also where the map has less places than regions."""
    head = Head(RMAC(), 3)
    for height in range(1, 15):
        for width in range(1, 15):
            x = maps(1, 3, height, width, seed=height)
            np.testing.assert_allclose(run(head, x)[0], rmac(x[0]), atol=2e-6, err_msg=f"{height} x {width}")


def test_mac_spoc_gem() -> None:
    x = maps(2, 5, 6, 9)
    x[1, 3] = 0  # a dead channel: GeM's clip gives 1e-6
    wide = x.astype(np.float64)
    np.testing.assert_array_equal(run(MAC(), x), x.max(axis=(2, 3)))
    np.testing.assert_allclose(run(SPoC(), x), wide.mean(axis=(2, 3)), rtol=1e-6, atol=1e-12)
    for p in (3.0, 2.3, 1.0):
        expected = (np.maximum(wide, 1e-6) ** p).mean(axis=(2, 3)) ** (1 / p)
        np.testing.assert_allclose(run(GeM(p), x), expected, rtol=2e-5)


def test_numeric_cases_of_the_delf_repository(shared: Path) -> None:
    content = json.loads((shared / "data/groundtruth/delf_numeric_cases.json").read_text())
    cases = {case["id"]: case for case in content["cases"]}
    poolings = {"mac": MAC(), "spoc": SPoC(), "gem": GeM(cases["gem"]["power"])}
    for name, pooling in poolings.items():
        x = np.array(cases[name]["input_nhwc"], np.float32).transpose(0, 3, 1, 2)
        np.testing.assert_allclose(run(pooling, x), cases[name]["expected"], rtol=1e-6)
    vector = torch.tensor([cases["l2_normalise"]["input"]], dtype=torch.float32)
    np.testing.assert_allclose(l2_normalised(vector)[0], cases["l2_normalise"]["expected"], atol=1e-6)


def test_norms_add_epsilon() -> None:
    x = torch.tensor([[3e-6, 4e-6]])
    np.testing.assert_allclose(l2_normalised(x), [[0.5, 4 / 6]], rtol=1e-6)


def test_netvlad() -> None:
    head = randomised(NetVLAD(6, 4), 0)
    x = np.random.default_rng(1).normal(size=(2, 6, 3, 5)).astype(np.float32)
    weights, centres = head.score_proj.weight.detach().numpy()[:, :, 0], head.centers.detach().numpy()
    for image, vector in zip(x, run(head, x), strict=True):
        vlad = np.zeros((6, 4))
        for place in image.reshape(6, -1).T:
            place = place / np.linalg.norm(place)
            scores = np.exp(weights @ place)
            for k, weight in enumerate(scores / scores.sum()):
                vlad[:, k] += weight * (place - centres[:, k])
        vlad /= np.linalg.norm(vlad, axis=0)
        np.testing.assert_allclose(vector, (vlad / np.linalg.norm(vlad)).ravel(), atol=1e-6)


def test_a_head_normalises_whitens_and_normalises() -> None:
    whitening = randomised(Whitening(5, 3), 2)
    x = maps(1, 5, 4, 4)
    expected = unit(
        whitening.linear.weight.detach().numpy() @ unit(x[0].max(axis=(1, 2))) + whitening.linear.bias.numpy(force=True)
    )
    np.testing.assert_allclose(run(Head(MAC(), 5, whitening), x)[0], expected, atol=1e-6)


def test_heads_share_one_pass_of_the_trunk() -> None:
    passes = []
    trunk = tiny_resnet()
    trunk.register_forward_hook(lambda *_: passes.append(1))
    network = RetrievalNetwork(trunk, {"gem": Head(GeM(), trunk.dim), "rmac": Head(RMAC(), trunk.dim)}).eval()
    with torch.inference_mode():
        gem, rmac_vector = network(torch.rand(2, 3, 70, 90))
    assert (len(passes), gem.shape, rmac_vector.shape) == (1, (2, trunk.dim), (2, trunk.dim))


def test_the_power_of_several_scales_is_gems_own() -> None:
    assert Head(GeM(2.5), 4).power == 2.5
    assert Head(GeM(2.5), 4, Whitening(4, 4)).power == 1
    assert Head(MAC(), 4).power == 1


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 65), (70, 41)])
def test_strides(height: int, width: int) -> None:
    image = torch.rand(1, 3, height, width)
    with torch.inference_mode():
        assert tiny_resnet()(image).shape[2:] == (math.ceil(height / 32), math.ceil(width / 32))
        assert tiny_vgg()(image).shape[2:] == (height // 16, width // 16)
        assert tiny_delf().trunk(image).shape[2:] == (math.ceil(height / 32), math.ceil(width / 32))


def test_only_netvlads_trunk_has_negative_values() -> None:
    image = torch.rand(1, 3, 40, 40)
    with torch.inference_mode():
        assert tiny_vgg()(image).min() >= 0
        before = tiny_vgg(last_relu=False)(image)
        assert before.min() < 0
        assert torch.equal(before.relu(), tiny_vgg()(image))


@pytest.mark.parametrize("side", [4, 5, 8, 9])
def test_same_pooling(side: int) -> None:
    """As TensorFlow pads: max((ceil(n / 2) - 1) 2 + 3 - n, 0) places in all, the smaller half before."""
    x = maps(1, 2, side, side + 1)
    out = run(SamePool(), x)
    for axis, n in ((2, side), (3, side + 1)):
        total = max((math.ceil(n / 2) - 1) * 2 + 3 - n, 0)
        x = np.pad(x, [(0, 0)] * axis + [(total // 2, total - total // 2)] + [(0, 0)] * (3 - axis))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            window = x[0, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
            np.testing.assert_array_equal(out[0, :, i, j], window.max(axis=(1, 2)))


def test_delf_scores_and_descriptors() -> None:
    network = tiny_delf()
    image = torch.rand(1, 3, 100, 70)
    with torch.inference_mode():
        descriptors, scores = (output.numpy() for output in network(image))
        x = network.trunk(image).numpy().astype(np.float64)[0]
    state = {name: value.numpy().astype(np.float64) for name, value in network.state_dict().items()}
    hidden = np.einsum("oc,chw->ohw", state["attention1.weight"][:, :, 0, 0], x)
    hidden = hidden - state["attention_bn1.running_mean"][:, None, None]
    hidden /= np.sqrt(state["attention_bn1.running_var"] + 1e-5)[:, None, None]
    hidden = hidden * state["attention_bn1.weight"][:, None, None] + state["attention_bn1.bias"][:, None, None]
    logits = np.einsum("c,chw->hw", state["attention2.weight"][0, :, 0, 0], np.maximum(hidden, 0))
    np.testing.assert_allclose(scores[0, 0], np.log1p(np.exp(logits + state["attention2.bias"])), rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(descriptors[0], x / np.linalg.norm(x, axis=0), atol=1e-6)


def test_a_delf_descriptor_sees_291_pixels_around_its_place() -> None:
    """On sides of 32 k + 1, for which TensorFlow's padding is the same on both sides."""
    trunk = DELFTrunk(width=1).double().eval()
    trunk.pool = torch.nn.AvgPool2d(3, stride=2, padding=1)  # a maximum would hide what it did not choose
    for parameter in trunk.parameters():
        torch.nn.init.constant_(parameter, 1.0)  # no path cancels another
    image = torch.rand(1, 3, 481, 33, dtype=torch.float64, requires_grad=True)
    place = 7
    trunk(image)[0, :, place].sum().backward()
    rows = image.grad.abs().sum((0, 1, 3)).nonzero().ravel()
    assert int(rows[0]) == STRIDE * place - PADDING
    assert int(rows[-1]) - int(rows[0]) + 1 == RECEPTIVE_FIELD
