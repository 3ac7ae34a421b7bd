"""Attention of MiniLM-L6 with products by integer addition (L-Mul), beside operands rounded to float8_e4m3fn.

Queries, keys and values come from the first layer of all-MiniLM-L6-v2 on random tokens; `fewbits demo`
fetches the weights. Where they are not there, normal deviates take their place. Errors are root mean squares
relative to float64.
"""

from __future__ import annotations

import math

import fewbits
import fewbits.formats as ff
import numpy as np
from fewbits.demo import cache_directory

HEADS, TOKENS = 12, 64


def layer_norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    x = x - x.mean(1, keepdims=True)
    return x / np.sqrt((x * x).mean(1, keepdims=True) + 1e-12) * weight + bias


def queries_keys_values() -> tuple[list[np.ndarray], str]:
    """Three arrays (heads, tokens, width) and where they are from."""
    rng = np.random.default_rng(0)
    path = cache_directory() / "all-minilm-l6-v2.safetensors"
    if not path.is_file():
        return [rng.normal(size=(HEADS, TOKENS, 32)) for _ in range(3)], "normal deviates"
    weights = read_safetensors(path)
    words = weights["embeddings.word_embeddings.weight"][rng.integers(1000, 30000, TOKENS)]
    x = words + weights["embeddings.position_embeddings.weight"][:TOKENS]
    x = x + weights["embeddings.token_type_embeddings.weight"][0]
    x = layer_norm(x, weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"])
    arrays = []
    for name in ("query", "key", "value"):
        prefix = f"encoder.layer.0.attention.self.{name}"
        y = x @ weights[f"{prefix}.weight"].T + weights[f"{prefix}.bias"]
        arrays.append(y.reshape(TOKENS, HEADS, -1).transpose(1, 0, 2))
    return arrays, "MiniLM-L6, layer 0"


def read_safetensors(path: object) -> dict[str, np.ndarray]:
    import json
    from pathlib import Path

    data = Path(str(path)).read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    found = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if entry["dtype"] == "F32":
            raw = data[8 + size + begin : 8 + size + end]
            found[name.removeprefix("0.auto_model.")] = (
                np.frombuffer(raw, np.float32).reshape(entry["shape"]).astype(np.float64)
            )
    return found


def attention(q: np.ndarray, k: np.ndarray, v: np.ndarray, rounded: str | None = None) -> np.ndarray:
    """In float64; with `rounded` the operands of both products are rounded to that format first."""

    def cast(x: np.ndarray) -> np.ndarray:
        return x if rounded is None else ff.round_to(x, rounded, saturate="finite")

    scores = cast(q) @ cast(k).T / math.sqrt(q.shape[1])
    p = np.exp(scores - scores.max(1, keepdims=True))
    return cast(p / p.sum(1, keepdims=True)) @ cast(v)


def main() -> None:
    (q, k, v), source = queries_keys_values()
    exact = np.stack([attention(*head) for head in zip(q, k, v, strict=True)])

    def error(result: list[np.ndarray]) -> float:
        return float(np.linalg.norm(np.stack(result) - exact) / np.linalg.norm(exact))

    heads = list(zip(q, k, v, strict=True))
    print(f"fewbits {fewbits.__version__}, {source}: {HEADS} heads, {TOKENS} tokens")
    print(f"L-Mul, float32 operands           {error([ff.lmul_attention(*h) for h in heads]):.4f}")
    four = [ff.lmul_attention(*h, mantissa_bits=4) for h in heads]
    print(f"L-Mul, 4 mantissa bits, truncated {error(four):.4f}")
    three = [ff.lmul_attention(*h, mantissa_bits=3) for h in heads]
    print(f"L-Mul, 3 mantissa bits, truncated {error(three):.4f}")
    for name in ("float8_e4m3fn", "float8_e5m2"):
        print(f"products of {name:22}{error([attention(*h, rounded=name) for h in heads]):.4f}")


if __name__ == "__main__":
    main()
