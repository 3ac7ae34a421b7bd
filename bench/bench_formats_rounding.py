"""Rounding to small formats, one thread: values, codes and back, beside memcpy, ml_dtypes, NumPy and pychop.

CPFloat is a C header in no package index: its row appears where FEWBITS_CPFLOAT names the directory of
`cpfloat_binary32.h`, which is then compiled here with -O3 -march=native.

The input are normal deviates. Values are rounded in arrays of 2^24 float32 (64 MiB) or 2^23 float64, beyond
every cache; codes in arrays of 2^22. All contenders fill arrays that exist: nobody pays for fresh pages.
The result of every peer is compared with ours before it is timed.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path
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
    "tf32",
    "float8_e4m3fn",
    "float8_e5m2",
    "float6_e2m3fn",
    "float4_e2m1fn",
    "int8",
    "binary8p1se",
    "float(p=6,emin=-20,emax=20)",
)
CODES = ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float4_e2m1fn")
MODES = {
    "nearest_even": 0.6,
    "nearest_away": 0.4,
    "toward_positive": 0.4,
    "to_odd": 0.4,
    "stochastic": 0.15,
    "stochastic, 8 bits": 0.15,
}


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


def round_values(bench: Bench, x: np.ndarray, names: tuple[str, ...]) -> None:
    """Values to values, against a copy of the same array."""
    out = np.empty_like(x)
    for name in names:
        f = ff.get(name)
        row = bench.row(f"{x.dtype} to values of {name}", work=x.nbytes, baseline="memcpy", targets=MODES)
        row.add("memcpy", lambda: np.copyto(out, x))
        for mode in MODES:
            rounding, _, limited = mode.partition(",")
            options: dict[str, Any] = {"random_bits": 8} if limited else {}
            row.add(
                mode,
                lambda f=f, rounding=rounding, options=options: ff.round_to(
                    x, f, rounding=rounding, out=out, **options
                ),
            )
        row.run()


def custom_format(bench: Bench, x: np.ndarray) -> None:
    """A format that exists at run time only, against one with a name and the same recipe."""
    out = np.empty_like(x)
    row = bench.row(
        "float32 to values: a format of the grammar",
        work=x.nbytes,
        baseline="named",
        targets={"custom": 0.67},
    )
    row.add("named", lambda: ff.round_to(x, "float16", out=out))
    row.add("custom", lambda: ff.round_to(x, "float(p=9,emin=-17,emax=23)", out=out))
    row.run()


def small_carriers(bench: Bench, x: np.ndarray) -> None:
    """float16 and bfloat16 arrays rounded in place of a float32 copy."""
    for carrier in ("float16", "bfloat16"):
        peer = peer_type(carrier)
        if peer is None:
            continue
        narrow = x.astype(peer)
        out = np.empty_like(narrow)
        row = bench.row(f"{carrier} to values of float8_e5m2", work=narrow.nbytes, baseline="memcpy")
        row.add("memcpy", lambda narrow=narrow, out=out: np.copyto(out, narrow))
        row.add("nearest_even", lambda narrow=narrow, out=out: ff.round_to(narrow, "float8_e5m2", out=out))
        row.run()


def against_pychop(bench: Bench, x: np.ndarray) -> None:
    chop = pychop_rounding(x)
    if chop is None:
        bench.note("pychop is not installed: no row against it.")
        return
    out = np.empty_like(x)
    require_equal(ff.round_to(x, "float16"), chop(), "pychop")
    row = bench.row(
        "float32 to values of float16", work=x.nbytes, baseline="pychop", targets={"fewbits": 300}
    )
    row.add("fewbits", lambda: ff.round_to(x, "float16", out=out))
    row.add("pychop", chop, package="pychop", rounds=3)
    row.run()


def gfloat_rounding(x: np.ndarray) -> Any:
    """gfloat's float8_e4m3fn, or None."""
    try:
        import gfloat
        from gfloat.formats import format_info_ocp_e4m3
    except ImportError:
        return None
    return lambda: gfloat.round_ndarray(format_info_ocp_e4m3, x)


def apytypes_rounding(x: np.ndarray) -> Any:
    """A cast of apytypes to float(e=5,m=10), or None; its arrays are made beforehand."""
    try:
        import apytypes
    except ImportError:
        return None
    wide = apytypes.APyFloatArray.from_array(x, 8, 23)
    return lambda: wide.cast(5, 10)


def against_gfloat_and_apytypes(bench: Bench, x: np.ndarray) -> None:
    small = x[: 1 << 18]
    out = np.empty_like(small)
    for label, name, peer, target in (
        ("gfloat", "float8_e4m3fn", gfloat_rounding(small), 200),
        ("apytypes", "float16", apytypes_rounding(small), None),
    ):
        if peer is None:
            bench.note(f"{label} is not installed: no row against it.")
            continue
        theirs = peer()
        theirs = theirs.to_numpy() if label == "apytypes" else theirs
        require_equal(ff.round_to(small, name), theirs.astype(np.float32), label)
        row = bench.row(
            f"float32 to values of {name}, beside {label}",
            work=small.nbytes,
            baseline=label,
            targets={"fewbits": target} if target else {},
        )
        row.add("fewbits", lambda name=name: ff.round_to(small, name, out=out))
        row.add(label, peer, package=label, rounds=3)
        row.run()


CPFLOAT = """
#include "cpfloat_binary32.h"
int round_array(float *out, const float *x, size_t n, int precision, int emax, int mode) {
  optstruct *options = init_optstruct();
  strcpy(options->format, "custom");
  options->precision = precision;
  options->emax = emax;
  options->subnormal = CPFLOAT_SUBN_USE;
  options->explim = CPFLOAT_EXPRANGE_TARG;
  options->round = (cpfloat_rounding_t)mode;
  options->flip = CPFLOAT_NO_SOFTERR;
  options->p = 0;
  const int status = cpfloatf(out, x, n, options);
  free_optstruct(options);
  return status;
}
"""
CPFLOAT_MODES = {"nearest_even": 1, "toward_positive": 2, "stochastic": 5}


def cpfloat_library(bench: Bench) -> Any:
    """CPFloat as `round_array(out, x, n, precision, emax, mode)`, or None."""
    directory = os.environ.get("FEWBITS_CPFLOAT")
    if not directory:
        bench.note("FEWBITS_CPFLOAT does not name a directory: no row against CPFloat.")
        return None
    with tempfile.TemporaryDirectory() as temporary:
        source, library = Path(temporary) / "cpfloat.c", Path(temporary) / "cpfloat.so"
        source.write_text(CPFLOAT)
        compiler = [os.environ.get("CC", "cc"), "-std=gnu99", "-O3", "-march=native", "-shared", "-fPIC"]
        subprocess.run([*compiler, f"-I{directory}", source, "-o", library, "-lm"], check=True)
        return ctypes.CDLL(str(library))


def against_cpfloat(bench: Bench, x: np.ndarray, where: str = "") -> None:
    library = cpfloat_library(bench)
    if library is None:
        return
    ours, theirs = np.empty_like(x), np.empty_like(x)
    pointer = ctypes.POINTER(ctypes.c_float)

    def run(precision: int, emax: int, mode: int) -> None:
        status = library.round_array(
            theirs.ctypes.data_as(pointer),
            x.ctypes.data_as(pointer),
            ctypes.c_size_t(x.size),
            precision,
            emax,
            mode,
        )
        if status > 0:
            raise SystemExit(f"CPFloat refused the format: {status}")

    for name, precision, emax in (("float16", 11, 15), ("bfloat16", 8, 127), ("float8_e5m2", 3, 15)):
        for mode, number in CPFLOAT_MODES.items():
            f = ff.get(name)
            run(precision, emax, number)
            if mode != "stochastic":
                require_equal(ff.round_to(x, f, rounding=mode), theirs, "CPFloat")
            row = bench.row(
                f"float32 to values of {name}, {mode}{where}, beside CPFloat",
                work=x.nbytes,
                baseline="CPFloat",
                targets={"fewbits": 10} if mode == "nearest_even" else {},
            )
            row.add("fewbits", lambda f=f, mode=mode: ff.round_to(x, f, rounding=mode, out=ours))
            row.add("CPFloat", lambda p=precision, e=emax, n=number: run(p, e, n), rounds=5)
            row.add("memcpy", lambda: np.copyto(ours, x))
            row.run()


def codes_of(bench: Bench, x: np.ndarray, name: str) -> None:
    """Values to codes and back, against the casts of NumPy and ml_dtypes."""
    peer, f = peer_type(name), ff.get(name)
    if peer is None:
        bench.note(f"ml_dtypes is not installed: no rows for the codes of {name}.")
        return
    codes, theirs = ff.encode(x, f), x.astype(peer)
    require_equal(codes, theirs.view(f.code_dtype), f"encode {name}")
    require_equal(ff.decode(codes, f), theirs.astype(np.float32), f"decode {name}")
    eight = name not in ("float16", "bfloat16")
    label = "NumPy" if name == "float16" else "ml_dtypes"
    target = {"fewbits": 20.0} if eight else {"fewbits": 4.0} if name == "float16" else {}
    codes_out, theirs_out, values = np.empty_like(codes), np.empty_like(theirs), np.empty_like(x)
    row = bench.row(f"float32 to codes of {name}", work=x.nbytes, baseline=label, targets=target)
    row.add("fewbits", lambda: ff.encode(x, f, out=codes_out))
    row.add(label, lambda: np.copyto(theirs_out, x, casting="unsafe"))
    row.run()
    row = bench.row(
        f"codes of {name} to float32", work=x.nbytes, baseline=label, targets={"fewbits": 10} if eight else {}
    )
    row.add("fewbits", lambda: ff.decode(codes, f, out=values))
    row.add(label, lambda: np.copyto(values, theirs, casting="unsafe"))
    row.run()


def main() -> int:
    bench = Bench(
        "formats_rounding",
        title="Rounding to number formats",
        peers=["ml_dtypes", "pychop", "gfloat", "apytypes"],
    )
    quick = bench.options.quick
    generator = np.random.default_rng(0)
    large = generator.normal(size=1 << (16 if quick else 24)).astype(np.float32)
    round_values(bench, large, ROUNDED)
    round_values(bench, large[: large.size // 2].astype(np.float64), ("float16", "bfloat16", "float8_e4m3fn"))
    custom_format(bench, large)
    x = large[: 1 << 22].copy()
    small_carriers(bench, x)
    against_pychop(bench, x)
    against_gfloat_and_apytypes(bench, x)
    against_cpfloat(bench, x)
    against_cpfloat(bench, x[: 1 << 17].copy(), ", in cache")
    for name in CODES:
        codes_of(bench, x, name)
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
