"""Products, factorisations and single operations with every operation rounded, one thread.

The peers are what people compute with today: NumPy's float16 and ml_dtypes as rank-1 updates, which have the
same bits; that is checked before anything is timed.
"""

from __future__ import annotations

import sys
from typing import Any

import fewbits.formats as ff
import numpy as np
from harness import Bench

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None


def rank_one_updates(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    c = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    for k in range(a.shape[1]):
        c = c + a[:, k : k + 1] * b[k : k + 1]
    return c


def peer_type(name: str) -> Any:
    if name == "float16":
        return np.float16
    return getattr(ml_dtypes, name, None) if ml_dtypes else None


def against_apytypes(bench: Bench, plain: np.ndarray) -> None:
    """Products of 32 x 32 matrices of float16, beside those of apytypes, which round the same operations."""
    try:
        import apytypes
    except ImportError:
        bench.note("apytypes is not installed: no row against it.")
        return
    a, b = (ff.emulated(x, "float16") for x in plain)
    p, q = (apytypes.APyFloatArray.from_array(x.values.astype(np.float64), 5, 10) for x in (a, b))
    if not np.array_equal((a @ b).values, (p @ q).to_numpy()):
        raise SystemExit("apytypes: the results differ")
    n = plain.shape[-1]
    row = bench.row(
        f"matmul {n} x {n} x {n} of float16, beside apytypes",
        work=n**3,
        unit="Mop/s",
        baseline="apytypes",
        targets={"fewbits": 20.0},
    )
    row.add("fewbits", lambda: a @ b)
    row.add("apytypes", lambda: p @ q, package="apytypes", rounds=3)
    row.run()


def main() -> int:
    bench = Bench("formats_emulated", title="Emulated arithmetic", peers=["numpy", "ml_dtypes", "apytypes"])
    n = 64 if bench.options.quick else 256
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(2, n, n)) / np.sqrt(n)
    targets = {"float16": 12.0}
    for name in ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"):
        kind = peer_type(name)
        if kind is None:
            bench.note(f"ml_dtypes is not installed: no row for {name}.")
            continue
        a, b = (ff.emulated(x, name) for x in plain)
        p, q = a.values.astype(kind), b.values.astype(kind)
        if not np.array_equal((a @ b).values, rank_one_updates(p, q).astype(np.float32)):
            raise SystemExit(f"{name}: the results differ")
        label = "NumPy" if name == "float16" else "ml_dtypes"
        row = bench.row(
            f"matmul {n} x {n} x {n} of {name}, every product and sum rounded",
            work=n**3,
            unit="Mop/s",
            baseline=label,
            targets={"fewbits": targets[name]} if name in targets else {},
        )
        row.add("fewbits", lambda a=a, b=b: a @ b)
        row.add(label, lambda p=p, q=q: rank_one_updates(p, q), rounds=3)
        row.run()

    against_apytypes(bench, plain[:, :32, :32])

    a, b = (ff.emulated(x, "float16") for x in plain)
    row = bench.row(
        f"matmul {n} x {n} x {n} of float16 by accumulation",
        work=n**3,
        unit="Mop/s",
        baseline="per_op",
    )
    for how in ("per_op", "fma", "wide"):
        x = a.astype("float16", accumulate=how)
        row.add(how, lambda x=x: x @ b)
    row.run()

    f, g = (ff.emulated(x.reshape(-1), "float32") for x in plain)
    row = bench.row(
        f"{n * n} Givens rotations, every operation rounded", work=n * n, unit="Mop/s", baseline="paper"
    )
    for method in ("paper", "lapack_3_10"):
        row.add(method, lambda method=method: ff.givens(f, g, method=method))
    row.run()

    size = 1 << (14 if bench.options.quick else 20)
    x, y = rng.normal(size=(2, size)).astype(np.float16)
    u, v = ff.emulated(x, "float16"), ff.emulated(y, "float16")
    for operation, ours, theirs in (
        ("addition", lambda: u + v, lambda: x + y),
        ("division", lambda: u / v, lambda: x / y),
    ):
        if not np.array_equal(ours().values, theirs().astype(np.float32), equal_nan=True):
            raise SystemExit(f"{operation}: the results differ")
        row = bench.row(f"{operation} of float16 arrays", work=size, unit="Mop/s", baseline="NumPy")
        row.add("fewbits", ours)
        row.add("NumPy", theirs)
        row.run()
    # Correctly rounded functions; NumPy's float16 goes through float32 and rounds once more.
    for name in ("exp", "tanh"):
        function = getattr(np, name)
        got, peer = function(u).values, function(x).astype(np.float32)
        bench.note(
            f"{name} of float16: {int((got != peer).sum())} of {size} results of NumPy are misrounded."
        )
        row = bench.row(f"{name} of float16 arrays", work=size, unit="Mop/s", baseline="NumPy")
        row.add("fewbits", lambda function=function: function(u))
        row.add("NumPy", lambda function=function: function(x))
        row.run()
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
