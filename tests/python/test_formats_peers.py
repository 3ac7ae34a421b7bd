"""gfloat, ml_dtypes and pychop: equal where they are right, and how they differ where they are not.

gfloat and pychop are not dependencies of the tests: each part is skipped where its peer is not installed.
"""

from __future__ import annotations

import warnings
from typing import Any

import fewbits.formats as ff
import numpy as np
import pytest
from test_formats_rounding import edges

OF_GFLOAT = {
    "float16": "binary16",
    "bfloat16": "bfloat16",
    "float8_e5m2": "ocp_e5m2",
    "float8_e4m3fn": "ocp_e4m3",
    "float6_e3m2fn": "ocp_e3m2",
    "float6_e2m3fn": "ocp_e2m3",
    "float4_e2m1fn": "ocp_e2m1",
}
P3109 = [
    (k, p, s, e)
    for k in range(3, 9)
    for s in (True, False)
    for p in range(1, k + (not s))
    for e in (True, False)
]


def gfloat_format(name: str) -> Any:
    formats = pytest.importorskip("gfloat.formats", reason="gfloat is not installed")
    return getattr(formats, f"format_info_{OF_GFLOAT[name]}")


def gfloat_round(fi: Any, x: np.ndarray, mode: str, saturates: bool, *random: Any) -> np.ndarray:
    import gfloat

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return gfloat.round_ndarray(fi, x, getattr(gfloat.RoundMode, mode), saturates, *random)


MODES = {
    "nearest_even": "TiesToEven",
    "nearest_away": "TiesToAway",
    "toward_zero": "TowardZero",
    "toward_positive": "TowardPositive",
    "toward_negative": "TowardNegative",
}


def same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(
        np.isnan(a) | np.isnan(b), np.isnan(a) & np.isnan(b), (a == b) & (np.signbit(a) == np.signbit(b))
    )


def no_inf(x: np.ndarray, f: ff.FloatFormat, *, saturates: bool) -> np.ndarray:
    """Finite numbers; where neither infinity nor NaN can say it, none that overflow."""
    x = x[np.isfinite(x)]
    return x if saturates or f.has_inf or f.nan != "none" else x[np.abs(x) <= f.max]


@pytest.mark.parametrize("name", OF_GFLOAT)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("saturates", [False, True])
def test_equals_gfloat(name: str, mode: str, saturates: bool) -> None:
    fi, f = gfloat_format(name), ff.get(name)
    x = no_inf(edges(f, np.float64), f, saturates=saturates)
    theirs = gfloat_round(fi, x, MODES[mode], saturates)
    ours = ff.round_to(x, f, rounding=mode, saturate="finite" if saturates else "none")
    assert same(ours, theirs).all(), x[~same(ours, theirs)][:5]


@pytest.mark.parametrize("name", OF_GFLOAT)
@pytest.mark.parametrize(
    ("variant", "theirs"), [("a", "StochasticFastest"), ("b", "StochasticFast"), ("c", "Stochastic")]
)
@pytest.mark.parametrize("count", [1, 4, 8])
def test_equals_gfloat_given_the_same_bits(name: str, variant: str, theirs: str, count: int) -> None:
    fi, f = gfloat_format(name), ff.get(name)
    x = no_inf(edges(f, np.float32), f, saturates=True)
    # gfloat adds the fraction and R 2^-n in float64: longer fractions are rounded there.
    x = x[np.abs(x) >= f.smallest_subnormal / 8].astype(np.float64)
    bits = np.random.default_rng(0).integers(0, 1 << count, x.size)
    peer = gfloat_round(fi, x, theirs, True, bits, count)
    ours = ff.round_to(
        x, f, rounding="stochastic", random_bits=count, variant=variant, bits=bits, saturate="finite"
    )
    assert same(ours, peer).all(), (x[~same(ours, peer)][:5], bits[~same(ours, peer)][:5])


@pytest.mark.parametrize(("k", "p", "signed", "extended"), P3109)
def test_equals_gfloat_for_p3109(k: int, p: int, signed: bool, extended: bool) -> None:
    gfloat = pytest.importorskip("gfloat", reason="gfloat is not installed")
    from gfloat.formats import format_info_p3109

    try:
        f = ff.get(f"binary{k}p{p}{'s' if signed else 'u'}{'e' if extended else 'f'}")
    except ff.get.__globals__["ArgumentError"]:
        assert (p, k) in {(1, 3), (2, 3), (3, 3)}  # nothing finite is left
        return
    fi = format_info_p3109(
        k,
        p,
        gfloat.Signedness.Signed if signed else gfloat.Signedness.Unsigned,
        gfloat.Domain.Extended if extended else gfloat.Domain.Finite,
    )
    values = gfloat.decode_ndarray(fi, np.arange(1 << k))
    assert same(ff.decode(np.arange(1 << k, dtype=np.uint8), f, dtype=np.float64), values).all()
    x = no_inf(edges(f, np.float64), f, saturates=False)
    if not signed:
        x = x[~np.signbit(x)]
    for mode, theirs in MODES.items():
        for saturates in (False, True):
            peer = gfloat_round(fi, x, theirs, saturates)
            ours = ff.round_to(x, f, rounding=mode, saturate="finite" if saturates else "none")
            assert same(ours, peer).all(), (mode, saturates, x[~same(ours, peer)][:5])


def test_ties_of_scales_differ_between_the_peers() -> None:
    """gfloat rounds ties of e8m0 to an even code, ml_dtypes up; here the caller says which."""
    pytest.importorskip("gfloat", reason="gfloat is not installed")
    from gfloat.formats import format_info_ocp_e8m0

    x = np.array([1.5, 3.0, 6.0, 12.0])
    theirs = gfloat_round(format_info_ocp_e8m0, x, "TiesToEven", False)
    assert ff.round_to(x, "e8m0", rounding="nearest_even").tolist() == theirs.tolist() == [2.0, 2.0, 8.0, 8.0]
    assert ff.round_to(x, "e8m0", rounding="nearest_up").tolist() == [2.0, 4.0, 8.0, 16.0]


def pychop(**options: Any) -> Any:
    module = pytest.importorskip("pychop", reason="pychop is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return module.Chop(**options)


PYCHOP = {1: "nearest_even", 2: "toward_positive", 3: "toward_negative", 4: "toward_zero"}


@pytest.mark.parametrize("mode", PYCHOP)
@pytest.mark.parametrize(("e", "m"), [(5, 10), (5, 2), (4, 3), (8, 7)])
def test_pychop_in_the_middle_of_the_range(mode: int, e: int, m: int) -> None:
    x = np.random.default_rng(0).normal(size=20_000)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        theirs = np.asarray(pychop(exp_bits=e, sig_bits=m, rmode=mode)(x.copy()))
    ours = ff.round_to(x, f"float(e={e},m={m})", rounding=PYCHOP[mode])
    np.testing.assert_array_equal(ours, theirs)


def test_pychop_loses_positive_overflow() -> None:
    """pychop 0.6.2 makes 0 of what exceeds the largest value; infinity is right."""
    x = np.array([1e5, 7e4, -1e9])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        theirs = np.asarray(pychop(exp_bits=5, sig_bits=10, rmode=1)(x.copy()))
    assert theirs.tolist() == [0.0, 0.0, -np.inf]
    assert ff.round_to(x, "float16").tolist() == [np.inf, np.inf, -np.inf]
