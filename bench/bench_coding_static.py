"""Static models: messages of integers beside constriction, and float exponents as the tensor codec sees them.

One thread. Every contender's output is decoded and compared with the input before anything is timed.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np
from fewbits.coding import Categorical, Uniform, code_length, decode, encode
from harness import Bench
from numpy.typing import NDArray

PEERS = ("constriction",)
TARGETS = {"decode": {"fewbits": 20.0}, "encode": {"fewbits": 3.0}}

Symbols = NDArray[np.int32]


def messages(n: int) -> dict[str, Symbols]:
    """Name -> symbols. All from one seed."""
    rng = np.random.default_rng(0)
    exponents = (rng.normal(0, 0.02, n).astype(np.float32).view(np.uint32) >> 23 & 255).astype(np.int32)
    return {
        "Gaussian, 3.7 bits": np.rint(rng.normal(0, 3.2, n)).astype(np.int32),
        "bfloat16 exponents, 2.5 bits": exponents,
        "geometric, 0.5 bits": rng.geometric(0.91, n).astype(np.int32) - 1,
    }


def constriction_coder(symbols: Symbols, model: Categorical) -> tuple[Any, Any] | None:
    """encode() and decode(words) with the same frequencies, on symbols from 0."""
    try:
        stream = importlib.import_module("constriction").stream
    except ImportError:
        return None
    shifted = np.ascontiguousarray(symbols - model.lo)
    peer = stream.model.Categorical(model.probabilities.astype(np.float32), perfect=False)

    def compress() -> NDArray[np.uint32]:
        coder = stream.stack.AnsCoder()
        coder.encode_reverse(shifted, peer)
        return coder.get_compressed()  # type: ignore[no-any-return]

    def decompress(words: NDArray[np.uint32]) -> Symbols:
        return stream.stack.AnsCoder(words).decode(peer, shifted.size) + np.int32(model.lo)  # type: ignore[no-any-return]

    return compress, decompress


def compare(bench: Bench, label: str, symbols: Symbols, *, headline: bool) -> None:
    model = Categorical.fit(symbols)
    data = encode(symbols, model)
    if not np.array_equal(decode(data, model), symbols):
        raise SystemExit(f"{label}: fewbits is not lossless")
    peer = constriction_coder(symbols, model)
    words = None
    if peer is not None:
        words = peer[0]()
        if not np.array_equal(peer[1](words), symbols):
            raise SystemExit(f"{label}: constriction is not lossless")

    ideal = code_length(symbols, model)
    assert isinstance(ideal, float)
    sizes = {"fewbits": 8 * len(data), "constriction": 8 * words.nbytes if words is not None else None}
    bench.facts(
        f"{label}: bits a symbol",
        {name: size / symbols.size if size else None for name, size in sizes.items()}
        | {"model": ideal / symbols.size},
        unit="bits",
        digits=4,
        headline=headline,
    )
    common = {"work": float(symbols.size), "unit": "Msym/s", "baseline": "constriction", "time_of": "cpu"}
    out = np.empty_like(symbols)
    row = bench.row(f"{label}: decode", targets=TARGETS["decode"], headline=headline, **common)
    row.add("fewbits", lambda: decode(data, model, out=out))
    row.add("fewbits, new array", lambda: decode(data, model))
    row.add("constriction", peer and (lambda: peer[1](words)))
    row.run()
    row = bench.row(f"{label}: encode", targets=TARGETS["encode"], headline=headline, **common)
    row.add("fewbits", lambda: encode(symbols, model))
    row.add("fewbits with fit", lambda: encode(symbols, Categorical.fit(symbols)))
    row.add("constriction", peer and peer[0])
    row.run()


def precisions(bench: Bench, symbols: Symbols) -> None:
    """What more precise frequencies cost: 13 to 15 bits look up twice, above that states have 64 bits."""
    models = {p: Categorical.fit(symbols, precision=p) for p in (10, 12, 14, 15, 20)}
    packed = {p: encode(symbols, model) for p, model in models.items()}
    bench.facts(
        "precision: bits a symbol",
        {f"P = {p}": 8 * len(data) / symbols.size for p, data in packed.items()},
        unit="bits",
        digits=4,
    )
    out = np.empty_like(symbols)
    common = {"work": float(symbols.size), "unit": "Msym/s", "baseline": "P = 12", "time_of": "cpu"}
    row = bench.row("precision: decode", **common)
    for p, data in packed.items():
        row.add(f"P = {p}", lambda data=data, p=p: decode(data, models[p], out=out))
    row.run()
    row = bench.row("precision: encode", **common)
    for p, model in models.items():
        row.add(f"P = {p}", lambda model=model: encode(symbols, model))
    row.run()


def bytes_at_full_entropy(bench: Bench, n: int) -> None:
    """The most words a symbol: uniform bytes."""
    symbols = np.random.default_rng(1).integers(0, 256, n, np.uint8)
    model = Uniform(256)
    data, out = encode(symbols, model), np.empty_like(symbols)
    common = {"work": float(n), "unit": "Msym/s", "time_of": "cpu"}
    row = bench.row("uniform bytes", baseline="memcpy", **common)
    row.add("fewbits decode", lambda: decode(data, model, out=out))
    row.add("fewbits encode", lambda: encode(symbols, model))
    row.add("memcpy", lambda: bytearray(symbols))
    row.run()


def main() -> int:
    bench = Bench("coding_static", title="Static models, one thread", peers=PEERS)
    n = 100_000 if bench.options.quick else 1_000_000
    sets = messages(n)
    for label, symbols in sets.items():
        compare(bench, label, symbols, headline=label.startswith("Gaussian"))
    precisions(bench, sets["bfloat16 exponents, 2.5 bits"])
    bytes_at_full_entropy(bench, n)
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
