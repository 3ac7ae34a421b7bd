"""Arrays of quantised weights: every model of `encode_codes` beside zstd, one thread.

The weights are Gaussian with log-normal scales by row and by column, rounded to a uniform grid.
"""

from __future__ import annotations

import sys

import numpy as np
from fewbits import coding
from harness import Bench


def main() -> int:
    bench = Bench("coding_codes", title="Codes of quantised weights", peers=["zstandard"])
    import zstandard

    n = 192 if bench.options.quick else 1536
    rng = np.random.default_rng(0)
    spread = np.exp(rng.normal(0, 0.4, (n, 1))) * np.exp(rng.normal(0, 0.4, (1, n)))
    w = rng.normal(size=(n, n)) * spread
    for name, step in (("2 bits", 1.0), ("4 bits", 0.25), ("6 bits", 0.06)):
        codes = np.rint(w / step).clip(-127, 127).astype(np.int8)
        raw, messages = codes.tobytes(), {}
        counts = np.unique(codes, return_counts=True)[1]
        sizes = {"order-0 entropy": float(-(counts * np.log2(counts / n**2)).sum()) / n**2}
        for model in ("static", "rows", "parametric", "context"):
            messages[model] = coding.encode_codes(codes, models=[model])
            if not (coding.decode_codes(messages[model]) == codes).all():
                raise SystemExit(f"{model}: not lossless")
            sizes[f"fewbits {model}"] = 8 * len(messages[model]) / n**2
        packed = zstandard.ZstdCompressor(level=19).compress(raw)
        sizes["zstd -19"] = 8 * len(packed) / n**2
        bench.facts(f"{name}: bits a code", sizes, unit="bits", digits=4)
        common = {"work": float(n * n), "unit": "Msym/s", "time_of": "cpu"}
        decode = bench.row(f"{name}: decode", baseline="zstd -19", **common)
        for model, message in messages.items():
            decode.add(f"fewbits {model}", lambda m=message: coding.decode_codes(m))
        decode.add("zstd -19", lambda p=packed: zstandard.ZstdDecompressor().decompress(p))
        decode.run()
        encode = bench.row(f"{name}: encode", baseline="zstd -3", **common)
        for model in messages:
            encode.add(f"fewbits {model}", lambda c=codes, m=model: coding.encode_codes(c, models=[m]))
        encode.add("zstd -3", lambda r=raw: zstandard.ZstdCompressor(level=3).compress(r))
        encode.run()
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
