"""Parametric models: latents of a learned codec beside constriction, and beside tables built with NumPy.

One thread, CPU time, on the synthetic sets of tests/python/test_coding_mixture.py; threads in a row of their
own. Every contender's output is decoded and compared with the input before anything is timed. constriction's
callbacks and the tables take seconds for the whole set: they are timed on its first part, and rates compared.
"""

from __future__ import annotations

import importlib
import math
import sys
from typing import Any

import numpy as np
from fewbits import coding
from fewbits.coding import AdaptiveByteModel, CategoricalRows, Gaussian, Mixture, code_length, decode, encode
from fewbits.coding.compressai import RansEncoder
from harness import Bench
from numpy.typing import NDArray

PEERS = ("constriction",)
Array = NDArray[Any]


def latents(k: int, ls_mean: float, n: int) -> tuple[Array, Array, Array, Array]:
    """Symbols (n,), and weights, means, scales in (k, n) order."""
    r = np.random.default_rng(0)
    base = np.exp(r.normal(ls_mean, 1.0, n))
    scales = np.clip(base[:, None] * np.exp(r.normal(0, 0.5, (n, k))), 0.11, 256).astype(np.float32)
    mu0 = r.normal(0, 1, n) * base
    means = (mu0[:, None] + r.normal(0, 1, (n, k)) * 0.7 * base[:, None]).astype(np.float32)
    lg = r.normal(0, 1.0, (n, k))
    lg -= lg.max(1, keepdims=True)
    weights = (np.exp(lg) / np.exp(lg).sum(1, keepdims=True)).astype(np.float32)
    u = r.random(n)
    pick = np.minimum((np.cumsum(weights.astype(np.float64), axis=1) < u[:, None]).sum(1), k - 1)
    i = np.arange(n)
    symbols = np.rint(means[i, pick] + scales[i, pick] * r.normal(0, 1, n)).astype(np.int32)
    return symbols, *(np.ascontiguousarray(a.T) for a in (weights, means, scales))  # type: ignore[return-value]


def stream() -> Any | None:
    try:
        return importlib.import_module("constriction").stream
    except ImportError:
        return None


def single(bench: Bench, name: str, ls_mean: float, n: int) -> None:
    """K = 1 beside constriction's QuantizedGaussian with arrays of parameters."""
    symbols, _, means, scales = latents(1, ls_mean, n)
    model = Gaussian(means[0], scales[0])
    data = encode(symbols, model)
    assert (decode(data, model) == symbols).all()
    peer = stream()
    words, compress, decompress = None, None, None
    if peer is not None:
        lo, hi = int(symbols.min()), int(symbols.max())
        theirs = peer.model.QuantizedGaussian(lo, hi)
        m64, s64 = means[0].astype(np.float64), scales[0].astype(np.float64)

        def compress() -> Array:
            coder = peer.stack.AnsCoder()
            coder.encode_reverse(symbols, theirs, m64, s64)
            return coder.get_compressed()  # type: ignore[no-any-return]

        words = compress()

        def decompress() -> Array:
            return peer.stack.AnsCoder(words).decode(theirs, m64, s64)  # type: ignore[no-any-return]

        if not (decompress() == symbols).all():
            raise SystemExit("constriction is not lossless")
    label = f"K = 1, {name}"
    bench.facts(
        f"{label}: bits a symbol",
        {
            "fewbits": 8 * len(data) / n,
            "constriction": 8 * words.nbytes / n if words is not None else None,
            "model": code_length(symbols, model) / n,
        },
        unit="bits",
        digits=4,
    )
    common = {"work": float(n), "unit": "Msym/s", "baseline": "constriction", "time_of": "cpu"}
    out = np.empty_like(symbols)
    row = bench.row(f"{label}: encode", targets={"fewbits": 6.0}, headline=name == "low", **common)
    row.add("fewbits", lambda: encode(symbols, model))
    row.add("constriction", compress)
    row.run()
    row = bench.row(f"{label}: decode", targets={"fewbits": 10.0}, headline=name == "low", **common)
    row.add("fewbits", lambda: decode(data, model, out=out))
    row.add("constriction", decompress)
    row.run()


def custom_model(symbols: Array, weights: Array, means: Array, scales: Array) -> tuple[Any, Any] | None:
    """encode() and decode() by constriction's callbacks: what its users have for mixtures today."""
    peer = stream()
    if peer is None:
        return None
    lo, hi = int(symbols.min()), int(symbols.max())

    def cdf(x: float, *p: float) -> float:
        return 0.5 * sum(
            p[3 * j] * math.erfc((p[3 * j + 1] - x) / (p[3 * j + 2] * math.sqrt(2))) for j in range(3)
        )

    def guess(u: float, *p: float) -> float:
        return sum(p[3 * j] * p[3 * j + 1] for j in range(3))

    theirs = peer.model.CustomModel(cdf, guess, lo, hi)
    parameters = [a[j].astype(np.float64) for j in range(3) for a in (weights, means, scales)]

    def compress() -> Array:
        coder = peer.stack.AnsCoder()
        coder.encode_reverse(symbols, theirs, *parameters)
        return coder.get_compressed()  # type: ignore[no-any-return]

    words = compress()

    def decompress() -> Array:
        return peer.stack.AnsCoder(words).decode(theirs, *parameters)  # type: ignore[no-any-return]

    return compress, decompress


def numpy_tables(symbols: Array, weights: Array, means: Array, scales: Array) -> bytes:
    """Tables for each symbol as CompressAI builds them (pmf by erfc, floor, cumulate), and its stream."""
    erfc = np.frompyfunc(math.erfc, 1, 1)
    top = int(np.abs(symbols).max())
    x = np.arange(-top, top + 1)[:, None] + np.array([-0.5, 0.5])
    pmf = np.zeros((symbols.size, 2 * top + 1))
    for j in range(weights.shape[0]):
        z = (means[j][:, None, None] - x) / (scales[j][:, None, None] * math.sqrt(2))
        edges = 0.5 * erfc(z).astype(np.float64)
        pmf += weights[j][:, None] * (edges[..., 1] - edges[..., 0])
    pmf = np.maximum(pmf, 1 / 65535)
    pmf /= pmf.sum(axis=1, keepdims=True)
    room = 65536 - (pmf.shape[1] + 1)
    cdf = np.floor(np.cumsum(pmf, axis=1) * room).astype(np.int64) + np.arange(1, pmf.shape[1] + 1)
    table = np.concatenate(
        [np.zeros((symbols.size, 1), np.int64), cdf, np.full((symbols.size, 1), 65536)], axis=1
    )
    sizes = np.full(symbols.size, table.shape[1])
    return RansEncoder().encode_with_indexes(
        symbols, np.arange(symbols.size), table.astype(np.int32), sizes, np.full(symbols.size, -top)
    )


def mixtures(bench: Bench, name: str, ls_mean: float, n: int, *, part: int) -> None:
    """K = 3 beside constriction's CustomModel and beside NumPy tables, both on the first `part` symbols."""
    symbols, *parameters = latents(3, ls_mean, n)
    model = Mixture(*parameters)
    data = encode(symbols, model)
    assert (decode(data, model) == symbols).all()
    few = (symbols[:part], *(np.ascontiguousarray(p[:, :part]) for p in parameters))
    small = Mixture(*few[1:])
    label = f"K = 3, {name}"
    bench.facts(
        f"{label}: bits a symbol",
        {"fewbits": 8 * len(data) / n, "model": code_length(symbols, model) / n},
        unit="bits",
        digits=4,
    )
    common = {"work": float(n), "unit": "Msym/s", "time_of": "cpu"}
    out = np.empty_like(symbols)
    row = bench.row(f"{label}: absolute", baseline="encode", headline=True, **common)
    row.add("encode", lambda: encode(symbols, model))
    row.add("decode", lambda: decode(data, model, out=out))
    row.run()
    # Eighteen blocks: an even number that two threads can share.
    long, wide = np.tile(symbols, 8), Mixture(*(np.tile(p, 8) for p in parameters))
    row = bench.row(
        f"{label}: threads",
        baseline="1 thread",
        targets={"2 threads": 1.8},
        work=float(long.size),
        unit="Msym/s",
    )
    row.add("1 thread", lambda: encode(long, wide, threads=1))
    row.add("2 threads", lambda: encode(long, wide, threads=2))
    row.run()

    # fewbits codes 64 copies of the part: its time would vanish in the call otherwise.
    copies = 64
    many = Mixture(*(np.tile(p, copies) for p in few[1:]))
    repeated = np.tile(few[0], copies)
    packed, room = encode(repeated, many), np.empty_like(repeated)
    custom = custom_model(*few)
    if custom is not None and not (custom[1]() == few[0]).all():
        raise SystemExit("constriction is not lossless")
    common = {"work": float(part), "unit": "Msym/s", "time_of": "cpu"}
    row = bench.row(
        f"{label}: encode {part} symbols (fewbits: {copies} times)",
        baseline="constriction CustomModel",
        targets={"fewbits": 150.0 / copies},
        **common,
    )
    row.add("fewbits", lambda: encode(repeated, many))
    row.add("constriction CustomModel", custom and custom[0])
    row.run()
    row = bench.row(
        f"{label}: decode {part} symbols (fewbits: {copies} times)",
        baseline="constriction CustomModel",
        targets={"fewbits": 80.0 / copies},
        **common,
    )
    row.add("fewbits", lambda: decode(packed, many, out=room))
    row.add("constriction CustomModel", custom and custom[1])
    row.run()
    row = bench.row(
        f"{label}: tables of {part} symbols (fewbits: {copies} times)",
        baseline="NumPy tables",
        targets={"fewbits": 300.0 / copies},
        **common,
    )
    row.add("fewbits", lambda: encode(repeated, many))
    row.add("NumPy tables", lambda: numpy_tables(*few))
    row.run()
    assert len(encode(few[0], small)) > 0


def others(bench: Bench, n: int) -> None:
    """Rows of probabilities and adaptive bytes; no peer, absolute rates."""
    rng = np.random.default_rng(1)
    rows = rng.dirichlet(np.ones(32), n // 8)
    symbols = rng.integers(0, 32, n // 8).astype(np.int32)
    model = CategoricalRows(rows)
    data = encode(symbols, model)
    assert (decode(data, model) == symbols).all()
    row = bench.row(
        "rows of 32 probabilities", work=float(n // 8), unit="Msym/s", baseline="encode", time_of="cpu"
    )
    row.add("encode", lambda: encode(symbols, model))
    row.add("decode", lambda: decode(data, model))
    row.run()
    text = np.minimum(rng.geometric(0.05, n), 255).astype(np.uint8)
    for order in (0, 1):
        adaptive = AdaptiveByteModel(order)
        packed = encode(text, adaptive)
        row = bench.row(
            f"adaptive bytes, order {order}", work=float(n), unit="Msym/s", baseline="encode", time_of="cpu"
        )
        row.add("encode", lambda adaptive=adaptive: encode(text, adaptive))
        row.add("decode", lambda adaptive=adaptive, packed=packed: decode(packed, adaptive, dtype=np.uint8))
        row.run()


def main() -> int:
    coding.self_test()
    bench = Bench("coding_mixture", title="Parametric models, one thread", peers=PEERS)
    n = 30_000 if bench.options.quick else 294_912
    for name, ls_mean in (("low", -1.2), ("mid", 0.5)):
        single(bench, name, ls_mean, n)
        mixtures(bench, name, ls_mean, n, part=200 if bench.options.quick else 2000)
    others(bench, n)
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
