"""log I, log K and what is built on them, on one thread, beside SciPy; mpmath on a sample.

Before anything is timed: the share of results that are finite, and the largest error of ours and of SciPy's
finite results in eps max(1, |result|), against mpmath at 40 digits where that converges, on a sample of each
set. SciPy has no logarithms: `log(ive) + x` and `log(kve) - x`.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable
from typing import Any

import fewbits.functions as ff
import mpmath
import numpy as np
import scipy.special as sp
from harness import Bench, Contender, measure

N = 1 << 15
EPS = 2.0**-52
SETS = {"[0, 150]^2": (0.0, 150.0), "[150, 1e4]^2": (150.0, 1e4), "[0, 20]^2": (0.0, 20.0)}
TARGETS = {"[0, 150]^2": 20.0, "[150, 1e4]^2": 20.0}
FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any], Any]] = {
    "log_iv": (ff.log_iv, lambda v, x: np.log(sp.ive(v, x)) + x, mpmath.besseli),
    "log_kv": (ff.log_kv, lambda v, x: np.log(sp.kve(v, x)) - x, mpmath.besselk),
}


def points(low: float, high: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, N)


def errors(got: np.ndarray, v: np.ndarray, x: np.ndarray, exact: Any) -> float:
    """Largest error of the finite results among the first few."""
    worst = 0.0
    with mpmath.workdps(40):
        for a, b, value in zip(v.tolist(), x.tolist(), got.tolist(), strict=True):
            truth = logarithm(exact, mpmath.mpf(a), mpmath.mpf(b))
            if math.isfinite(value) and truth is not None:
                worst = max(worst, float(abs(value - truth) / max(1, abs(truth)) / EPS))
    return worst


def logarithm(f: Any, v: Any, x: Any) -> Any:
    """By mpmath; None where it gives up."""
    try:
        return mpmath.log(f(v, x))
    except (mpmath.libmp.NoConvergence, ValueError):
        return None


def main() -> int:
    bench = Bench("functions_bessel", title="Logarithms of Bessel functions", peers=["scipy", "mpmath"])
    sample = 8 if bench.options.quick else 200
    np.seterr(all="ignore")
    for name, (ours, theirs, exact) in FUNCTIONS.items():
        for label, (low, high) in SETS.items():
            v, x = points(low, high, 1), points(low, high, 2)
            a, b = ours(v, x), theirs(v, x)
            bench.facts(
                f"{name} on {label}, results that are finite",
                {"fewbits": np.isfinite(a).mean() * 100, "scipy.special": np.isfinite(b).mean() * 100},
                targets={"fewbits": 100.0},
                unit="%",
                better="higher",
                digits=1,
            )
            few = slice(0, sample)
            bench.facts(
                f"{name} on {label}, largest error of finite results, eps max(1, |result|)",
                {
                    "fewbits": errors(a[few], v[few], x[few], exact),
                    "scipy.special": errors(b[few], v[few], x[few], exact),
                },
                targets={"fewbits": 4.0},
                unit="eps",
                digits=2,
            )
            row = bench.row(
                f"{name} on {label}",
                work=x.nbytes,
                baseline="scipy.special",
                time_of="cpu",
                targets={"fewbits": TARGETS[label]} if label in TARGETS else {},
            )
            out = np.empty_like(x)
            row.add("fewbits", lambda f=ours, v=v, x=x, o=out: f(v, x, out=o))
            row.add("scipy.special", lambda f=theirs, v=v, x=x: f(v, x))
            row.run()
            usable = np.isfinite(b)
            if usable.mean() < 0.5:  # giving up is quick
                w, y = v[usable], x[usable]
                room = np.empty_like(y)
                row = bench.row(
                    f"{name} on {label} where SciPy's result is finite",
                    work=y.nbytes,
                    baseline="scipy.special",
                    time_of="cpu",
                )
                row.add("fewbits", lambda f=ours, v=w, x=y, o=room: f(v, x, out=o))
                row.add("scipy.special", lambda f=theirs, v=w, x=y: f(v, x))
                row.run()
            some_v, some_x = v[: sample // 8], x[: sample // 8]

            def slow(f: Any = exact, v: Any = some_v, x: Any = some_x) -> None:
                for i in range(v.size):
                    logarithm(f, v[i], x[i])

            [timed] = measure([Contender("mpmath", slow, None)], rounds=3, min_time=0.0)
            bench.facts(
                f"{name} on {label}, mpmath at 15 digits, per element",
                {"mpmath": statistics.median(timed.wall) / some_v.size * 1e6},
                unit="us",
                digits=0,
            )
    v, x = points(0, 150, 1), points(0, 150, 2)
    out = np.empty_like(x)
    row = bench.row("iv_ratio on [0, 150]^2", work=x.nbytes, baseline="scipy.special", time_of="cpu")
    row.add("fewbits", lambda: ff.iv_ratio(v, x, out=out))
    row.add("scipy.special", lambda: sp.ive(v + 1, x) / sp.ive(v, x))
    row.run()
    z = ff.sample_normal(N)
    generator = np.random.Generator(np.random.Philox(1))
    row = bench.row("normal draws", work=z.nbytes, baseline="NumPy, Philox and the ziggurat", time_of="cpu")
    row.add("fewbits", lambda: ff.sample_normal(N))
    row.add("NumPy, Philox and the ziggurat", lambda: generator.standard_normal(N))
    row.run()
    for p in (2048, 32768):
        mu = np.full(p, 1 / math.sqrt(p))
        rows = ff.vmf.sample(32, mu, float(p))
        [fit, kappa, draw] = measure(
            [
                Contender("fit", lambda rows=rows: ff.vmf.fit(rows), None),
                Contender("kappa", lambda p=p: ff.vmf.kappa_from_resultant(p, 0.5), None),
                Contender("sample", lambda mu=mu, p=p: ff.vmf.sample(32, mu, float(p)), None),
            ],
            rounds=bench.options.rounds,
            min_time=0.02,
        )
        bench.facts(
            f"von Mises-Fisher, p = {p}",
            {
                "kappa from R": statistics.median(kappa.wall) * 1e6,
                "a fit to 32 rows": statistics.median(fit.wall) * 1e6,
                "a sample": statistics.median(draw.wall) / 32 * 1e6,
            },
            targets={"kappa from R": 1000.0},
            unit="us",
            digits=1,
        )
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
