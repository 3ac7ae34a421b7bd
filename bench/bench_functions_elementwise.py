"""Elementary and special functions on one thread, beside NumPy and SciPy: float32 (best, fast) and float64.

NumPy runs without its AVX-512 loops, as our AVX2 build does; where the machine has AVX-512, NumPy with it is
timed in a process of its own and shown. Arrays of 65536 elements (they fit L2 or nearly), contenders
interleaved, CPU time. The results of a peer are compared with ours before it is timed. Last: what a call
costs.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

AVX512 = "X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
MACHINE_HAS_AVX512 = Path("/proc/cpuinfo").is_file() and "avx512f" in Path("/proc/cpuinfo").read_text()
WITH_AVX512 = "--numpy-with-avx512" in sys.argv
if MACHINE_HAS_AVX512 and not WITH_AVX512:
    os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", AVX512)  # before NumPy is loaded

import fewbits.functions as ff  # noqa: E402
import numpy as np  # noqa: E402
from fewbits._core import functions as core  # noqa: E402
from harness import Bench, measure  # noqa: E402
from harness import Contender as Timed  # noqa: E402

try:
    import scipy.special as sp
except ImportError:
    sp = None

N = 1 << 16
NUMPY: dict[str, tuple[Callable[..., Any], float, float]] = {
    "exp": (np.exp, -10, 10),
    "exp2": (np.exp2, -10, 10),
    "expm1": (np.expm1, -5, 5),
    "log": (np.log, 0.01, 100),
    "log2": (np.log2, 0.01, 100),
    "log10": (np.log10, 0.01, 100),
    "log1p": (np.log1p, -0.9, 10),
    "sin": (np.sin, -10, 10),
    "cos": (np.cos, -10, 10),
    "tanh": (np.tanh, -5, 5),
    "cbrt": (np.cbrt, -10, 10),
}
SCIPY = {
    "exp10": (-10, 10),
    "erf": (-3, 3),
    "erfc": (-3, 5),
    "erfcx": (-1, 10),
    "ndtr": (-5, 5),
    "log_ndtr": (-10, 5),
    "ndtri": (0.001, 0.999),
    "sigmoid": (-10, 10),
    "log_sigmoid": (-10, 10),
    "log_gamma": (0.1, 50),
}
SCIPY_NAMES = {"sigmoid": "expit", "log_sigmoid": "log_expit", "log_gamma": "gammaln"}
FAST = ("exp", "exp2", "log")
# What the project set out for: NumPy's time for float32, 0.7 of it for float64; three times SciPy's speed.
TARGETS = {"float32": 1.0, "float64": 1 / 0.7}
SCIPY_TARGET = {"erf", "erfc", "ndtr", "log_ndtr", "ndtri", "sigmoid"}


def points(low: float, high: float, dtype: Any) -> np.ndarray:
    return np.random.default_rng(0).uniform(low, high, N).astype(dtype)


def require_close(ours: Any, theirs: Any, what: str) -> None:
    if not np.allclose(ours, theirs, rtol=2e-4, atol=1e-6):
        raise SystemExit(f"{what}: the results differ")


def numpy_with_avx512() -> dict[str, float]:
    """ns per element of NumPy's functions with all its instruction sets, in a process of its own."""
    environment = {k: v for k, v in os.environ.items() if k != "NPY_DISABLE_CPU_FEATURES"}
    command = [sys.executable, __file__, "--numpy-with-avx512"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def print_numpy_times() -> int:
    times = {}
    for name, (theirs, low, high) in NUMPY.items():
        for dtype in (np.float32, np.float64):
            x = points(low, high, dtype)
            out = np.empty_like(x)
            contender = Timed("", lambda f=theirs, x=x, o=out: f(x, out=o), None)
            [measured] = measure([contender], rounds=9, min_time=0.02)
            times[f"{name} {np.dtype(dtype).name}"] = statistics.median(measured.wall) / N * 1e9
    print(json.dumps(times))
    return 0


def main() -> int:
    if WITH_AVX512:
        return print_numpy_times()
    bench = Bench("functions_elementwise", title="Elementary and special functions", peers=["scipy"])
    wide = numpy_with_avx512() if MACHINE_HAS_AVX512 else {}
    if not wide:
        bench.note("This machine has no AVX-512: NumPy runs what it has.")
    ratios: dict[str, list[float]] = {"float32": [], "float64": []}
    for dtype in (np.float32, np.float64):
        label = np.dtype(dtype).name
        for name, (theirs, low, high) in NUMPY.items():
            x = points(low, high, dtype)
            out, other = np.empty_like(x), np.empty_like(x)
            ours = getattr(ff, name)
            require_close(ours(x), theirs(x), name)
            row = bench.row(f"{name}, {label}", work=x.nbytes, baseline="NumPy", time_of="cpu")
            row.add("fewbits", lambda f=ours, x=x, o=out: f(x, out=o))
            if name in FAST and dtype is np.float32:
                row.add("fewbits fast", lambda f=ours, x=x, o=out: f(x, out=o, accuracy="fast"))
            row.add("NumPy", lambda f=theirs, x=x, o=other: f(x, out=o))
            result = row.run()
            speed = next(e for e in result["entries"] if e["name"] == "fewbits")
            ratios[label].append(speed["ratio"]["median"])
            if f"{name} {label}" in wide:
                bench.facts(
                    f"{name}, {label}, ns per element",
                    {
                        "fewbits": speed["wall_seconds"] / N * 1e9,
                        "NumPy with AVX-512": wide[f"{name} {label}"],
                    },
                    unit="ns",
                )
    for label, speeds in ratios.items():
        bench.facts(
            f"median speed over NumPy of {len(speeds)} functions, {label}",
            {"fewbits": statistics.median(speeds)},
            targets={"fewbits": TARGETS[label]},
            unit="x",
            better="higher",
            digits=2,
            headline=True,
        )
    for dtype in (np.float32, np.float64) if sp is not None else ():
        for name, (low, high) in SCIPY.items():
            x = points(low, high, dtype)
            out, other = np.empty_like(x), np.empty_like(x)
            ours, theirs = getattr(ff, name), getattr(sp, SCIPY_NAMES.get(name, name))
            require_close(ours(x), theirs(x), name)
            row = bench.row(
                f"{name}, {np.dtype(dtype).name}",
                work=x.nbytes,
                baseline="scipy.special",
                time_of="cpu",
                targets={"fewbits": 3.0} if name in SCIPY_TARGET else {},
            )
            row.add("fewbits", lambda f=ours, x=x, o=out: f(x, out=o))
            row.add("scipy.special", lambda f=theirs, x=x, o=other: f(x, out=o))
            row.run()
    x, y = points(0.1, 10, np.float64), points(-5, 5, np.float64)
    out, other = np.empty_like(x), np.empty_like(x)
    row = bench.row("pow, float64", work=x.nbytes, baseline="NumPy", time_of="cpu")
    row.add("fewbits", lambda: ff.pow(x, y, out=out))
    row.add("NumPy", lambda: np.power(x, y, out=other))
    row.run()
    # The wrapper: a call on 8 elements, less the kernel on them (64 calls of the kernel at once).
    small, long = points(-1, 1, np.float64)[:8].copy(), points(-1, 1, np.float64)[: 8 * 64].copy()
    result, long_result = np.empty_like(small), np.empty_like(long)
    contenders = [
        Timed("wrapper", lambda: ff.exp(small), None),
        Timed("binding", lambda: core.exp_f64(small, result, False), None),
        Timed("kernel", lambda: core.exp_f64(long, long_result, False), None),
    ]
    wrapper, binding, kernel = (
        statistics.median(t.wall) * 1e6
        for t in measure(contenders, rounds=bench.options.rounds, min_time=0.02)
    )
    per_call = (kernel - binding) / 63
    bench.facts(
        "cost of a call over its kernel",
        {"fewbits": wrapper - per_call, "of which the binding": binding - per_call},
        targets={"fewbits": 1.5},
        unit="us",
        digits=2,
    )
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
