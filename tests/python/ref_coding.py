"""The formats and algorithms of fewbits.coding in plain Python integers: slow, short, and independent.

Written from the specification of the format, not from the C++: tests compare the two byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Pair = tuple[int, int]  # (start, frequency)

A32 = (16, 16)  # log2 of the lower bound, bits of a word
A64 = (31, 32)


def rans_encode(pairs: Sequence[Pair], precision: int, lanes: int, core: tuple[int, int]) -> bytes:
    """States in lane order, then words in reading order."""
    log_lower, word_bits = core
    states = [1 << log_lower] * lanes
    words: list[int] = []
    for i in reversed(range(len(pairs))):
        start, f = pairs[i]
        x = states[i % lanes]
        if x >= f << (log_lower + word_bits - precision):
            words.append(x % (1 << word_bits))
            x >>= word_bits
        states[i % lanes] = (x // f << precision) + x % f + start
    state_bytes = (log_lower + word_bits + 7) // 8
    out = b"".join(x.to_bytes(state_bytes, "little") for x in states)
    return out + b"".join(w.to_bytes(word_bits // 8, "little") for w in reversed(words))


def rans_decode(
    data: bytes, n: int, frequencies: Sequence[int], precision: int, *, lanes: int, core: tuple[int, int]
) -> list[int]:
    """Indices into `frequencies`; ValueError on anything but exactly n symbols."""
    log_lower, word_bits = core
    state_bytes, word_bytes = (log_lower + word_bits + 7) // 8, word_bits // 8
    states = [int.from_bytes(data[state_bytes * i : state_bytes * (i + 1)], "little") for i in range(lanes)]
    if any(not 1 << log_lower <= x < 1 << (log_lower + word_bits) for x in states):
        raise ValueError("state")
    at = state_bytes * lanes
    out = []
    for i in range(n):
        x = states[i % lanes]
        t = x % (1 << precision)
        symbol = start = 0
        while t >= start + frequencies[symbol]:
            start += frequencies[symbol]
            symbol += 1
        x = frequencies[symbol] * (x >> precision) + t - start
        if x < 1 << log_lower:
            if at >= len(data):
                raise ValueError("truncated")
            x = x << word_bits | int.from_bytes(data[at : at + word_bytes], "little")
            at += word_bytes
        states[i % lanes] = x
        out.append(symbol)
    if at != len(data) or any(x != 1 << log_lower for x in states):
        raise ValueError("end")
    return out


def quantize_counts(counts: Sequence[int], precision: int, *, cover_all: bool = False) -> list[int]:
    """Frequencies that sum to 2^precision, by exact fractions and plain scans."""
    total = sum(counts)
    m = 1 << precision
    f = [max(1, n * m // total) if n > 0 or cover_all else 0 for n in counts]
    used = [i for i, v in enumerate(f) if v > 0]

    def receiver() -> int:
        return min(used, key=lambda i: (-Fraction(counts[i], 2 * f[i] + 1), i))

    def giver() -> int:
        return min((i for i in used if f[i] > 1), key=lambda i: (Fraction(counts[i], 2 * f[i] - 1), i))

    while sum(f) < m:
        f[receiver()] += 1
    while sum(f) > m:
        f[giver()] -= 1
    for _ in range(4 * len(used)):
        a = receiver()
        if all(f[i] == 1 for i in used):
            break
        b = giver()
        if not Fraction(counts[a], 2 * f[a] + 1) > Fraction(counts[b], 2 * f[b] - 1):
            break
        f[a] += 1
        f[b] -= 1
    return f


# ---- bytes ----------------------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value: int) -> int:
    return 2 * value if value >= 0 else -2 * value - 1


def gamma(value: int) -> str:
    """Bits in writing order."""
    low = bin(value)[3:][::-1]
    return "0" * len(low) + "1" + low


def pack(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8][::-1], 2) for i in range(0, len(bits), 8))


def table_bytes(frequencies: Sequence[int], lo: int, precision: int) -> bytes:
    """Wire form; the first and the last frequency are positive."""
    bits = ""
    i = 0
    while i < len(frequencies):
        run = 0
        while frequencies[i + run] == 0:
            run += 1
        if run:
            bits += "1" + gamma(run)
            i += run
        else:
            bits += "0" + gamma(frequencies[i])
            i += 1
    return varint(zigzag(lo)) + varint(len(frequencies)) + bytes([precision]) + pack(bits)


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def static_block(
    symbols: Sequence[int], frequencies: Sequence[int], lo: int, precision: int, lanes: int, *, checksum: bool
) -> bytes:
    """The block of a message whose table is known to both sides as number 0."""
    flags = 8 if checksum else 0
    if len(symbols) == 0:
        out = bytes([0x01, flags]) + varint(0)
    elif all(s == symbols[0] for s in symbols):
        out = bytes([0x11, flags]) + varint(len(symbols)) + varint(zigzag(symbols[0]))
    else:
        starts = [sum(frequencies[:i]) for i in range(len(frequencies))]
        core = A32 if precision <= 15 else A64
        pairs = [(starts[s - lo], frequencies[s - lo]) for s in symbols]
        payload = rans_encode(pairs, precision, lanes, core)
        state_bytes, word_bytes = (4, 2) if core == A32 else (8, 4)
        words = (len(payload) - lanes * state_bytes) // word_bytes
        out = bytes([0x31, flags | lanes.bit_length() - 1]) + varint(len(symbols)) + bytes([precision])
        out += varint(0) + varint(words) + payload
    return out + crc32c(out).to_bytes(4, "little") if checksum else out


# ---- the integer CDF of parametric models (cdf_version 1) -----------------------------------------------


def cdf_table(family: str) -> list[int]:
    """4097 values of 2^28 F, by mpmath at 40 digits."""
    import mpmath

    with mpmath.workdps(40):

        def value(i: int) -> mpmath.mpf:
            if family == "gaussian":
                return mpmath.ncdf(mpmath.mpf(i) / 256 - 8)
            z = mpmath.mpf(i) / 128 - 16
            if family == "laplace":
                return mpmath.exp(z) / 2 if z < 0 else 1 - mpmath.exp(-z) / 2
            return 1 / (1 + mpmath.exp(-z))

        table = [int(mpmath.nint(value(i) * 2**28)) for i in range(4097)]
    table[0], table[4096] = 0, 2**28
    return table


def mixture_cdf(
    q: int,
    table: Sequence[int],
    kappa: int,
    *,
    weights: Sequence[float],
    means: Sequence[float],
    scales: Sequence[float],
    lo: int,
    size: int,
) -> int:
    """C(q) of a mixture on lo..lo+size-1 at 24 bits; every float step rounded to binary32."""
    import numpy as np

    f32 = np.float32
    if q == lo:
        return 0
    if q == lo + size:
        return 1 << 24
    with np.errstate(over="ignore"):
        w = [f32(v) for v in weights]
        room = (1 << 24) - size
        if len(w) == 1:
            integer_weights = [room]
        else:
            total = w[0]
            for v in w[1:]:
                total = f32(total + v)
            ratio = f32(f32(room) / total)
            integer_weights = [int(f32(v * ratio)) for v in w]
            integer_weights[int(np.argmax(w))] += room - sum(integer_weights)
        acc = 0
        for weight, m, s in zip(integer_weights, means, scales, strict=True):
            rs = f32(f32(kappa) / max(f32(s), f32(2.0**-30)))
            z = f32(f32(f32(q) - f32(0.5) - f32(m)) * rs)
            u = int(min(max(z, f32(-8388608.0)), f32(8388607.0))) + 8388608
            i, f = u >> 12, u & 4095
            acc += weight * (table[i] + ((table[i + 1] - table[i]) * f >> 12))
    return (acc >> 28) + (q - lo)


def parametric_block(
    symbols: Sequence[int],
    table: Sequence[int],
    family: int,
    *,
    weights: Sequence[Sequence[float]],
    means: Sequence[Sequence[float]],
    scales: Sequence[Sequence[float]],
    lanes: int,
    checksum: bool,
) -> bytes:
    """A parametric block without low bits, exceptions and hash; parameters are rows by symbol."""
    lo, size = min(symbols), max(symbols) - min(symbols) + 1
    pairs = []
    for s, w, m, sigma in zip(symbols, weights, means, scales, strict=True):
        start, end = (
            mixture_cdf(
                q,
                table,
                2**20 if family == 0 else 2**19,
                weights=w,
                means=m,
                scales=sigma,
                lo=lo,
                size=size,
            )
            for q in (s, s + 1)
        )
        pairs.append((start, end - start))
    payload = rans_encode(pairs, 24, lanes, A64)
    out = bytes([1 | 4 << 4, lanes.bit_length() - 1 | (8 if checksum else 0)]) + varint(len(symbols))
    out += bytes([family | 1 << 3, len(weights[0])]) + varint(zigzag(lo)) + varint(size)
    out += varint(len(payload) // 4 - 2 * lanes) + payload
    return out + crc32c(out).to_bytes(4, "little") if checksum else out


# ---- adaptive models --------------------------------------------------------------------------------------


class Nibble:
    """C[0..16] and its update, as specified."""

    def __init__(self) -> None:
        self.c = [2048 * j for j in range(17)]
        self.updates = 0

    def step(self, symbol: int) -> Pair:
        pair = self.c[symbol], self.c[symbol + 1] - self.c[symbol]
        rate = min(4 + self.updates // 16, 7)
        for j in range(1, 16):
            mix = j if j <= symbol else 2**15 - 16 + j
            self.c[j] += mix - self.c[j] >> rate
        self.updates += 1
        return pair


def adaptive_bytes_payload(symbols: Sequence[int], order: int, lanes: int) -> bytes:
    """The A32 payload of bytes under the adaptive model of order 0 or 1."""
    high: dict[int, Nibble] = {}
    low: dict[tuple[int, int], Nibble] = {}
    pairs, before = [], 0
    for s in symbols:
        context = before if order else 0
        pairs.append(high.setdefault(context, Nibble()).step(s >> 4))
        pairs.append(low.setdefault((context, s >> 4), Nibble()).step(s & 15))
        before = s
    return rans_encode(pairs, 15, lanes, A32)


def adaptive_bits_payload(symbols: Sequence[int], lanes: int) -> bytes:
    """The A32 payload of bits."""
    a = b = 32768
    pairs = []
    for s in symbols:
        p = min(max((a + b >> 1) >> 1, 32), 32736)
        pairs.append((0, p) if s == 0 else (p, 32768 - p))
        a += (0 if s else 65535) - a >> 4
        b += (0 if s else 65535) - b >> 7
    return rans_encode(pairs, 15, lanes, A32)


# ---- CompressAI's streams ---------------------------------------------------------------------------------


def compressai_encode(
    symbols: Sequence[int],
    indexes: Sequence[int],
    cdfs: Sequence[Sequence[int]],
    sizes: Sequence[int],
    offsets: Sequence[int],
) -> bytes:
    """What its RansEncoder writes, from the description of the format."""
    steps: list[tuple[int, int, int]] = []
    for symbol, row in zip(symbols, indexes, strict=True):
        escape, value, raw = sizes[row] - 2, symbol - offsets[row], -1
        if value < 0:
            raw, value = -2 * value - 1, escape
        elif value >= escape:
            raw, value = 2 * (value - escape), escape
        steps.append((cdfs[row][value], cdfs[row][value + 1] - cdfs[row][value], 16))
        if raw >= 0:
            nibbles = (raw.bit_length() + 3) // 4
            steps.append((nibbles, 1, 4))
            steps += [(raw >> 4 * j & 15, 1, 4) for j in range(nibbles)]
    x, words = 1 << 31, []
    for start, f, precision in reversed(steps):
        if x >= f << (63 - precision):
            words.append(x & 0xFFFFFFFF)
            x >>= 32
        x = (x // f << precision) + x % f + start
    return x.to_bytes(8, "little") + b"".join(w.to_bytes(4, "little") for w in reversed(words))
