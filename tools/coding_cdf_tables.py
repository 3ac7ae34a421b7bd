"""Writes cpp/include/fewbits/coding/detail/cdf_tables.hpp: the lower halves of the three standard CDFs.

T[i] = round(2^28 F(-8 + i/256)) for the Gaussian, round(2^28 F(-16 + i/128)) for Laplace and logistic, at 60
digits; T[0] = 0. F(-z) = 1 - F(z) and no value falls on a half, so T[4096 - i] = 2^28 - T[i]: half of it is
stored. Needs mpmath. Usage: python tools/coding_cdf_tables.py
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath

mpmath.mp.dps = 60
CRC = {"gaussian": 0x255028C1, "laplace": 0xB796245E, "logistic": 0x59477C97}


def laplace(z: Any) -> Any:
    return mpmath.exp(z) / 2 if z < 0 else 1 - mpmath.exp(-z) / 2


def logistic(z: Any) -> Any:
    return 1 / (1 + mpmath.exp(-z))


def table(cdf: Callable[[Any], Any], low: int, per_unit: int) -> list[int]:
    values = [int(mpmath.nint(2**28 * cdf(mpmath.mpf(low) + mpmath.mpf(i) / per_unit))) for i in range(4097)]
    values[0], values[4096] = 0, 2**28
    return values


def main() -> None:
    lines = [
        "// Lower halves of the Gaussian, Laplace and logistic CDFs, made by tools/coding_cdf_tables.py.",
        "// The file format pins these numbers (coding/integer_cdf.hpp).",
        "#pragma once",
        "",
        "#include <cstdint>",
        "",
        '#include "fewbits/core/isa.hpp"',
        "",
        "namespace fewbits {",
        "inline namespace FEWBITS_ISA {",
        "namespace coding {",
        "namespace detail {",
        "",
        "// clang-format off",
    ]
    for name, cdf, low, per_unit in (
        ("gaussian", mpmath.ncdf, -8, 256),
        ("laplace", laplace, -16, 128),
        ("logistic", logistic, -16, 128),
    ):
        values = table(cdf, low, per_unit)
        assert zlib.crc32(struct.pack("<4097I", *values)) == CRC[name]
        assert all(values[i] + values[4096 - i] == 2**28 for i in range(4097))
        lines.append(f"inline constexpr std::uint32_t {name}_half[2049] = {{")
        row = "   "
        for value in values[:2049]:
            item = f" {value},"
            if len(row) + len(item) > 110:
                lines.append(row)
                row = "   "
            row += item
        lines += [row, "};"]
    lines += [
        "// clang-format on",
        "",
        "}  // namespace detail",
        "}  // namespace coding",
        "}  // namespace FEWBITS_ISA",
        "}  // namespace fewbits",
    ]
    target = Path(__file__).resolve().parents[1] / "cpp/include/fewbits/coding/detail/cdf_tables.hpp"
    target.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
