"""Number formats of few bits: what they hold, and rounding to them, exactly and in every mode.

Formats are found by name (`get`): those of ml_dtypes, aliases, IEEE P3109 names, and a grammar for floats of
any shape, fixed point and integers. Rounding happens once, from float32, float64 and integers alike, and
gives the same bits on every machine; random bits depend on (seed, stream, index) alone.
"""

from __future__ import annotations

from fewbits.formats._blocks import BLOCK_FORMATS, Bfp, BlockFormat, get_block, round_to_int
from fewbits.formats._codes import decode, encode, pack, unpack
from fewbits.formats._grid import is_representable, neighbours, spacing
from fewbits.formats._registry import FORMATS, FloatFormat, get, roundings
from fewbits.formats._rounding import round_to
from fewbits.formats._soft_errors import flip_bits, flip_exact_count

__all__ = [
    "BLOCK_FORMATS",
    "FORMATS",
    "Bfp",
    "BlockFormat",
    "FloatFormat",
    "decode",
    "encode",
    "flip_bits",
    "flip_exact_count",
    "get",
    "get_block",
    "is_representable",
    "neighbours",
    "pack",
    "round_to",
    "round_to_int",
    "roundings",
    "spacing",
    "unpack",
]
