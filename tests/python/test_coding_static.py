"""Static models and messages from Python: round trips, types, rates, arguments, damage."""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from fewbits import coding
from fewbits._core import _cpu
from fewbits.coding import Bernoulli, Categorical, Uniform, code_length, decode, encode
from fewbits.errors import (
    ArgumentError,
    CodecError,
    CorruptDataError,
    LimitError,
    ParameterMismatchError,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

BLOCK = 1 << 18


def gaussian(n: int, scale: float = 3.0, seed: int = 0) -> np.ndarray[Any, np.dtype[np.int32]]:
    return np.rint(np.random.default_rng(seed).normal(0, scale, n)).astype(np.int32)


# ---- round trips ----------------------------------------------------------------------------------------


@given(
    hnp.arrays(
        st.sampled_from([np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64, np.uint64]),
        hnp.array_shapes(max_dims=3, max_side=20),
        elements=st.integers(0, 100),
    ),
    st.sampled_from([None, 8, 12, 13, 15, 16, 24]),
    st.booleans(),
    st.booleans(),
)
def test_round_trip(symbols: Any, precision: int | None, checksum: bool, param_hash: bool) -> None:
    model = Categorical.fit(symbols, precision=precision)
    data = encode(symbols, model, checksum=checksum, param_hash=param_hash)
    assert (decode(data, model) == symbols.reshape(-1)).all()
    assert (
        decode(data, Categorical.from_bytes(model.to_bytes()), dtype=symbols.dtype) == symbols.reshape(-1)
    ).all()


@given(
    st.lists(st.integers(-(2**31), 2**31 - 65536), min_size=1, max_size=3),
    st.lists(st.integers(0, 65535), min_size=1, max_size=200),
)
def test_round_trip_anywhere(bases: list[int], offsets: list[int]) -> None:
    symbols = np.array(offsets) + bases[0]
    model = Categorical.fit(symbols)
    assert (decode(encode(symbols, model), model) == symbols).all()


@pytest.mark.parametrize("n", [0, 1, 2, 31, 32, 33, 2000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_lengths_and_threads(n: int) -> None:
    symbols = gaussian(n)
    model = Categorical.fit(gaussian(10**6))
    data = encode(symbols, model)
    for threads in (0, 2, 5):
        assert encode(symbols, model, threads=threads) == data
        assert (decode(data, model, threads=threads) == symbols).all()
    assert decode(data, model).shape == (n,)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x[::2],
        lambda x: x[::-1],
        lambda x: np.asfortranarray(x[:600].reshape(20, 30)),
        lambda x: x.astype(">i4"),
        lambda x: x.astype(np.int64),
        lambda x: x.tolist(),
        lambda x: np.frombuffer(x.tobytes(), np.int32),
        lambda x: x[5],
        lambda x: x.reshape(1, -1, 1),
        lambda x: x[:0],
        lambda x: [],
    ],
)
def test_layouts(change: Any) -> None:
    symbols = gaussian(1000)
    model = Categorical.fit(symbols)
    expected = np.asarray(change(symbols)).astype(np.int32).reshape(-1)
    data = encode(change(symbols), model)
    assert data == encode(expected, model)
    assert (decode(data, model) == expected).all()


@pytest.mark.parametrize(
    "dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
)
def test_output_types(dtype: Any) -> None:
    symbols = np.arange(100) % 17
    model = Categorical.fit(symbols)
    data = encode(symbols.astype(dtype), model)
    assert data == encode(symbols, model)
    out = np.full((10, 10), 99, dtype)
    assert decode(data, model, out=out) is out
    assert (out.reshape(-1) == symbols).all()
    got = decode(data, model, dtype=dtype)
    assert got.dtype == dtype
    assert (got == symbols).all()


def test_booleans_and_floats() -> None:
    bits = np.random.default_rng(1).random(1000) < 0.25
    data = encode(bits, Bernoulli(0.25))
    assert (decode(data, Bernoulli(0.25), dtype=np.uint8).view(bool) == bits).all()
    assert encode(bits.astype(np.float32), Bernoulli(0.25), cast=True) == data


# ---- rates ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", [10, 12, 14, 15, 18, 24])
@pytest.mark.parametrize("scale", [0.3, 3.0, 30.0])
def test_size_is_near_the_entropy(precision: int, scale: float) -> None:
    symbols = gaussian(200_000, scale)
    model = Categorical.fit(symbols, precision=precision)
    counts = np.bincount(symbols - symbols.min())
    p = counts[counts > 0] / symbols.size
    entropy = float(-(p * np.log2(p)).sum()) * symbols.size
    length = code_length(symbols, model)
    assert isinstance(length, float)
    assert entropy * (1 - 1e-12) <= length <= entropy * (1.02 if precision == 10 else 1.005)
    size = 8 * len(encode(symbols, model))
    assert length <= size <= length * 1.0006 + 64 * 32 + 160
    assert model.cross_entropy(counts, lo=int(symbols.min())) * symbols.size == pytest.approx(
        length, rel=1e-12
    )


def test_code_length_per_symbol() -> None:
    model = Categorical([128, 64, 0, 32, 32], lo=-2, precision=8)
    costs = code_length([[-2, -1], [1, 2]], model, per_symbol=True)
    assert isinstance(costs, np.ndarray)
    assert costs.tolist() == [[1.0, 2.0], [3.0, 3.0]]
    assert code_length([-2, -1, 1, 2], model) == 9.0
    assert code_length([], model) == 0.0


def test_code_length_is_within_an_ulp() -> None:
    import mpmath

    for f in [1, 2, 3, 5, 641, 4095, 65537, 11863283, 2**24 - 1]:
        costs = code_length([0], Categorical([f, 2**24 - f], precision=24), per_symbol=True)
        assert isinstance(costs, np.ndarray)
        with mpmath.workdps(40):
            exact = 24 - mpmath.log(f, 2)
        assert abs(costs[0] - exact) <= np.spacing(24.0)


@pytest.mark.parametrize("n", [1, 2, 3, 255, 256, 257, 1000, 4096, 4097, 32768, 65535, 65536])
def test_uniform(n: int) -> None:
    model = Uniform(n)
    assert (model.lo, model.span, model.used) == (0, n, n)
    f = model.frequencies
    assert int(f.max()) - int(f.min()) <= 1
    assert model.entropy() <= math.log2(n) + 1e-12
    # The cost of a uniform message.
    excess = model.cross_entropy(np.ones(n, int)) - math.log2(n)
    assert -1e-12 <= excess < (0.003 if n <= 4096 else 1e-5)
    symbols = np.random.default_rng(0).integers(0, n, 3000)
    assert (decode(encode(symbols, model), model) == symbols).all()


def test_bernoulli() -> None:
    assert Bernoulli(0.5, precision=8).frequencies.tolist() == [128, 128]
    assert Bernoulli(1e-30).frequencies.tolist() == [2**15 - 1, 1]
    assert Bernoulli(np.float32(0.25), precision=24).frequencies.tolist() == [3 * 2**22, 2**22]
    for p in (0, 1, -0.1, 1.5, math.nan, math.inf):
        with pytest.raises(ArgumentError, match=r"coding\.Bernoulli: p must be in \(0, 1\), got"):
            Bernoulli(p)


# ---- models ---------------------------------------------------------------------------------------------


def test_exchange_stops_on_a_known_trap() -> None:
    """A well-known library loops for ever on these probabilities."""
    for precision in range(8, 25):
        f = Categorical.from_probs([0.15, 0.69, 0.15], precision=precision).frequencies
        assert int(f.sum()) == 2**precision
        assert abs(int(f[0]) - int(f[2])) <= 1


@given(
    hnp.arrays(np.int64, st.integers(1, 60), elements=st.integers(0, 10**6)).filter(lambda c: c.sum() > 0),
    st.integers(8, 24),
    st.sampled_from(["used", "all"]),
)
@settings(max_examples=200)
def test_from_counts(counts: Any, precision: int, support: Any) -> None:
    model = Categorical.from_counts(counts, lo=-7, precision=precision, support=support)
    full = np.zeros(counts.size, int)
    first = model.lo + 7
    full[first : first + model.span] = model.frequencies
    assert full.sum() == 2**precision
    assert ((full > 0) == ((counts > 0) | (support == "all"))).all()
    # Larger counts never get smaller frequencies (but for a unit by the order of ties).
    order = np.argsort(counts, kind="stable")
    assert (np.diff(full[order][counts[order] > 0]) >= -1).all()
    assert model.probabilities.sum() == 1.0
    assert Categorical.from_bytes(model.to_bytes()) == model


def test_default_precision() -> None:
    assert Categorical.fit(np.arange(512)).precision == 12
    assert Categorical.fit(np.arange(5000)).precision == 16
    assert Categorical.fit(np.arange(65536)).precision == 19


def test_models_compare_hash_pickle_print() -> None:
    a = Categorical.fit([1, 2, 2, 9])
    b = Categorical.from_bytes(a.to_bytes())
    assert a == b
    assert hash(a) == hash(b)
    assert a != Categorical.fit([1, 2, 2, 8])
    assert a != "a model"
    assert pickle.loads(pickle.dumps(a)) == a
    assert repr(a) == "<Categorical: 3 symbols in 1..9, precision 12>"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Categorical([1, 2], precision=8), "frequencies must sum to 2^8, got 3"),
        (
            lambda: Categorical([-1, 257], precision=8),
            "frequencies must be in 0..2^precision, got frequencies[0] = -1",
        ),
        (lambda: Categorical([], precision=8), "frequencies must not be empty"),
        (lambda: Categorical([[256]], precision=8), "frequencies must have one dimension, got 2"),
        (lambda: Categorical([256], precision=7), "precision must be in 8..24, got 7"),
        (
            lambda: Categorical([256], lo=2**31, precision=8),
            "lo must be in -2147483648..2147483647, got 2147483648",
        ),
        (lambda: Categorical.from_counts([0, 0]), "at least one count must be positive"),
        (lambda: Categorical.from_counts([1, -2]), "counts must be at least 0, got counts[1] = -2"),
        (lambda: Categorical.from_counts([]), "counts must not be empty"),
        (lambda: Categorical.from_counts([2**62]), "counts must sum to less than 2^62"),
        (
            lambda: Categorical.from_counts([1] * 300, precision=8),
            "precision must leave a unit for each of 300 symbols, got 8",
        ),
        (
            lambda: Categorical.from_counts([1, 1], support="none"),
            "support must be 'used' or 'all', got 'none'",
        ),
        (
            lambda: Categorical.from_counts([1] + [0] * 65535 + [1]),
            "symbols must span at most 65536, got 65537",
        ),
        (
            lambda: Categorical.from_counts([1, 1], lo=2**31 - 1),
            "lo must be in -2147483648..2147483646, got 2147483647",
        ),
        (
            lambda: Categorical.from_probs([0.5, math.nan]),
            "probs must be finite and at least 0, got probs[1] = nan",
        ),
        (
            lambda: Categorical.from_probs([0.5, -0.5]),
            "probs must be finite and at least 0, got probs[1] = -0.5",
        ),
        (
            lambda: Categorical.from_probs([math.inf]),
            "probs must be finite and at least 0, got probs[0] = inf",
        ),
        (lambda: Categorical.from_probs([0.0]), "probs must sum to 2^-20..2^20, got a sum of 0.0"),
        (lambda: Categorical.fit([]), "symbols must not be empty"),
        (lambda: Categorical.fit([0, 65536]), "symbols must span at most 65536, got 65537 (0..65536)"),
        (lambda: Categorical.fit([2**31]), "symbols must fit int32, got symbols[0] = 2147483648"),
        (lambda: Uniform(0), "n must be in 1..65536, got 0"),
        (lambda: Uniform(65537), "n must be in 1..65536, got 65537"),
        (
            lambda: encode([5], Uniform(4)),
            "symbols must have a positive frequency in the model, got symbols[0] = 5",
        ),
        (lambda: encode([0, 1, -1], Uniform(4)), "got symbols[2] = -1"),
        (lambda: encode([0, 2**40], Uniform(4)), "symbols must fit int32, got symbols[1] = 1099511627776"),
        (
            lambda: encode([0.5], Uniform(4), cast=True),
            "symbols must be integers that fit int32, got symbols[0] = 0.5",
        ),
        (
            lambda: encode([math.nan], Uniform(4), cast=True),
            "symbols must be integers that fit int32, got symbols[0] = nan",
        ),
        (lambda: encode([0], Uniform(4), lanes=2), "lanes must be one of 1, 4, 8, 32 or 'auto', got 2"),
        (lambda: encode([0], Uniform(5000), lanes=32), "lanes must be one of 1, 2, 4, 8 or 'auto', got 32"),
        (lambda: encode([0], Uniform(4), threads=-1), "threads must be in 0..65536, got -1"),
        (
            lambda: decode(encode([0, 1], Uniform(4)), Uniform(4), out=np.zeros(3, int)),
            "out must have 2 elements, got 3",
        ),
        (lambda: code_length([7], Uniform(4)), "got symbols[0] = 7"),
        (lambda: code_length([7], Uniform(4), per_symbol=True), "got symbols[0] = 7"),
    ],
)
def test_bad_arguments(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: encode([0.0], Uniform(4)),
        lambda: encode(["a"], Uniform(4)),
        lambda: encode([1j], Uniform(4), cast=True),
        lambda: encode(np.ma.array([1, 2]), Uniform(4)),
        lambda: encode([0], Uniform(4), lanes="many"),
        lambda: encode([0], Uniform(4), threads=1.5),
        lambda: encode([0], "a model"),
        lambda: decode("text", Uniform(4)),
        lambda: decode(b"", None),
        lambda: decode(encode([0], Uniform(4)), Uniform(4), dtype=np.float32),
        lambda: decode(encode([0], Uniform(4)), Uniform(4), out=[0]),
        lambda: decode(encode([0, 1], Uniform(4)), Uniform(4), out=np.zeros(4, int)[::2]),
        lambda: Categorical.fit([0.5]),
        lambda: Categorical([0.5, 0.5], precision=8),
        lambda: Categorical.from_counts([1.0]),
        lambda: Categorical.fit([1], precision=12.0),
        lambda: Uniform(3.0),
        lambda: Uniform(True),
        lambda: Bernoulli("0.5"),
        lambda: Categorical.from_bytes(3),
    ],
)
def test_wrong_types(call: Any) -> None:
    with pytest.raises(TypeError, match=r"^coding\."):
        call()


def test_dlpack_devices_are_named() -> None:
    class OnDevice:
        def __dlpack_device__(self) -> tuple[int, int]:
            return 2, 0

        def __dlpack__(self) -> None:
            raise AssertionError

    with pytest.raises(TypeError, match=r"must be on the CPU \(call \.cpu\(\)"):
        encode(OnDevice(), Uniform(4))  # type: ignore[arg-type]


# ---- hostile data ---------------------------------------------------------------------------------------


def test_other_models() -> None:
    symbols = gaussian(5000)
    model, other = Categorical.fit(symbols), Categorical.fit(gaussian(5000, 3.1))
    with pytest.raises(ParameterMismatchError):
        decode(encode(symbols, model, param_hash=True), other)
    with pytest.raises(CorruptDataError):
        decode(encode(symbols, model), other)
    with pytest.raises(ParameterMismatchError, match="precision"):
        decode(encode(symbols, model), Categorical.fit(symbols, precision=13))


def test_limits() -> None:
    data = encode(np.zeros(10**6, np.uint8), Uniform(2))
    assert len(data) < 100
    assert decode(data, Uniform(2), dtype=np.uint8).sum() == 0
    with pytest.raises(LimitError, match=r"has 1000000 symbols, at most 999999 are allowed"):
        decode(data, Uniform(2), max_symbols=999_999)
    # 2^26 symbols a block in eight bytes: a hundred blocks must not make anybody allocate 25 GB.
    block = bytes([0x11, 0]) + b"\x80\x80\x80\x20" + b"\x00"
    bomb = b"\xf1\x64" + bytes([len(block)]) * 100 + block * 100
    with pytest.raises(LimitError):
        decode(bomb, Uniform(2))


def test_symbols_that_the_type_cannot_hold() -> None:
    model = Categorical.fit([-1, 300])
    data = encode([-1, 300, 300], model)
    for dtype in (np.uint8, np.int8, np.uint16):
        with pytest.raises(CorruptDataError):
            decode(data, model, dtype=dtype)
    with pytest.raises(ArgumentError, match="cannot hold symbol -1"):
        decode(data, model, dtype=np.uint64)


def test_damage_is_found() -> None:
    symbols = gaussian(3000)
    model = Categorical.fit(symbols)
    rng = np.random.default_rng(5)
    for data in (encode(symbols, model), encode(symbols[:50], model, param_hash=True), model.to_bytes()):
        for size in range(len(data)):
            with pytest.raises(CodecError):
                decode(data[:size], model) if data[0] == 0x31 else Categorical.from_bytes(data[:size])
        for _ in range(1000):
            changed = bytearray(data)
            changed[rng.integers(len(data))] ^= int(rng.integers(1, 256))
            try:
                if data[0] == 0x31:
                    assert (decode(bytes(changed), model) == symbols[: 50 if len(data) < 200 else None]).all()
                else:
                    Categorical.from_bytes(bytes(changed))
            except CodecError:
                pass


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_any_bytes(data: bytes) -> None:
    with contextlib.suppress(CodecError):
        decode(data, Uniform(10), max_symbols=10**6)
    with contextlib.suppress(CodecError):
        Categorical.from_bytes(data)


# ---- the same bytes everywhere --------------------------------------------------------------------------

DIGEST = """
import hashlib, numpy as np
from fewbits.coding import Categorical, Uniform, encode, decode, code_length
h = hashlib.sha256()
x = (np.arange(600_000, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(40)).astype(np.int64)
for precision in (8, 11, 12, 13, 15, 16, 24):
    for mask in (0x3, 0x7f, 0x3ff):
        if mask >= 1 << precision: continue
        s = (x & mask) * (x >> 12 & mask) // (mask + 1)
        m = Categorical.fit(s, precision=precision)
        for n in (s.size, 40_000, 3001, 77):
            d = encode(s[:n], m, param_hash=True)
            assert (decode(d, m) == s[:n]).all()
            h.update(d)
        h.update(m.to_bytes() + np.float64(code_length(s, m)).tobytes())
print(h.hexdigest())
"""
EXPECTED = "2fd798d6753bb2121388bc6fded440e84677cba66b10af9264702e7fc3e07fe0"


@pytest.mark.parametrize("isa", _cpu.supported_isas())
def test_same_bytes(isa: str) -> None:
    environment = os.environ | {"FEWBITS_ISA": isa}
    run = subprocess.run(
        [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == EXPECTED


def test_all_is_documented() -> None:
    for name in coding.__all__:
        assert "Examples\n" in (getattr(coding, name).__doc__ or "")


@pytest.mark.parametrize(("n", "s"), [(1, 2.0), (2, 0.0), (1000, 0.7), (50257, 1.07), (65536, 3.0)])
def test_zipf(n: int, s: float) -> None:
    rng = np.random.default_rng(n)
    exact = np.arange(1, n + 1.0) ** -s
    exact /= exact.sum()
    symbols = rng.choice(n, 20000, p=exact) + 1
    model = coding.Zipf(n, s)
    data = encode(symbols, model)
    assert (decode(data, coding.Zipf(n, s)) == symbols).all()
    ideal = -np.log2(exact[symbols - 1]).sum()
    # The floor of one unit takes n of 2^24 from the others.
    assert code_length(symbols, model) <= ideal * 1.0001 + 20000 * 1.5 * n / 2**24 + 1


def test_zipf_refuses() -> None:
    for bad in ((0, 1.0), (65537, 1.0), (10, -1.0), (10, math.nan)):
        with pytest.raises(ArgumentError):
            coding.Zipf(*bad)
    with pytest.raises(ArgumentError, match="precision"):
        coding.Zipf(5000, 1.0, precision=12)
