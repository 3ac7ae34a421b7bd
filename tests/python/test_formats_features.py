"""The feature matrix of docs/formats_features.md: every cell is what a call of the peer gives.

``python tests/python/test_formats_features.py`` writes the tables into the page. Peers that are not installed
are not checked: their cells stay as they were recorded. A cell of ours names the test that shows it.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import fewbits.formats as ff
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/formats_features.md"
PEERS = ("pychop", "gfloat", "apytypes", "ml_dtypes")
OFFERED, DIFFERENT, ABSENT = "yes", "differs", "-"

# ---- rounding modes ---------------------------------------------------------------------------------------

PYCHOP = {
    "nearest_even": 1, "toward_positive": 2, "toward_negative": 3, "toward_zero": 4, "stochastic": 5,
    "stochastic_equal": 6, "nearest_zero": 7, "nearest_away": 8, "to_odd": 9, "random_directed": 10,
}  # fmt: skip
GFLOAT = {
    "nearest_even": "TiesToEven", "nearest_away": "TiesToAway", "toward_zero": "TowardZero",
    "toward_positive": "TowardPositive", "toward_negative": "TowardNegative", "stochastic": "Stochastic",
}  # fmt: skip
APYTYPES = {
    "nearest_even": "TIES_EVEN", "nearest_away": "TIES_AWAY", "nearest_zero": "TIES_ZERO",
    "nearest_up": "TIES_POS", "nearest_down": "TIES_NEG", "nearest_odd": "TIES_ODD",
    "toward_zero": "TO_ZERO", "away_from_zero": "TO_AWAY", "toward_positive": "TO_POS",
    "toward_negative": "TO_NEG", "to_odd": "JAM_UNBIASED", "jam": "JAM", "stochastic": "STOCH_WEIGHTED",
    "stochastic_equal": "STOCH_EQUAL",
}  # fmt: skip
RANDOM = ("stochastic", "stochastic_equal", "random_directed")


def sample(name: str) -> np.ndarray:
    """Values in the middle of a format, exact ones and ties among them; all of float32."""
    x = np.random.default_rng(0).normal(size=600).astype(np.float32).astype(np.float64)
    x[:200] = ff.round_to(x[:200], name)
    p = ff.get(name).precision + 1
    x[200:400] = ff.round_to(x[200:400], f"float(p={p},emin=-14,emax=15)")
    return x


def peer_round(peer: str, mode: str, x: np.ndarray) -> np.ndarray | None:
    """x rounded to float16, by ml_dtypes to bfloat16, or None where there is no such mode."""
    if peer == "pychop":
        if mode not in PYCHOP:
            return None
        return np.asarray(import_module("pychop").Chop(exp_bits=5, sig_bits=10, rmode=PYCHOP[mode])(x.copy()))
    if peer == "gfloat":
        if mode not in GFLOAT:
            return None
        gfloat = import_module("gfloat")
        info = import_module("gfloat.formats").format_info_binary16
        kind = getattr(gfloat.RoundMode, GFLOAT[mode])
        if mode == "stochastic":
            draws = np.random.default_rng(1).integers(0, 1 << 16, x.size)
            return np.asarray(gfloat.round_ndarray(info, x, kind, False, draws, 16))
        return np.asarray(gfloat.round_ndarray(info, x, kind, False))
    if peer == "apytypes":
        if mode not in APYTYPES:
            return None
        apytypes = import_module("apytypes")
        exact = apytypes.APyFloatArray.from_float(x.tolist(), 11, 52)
        kind = getattr(apytypes.QuantizationMode, APYTYPES[mode])
        return np.asarray(exact.cast(5, 10, quantization=kind).to_numpy())
    if mode != "nearest_even":
        return None
    return x.astype(np.float32).astype(import_module("ml_dtypes").bfloat16).astype(np.float64)


def mode_cell(peer: str, mode: str) -> str:
    name = "bfloat16" if peer == "ml_dtypes" else "float16"
    x = sample(name)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        theirs = peer_round(peer, mode, x)
    if theirs is None:
        return ABSENT
    if mode not in RANDOM:
        ours = ff.round_to(x, name, rounding=mode)
        return OFFERED if np.array_equal(theirs, ours) else DIFFERENT
    below, above = (ff.round_to(x, name, rounding=f"toward_{to}") for to in ("negative", "positive"))
    return OFFERED if ((theirs == below) | (theirs == above)).all() else DIFFERENT


# ---- other features ---------------------------------------------------------------------------------------


def has(peer: str, name: str) -> bool:
    module = import_module(peer)
    for part in name.split("."):
        if not hasattr(module, part):
            return False
        module = getattr(module, part)
    return True


def bfloat16_once(peer: str) -> bool:
    x = np.array([1 + 2.0**-8 + 2.0**-40])
    if peer == "pychop":
        y = import_module("pychop").Chop(exp_bits=8, sig_bits=7)(x.copy())
    elif peer == "gfloat":
        gfloat = import_module("gfloat")
        y = gfloat.round_ndarray(import_module("gfloat.formats").format_info_bfloat16, x)
    elif peer == "apytypes":
        y = import_module("apytypes").APyFloatArray.from_float(x.tolist(), 8, 7).to_numpy()
    else:
        y = x.astype(import_module("ml_dtypes").bfloat16).astype(np.float64)
    return float(np.asarray(y)[0]) == 1.0078125


def bfloat16_sum_upwards(peer: str) -> bool:
    """1 + 2^-100 rounded up."""
    if peer == "apytypes":
        apytypes = import_module("apytypes")
        one, tiny = (apytypes.APyFloat.from_float(v, 8, 7) for v in (1.0, 2.0**-100))
        with apytypes.APyFloatQuantizationContext(apytypes.QuantizationMode.TO_POS):
            return float(one + tiny) == 1.0078125
    if peer == "pychop":
        chop = import_module("pychop").Chop(exp_bits=8, sig_bits=7, rmode=2)
        return float(np.asarray(chop(np.array([1.0]) + np.array([2.0**-100])))[0]) == 1.0078125
    return False


def operators(peer: str) -> bool:
    if peer == "apytypes":
        apytypes = import_module("apytypes")
        a = apytypes.APyFloat.from_float(0.1, 5, 10)
        return float(a + a) == 2 * float(a)
    if peer == "ml_dtypes":
        a = np.array([0.1]).astype(import_module("ml_dtypes").bfloat16)
        return bool((a + a).dtype == a.dtype)
    return False


Check = bool | Callable[[str], bool]
# What, our test, and what shows that a peer has it.
FEATURES: list[tuple[str, str, dict[str, Check]]] = [
    (
        "any precision and exponent range, at run time",
        "test_formats_rounding::test_any_float64",
        {
            "pychop": lambda p: has(p, "Chop"),
            "gfloat": lambda p: has(p, "FormatInfo"),
            "apytypes": lambda p: has(p, "APyFloat"),
        },
    ),
    (
        "one rounding from float64",
        "test_formats_rounding::test_ml_dtypes_rounds_twice_where_we_round_once",
        dict.fromkeys(PEERS, bfloat16_once),
    ),
    ("one rounding from int64", "test_formats_rounding::test_integers_round_once", {}),
    (
        "P3109 formats",
        "test_formats_peers::test_equals_gfloat_for_p3109",
        {
            "pychop": lambda p: has(p, "p3109_quantize"),
            "gfloat": lambda p: has(p, "formats.format_info_p3109"),
        },
    ),
    (
        "stochastic rounding with the caller's bits",
        "test_formats_peers::test_equals_gfloat_given_the_same_bits",
        {
            "gfloat": lambda p: has(p, "RoundMode.StochasticFastest"),
            "pychop": lambda p: has(p, "p3109_quantize"),
        },
    ),
    (
        "random bits by (seed, stream, index)",
        "test_formats_rounding::test_threads_and_pieces_do_not_matter",
        {},
    ),
    (
        "codes and back",
        "test_formats_codes::test_every_value_rounds_to_itself",
        {
            "gfloat": lambda p: has(p, "encode_ndarray"),
            "apytypes": lambda p: has(p, "APyFloat.to_bits"),
            "ml_dtypes": lambda p: np.ones(1).astype(import_module(p).bfloat16).view(np.uint16)[0] == 0x3F80,
        },
    ),
    (
        "flush of subnormal results",
        "test_formats_rounding::test_against_the_rational_definition",
        {"pychop": lambda p: "subnormal" in import_module(p).Chop.__init__.__code__.co_varnames},
    ),
    (
        "no exponent limit",
        "test_formats_rounding::test_exponent_limit",
        {"pychop": lambda p: "explim" in import_module(p).FaultChop.__init__.__code__.co_varnames},
    ),
    (
        "bit flips",
        "test_formats_soft_errors::test_follows_its_definition",
        {"pychop": lambda p: has(p, "FaultChop")},
    ),
    (
        "fixed point",
        "test_formats_rounding::test_wrap_is_modulo",
        {"pychop": lambda p: has(p, "Chopf"), "apytypes": lambda p: has(p, "APyFixed")},
    ),
    (
        "overflow that wraps",
        "test_formats_rounding::test_wrap_is_modulo",
        {"apytypes": lambda p: has(p, "OverflowMode.WRAP")},
    ),
    ("integers", "test_formats_blocks::test_round_to_int", {"pychop": lambda p: has(p, "Chopi")}),
    (
        "block floating point",
        "test_formats_blocks::test_equals_the_rational_definition",
        {"pychop": lambda p: has(p, "bfp_quantize"), "gfloat": lambda p: has(p, "BlockFormatInfo")},
    ),
    (
        "operators that round",
        "test_formats_arithmetic::test_operations_against_rationals",
        {"apytypes": operators, "ml_dtypes": operators},
    ),
    (
        "directed sums right at any distance of exponents",
        "test_formats_arithmetic::test_operations_against_rationals",
        {"apytypes": bfloat16_sum_upwards, "pychop": bfloat16_sum_upwards},
    ),
    (
        "format of the accumulator",
        "test_formats_emulated::test_accumulation",
        {"apytypes": lambda p: has(p, "APyFloatAccumulatorContext")},
    ),
    ("correctly rounded functions", "test_formats_elementary::test_a_sample_of_arguments", {}),
    ("factorisations and solvers", "test_formats_emulated::test_lu_of_the_hilbert_matrix", {}),
    ("exact sums and dot products", "test_formats_sums::test_exact_sum_equals_fsum", {}),
]


def feature_cell(peer: str, checks: dict[str, Check]) -> str:
    check = checks.get(peer, False)
    return OFFERED if (check(peer) if callable(check) else check) else ABSENT


# ---- the page ---------------------------------------------------------------------------------------------


def installed() -> list[str]:
    return [peer for peer in PEERS if find_spec(peer) is not None]


def modes_table() -> dict[str, dict[str, str]]:
    return {mode: {peer: mode_cell(peer, mode) for peer in installed()} for mode in ff.roundings()}


def features_table() -> dict[str, dict[str, str]]:
    return {what: {peer: feature_cell(peer, checks) for peer in installed()} for what, _, checks in FEATURES}


def rows_of(page: str, heading: str) -> dict[str, dict[str, str]]:
    section = page.split(f"## {heading}\n", maxsplit=1)[1].split("\n## ", maxsplit=1)[0]
    lines = [
        [c.strip() for c in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"
    ]
    head = lines[0]
    return {row[0].strip("`"): dict(zip(head[1:], row[1:], strict=True)) for row in lines[2:]}


def test_cells_of_modes_are_what_the_peers_do() -> None:
    recorded = rows_of(PAGE.read_text(), "Rounding modes")
    assert set(recorded) == set(ff.roundings())
    for mode, cells in modes_table().items():
        for peer, cell in cells.items():
            assert recorded[mode][peer] == cell, (mode, peer)


def test_cells_of_features_are_what_the_peers_have() -> None:
    recorded = rows_of(PAGE.read_text(), "Other features")
    assert list(recorded) == [what for what, _, _ in FEATURES]
    for what, cells in features_table().items():
        for peer, cell in cells.items():
            assert recorded[what][peer] == cell, (what, peer)


@pytest.mark.parametrize(("what", "name"), [(what, name) for what, name, _ in FEATURES])
def test_our_cells_name_a_test(what: str, name: str) -> None:
    module, function = name.split("::")
    assert re.search(rf"^def {function}\(", (ROOT / f"tests/python/{module}.py").read_text(), re.M), what
    assert rows_of(PAGE.read_text(), "Other features")[what]["fewbits"] == f"`{function}`"


def markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    assert installed() == list(PEERS), "all peers must be installed"
    page = PAGE.read_text()
    modes = markdown(
        ["mode", *PEERS], [[f"`{mode}`", *cells.values()] for mode, cells in modes_table().items()]
    )
    tests = {what: f"`{name.split('::')[1]}`" for what, name, _ in FEATURES}
    features = markdown(
        ["feature", "fewbits", *PEERS],
        [[what, tests[what], *cells.values()] for what, cells in features_table().items()],
    )
    for heading, table in (("Rounding modes", modes), ("Other features", features)):
        start, rest = page.split(f"<!-- {heading} -->\n")
        rest = re.sub(r"\A(?:\|[^\n]*\n)*", "", rest)
        page = f"{start}<!-- {heading} -->\n{table}{rest}"
    PAGE.write_text(page)


if __name__ == "__main__":
    sys.exit(main())
