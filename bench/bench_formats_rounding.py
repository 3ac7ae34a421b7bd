"""Rounding to small formats, one thread: values, codes and back, beside memcpy, ml_dtypes, NumPy and pychop.

The input are normal deviates as float32. The result of every peer is compared with ours before it is timed.
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

ROUNDED = (
    "float16",
    "bfloat16",
    "float8_e4m3fn",
    "float8_e5m2",
    "float4_e2m1fn",
    "float(p=6,emin=-20,emax=20)",
)
CODES = ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float4_e2m1fn")


def require_equal(ours: Any, theirs: Any, what: str) -> None:
    if not np.array_equal(ours, theirs, equal_nan=True):
        raise SystemExit(f"{what}: the results differ")


def peer_type(name: str) -> Any:
    if name == "float16":
        return np.float16
    return getattr(ml_dtypes, name, None) if ml_dtypes else None


def pychop_rounding(x: np.ndarray) -> Any:
    """pychop's float16, or None."""
    try:
        from pychop import Chop
    except ImportError:
        return None
    chop = Chop(exp_bits=5, sig_bits=10, rmode=1)
    return lambda: np.asarray(chop(x))


def main() -> int:
    bench = Bench("formats_rounding", title="Rounding to number formats", peers=["ml_dtypes", "pychop"])
    n = 1 << (16 if bench.options.quick else 22)
    x = np.random.default_rng(0).normal(size=n).astype(np.float32)
    out = np.empty_like(x)
    work = x.nbytes

    for name in ROUNDED:
        f = ff.get(name)
        row = bench.row(
            f"float32 to values of {name}",
            work=work,
            baseline="memcpy",
            targets={"nearest_even": 0.6, "toward_positive": 0.4, "stochastic": 0.15},
        )
        row.add("memcpy", lambda: np.copyto(out, x))
        for mode in ("nearest_even", "toward_positive", "stochastic"):
            row.add(mode, lambda f=f, mode=mode: ff.round_to(x, f, rounding=mode, out=out))
        row.run()

    chop = pychop_rounding(x)
    row = bench.row("float32 to values of float16", work=work, baseline="pychop", targets={"fewbits": 300})
    row.add("fewbits", lambda: ff.round_to(x, "float16", out=out))
    row.add("pychop", chop, package="pychop", rounds=3)
    if chop is not None:
        require_equal(ff.round_to(x, "float16"), chop(), "pychop")
        row.run()
    else:
        bench.note("pychop is not installed: no row against it.")

    for name in CODES:
        peer, f = peer_type(name), ff.get(name)
        if peer is None:
            bench.note(f"ml_dtypes is not installed: no rows for the codes of {name}.")
            continue
        codes, theirs = ff.encode(x, f), x.astype(peer)
        require_equal(codes, theirs.view(f.code_dtype), f"encode {name}")
        targets: dict[str, dict[str, float]] = {"encode": {"fewbits": 20}, "decode": {"fewbits": 10}}
        if name in ("float16", "bfloat16"):
            targets = {"encode": {"fewbits": 4} if name == "float16" else {}, "decode": {}}
        label = "NumPy" if name == "float16" else "ml_dtypes"
        row = bench.row(
            f"float32 to codes of {name}",
            work=work,
            baseline=label,
            targets=targets["encode"],
        )
        row.add("fewbits", lambda f=f: ff.encode(x, f))
        row.add(label, lambda peer=peer: x.astype(peer))
        row.run()
        require_equal(ff.decode(codes, f), theirs.astype(np.float32), f"decode {name}")
        row = bench.row(f"codes of {name} to float32", work=work, baseline=label, targets=targets["decode"])
        row.add("fewbits", lambda codes=codes, f=f: ff.decode(codes, f))
        row.add(label, lambda theirs=theirs: theirs.astype(np.float32))
        row.run()
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
