"""Encoder, Decoder, AnsStack, adaptive models and CompressAI's streams from Python."""

from __future__ import annotations

import base64
import importlib.util
import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import fewbits
import golden
import numpy as np
import pytest
import ref_coding as ref
from fewbits import coding
from fewbits.coding import (
    AnsStack,
    Bernoulli,
    Categorical,
    CategoricalRows,
    Decoder,
    Encoder,
    Gaussian,
    Mixture,
)
from fewbits.coding import compressai as cai
from fewbits.errors import ArgumentError, CorruptDataError, ParameterMismatchError
from hypothesis import given
from hypothesis import strategies as st

# ---- calls ----------------------------------------------------------------------------------------------


def test_autoregressive_calls() -> None:
    """Each row's means are the row before, as the decoder has it."""
    rng = np.random.default_rng(0)
    image = np.cumsum(rng.integers(-3, 4, (20, 30)), axis=0)
    start = Categorical.fit(image[0])
    encoder = Encoder()
    encoder.put(image[0], start)
    for row in range(1, 20):
        encoder.put(image[row], Gaussian(image[row - 1].astype(np.float32), 2.0))
    data = encoder.finish()
    decoder = Decoder(data)
    rows = [decoder.get(start, 30)]
    while len(rows) < 20:
        rows.append(decoder.get(Gaussian(rows[-1].astype(np.float32), 2.0)))
    decoder.finish()
    assert (np.stack(rows) == image).all()
    wrong = Decoder(data)
    wrong.get(start)
    with pytest.raises(CorruptDataError, match=r"parameters differ|truncated"):  # noqa: PT012
        for row in range(1, 20):
            wrong.get(Gaussian(image[row - 1].astype(np.float32), 2.5))
        wrong.finish()


def test_calls_of_every_kind() -> None:
    rng = np.random.default_rng(1)
    rows = CategoricalRows(rng.dirichlet(np.ones(4), 50))
    calls: list[tuple[Any, Any]] = [
        (rng.integers(0, 2, 100), Bernoulli(0.5, precision=9)),
        (rng.integers(0, 4, 50), rows),
        (np.zeros((0,), int), Bernoulli(0.5)),
        (np.rint(rng.normal(0, 9, (5, 7))).astype(int), Gaussian(np.zeros((5, 7)), 9.0)),
        (np.array([2**29, 1, 2]), Gaussian(0.0, 1.0)),
    ]
    for lanes in ("auto", 1, 8):
        encoder = Encoder()
        for symbols, model in calls:
            encoder.put(symbols, model)
        decoder = Decoder(encoder.finish(lanes=lanes))  # type: ignore[arg-type]
        for symbols, model in calls:
            assert (decoder.get(model, None) == symbols).all()
        decoder.finish()
    with pytest.raises(ArgumentError, match="no further call"):
        decoder.get(rows)
    encoder.put([1], Bernoulli(0.5))
    other = Decoder(encoder.finish())
    with pytest.raises(ParameterMismatchError):
        other.get(Gaussian(0.0, 1.0))
    with pytest.raises(ArgumentError, match="has 1 symbols, asked for 2"):
        other.get(Bernoulli(0.5), 2)
    with pytest.raises(TypeError, match="model must be"):
        other.get(3)  # type: ignore[arg-type]
    with pytest.raises(CorruptDataError):
        Decoder(b"")


# ---- stack ----------------------------------------------------------------------------------------------


@given(st.binary(max_size=60), st.integers(1, 30), st.floats(-5, 5), st.floats(0.05, 20))
def test_pop_and_push_undo_each_other(seed: bytes, n: int, mean: float, scale: float) -> None:
    model = Gaussian(mean, scale, support=(-100, 100))
    stack = AnsStack.from_bytes(seed, seal=True)
    before = stack.pos()
    symbols = stack.pop(model, n, allow_exhausted=True)
    stack.push(symbols, model)
    assert stack.pos() == before
    assert stack.unseal() == seed
    stack.push_bits(n, 5)
    assert AnsStack.from_bytes(stack.to_bytes()).pop_bits(5) == n


def test_bits_back_costs_the_marginal() -> None:
    """The component of a mixture as the latent: popped from the posterior, pushed under the prior."""
    rng = np.random.default_rng(2)
    n = 100_000
    weights = np.array([0.2, 0.5, 0.3])
    means, scales = np.array([-4.0, 0.0, 6.0]), np.array([1.0, 2.0, 3.0])
    pick = rng.choice(3, n, p=weights)
    symbols = np.rint(rng.normal(means[pick], scales[pick])).astype(np.int32)
    support = (int(symbols.min()), int(symbols.max()))
    given_k = np.stack([coding.pmf(Gaussian(m, s), *support) for m, s in zip(means, scales, strict=False)])
    posterior = CategoricalRows((weights[:, None] * given_k).T[symbols - support[0]])
    prior = Categorical.from_probs(weights, precision=16)
    seed = rng.bytes(40_000)
    stack = AnsStack.from_bytes(seed, seal=True)
    start = stack.num_valid_bits
    k = stack.pop(posterior)
    stack.push(symbols, Gaussian(means[k], scales[k], support=support))
    stack.push(k, prior)
    net = stack.num_valid_bits - start
    ideal = coding.ideal_code_length(symbols, Mixture(weights, means, scales))
    assert abs(net - ideal) < 1e-3 * ideal

    other = AnsStack.from_bytes(stack.to_bytes())
    k2 = other.pop(prior, n)
    back = other.pop(Gaussian(means[k2], scales[k2], support=support))
    other.push(k2, posterior)
    assert (back == symbols).all()
    assert other.unseal() == seed


def test_stack_edges() -> None:
    stack = AnsStack()
    assert stack.is_empty
    assert stack.to_bytes() == b""
    assert stack.num_bits == 0
    with pytest.raises(CorruptDataError, match="exhausted"):
        stack.pop(Bernoulli(0.5))
    assert stack.pop(Bernoulli(0.5), 3, allow_exhausted=True).tolist() == [0, 0, 0]
    stack.push([1, 0, 1], Bernoulli(0.5))
    copy = stack.clone()
    assert copy.pop(Bernoulli(0.5), 3).tolist() == [1, 0, 1]
    assert copy.is_empty
    position = stack.pos()
    stack.push([5] * 100, Categorical.fit(range(9)))
    stack.seek(*position)
    assert stack.pop(Bernoulli(0.5), 3).tolist() == [1, 0, 1]
    with pytest.raises(ArgumentError, match="must have a support"):
        stack.push([1], Gaussian(0.0, 1.0))
    with pytest.raises(ArgumentError, match=r"support -3\.\.3, got symbols\[1\] = 4"):
        stack.push([1, 4], Gaussian(0.0, 1.0, support=(-3, 3)))
    with pytest.raises(ArgumentError, match=r"nbits must be in 0\.\.24"):
        stack.push_bits(0, 25)


# ---- adaptive -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [0, 1])
def test_adaptive_bytes_equal_the_reference(order: int) -> None:
    rng = np.random.default_rng(3)
    symbols = np.minimum(rng.geometric(0.1, 3000), 255)
    for lanes in (1, 4, 32):
        data = coding.encode(symbols, coding.AdaptiveByteModel(order), lanes=lanes, checksum=False)
        payload = ref.adaptive_bytes_payload(symbols.tolist(), order, lanes)
        assert data[-len(payload) :] == payload
        words = len(payload) // 2 - 2 * lanes
        header = bytes([1 | 5 << 4, lanes.bit_length() - 1]) + ref.varint(3000)
        header += bytes([2 + order]) + ref.varint(256) + bytes([0, 0]) + ref.varint(words)
        assert data == header + payload


def test_adaptive_bits_equal_the_reference() -> None:
    rng = np.random.default_rng(4)
    bits = (rng.random(5000) < 0.03).astype(int)
    data = coding.encode(bits, coding.AdaptiveBitModel(), checksum=False)
    payload = ref.adaptive_bits_payload(bits.tolist(), 1)
    assert data.endswith(payload)
    assert len(payload) * 8 < 1.25 * 5000 * 0.1944  # following quickly costs in the long run


@pytest.mark.parametrize(
    ("model", "low", "high"),
    [
        (coding.AdaptiveBitModel(), 0, 1),
        (coding.AdaptiveNibbleModel(9), 0, 8),
        (coding.AdaptiveByteModel(1), 0, 255),
        (coding.AdaptiveTreeModel(40000), 0, 39999),
        (coding.AdaptiveExpGolombModel(), -(2**31), 2**31 - 1),
    ],
)
def test_adaptive_round_trips(model: coding.AdaptiveModel, low: int, high: int) -> None:
    rng = np.random.default_rng(5)
    for n in (0, 1, 100, 5000):
        symbols = rng.integers(low, high + 1, n)
        symbols[: n // 2] = low + (high - low) // 2
        data = coding.encode(symbols, model)
        assert (coding.decode(data, model, dtype=np.int64) == symbols).all()
        assert data == coding.encode(symbols, model, threads=2)
    if model.kind != "exp_golomb":
        with pytest.raises(ArgumentError, match=rf"symbols must be in 0\.\.{high}"):
            coding.encode([high + 1], model)
    with pytest.raises(ParameterMismatchError):
        coding.decode(coding.encode([0, 1, 1], coding.AdaptiveTreeModel(7)), model)


def test_adaptive_frames() -> None:
    rng = np.random.default_rng(6)
    symbols = np.minimum(rng.geometric(0.1, 600_000), 255).astype(np.uint8)
    model = coding.AdaptiveByteModel()
    data = coding.encode(symbols, model, threads=0)
    assert (coding.decode(data, model, dtype=np.uint8, threads=0) == symbols).all()
    p = np.bincount(symbols) / symbols.size
    entropy = -(p[p > 0] * np.log2(p[p > 0])).sum()
    assert len(data) * 8 / symbols.size < 1.02 * entropy


# ---- CompressAI -----------------------------------------------------------------------------------------

CDF = [[0, 1000, 30000, 60000, 65000, 65536]]


def test_compressai_published_stream() -> None:
    symbols = [-2, -1, 0, 1, 5, -40, 100000, 0, 0, -1]
    data = cai.RansEncoder().encode_with_indexes(symbols, [0] * 10, CDF, [6], [-2])
    assert data.hex() == "910369efb49b0000617affccc5d33040"
    assert ref.compressai_encode(symbols, [0] * 10, CDF, [6], [-2]) == data
    assert cai.RansDecoder().decode_with_indexes(data, [0] * 10, CDF, [6], [-2]) == symbols
    with pytest.raises(CorruptDataError):
        cai.RansDecoder().decode_with_indexes(b"", [0], CDF, [6], [-2])
    with pytest.raises(CorruptDataError):
        cai.RansDecoder().decode_with_indexes(data, [0] * 9, CDF, [6], [-2])
    with pytest.raises(ArgumentError, match="increase strictly"):
        cai.RansEncoder().encode_with_indexes([0], [0], [[0, 5, 5, 65536]], [4], [0])
    with pytest.raises(ArgumentError, match="set_stream"):
        cai.RansDecoder().decode_stream([0], CDF, [6], [-2])


def test_compressai_against_an_independent_coder() -> None:
    rng = np.random.default_rng(7)
    sizes = rng.integers(3, 40, 10)
    cdfs = [
        [0, *sorted(rng.choice(np.arange(1, 65536), int(size) - 2, replace=False).tolist()), 65536]
        for size in sizes
    ]
    offsets = rng.integers(-20, 5, 10)
    indexes = rng.integers(0, 10, 2000)
    symbols = rng.integers(-30, 40, 2000)
    symbols[::97] = rng.integers(-(2**30), 2**30, symbols[::97].size)
    data = ref.compressai_encode(symbols.tolist(), indexes.tolist(), cdfs, sizes.tolist(), offsets.tolist())
    encoder = cai.BufferedRansEncoder()
    encoder.encode_with_indexes(symbols[:900], indexes[:900], cdfs, sizes, offsets)
    encoder.encode_with_indexes(symbols[900:], indexes[900:], cdfs, sizes, offsets)
    assert encoder.flush() == data
    decoder = cai.RansDecoder()
    decoder.set_stream(data)
    first = decoder.decode_stream(indexes[:500], cdfs, sizes, offsets)
    rest = decoder.decode_stream(indexes[500:], cdfs, sizes, offsets)
    assert first + rest == symbols.tolist()


def compressai_extension() -> Any:
    """CompressAI's coder alone: the package around it needs torch and more."""
    try:
        files = distribution("compressai").files or []
    except PackageNotFoundError:
        pytest.skip("CompressAI is not installed (pip install --no-deps compressai is enough)")
    path = next(str(f.locate()) for f in files if f.match("compressai/ans.*"))
    spec = importlib.util.spec_from_file_location("ans", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_compressai_itself() -> None:
    ans = compressai_extension()
    rng = np.random.default_rng(8)
    for n, tables in ((500, 1), (4000, 7)):
        cdfs, sizes, offsets = [], [], []
        for _ in range(tables):
            size = int(rng.integers(3, 40))
            inner = np.sort(rng.choice(np.arange(1, 65536), size - 2, replace=False))
            cdfs.append([0, *inner.tolist(), 65536])
            sizes.append(size)
            offsets.append(int(rng.integers(-20, 5)))
        rows = [row + [0] * (max(sizes) - len(row)) for row in cdfs]
        indexes = rng.integers(0, tables, n).tolist()
        symbols = np.rint(rng.normal(0, 15, n) * rng.choice([1, 1, 1, 5000], n)).astype(int).tolist()
        theirs = ans.RansEncoder().encode_with_indexes(symbols, indexes, rows, sizes, offsets)
        ours = cai.RansEncoder().encode_with_indexes(symbols, indexes, rows, sizes, offsets)
        assert ours == theirs
        assert ans.RansDecoder().decode_with_indexes(ours, indexes, rows, sizes, offsets) == symbols
        assert cai.RansDecoder().decode_with_indexes(theirs, indexes, rows, sizes, offsets) == symbols
        buffered = ans.BufferedRansEncoder()
        own = cai.BufferedRansEncoder()
        for encoder in (buffered, own):
            encoder.encode_with_indexes(symbols[:100], indexes[:100], rows, sizes, offsets)
            encoder.encode_with_indexes(symbols[100:], indexes[100:], rows, sizes, offsets)
        assert own.flush() == buffered.flush()


GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "messages-1.json"


@pytest.mark.parametrize("name", json.loads(GOLDEN.read_text()))
def test_golden_messages(name: str) -> None:
    """A message of the first release decodes for ever, and is still what the encoder writes."""
    stream = base64.b64decode(json.loads(GOLDEN.read_text())[name])
    if name.startswith("codes: "):
        assert (coding.decode_codes(stream) == golden.codes()).all()
        # Of these models no parameter is fitted in floating point.
        if name.split()[1] in ("static", "context", "adaptive", "delta"):
            assert coding.encode_codes(golden.codes(), models=[name.split()[1]]) == stream
        return
    symbols, model, options = golden.messages()[name]
    out = coding.decode(stream, model())
    assert (np.asarray(out).reshape(-1) == symbols).all()
    assert coding.encode(symbols, model(), **options) == stream


def test_every_golden_message_is_kept() -> None:
    names = [*golden.messages(), *(f"codes: {model}" for model in golden.CODE_MODELS)]
    assert names == list(json.loads(GOLDEN.read_text()))


@pytest.mark.parametrize("shape", [(1, 4, 3, 5), (2, 192, 4, 6), (1, 320, 32, 48)])
def test_mixture_coder(shape: tuple[int, int, int, int]) -> None:
    rng = np.random.default_rng(9)
    b, m, h, w = shape
    wide = (b, 3 * m, h, w)
    scales = np.exp(rng.normal(-1, 1.5, wide)).astype(np.float32)  # some below 0.11
    means = rng.normal(0, 2, wide).astype(np.float32)
    weights = (
        rng.dirichlet(np.ones(3), (b, m, h, w)).transpose(0, 4, 1, 2, 3).reshape(wide).astype(np.float32)
    )
    y = means[:, :m] + rng.normal(0, 1, shape).astype(np.float32)
    kept = scales.copy()
    for coder in (cai.MixtureCoder(3), cai.GaussianMixtureConditionalFast(3)):
        data, rounded = coder.compress(y, scales, means, weights)
        assert (rounded == np.rint(y)).all()
        assert rounded.dtype == np.float32
        assert (coder.decompress(data, scales, means, weights) == rounded).all()
    assert (scales == kept).all()
    if m == 320:
        stream, abs_max, bitmap = data
        assert isinstance(stream, bytes)
        assert abs_max == np.abs(rounded).max()
        assert bitmap.shape == (m,)
        with pytest.raises(CorruptDataError):
            coder.decompress(stream, scales, means + np.float32(0.25), weights)
    with pytest.raises(ArgumentError, match="K = 3"):
        coder.compress(y, scales[:, :-1], means, weights)


def test_mixture_coder_takes_torch_tensors() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    y = torch.randn(1, 2, 4, 4, requires_grad=True)
    scales, means, weights = torch.ones(1, 6, 4, 4), torch.zeros(1, 6, 4, 4), torch.full((1, 6, 4, 4), 1 / 3)
    coder = cai.MixtureCoder(3)
    data, rounded = coder.compress(y, scales, means, weights)
    assert (coder.decompress(data, scales, means, weights) == rounded).all()


def test_level_max_takes_adaptive_models() -> None:
    """Where the order of bytes tells something, level max finds it, and every level gives the bytes back."""
    rng = np.random.default_rng(10)
    steps = rng.integers(-1, 2, (200, 300)).cumsum(axis=1).astype(np.uint8)
    sizes = {}
    for level in ("fast", "default", "max"):
        data = fewbits.compress_array(steps, level=level)  # type: ignore[arg-type]
        assert (fewbits.decompress_array(data) == steps).all()
        sizes[level] = len(data)
    assert sizes["max"] < 0.8 * sizes["default"]
    drift = (rng.normal(0, 1, (300, 200)) * np.exp(np.linspace(-3, 3, 300))[:, None]).astype(np.float32)
    for shape in (drift, drift.ravel(), np.where(drift > 1, 0, drift)):
        x = np.ascontiguousarray(shape, dtype=np.float32)
        data = fewbits.compress_array(x, level="max")
        assert fewbits.decompress_array(data).tobytes() == x.tobytes()
        assert len(data) <= len(fewbits.compress_array(x)) * 1.001
