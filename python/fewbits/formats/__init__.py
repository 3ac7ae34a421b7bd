"""Number formats of few bits: what they hold, and rounding to them, exactly and in every mode.

Formats are found by name (`get`): those of ml_dtypes, aliases, IEEE P3109 names, and a grammar for floats of
any shape, fixed point and integers. Rounding happens once, from float32, float64 and integers alike, and
gives the same bits on every machine; random bits depend on (seed, stream, index) alone. Arithmetic that
rounds every operation starts with `emulated`.
"""

from __future__ import annotations

from fewbits.formats._blocks import BLOCK_FORMATS, Bfp, BlockFormat, get_block, round_to_int
from fewbits.formats._codes import decode, encode, pack, unpack
from fewbits.formats._collage import CollageAdamW, CollageSGD, Expansion
from fewbits.formats._dynamic_fixed import (
    DfpTensor,
    dfp_add,
    dfp_compare,
    dfp_conv2d,
    dfp_conv2d_backward_data,
    dfp_conv2d_backward_weights,
    dfp_dequantize,
    dfp_downconvert,
    dfp_gemm,
    dfp_gemv,
    dfp_maximum,
    dfp_mul,
    dfp_quantize,
    dfp_relu,
    safe_chain,
)
from fewbits.formats._emulated import Context, EmulatedArray, emulated, fma
from fewbits.formats._emulated_linalg import (
    SolveReport,
    asum,
    axpy,
    cg,
    cholesky,
    givens,
    gmres,
    lu,
    matmul,
    nrm2,
    qr,
    refine,
    solve_triangular,
)
from fewbits.formats._functions import classify, evaluate, evaluated, frexp, ldexp, modf
from fewbits.formats._grid import is_representable, neighbours, spacing
from fewbits.formats._lmul import lmul, lmul_attention, lmul_codes, lmul_dot, lmul_matmul
from fewbits.formats._mixed import (
    ExponentHistogram,
    LossScaler,
    exponent_histogram,
    master_update,
    suggest_scale,
    underflow_fraction,
)
from fewbits.formats._registry import FORMATS, FloatFormat, get, roundings
from fewbits.formats._rounding import round_to
from fewbits.formats._soft_errors import flip_bits, flip_exact_count
from fewbits.formats._sums import (
    ExactAccumulator,
    binned_sum,
    compensated_dot,
    compensated_sum,
    exact_dot,
    exact_dot_codes,
    exact_sum,
    horner,
    two_prod,
    two_sum,
)

__all__ = [
    "BLOCK_FORMATS",
    "FORMATS",
    "Bfp",
    "BlockFormat",
    "CollageAdamW",
    "CollageSGD",
    "Context",
    "DfpTensor",
    "EmulatedArray",
    "ExactAccumulator",
    "Expansion",
    "ExponentHistogram",
    "FloatFormat",
    "LossScaler",
    "SolveReport",
    "asum",
    "axpy",
    "binned_sum",
    "cg",
    "cholesky",
    "classify",
    "compensated_dot",
    "compensated_sum",
    "decode",
    "dfp_add",
    "dfp_compare",
    "dfp_conv2d",
    "dfp_conv2d_backward_data",
    "dfp_conv2d_backward_weights",
    "dfp_dequantize",
    "dfp_downconvert",
    "dfp_gemm",
    "dfp_gemv",
    "dfp_maximum",
    "dfp_mul",
    "dfp_quantize",
    "dfp_relu",
    "emulated",
    "encode",
    "evaluate",
    "evaluated",
    "exact_dot",
    "exact_dot_codes",
    "exact_sum",
    "exponent_histogram",
    "flip_bits",
    "flip_exact_count",
    "fma",
    "frexp",
    "get",
    "get_block",
    "givens",
    "gmres",
    "horner",
    "is_representable",
    "ldexp",
    "lmul",
    "lmul_attention",
    "lmul_codes",
    "lmul_dot",
    "lmul_matmul",
    "lu",
    "master_update",
    "matmul",
    "modf",
    "neighbours",
    "nrm2",
    "pack",
    "qr",
    "refine",
    "round_to",
    "round_to_int",
    "roundings",
    "safe_chain",
    "solve_triangular",
    "spacing",
    "suggest_scale",
    "two_prod",
    "two_sum",
    "underflow_fraction",
    "unpack",
]
