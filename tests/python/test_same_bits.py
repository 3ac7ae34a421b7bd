"""The same input gives the same bytes on every instruction set and for every number of threads.

`KERNELS` names what is run on fixed Philox input; the SHA-256 of its output is recorded as ``python/<name>``
in ``tests/data/digests.json`` and compared in a process per instruction set (``FEWBITS_ISA``). The kernels
below the Python surface, and aarch64, are checked the same way by ``tests/cpp/test_same_bits.cpp``.

To add a kernel write one line into `KERNELS`, then run ``python tests/python/test_same_bits.py --record``. A
recorded digest changes only together with a decision to write other bytes, which the changelog tells.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fewbits
import fewbits.formats as ff
import fewbits.functions.hyperbolic_space as hs
import numpy as np
import pytest
from fewbits import coding
from fewbits._core import _cpu, core

DIGESTS = Path(__file__).resolve().parents[1] / "data" / "digests.json"


def words(stream: int, size: int) -> np.ndarray:
    out = np.empty(size, np.uint32)
    core.philox_fill(20240229, stream, 0, out)
    return out


def octets(size: int) -> np.ndarray:
    return words(1, -(-size // 4)).view(np.uint8)[:size]


def bell(stream: int, size: int) -> np.ndarray:
    """Roughly normal float32 with a standard deviation near 0.02, by exact arithmetic alone."""
    draws = words(stream, 4 * size).reshape(4, size) >> 12
    return np.ldexp(draws.sum(0).astype(np.float32) - np.float32(2**21), -25)


def compressed(x: np.ndarray, **options: object) -> bytes:
    single = fewbits.compress_array(x, threads=1, **options)  # type: ignore[arg-type]
    assert fewbits.compress_array(x, threads=3, **options) == single  # type: ignore[arg-type]
    assert fewbits.decompress_array(single).tobytes() == x.tobytes()
    return single


def coded_mixture(family: str, k: int) -> bytes:
    n = 20_001
    w = 1 + (words(10, k * n).reshape(k, n) >> 22).astype(np.float32)
    m = bell(11, k * n).reshape(k, n) * np.float32(200)
    s = np.float32(0.125) + (words(12, k * n).reshape(k, n) >> 20).astype(np.float32) / np.float32(1024)
    q = np.rint(bell(13, n) * np.float32(300)).astype(np.int32)
    model = coding.Mixture(w, m, s, family=family, normalize=True)  # type: ignore[arg-type]
    data = coding.encode(q, model, param_hash=True)
    assert (coding.decode(data, model, threads=3) == q).all()
    return data


def coded_sequence() -> bytes:
    encoder = coding.Encoder()
    q = (words(14, 3000) >> 29).astype(np.int32)
    encoder.put(q, coding.Uniform(8))
    encoder.put(
        q, coding.CategoricalRows((1.0 + (words(15, 24000) >> 20).reshape(3000, 8)).astype(np.float64))
    )
    encoder.put(q, coding.Laplace(bell(16, 3000) * np.float32(100), 2.0))
    return encoder.finish()


def emulated(**options: object) -> bytes:
    """Elementwise operations, products and factors, in one context."""
    x, y = (bell(stream, 48 * 48).reshape(48, 48) * 40 for stream in (7, 8))
    a, b = (ff.emulated(z, **options) for z in (x, y))  # type: ignore[arg-type]
    product = ff.matmul(a, b, threads=1)
    results = [a + b, a - b, a * b, a / (b + 1), np.sqrt(abs(a)), ff.fma(a, b, a), product, a.sum(0)]
    results += [ff.lu(a)[0], *ff.qr(a[:20, :9])]
    return b"".join(r.values.tobytes() for r in results)


def quant_blocks() -> bytes:
    """Codes, scales and values of block formats; values of a trellis-coded matrix."""
    from fewbits.quant import compress_matrix, decompress_matrix, quantize

    x = bell(21, 40 * 100).reshape(40, 100).astype(np.float32)
    results: list[Any] = []
    for name in ("mxfp4", "mxfp6_e3m2", "mxfp8_e4m3", "mxint8", "nvfp4"):
        for rule in ("mse", "absmax" if name == "nvfp4" else "ocp"):
            q = quantize(x, name, scale_rule=rule)
            results += [q.codes, q.scales, q.dequantize()]
    for states in (0, 8, 256):
        results.append(decompress_matrix(compress_matrix(x, {"step": 0.25}, trellis=states)[0]))
    return b"".join(np.ascontiguousarray(r).tobytes() for r in results)


def elementary() -> bytes:
    """Functions, pairwise sums and rotations, rounded once or at every operation."""
    results = []
    for name in ("float16", "bfloat16", "float32"):
        for rounding in ("nearest_even", "toward_positive", "stochastic"):
            how: dict[str, Any] = {"rounding": rounding, "seed": int(rounding == "stochastic")}
            context = ff.Context(name, summation="pairwise", **how)
            x, y = (ff.emulated(bell(stream, 4001) * 100, context) for stream in (12, 13))
            functions = ("exp", "log1p", "sin", "tanh", "erf", "gelu", "ndtr", "cbrt", "rint", "logb")
            functions += ("tan", "atan", "sinh", "cosh", "asinh", "gamma")
            results += [ff.evaluate(function, x).values for function in functions]
            results += [ff.evaluate(function, np.sin(x)).values for function in ("asin", "acos", "atanh")]
            results += [ff.evaluate("acosh", np.cosh(x)).values, ff.evaluate("atan2", x, y).values]
            results += [ff.evaluate(function, x, y).values for function in ("hypot", "remainder", "fdim")]
            results += [(x @ y).values, x.sum().values, *ff.givens(x, y)]
            results += ff.givens(x.values + 1j * y.values, y.values - 1j * x.values, context=context)
    return b"".join(np.ascontiguousarray(r).tobytes() for r in results)


def hyperbolic() -> bytes:
    v, w = (bell(stream, 3 * 2001).reshape(2001, 3).astype(np.float64) * 100 for stream in (14, 15))
    ball, lorentz = (hs.convert(v, "tangent", model) for model in ("ball", "lorentz"))
    others = [hs.convert(w, "tangent", model) for model in ("ball", "lorentz")]
    results = [ball, lorentz, hs.convert(ball, "ball", "tangent"), hs.convert(lorentz, "lorentz", "tangent")]
    results += [hs.convert(ball, "ball", "lorentz"), hs.convert(lorentz, "lorentz", "ball")]
    results += [hs.distance(v, w), hs.distance(ball, others[0], model="ball")]
    results += [hs.distance(lorentz, others[1], model="lorentz"), hs.mobius_add(ball, others[0])]
    results += [hs.polar_distance(np.abs(v) * 50, np.abs(w) * 50, v), hs.hyperplane_distance(v, w, v[:, 0])]
    return b"".join(r.tobytes() for r in results)


def sums() -> bytes:
    x, y = bell(9, 5003), bell(10, 5003)
    wide = x.astype(np.float64) * y
    methods = ("kahan", "klein", "sum_k", "pairwise")
    results = [ff.compensated_sum(v, method=m) for v in (x, wide) for m in methods]
    results += [ff.compensated_dot(x, y), ff.compensated_dot(wide, wide, k=3)]
    results += [ff.exact_sum(wide), ff.exact_dot(x, y)]
    return np.array(results).tobytes()


def reproducible_sums() -> bytes:
    x = bell(19, 5003).astype(np.float64) * np.ldexp(1.0, (words(20, 5003) % 200).astype(np.int32) - 100)
    results = [ff.binned_sum(v, fold=fold) for v in (x, x.astype(np.float32)) for fold in (1, 2, 3)]
    codes = octets(4001) & 0x7B
    results += [ff.exact_dot_codes(codes, codes[::-1], f) for f in ("float8_e4m3fn", "float8_e5m2", "fp4")]
    return np.array(results).tobytes() + ff.ExactAccumulator(x).__getstate__()


def collage() -> bytes:
    start, gradient = bell(21, 700) * 50, bell(22, 700) * 50
    results = []
    for name in ("bfloat16", "float8_e5m2", "float16"):
        for variant in ("plus", "light", "kahan", "stochastic", "pure"):
            adam = ff.CollageAdamW([start], format=name, variant=variant, eps=1e-4, weight_decay=0.1, seed=3)
            for _ in range(3):
                adam.step([gradient])
            results += adam.values
        sgd = ff.CollageSGD([start], format=name)
        sgd.step([gradient])
        results += sgd.values
        for length in (2, 3):
            x, y = (ff.Expansion(v, name, length=length) for v in (start, gradient + 4))
            results += [(x + y).value, (x * y).value, (x / y).value, x.scale(0.75).value]
    return b"".join(r.tobytes() for r in results)


def dynamic_fixed() -> bytes:
    """Quantisation, products in both sums and all directions, arithmetic."""
    a, b = bell(17, 64 * 70).reshape(64, 70), bell(18, 70 * 33).reshape(70, 33)
    results = []
    for bits in (8, 13, 16):
        p, q = ff.dfp_quantize(a, bits), ff.dfp_quantize(b, bits, rounding="stochastic", seed=9)
        results += [p.integers, q.integers, ff.dfp_gemm(p, q), ff.dfp_gemm(p, q, chain="maxima")]
        results += [ff.dfp_gemv(p, q[:, 0]), ff.dfp_gemm(p, q, accumulate="int64").integers]
        images, kernels = p[:, :64].reshape(4, 2, 8, 64), q[:18, :9].reshape(3, 2, 3, 9)
        results.append(ff.dfp_conv2d(images, kernels, stride=2, padding=1))
        small = ff.dfp_quantize(b[:64] * np.float32(0.01), bits)[:, :3]
        results += [(p[:, :3] + small).integers, ff.dfp_maximum(p[:, :3], small).integers]
        results.append(ff.dfp_downconvert(p * p, bits).dequantize())
    return b"".join(r.tobytes() for r in results)


KERNELS: dict[str, Callable[[], bytes]] = {
    "crc32c": lambda: b"".join(core.crc32c(octets(n)).to_bytes(4, "little") for n in range(0, 40_000, 997)),
    "xxh64": lambda: b"".join(core.xxh64(octets(n), n).to_bytes(8, "little") for n in range(0, 2_000, 7)),
    "philox_fill": lambda: words(2, 100_003).tobytes(),
    "emulated_float16": lambda: emulated(format="float16"),
    "emulated_bfloat16_fma_down": lambda: emulated(
        format="bfloat16", accumulate="fma", rounding="toward_negative"
    ),
    "emulated_tf32_block": lambda: emulated(format="tf32", accumulate="block"),
    "emulated_e4m3_stochastic": lambda: emulated(format="float8_e4m3fn", rounding="stochastic", seed=1),
    "formats_collage": collage,
    "formats_dynamic_fixed": dynamic_fixed,
    "formats_reproducible_sums": reproducible_sums,
    "formats_elementary": elementary,
    "quant_blocks": quant_blocks,
    "formats_sums": sums,
    "functions_hyperbolic_space": hyperbolic,
    "lmul_matmul": lambda: ff.lmul_matmul(
        bell(11, 64 * 70).reshape(64, 70), bell(12, 70 * 33).reshape(70, 33)
    ).tobytes(),
    "compress_array_float32": lambda: compressed(bell(3, 300_007)),
    "compress_array_float16": lambda: compressed(bell(4, 300_007).astype(np.float16)),
    "compress_array_uint8": lambda: compressed(
        (words(5, 300_007) >> 27 & words(6, 300_007)).astype(np.uint8)
    ),
    "compress_array_max": lambda: compressed(bell(3, 30_007), level="max"),
    "coding_gaussian": lambda: coded_mixture("gaussian", 1),
    "coding_mixture": lambda: coded_mixture("gaussian", 3) + coded_mixture("gaussian", 5),
    "coding_laplace": lambda: coded_mixture("laplace", 2),
    "coding_logistic": lambda: coded_mixture("logistic", 4),
    "coding_sequence": coded_sequence,
    "coding_adaptive": lambda: b"".join(
        coding.encode(octets(30_000) & octets(30_001)[1:], coding.AdaptiveByteModel(order))
        for order in (0, 1)
    ),
}


def digests() -> dict[str, str]:
    return {name: hashlib.sha256(kernel()).hexdigest() for name, kernel in KERNELS.items()}


@pytest.mark.parametrize("isa", _cpu.supported_isas())
def test_same_bits(isa: str) -> None:
    environment = {**os.environ, "FEWBITS_ISA": isa}
    done = subprocess.run(
        [sys.executable, __file__], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert got.pop("isa") == isa
    recorded = json.loads(DIGESTS.read_text())
    for name in KERNELS:
        assert got[name] == recorded.get(f"python/{name}"), f"{name}: other bytes than recorded on {isa}"


def test_every_recorded_digest_has_its_kernel() -> None:
    recorded = json.loads(DIGESTS.read_text())
    source = (Path(__file__).resolve().parents[1] / "cpp" / "test_same_bits.cpp").read_text()
    unknown = [
        key
        for key in recorded
        if key.removeprefix("python/") not in KERNELS
        and f"SAME_BITS({key.removeprefix('cpp/')}," not in source
    ]
    assert not unknown, "digests of kernels that are gone"


def main() -> None:
    computed = digests()
    if "--record" not in sys.argv:
        print(json.dumps({"isa": fewbits.isa, **computed}))
        return
    recorded = json.loads(DIGESTS.read_text())
    kept = {key: value for key, value in recorded.items() if not key.startswith("python/")}
    kept.update({f"python/{name}": value for name, value in computed.items()})
    DIGESTS.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
