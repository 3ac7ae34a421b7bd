"""Entropy coding: sequences of integers in as few bits as their model allows.

A model says how probable each symbol is; `encode` turns symbols into bytes at that price (-log2 of the
probability for each), `decode` turns them back. The same symbols, model and options give the same bytes on
every machine and for any number of threads, and damaged bytes raise instead of decoding to something else.
"""

from __future__ import annotations

from fewbits.coding._messages import code_length, decode, encode
from fewbits.coding._models import Bernoulli, Categorical, Uniform

__all__ = ["Bernoulli", "Categorical", "Uniform", "code_length", "decode", "encode"]
