"""Number formats of few bits: what they hold, and rounding to them, exactly and in every mode.

Formats are found by name (`get`): those of ml_dtypes, aliases, IEEE P3109 names, and a grammar for floats of
any shape, fixed point and integers. Rounding happens once, from float32, float64 and integers alike, and
gives the same bits on every machine; random bits depend on (seed, stream, index) alone.
"""

from __future__ import annotations

from fewbits.formats._registry import FORMATS, FloatFormat, get, roundings
from fewbits.formats._rounding import decode, encode, round_to

__all__ = [
    "FORMATS",
    "FloatFormat",
    "decode",
    "encode",
    "get",
    "round_to",
    "roundings",
]
