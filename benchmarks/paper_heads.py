"""The paper's NetVLAD and DELF over a small trunk, and the configuration of its study.

    hcbir study synthesize -o synthetic/ --size 320
    python benchmarks/paper_heads.py TRUNK.onnx synthetic/dataset.csv -o paper/
    hcbir study run --config paper/study.toml

A trunk is an ONNX network with the recipe of an activation map beside it. NetVLAD's 64 clusters are learned by k-means
on activations of the dataset's own images, which is how it is initialised before training (Arandjelovic et al. 2016);
the attention of DELF is the activations' length, for want of one that was trained. So the tables tell how the study
runs, not how the trained descriptors compare: for those export their checkpoints (`hcbir export`).
"""

from __future__ import annotations

import argparse
import csv
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

import hcbir
from hcbir.descriptors import open_image
from hcbir.descriptors.session import Session

CLUSTERS = 64
SAMPLED_IMAGES = 150
ACTIVATIONS_AN_IMAGE = 100
EPSILON_OF_SECOND = 0.01
"""The softmax gives the second nearest cluster so much of what it gives the nearest, on the average."""

Floats = npt.NDArray[np.float32]


class Graph:
    """Nodes and constants put at the end of a trunk."""

    def __init__(self, trunk: Path) -> None:
        self.model = onnx.load(trunk)

    def constant(self, value: npt.NDArray[Any]) -> str:
        name = f"head_constant_{len(self.model.graph.initializer)}"
        self.model.graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"head_{len(self.model.graph.node)}"
        self.model.graph.node.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def save(self, path: Path, outputs: dict[str, list[Any]], recipe: dict[str, Any], kind: str) -> None:
        del self.model.graph.output[:]
        for name, shape in outputs.items():
            self.model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        onnx.checker.check_model(self.model)
        onnx.save(self.model, path)
        keys = ("format", "input", "colour", "mean", "std", "licence")
        kept = "".join(f"{key} = {_toml(recipe[key])}\n" for key in keys if key in recipe)
        path.with_suffix(".toml").write_text(f'{kept}source = "{recipe["name"]}, untrained head"\n{kind}')


def netvlad(trunk: Path, recipe: dict[str, Any], files: list[Path], path: Path) -> None:
    """64 x channels, each part of unit length, and then the whole."""
    activations = sample_activations(trunk, recipe, files)
    centres = hcbir.kmeans(activations, CLUSTERS).centroids
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    distances = np.sort(2 - 2 * activations @ centres.T, axis=1)
    alpha = -np.log(EPSILON_OF_SECOND) / float(np.mean(distances[:, 1] - distances[:, 0]))
    graph, channels = Graph(trunk), centres.shape[1]
    flat = graph.node("Reshape", recipe["output"], graph.constant(np.array([0, channels, -1])))
    unit = graph.node("LpNormalization", flat, axis=1, p=2)
    scores = graph.node("MatMul", graph.constant((2 * alpha * centres).astype(np.float32)), unit)
    shares = graph.node("Softmax", scores, axis=1)  # (n, clusters, places)
    sums = graph.node("MatMul", unit, graph.node("Transpose", shares, perm=[0, 2, 1]))
    weights = graph.node("ReduceSum", shares, graph.constant(np.array([2])), keepdims=0)
    weights = graph.node("Unsqueeze", weights, graph.constant(np.array([1])))
    shifts = graph.node("Mul", graph.constant(np.ascontiguousarray(centres.T)), weights)
    residuals = graph.node("LpNormalization", graph.node("Sub", sums, shifts), axis=1, p=2)
    graph.node("LpNormalization", graph.node("Flatten", residuals, axis=1), output="netvlad", axis=1, p=2)
    kind = 'name = "netvlad"\nkind = "global"\noutput = "netvlad"\n'
    graph.save(path, {"netvlad": ["n", CLUSTERS * channels]}, recipe, kind)


def delf(trunk: Path, recipe: dict[str, Any], channels: int, max_features: int, path: Path) -> None:
    """The activations themselves, of unit length; the longest are kept."""
    graph = Graph(trunk)
    graph.node("ReduceL2", recipe["output"], output="attention", axes=[1], keepdims=1)
    graph.node("LpNormalization", recipe["output"], output="local", axis=1, p=2)
    stride = recipe["stride"]
    kind = (
        'name = "delf"\nkind = "delf"\nscore_output = "attention"\ndescriptor_output = "local"\n'
        f"descriptor_dim = {channels}\nscales = [0.5, 0.7071, 1.0, 1.4142]\nreceptive_field = {9 * stride - 1}\n"
        f"stride = {stride}\npadding = 0\nscore_threshold = 0.0\nmax_features = {max_features}\n"
    )
    places = ["n", "h", "w"]
    graph.save(path, {"attention": ["n", 1, *places[1:]], "local": ["n", channels, *places[1:]]}, recipe, kind)


def sample_activations(trunk: Path, recipe: dict[str, Any], files: list[Path]) -> Floats:
    """(m, channels) of unit length, from some places of some images."""
    session, rng = Session(trunk, provider="cpu"), np.random.default_rng(0)
    samples = []
    for index in rng.permutation(len(files))[:SAMPLED_IMAGES]:
        pixels = np.asarray(open_image(files[index], longest_side=320).image, dtype=np.float32)
        pixels = pixels[..., ::-1] if recipe["colour"] == "bgr" else pixels
        pixels = (pixels - np.array(recipe["mean"])) / np.array(recipe["std"])
        image = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32)
        (found,) = session.run([recipe["output"]], {recipe["input"]: image})
        columns = found[0].reshape(found.shape[1], -1).T
        samples.append(columns[rng.permutation(len(columns))[:ACTIVATIONS_AN_IMAGE]])
    activations = np.concatenate(samples)
    return activations / np.maximum(np.linalg.norm(activations, axis=1, keepdims=True), 1e-9)


def configuration(trunk: Path, dataset: Path) -> str:
    pooled = "".join(
        f'    {{ label = "{label}", name = "{trunk}:{label.lower()}" }},\n' for label in ("GeM", "MAC", "RMAC", "SPoC")
    )
    return (
        'title = "The paper\'s seven descriptors over a small trunk"\ndescriptors = [\n'
        '    { label = "DELF", name = "delf.onnx" },\n    { label = "ORB", name = "orb" },\n'
        f'    {{ label = "NetVLAD", name = "netvlad.onnx" }},\n{pooled}]\n[dataset]\nkind = "csv"\npath = "{dataset}"\n'
        '[protocol]\nimage_size = 320\nlocal = "both"\n[statistics]\nspearman = true\n'
    )


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trunk", type=Path, help="an ONNX network with the .toml of an activation map beside it")
    parser.add_argument("dataset", type=Path, help="a CSV with the column path")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the folder of the networks and study.toml")
    parser.add_argument("--max-features", type=int, default=150, help="local features of an image; the paper's: 1000")
    options = parser.parse_args()
    recipe = tomllib.loads(options.trunk.with_suffix(".toml").read_text())
    with options.dataset.open(newline="", encoding="utf-8") as file:
        files = [options.dataset.parent / row["path"] for row in csv.DictReader(file)]
    options.output.mkdir(parents=True, exist_ok=True)
    channels = sample_activations(options.trunk, recipe, files[:1]).shape[1]
    netvlad(options.trunk, recipe, files, options.output / "netvlad.onnx")
    delf(options.trunk, recipe, channels, options.max_features, options.output / "delf.onnx")
    (options.output / "study.toml").write_text(configuration(options.trunk.resolve(), options.dataset.resolve()))
    print(f"{options.output / 'study.toml'}: hcbir study run --config {options.output / 'study.toml'}")


if __name__ == "__main__":
    main()
