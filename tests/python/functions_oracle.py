"""The functions by mpmath, and the driver of ``tests/oracle/functions_oracle.cpp`` that measures bounds.

``python tests/python/functions_oracle.py exhaustive|fast|sampled [NAME...]`` measures and writes the result
into ``python/fewbits/functions/bounds.json``, which `fewbits.functions.error_bound` and the docs read.
"""

from __future__ import annotations

import datetime
import json
import math
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
from mpmath import mp, mpf

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "python/fewbits/functions/bounds.json"
INF = float("inf")

Exact = Callable[[Any], Any]


def _digits(digits: int, f: Exact) -> Exact:
    """f at `digits` digits; the arguments are exact floats."""

    def evaluate(x: float) -> Any:
        with mp.workdps(digits):
            return +f(mpf(x))

    return evaluate


def _erfcx(x: Any) -> Any:
    if x > 1e6:
        # The asymptotic series; its seventh term is below 1e-80.
        term, total = mpf(1), mpf(1)
        for k in range(1, 7):
            term *= -(2 * k - 1) / (2 * x * x)
            total += term
        return total / (x * mp.sqrt(mp.pi))
    return mp.exp(x * x) * mp.erfc(x)


def _ndtr(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _log_ndtr(x: Any) -> Any:
    if x < -1e6:
        # log of the asymptotic series; its fourth term is below 1e-42.
        t = 1 / (x * x)
        return -x * x / 2 - mp.log(-x) - mp.log(2 * mp.pi) / 2 + mp.log1p(-t + 3 * t**2 - 15 * t**3)
    return mp.log1p(-_ndtr(-x)) if x > -1 else mp.log(_ndtr(x))


def _softplus(x: Any) -> Any:
    return mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x))


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _gelu_tanh(x: Any) -> Any:
    return x * _sigmoid(2 * mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3))


def _ndtri(p: Any) -> Any:
    tail = min(p, 1 - p)
    if tail > mpf("0.01"):
        g = -mp.sqrt(2) * mp.erfinv(2 * tail - 1)
    else:
        t = mp.sqrt(-2 * mp.log(tail))
        g = t - (mp.log(t) + mp.log(2 * mp.pi) / 2) / t
    for _ in range(30):
        q = mp.erfc(g / mp.sqrt(2)) / 2
        step = (mp.log(q) - mp.log(tail)) * q / (mp.exp(-g * g / 2) / mp.sqrt(2 * mp.pi))
        g += step
        if abs(step) < abs(g) * mpf(10) ** (10 - mp.dps) or g == 0:
            break
    return -g if p <= mpf("0.5") else g


EXACT: dict[str, Exact] = {
    "exp": _digits(60, mp.exp),
    "exp2": _digits(60, lambda x: mpf(2) ** x),
    "exp10": _digits(60, lambda x: mpf(10) ** x),
    "expm1": _digits(60, mp.expm1),
    "log": _digits(60, mp.log),
    "log2": _digits(60, lambda x: mp.log(x) / mp.log(2)),
    "log10": _digits(60, lambda x: mp.log(x) / mp.log(10)),
    "log1p": _digits(400, mp.log1p),
    "sin": _digits(60, mp.sin),
    "cos": _digits(60, mp.cos),
    "tanh": _digits(60, mp.tanh),
    "sigmoid": _digits(60, _sigmoid),
    "log_sigmoid": _digits(60, lambda x: -_softplus(-x)),
    "softplus": _digits(60, _softplus),
    "silu": _digits(60, lambda x: x * _sigmoid(x)),
    "gelu_tanh": _digits(60, _gelu_tanh),
    "erf": _digits(60, mp.erf),
    "erfc": _digits(60, mp.erfc),
    "erfcx": _digits(60, _erfcx),
    "ndtr": _digits(60, _ndtr),
    "log_ndtr": _digits(60, _log_ndtr),
    "ndtri": _digits(60, _ndtri),
    "gelu": _digits(60, lambda x: x * _ndtr(x)),
    "rsqrt": _digits(60, lambda x: 1 / mp.sqrt(x)),
    "cbrt": _digits(60, lambda x: mp.cbrt(x) if x >= 0 else -mp.cbrt(-x)),
    "log_gamma": _digits(90, mp.loggamma),
}
"""Functions of one argument, for finite arguments inside the domain."""


def round_float32(value: Any) -> float:
    """The float32 nearest to an mpf, ties to even, subnormal numbers and overflow included."""
    if value == 0:
        return 0.0
    exponent = max(int(mp.floor(mp.log(abs(value), 2))), -126)
    # log may round up at a power of two: one step decides.
    if abs(value) < mpf(2) ** exponent and exponent > -126:
        exponent -= 1
    unit = mpf(2) ** (exponent - 23)
    scaled = value / unit
    below = mp.floor(scaled)
    rest = scaled - below
    count = int(below) + (1 if rest > 0.5 or (rest == 0.5 and int(below) % 2) else 0)
    result = mpf(count) * unit
    return float(result) if abs(result) < mpf(2) ** 128 else (INF if result > 0 else -INF)


def round_odd(value: Any) -> float:
    """A float64 next to an mpf that rounds to fewer bits as the mpf itself does."""
    with mp.workdps(90):
        nearest = float(value)
        if mpf(nearest) == value or math.isinf(nearest):
            return nearest
        word = struct.unpack("<q", struct.pack("<d", nearest))[0]
        if word % 2 == 0:
            word += 1 if abs(value) > abs(mpf(nearest)) else -1
        return float(struct.unpack("<d", struct.pack("<q", word))[0])


def misrounded(name: str, x: float, got: float) -> bool:
    """Whether `got` is not the float32 nearest to name(x)."""
    with mp.workdps(120 if name == "log_ndtr" else 70):
        return round_float32(EXACT[name](x)) != got


def ulp_error(got: float, exact: Any, bits: int = 53, minimum: int = -1022) -> float:
    """Error in units in the last place of the exact result."""
    if mpmath.isnan(exact) or math.isnan(got):
        return 0.0 if mpmath.isnan(exact) and math.isnan(got) else INF
    with mp.workdps(80):
        limit = mpf(2) ** (1024 if bits == 53 else 128) - mpf(2) ** (970 if bits == 53 else 103)
        if abs(exact) >= limit or abs(got) == INF:
            return 0.0 if abs(got) == INF and abs(exact) >= limit and (got > 0) == (exact > 0) else INF
        if exact == 0:
            return 0.0 if got == 0 else INF
        exponent = max(int(mp.frexp(exact)[1]) - 1, minimum)
        return float(abs(mpf(got) - exact) / mpf(2) ** (exponent - bits + 1))


# ---- the C++ program ------------------------------------------------------------------------------------


def supported() -> str | None:
    """Why the program cannot be built here, or None."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return "needs the 80-bit long double of x86-64"
    if shutil.which("g++") is None:
        return "needs g++"
    if "avx2" not in Path("/proc/cpuinfo").read_text():
        return "needs AVX2"
    probe = subprocess.run(
        ["g++", "-x", "c++", "-std=gnu++17", "-", "-lmvec", "-lquadmath", "-o", "/dev/null"],
        input="#include <quadmath.h>\nint main() { return expq(0) != 1; }",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return None if probe.returncode == 0 else "needs libmvec and libquadmath"


def build(directory: Path) -> Path:
    program = directory / "functions_oracle"
    flags = ["-mavx2", "-mfma", "-mf16c", "-mbmi", "-mbmi2", "-mlzcnt", "-mpopcnt", "-Wno-psabi"]
    subprocess.run(
        ["g++", "-std=gnu++17", "-O3", "-ffp-contract=off", *flags, f"-I{ROOT / 'cpp/include'}",
         str(ROOT / "tests/oracle/functions_oracle.cpp"), "-lmvec", "-lquadmath",
         "-o", str(program)],
        check=True,
    )  # fmt: skip
    return program


def _run(*command: object) -> list[str]:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def _float(word: str) -> float:
    return float(struct.unpack("<f", struct.pack("<I", int(word, 16)))[0])


def exhaustive(program: Path, name: str, stride: int = 1, offset: int = 0) -> dict[str, Any]:
    """Misrounded float32 results: decided by libm far from boundaries, by mpmath near them."""
    *lines, summary = _run(program, "exhaustive", name, stride, offset)
    result: dict[str, Any] = json.loads(summary)
    wrong = [line.split()[1] for line in lines if line.startswith("!")]
    for line in lines:
        if line.startswith("?"):
            _, x, y = line.split()
            if misrounded(name, _float(x), _float(y)):
                wrong.append(x)
    result["misrounded"] = max(len(wrong), result["misrounded"])
    result["decided_by_mpmath"] = result.pop("open")
    result["misrounded_inputs"] = wrong[:10]
    return result


def fast(program: Path, name: str, stride: int = 1, offset: int = 0) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(_run(program, "fast", name, stride, offset)[-1])
    return result


def sampled(program: Path, name: str, count: int, seed: int = 1) -> dict[str, Any]:
    """Largest float64 error over stratified inputs."""
    result: dict[str, Any] = json.loads(_run(program, "sampled", name, count, seed)[-1])
    return result


def record(kind: str, name: str, result: dict[str, Any]) -> None:
    known: dict[str, Any] = json.loads(RECORD.read_text()) if RECORD.is_file() else {}
    result = {k: v for k, v in result.items() if k not in ("function", "dtype")}
    result["date"] = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    key = {"exhaustive": "float32 best", "fast": "float32 fast", "sampled": "float64"}[kind]
    if name == "pow32":
        name, key = "pow", "float32 best"
    known.setdefault(name, {})[key] = result
    RECORD.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


INPUTS: dict[str, list[float]] = {
    "ndtri": [0.5, 0.25, 0.75, 0.2499999, 0.7500001, 0.5625, 0.4375, 0.51, 0.49, 1e-5, 1e-10, 1e-100, 1e-300,
              5e-324, 0.999, 1 - 2**-53, 1 - 2**-30, 0.3, 0.7, 0.1, 0.9, 0.01, 0.05, 0.95, 0.975, 0.6, 0.4,
              0.5 + 2**-50, 0.5 - 2**-54, 0.45, 0.55, 1e-38, 1e-44],
}  # fmt: skip
_MORE = {
    "exp": [709.78, 709.7827, -708.3, -708.5, -745.1, -740.25, 88.7, -87.4, -103.9],
    "exp2": [1023.9, -1022.5, -1073.9, 0.5, 3.0, -1060.3, 127.9, -148.9],
    "exp10": [308.2, -307.7, -323.2, 22.0, 5.0, 38.5, -44.9],
    "expm1": [709.78, -37.4, -36.0, 60.0, 59.9, 88.7],
    "log": [0.6875, 1.375, 0.9999999, 1.0000001, 0.998, 1.003, 5e-324, 1e-310, 1.7e308, 0.69, 1e-44],
    "log1p": [-0.999, -0.3, -0.5, 5e-324, 1e-310, 1.7e308, 1e-16, -1e-16, 0.0039, -0.0019, 1e-44],
    "sin": [1e22, 3.141592653589793, 1048575.0, 1048577.0, 2.0**30, 1e300, 11.0, 355.0],
    "tanh": [0.125, 0.1249, 19.0, 19.9, 25.0],
    "sigmoid": [-36.81072, -88.73, -708.4, -745.1, 37.0],
    "softplus": [-745.0, -40.0, -30.1, -29.9, 30.0, 36.0, -708.0, 99.0, 101.0],
    "silu": [-708.0, -745.1, -750.0, 37.0, 5e-324],
    "gelu_tanh": [-21.0, -21.6, -10.0, 5e-324, 6.0],
    "erf": [0.125, 0.1249, 5.9, 5.99, 6.5, 5e-324, 1e-310],
    "erfc": [0.4999, 0.5001, 5.0, 10.0, 26.5, 27.2, -0.1, -5.0],
    "erfcx": [31.9, 32.1, 1e10, 1e300, 1.7e308, -26.6, -5.0, 1e-20],
    "ndtr": [-37.6, -38.4, -34.4, -5.0, 8.2, -0.70710, -0.7072],
    "log_ndtr": [-1e5, -40.0, 5.5, 8.0, 6.49, 6.51, -0.999, -1.001, 38.3, -1e100, 0.709, 0.711],
    "gelu": [-38.0, -38.5, -10.0, -1.0, 0.001, 5e-324],
    "cbrt": [27.0, 64.0, 7.9999999, 8.0, 5e-324, 1e-310, 1.7e308],
    "rsqrt": [5e-324, 1e-310, 1.7e308, 2.0**-900, 4.0, 2.0],
    "log_gamma": [
        5e-324,
        1e-310,
        2.55e305,
        0.5,
        1.4999,
        1.4616321449683623,
        1.9999999,
        2.0000001,
        0.99999,
        1.00001,
        2.4999,
        2.5001,
        15.99,
        16.0,
        16.01,
        2.0**53 + 2,
        1e16,
        0.4999,
        0.5001,
        3.0,
        1e5,
    ],
}
_DOMAIN = {"log": 0.0, "log2": 0.0, "log10": 0.0, "rsqrt": 0.0, "log_gamma": 0.0, "log1p": -1.0}


def inputs(name: str) -> list[float]:
    """Arguments for the tables: spread over the domain, and near what is special."""
    if name in INPUTS:
        return INPUTS[name]
    spread = [
        s * m * 10.0**e for e in (-20, -5, -2, -1, 0, 1) for m in (1.1, 2.7182818, 5.3) for s in (1, -1)
    ]
    special = (
        _MORE.get(name)
        or _MORE[{"log2": "log", "log10": "log", "cos": "sin", "log_sigmoid": "softplus"}[name]]
    )
    if name == "log_sigmoid":
        special = [-x for x in special]
    low = _DOMAIN.get(name, -INF)
    return [x for x in [*spread, *special] if x > low]


def values() -> str:
    """Lines of tests/data/functions_values.txt: name, x, exact value in two parts, float32 x, its result."""
    lines = []
    for name, exact in EXACT.items():
        for x in inputs(name):
            y = exact(x)
            with mp.workdps(80):
                high = float(y)
                if abs(y) < mpf(2) ** -1022:  # float() would round twice
                    high = float(mp.nint(y * mpf(2) ** 1074)) * 2.0**-1074
                low = 0.0 if math.isinf(high) else float(y - mpf(high))
            x32 = struct.unpack("<f", struct.pack("<f", x))[0] if abs(x) < 3e38 else 1.0
            if name in _DOMAIN and x32 <= _DOMAIN[name]:
                x32 = 1.0
            if name == "ndtri" and not 0 < x32 < 1:
                x32 = 0.5
            with mp.workdps(80):
                y32 = round_float32(exact(x32))
            if y32 == 0 and exact(x32) < 0:
                y32 = -0.0
            lines.append(f"{name} {x.hex()} {high.hex()} {low.hex()} {x32.hex()} {y32.hex()}")
    return "\n".join(lines) + "\n"


def main() -> int:
    kind, *names = sys.argv[1:]
    if kind == "values":
        (ROOT / "tests/data/functions_values.txt").write_text(values())
        return 0
    count = 100_000_000
    if names and names[0].isdigit():
        count = int(names.pop(0))
    with tempfile.TemporaryDirectory() as directory:
        program = build(Path(directory))
        for name in names or [*EXACT, *(["pow", "pow32"] if kind == "sampled" else [])]:
            result = sampled(program, name, count) if kind == "sampled" else globals()[kind](program, name)
            print(json.dumps(result), flush=True)
            record(kind, name, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
