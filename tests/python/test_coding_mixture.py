"""Parametric models and mixtures from Python: bytes, rates, types, arguments, damage."""

from __future__ import annotations

import math
import re
import zlib
from typing import Any

import numpy as np
import pytest
import ref_coding as ref
from fewbits import coding
from fewbits.coding import CategoricalRows, Gaussian, Laplace, Logistic, Mixture, code_length, decode, encode
from fewbits.errors import ArgumentError, CodecError, CorruptDataError, LimitError, ParameterMismatchError

FAMILIES = ("gaussian", "laplace", "logistic")


def latents(k: int, ls_mean: float, n: int = 294912) -> tuple[np.ndarray[Any, Any], ...]:
    """The format's synthetic sets: symbols, and weights, means, scales of shape (n, k)."""
    r = np.random.default_rng(0)
    base = np.exp(r.normal(ls_mean, 1.0, n))
    scales = np.clip(base[:, None] * np.exp(r.normal(0, 0.5, (n, k))), 0.11, 256).astype(np.float32)
    mu0 = r.normal(0, 1, n) * base
    means = (mu0[:, None] + r.normal(0, 1, (n, k)) * 0.7 * base[:, None]).astype(np.float32)
    lg = r.normal(0, 1.0, (n, k))
    lg -= lg.max(1, keepdims=True)
    weights = (np.exp(lg) / np.exp(lg).sum(1, keepdims=True)).astype(np.float32)
    u = r.random(n)
    w64 = weights.astype(np.float64)
    cumulative = np.cumsum(w64 / w64.sum(1, keepdims=True), axis=1)
    pick = np.minimum((cumulative < u[:, None]).sum(1), k - 1)
    i = np.arange(n)
    symbols = np.rint(means[i, pick] + scales[i, pick] * r.normal(0, 1, n)).astype(np.int32)
    return symbols, weights, means, scales


# ---- against the reference ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tables() -> list[list[int]]:
    return [ref.cdf_table(family) for family in FAMILIES]


def test_bytes_equal_the_reference(tables: list[list[int]]) -> None:
    rng = np.random.default_rng(1)
    compared = 0
    for case in range(200):
        family = case % 3
        k, n = int(rng.integers(1, 6)), int(rng.integers(40, 90))
        scales = np.exp(rng.normal(-0.7, 0.7, (k, n))).astype(np.float32)
        means = rng.normal(0, 6, (k, n)).astype(np.float32)
        weights = rng.dirichlet(np.ones(k), n).T.astype(np.float32)
        symbols = np.rint(means[0] + scales[0] * rng.normal(0, 1, n)).astype(np.int32)
        lanes, checksum = (1, 2, 4, 8)[case % 4], bool(case & 4)
        model = Mixture(weights, means, scales, family=FAMILIES[family])
        data = encode(symbols, model, lanes=lanes, checksum=checksum)
        assert (decode(data, model) == symbols).all()
        if data[0] >> 4 != 4:
            continue  # stored, being shorter
        expected = ref.parametric_block(
            symbols.tolist(),
            tables[family],
            family,
            weights=weights.T.tolist(),
            means=means.T.tolist(),
            scales=scales.T.tolist(),
            lanes=lanes,
            checksum=checksum,
        )
        assert data == expected
        compared += 1
    assert compared > 60


# crc32 of the symbols, ideal bits, leaky ideal bits
SETS = {
    (1, "low"): (0x08F91AAE, 298074.263, 298072.595),
    (1, "mid"): (0x62165994, 849364.357, 849384.005),
    (3, "low"): (0xA379007A, 332277.257, 332273.023),
    (3, "mid"): (0xC787B1F9, 913389.554, 913392.128),
    (4, "low"): (0x624C1F97, 337556.870, 337553.950),
    (4, "mid"): (0xA8085C0D, 924432.566, 924444.686),
}


@pytest.mark.parametrize(("k", "name"), SETS)
def test_rate_of_the_synthetic_sets(k: int, name: str) -> None:
    symbols, weights, means, scales = latents(k, -1.2 if name == "low" else 0.5)
    crc, ideal, leaky = SETS[k, name]
    assert zlib.crc32(symbols.tobytes()) == crc
    model = Mixture(weights, means, scales, axis=-1)
    whole = model.with_support(int(symbols.min()), int(symbols.max()))
    bits = code_length(symbols, whole)
    assert isinstance(bits, float)
    assert abs(bits - leaky) < 1e-5 * leaky
    assert bits <= 1.00001 * leaky
    data = encode(symbols, model, checksum=False)
    own = code_length(symbols, model)
    assert isinstance(own, float)
    assert 8 * len(data) <= own + 3 * (64 * 8 + 128) + 64
    assert (decode(data, model) == symbols).all()
    # Component-major arrays code to the same bytes.
    planes = [np.ascontiguousarray(a.T) for a in (weights, means, scales)]
    assert encode(symbols, Mixture(*planes), checksum=False) == data
    if name == "low" and k == 1:
        assert abs(coding.ideal_code_length(symbols, model) - ideal) < 0.01


def test_ideal_code_length_against_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    special = pytest.importorskip("scipy.special")
    q = np.array([0, 1, -1, 3, -20, 30, 200, -1000])
    m, s = np.float32(0.3), np.float32(2.5)
    for family, distribution in (
        ("gaussian", stats.norm),
        ("laplace", stats.laplace),
        ("logistic", stats.logistic),
    ):
        a, b = (q - 0.5 - float(m)) / float(s), (q + 0.5 - float(m)) / float(s)
        flip = a + b > 0
        a, b = np.where(flip, -b, a), np.where(flip, -a, b)
        if family == "gaussian":
            log_b, log_a = special.log_ndtr(b), special.log_ndtr(a)
        else:
            log_b, log_a = distribution.logcdf(b), distribution.logcdf(a)
        expected = -(log_b + np.log1p(-np.exp(log_a - log_b))) / math.log(2)
        got = coding.ideal_code_length(q, Mixture._single("t", family, m, s, None), per_symbol=True)
        np.testing.assert_allclose(got, expected, rtol=1e-9)
    w = np.array([[0.25, 0.5], [0.75, 0.5]], np.float32)
    mixture = Mixture(w, np.zeros((2, 2)), np.full((2, 2), 3.0))
    single = Gaussian(np.zeros(2), 3.0)
    assert coding.ideal_code_length([2, 5], mixture) == pytest.approx(
        coding.ideal_code_length([2, 5], single)
    )
    rows = CategoricalRows([[0.5, 0.25, 0.25], [1.0, 1.0, 2.0]])
    assert coding.ideal_code_length([1, 2], rows) == pytest.approx(3.0)


# ---- shapes and types -----------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_axes_and_shapes(axis: int) -> None:
    rng = np.random.default_rng(2)
    w = rng.dirichlet(np.ones(3), (4, 5))
    parameters = [
        np.moveaxis(a, -1, axis) for a in (w, rng.normal(0, 4, (4, 5, 3)), rng.uniform(0.5, 3, (4, 5, 3)))
    ]
    model = Mixture(*parameters, axis=axis)
    symbols = rng.integers(-8, 8, (4, 5))
    data = encode(symbols, model, param_hash=True)
    assert model.shape == (4, 5)
    assert model.components == 3
    back = decode(data, model)
    assert back.shape == (4, 5)
    assert (back == symbols).all()
    assert back.flags.c_contiguous
    first = Mixture(*(np.moveaxis(p, axis, 0) for p in parameters))
    assert encode(symbols, first, param_hash=True) == data
    assert model.weights.shape == model.means.shape == model.scales.shape == (3, 4, 5)
    out = np.empty((4, 5), np.int64)
    assert decode(data, model, out=out) is out
    assert (out == symbols).all()
    assert decode(data, model, dtype=np.int8).dtype == np.int8
    if int(symbols.min()) < 0:
        with pytest.raises(ArgumentError, match="cannot hold symbol"):
            decode(data, model, dtype=np.uint8)


def test_parameter_types() -> None:
    rng = np.random.default_rng(3)
    means, scales = rng.normal(0, 3, 100), rng.uniform(0.3, 3, 100)
    symbols = np.rint(means).astype(np.int16)
    data = encode(symbols, Gaussian(means, scales))
    assert data == encode(symbols, Gaussian(means.astype(np.float32), scales.astype(np.float32)))
    half = Gaussian(means.astype(np.float16), scales.astype(np.float16))
    assert encode(symbols, half) == encode(
        symbols,
        Gaussian(means.astype(np.float16).astype(np.float64), scales.astype(np.float16).astype(np.float64)),
    )
    ml_dtypes = pytest.importorskip("ml_dtypes")
    brain = means.astype(ml_dtypes.bfloat16)
    assert encode(symbols, Gaussian(brain, 1.0)) == encode(symbols, Gaussian(brain.astype(np.float32), 1.0))
    with pytest.raises(TypeError, match="mean must have a floating point dtype, got int64"):
        Gaussian(np.arange(3), 1.0)
    # Scalars and shapes broadcast; scalars are shared by any number of symbols.
    assert Gaussian(0, 2).shape is None
    assert Laplace(means[:, None], np.ones(3)).shape == (100, 3)
    shared = Logistic(0.5, 2.0)
    for n in (0, 1, 5, 1000):
        part = np.resize(symbols, n)
        assert (decode(encode(part, shared), shared) == part).all()


def test_hard_parameters() -> None:
    for scale in (1e-9, 2.0**-30, 1e-40, 1e4, 1e6, 1e30):
        for mean in (0.0, 0.5, -0.5, 1e6, -1e30):
            model = Gaussian(mean, scale)
            for symbols in ([0, 1], [5, -5, 0, 100], [0] * 10, [2**20, 0, 1], [-(2**30), 2**30]):
                assert (decode(encode(symbols, model), model) == symbols).all()
    # A point mass: half and half where the mean is half an integer.
    assert code_length([0], Gaussian(0.0, 1e-9, support=(-1, 1))) < 1e-5
    assert code_length([0, 1], Gaussian(0.5, 1e-9, support=(-1, 1)), per_symbol=True) == pytest.approx(
        [1, 1], abs=1e-5
    )
    assert code_length([7], Gaussian(1e6, 1.0, support=(0, 10))) <= 24
    # Far symbols are exceptions: a few bytes each.
    near = np.zeros(1000, np.int32)
    near[::7] = 1
    far = near.copy()
    far[500] = 2**20
    model = Gaussian(0.0, 1.0)
    assert len(encode(far, model)) <= len(encode(near, model)) + 16


# ---- integers -------------------------------------------------------------------------------------------


def test_cdf_and_pmf(tables: list[list[int]]) -> None:
    model = Mixture([0.6, 0.3, 0.1], [0.25, -3.5, 7.0], [0.5, 2.0, 10.0], support=(-20, 20))
    q = [-20, -19, -5, -1, 0, 1, 2, 7, 20, 21]
    expected = [0, 6753, 975801, 4568599, 5749639, 12311734, 15494201, 15904890, 16599964, 16777216]
    assert coding.cdf_int(model, q).tolist() == expected
    assert coding.pmf(model, -20, 20).sum() == 1.0
    bits = -np.log2(coding.pmf(model, -20, 20))
    np.testing.assert_allclose(code_length(np.arange(-20, 21), model, per_symbol=True), bits, rtol=1e-14)
    with pytest.raises(ArgumentError, match="must have a support"):
        coding.cdf_int(Gaussian(0.0, 1.0), [0])
    rows = coding.pmf(Laplace(np.array([0.0, 3.0]), 1.0), -5, 5)
    assert rows.shape == (2, 11)
    assert (rows.sum(axis=1) == 1).all()


def test_rows() -> None:
    rng = np.random.default_rng(4)
    probs = rng.dirichlet(np.ones(7), (3, 20))
    model = CategoricalRows(probs, lo=-3)
    symbols = rng.integers(-3, 4, (3, 20))
    data = encode(symbols, model, param_hash=True)
    assert (decode(data, model) == symbols).all()
    frequencies = model.frequencies()
    assert (frequencies.sum(axis=-1) == 2**24).all()
    assert frequencies.min() >= 1
    chosen = np.take_along_axis(frequencies, symbols[..., None] + 3, axis=-1)[..., 0]
    np.testing.assert_allclose(code_length(symbols, model, per_symbol=True), 24 - np.log2(chosen), rtol=1e-14)
    # The definition, row by row.
    flat = probs.reshape(-1, 7)
    for row, f in zip(flat, frequencies.reshape(-1, 7), strict=False):
        cumulative = [0.0]
        for p in row:
            cumulative.append(cumulative[-1] + p)
        r = (2**24 - 7) / cumulative[-1]
        edges = [int(c * r) + s for s, c in enumerate(cumulative[:-1])] + [2**24]
        assert np.diff(edges).tolist() == f.tolist()
    with pytest.raises(ParameterMismatchError):
        decode(data, CategoricalRows(probs[..., ::-1], lo=-3))
    with pytest.raises(ArgumentError, match=r"symbols must be in -3\.\.3, got symbols\[1\] = 4"):
        encode([0, 4], CategoricalRows(probs[0, :2], lo=-3))
    with pytest.raises(ArgumentError, match="row 1, column 2"):
        encode([0, 1], CategoricalRows([[0.5, 0.5, 0], [0.5, 0.5, np.nan]]))


# ---- arguments ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Mixture([[0.5]], [[0.5]], [[1.0, 2.0]]), "scales must have the shape of weights"),
        (lambda: Mixture(0.5, 0.5, 1.0), "must have an axis of components"),
        (
            lambda: Mixture(np.ones((17, 2)) / 17, np.ones((17, 2)), np.ones((17, 2))),
            "1 to 16 components, got 17",
        ),
        (lambda: Mixture([1.0], [0.0], [1.0], axis=1), "axis must be in -1..0, got 1"),
        (lambda: Gaussian(np.zeros(3), np.ones(2)), "shapes that broadcast"),
        (lambda: Gaussian(0.0, 1.0, support=(3, 2)), "support"),
        (lambda: Gaussian(0.0, 1.0, support=(0, 65536)), "support"),
        (
            lambda: encode([1, 2], Gaussian(np.zeros(3), 1.0)),
            r"symbols must have the shape of the model, \(3,\)",
        ),
        (lambda: encode([0, 1], Gaussian(0.0, -0.5)), r"scales\[index 0\] = -0.5: must be > 0"),
        (
            lambda: encode([0, 1], Gaussian(np.array([0.0, np.inf]), 1.0)),
            r"means\[index 1\] = inf: must be finite",
        ),
        (
            lambda: encode([0, 1], Mixture([0.5, 0.6], [0.0, 0.0], [1.0, 1.0])),
            "sum to 1.10000002: must be 1 within",
        ),
        (
            lambda: encode([0, 2**30 + 1], Gaussian(0.0, 1.0)),
            r"in -2\^30..2\^30, got symbols\[1\] = 1073741825",
        ),
        (lambda: encode([0, 1], Gaussian(0.0, 1.0), lanes=32), "lanes must be one of 1, 2, 4, 8"),
        (lambda: Mixture([1.0], [0.0], [1.0], family="cauchy"), "family must be one of"),
        (lambda: CategoricalRows(np.zeros((3, 0))), "1 to 65536 columns"),
        (
            lambda: decode(encode([1, 2], Gaussian(0.0, 1.0)), Gaussian(np.zeros(3), 1.0)),
            "parameters for 2 symbols",
        ),
    ],
)
def test_bad_arguments(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()


def test_normalize() -> None:
    w = np.array([[3.0, 1.0], [1.0, 1.0]])
    model = Mixture(w, np.zeros((2, 2)), np.ones((2, 2)), normalize=True)
    other = Mixture(w / w.sum(axis=0), np.zeros((2, 2)), np.ones((2, 2)))
    assert encode([0, 1], model) == encode([0, 1], other)
    with pytest.raises(TypeError, match="model must be"):
        encode([0], 3)  # type: ignore[arg-type]


# ---- damage ---------------------------------------------------------------------------------------------


def test_mismatch_is_found() -> None:
    rng = np.random.default_rng(5)
    means = rng.normal(0, 5, 100_000).astype(np.float32)
    symbols = np.rint(means + rng.normal(0, 1, means.size)).astype(np.int32)
    data = encode(symbols, Gaussian(means, 1.0))
    tagged = encode(symbols, Gaussian(means, 1.0), param_hash=True)
    raised = 0
    for i in range(0, 60):
        changed = means.copy()
        changed[i] = np.nextafter(changed[i], np.float32(np.inf))
        try:
            assert (decode(data, Gaussian(changed, 1.0)) == symbols).all()
        except CorruptDataError as error:
            raised += 1
            message = str(error)
            if not re.search("parameters differ|truncated", message):
                raise
        with pytest.raises(ParameterMismatchError):
            decode(tagged, Gaussian(changed, 1.0))
    assert raised > 0
    with pytest.raises(ParameterMismatchError, match="gaussian models of 1"):
        decode(data, Laplace(means, 1.0))


def test_mutations_and_truncations() -> None:
    rng = np.random.default_rng(6)
    model = Mixture([0.5, 0.5], [0.0, 300.0], [3.0, 80.0])
    symbols = np.rint(
        np.where(rng.random(400) < 0.5, rng.normal(0, 3, 400), rng.normal(300, 80, 400))
    ).astype(int)
    symbols[7] = 10**6
    data = encode(symbols, model)
    for size in range(len(data)):
        with pytest.raises(CodecError):
            decode(data[:size], model)
    for _ in range(2000):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] ^= int(rng.integers(1, 256))
        with pytest.raises((CodecError, LimitError)):
            decode(bytes(damaged), model)


def test_snap_parameters() -> None:
    symbols, w, m, s = latents(3, 0.5, 20000)
    weights, means, scales = coding.snap_parameters(w, m, s)
    model = Mixture(weights, means, scales, axis=-1, normalize=True)
    exact = code_length(symbols, Mixture(w, m, s, axis=-1))
    assert code_length(symbols, model) < 1.0005 * exact
    again = coding.snap_parameters(np.nextafter(w, np.float32(1)), m * np.float32(1 + 1e-7), s)
    same = (again[1] == means).mean()
    assert same > 0.999
    with pytest.raises(ArgumentError, match="scales must be > 0"):
        coding.snap_parameters([1.0], [0.0], [0.0])


# ---- fitting --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_fit_single(family: str) -> None:
    rng = np.random.default_rng(7)
    draw = {"gaussian": rng.normal, "laplace": rng.laplace, "logistic": rng.logistic}[family]
    symbols = np.rint(draw(2.3, 4.0, 50000)).astype(int)
    model = coding.fit(symbols, family=family)  # type: ignore[arg-type]
    assert float(model.means[0]) == pytest.approx(2.3, abs=0.1)
    assert float(model.scales[0]) == pytest.approx(4.0, rel=0.02)
    best = coding.ideal_code_length(symbols, model)
    for dm, ds in ((0.02, 1), (-0.02, 1), (0, 1.005), (0, 0.995)):
        other = Mixture._single("t", family, float(model.means[0]) + dm, float(model.scales[0]) * ds, None)
        assert coding.ideal_code_length(symbols, other) > best - 1e-6
    rows = coding.fit(symbols[:1000].reshape(10, 100), family=family, axis=0)  # type: ignore[arg-type]
    assert rows.shape == (10, 100)
    assert (rows.means[0, :, 0] == rows.means[0, :, 99]).all()


def test_fit_mixture_reaches_the_ideal() -> None:
    rng = np.random.default_rng(8)
    symbols = np.rint(np.concatenate([rng.normal(-20, 2, 30000), rng.normal(5, 6, 20000)])).astype(int)
    model = coding.fit(symbols, components=2)
    truth = Mixture([0.6, 0.4], [-20.0, 5.0], [2.0, 6.0])
    assert coding.ideal_code_length(symbols, model) < 1.0002 * coding.ideal_code_length(symbols, truth)
    assert code_length(symbols, model) < 1.003 * coding.ideal_code_length(symbols, truth)
    assert coding.fit([5, 5, 5], components=3).components == 3
    with pytest.raises(ArgumentError, match="symbols must not be empty"):
        coding.fit([])
    with pytest.raises(ArgumentError, match="components must be 1 with an axis"):
        coding.fit([[1, 2]], components=2, axis=0)
