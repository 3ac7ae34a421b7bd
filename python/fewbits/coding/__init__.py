"""Entropy coding: sequences of integers in as few bits as their model allows.

A model says how probable each symbol is; `encode` turns symbols into bytes at that price (-log2 of the
probability for each), `decode` turns them back. The same symbols, model and options give the same bytes on
every machine and for any number of threads, and damaged bytes raise instead of decoding to something else.
"""

from __future__ import annotations

from fewbits._core import coding as _core
from fewbits.coding._adaptive import (
    AdaptiveBitModel,
    AdaptiveByteModel,
    AdaptiveExpGolombModel,
    AdaptiveModel,
    AdaptiveNibbleModel,
    AdaptiveTreeModel,
)
from fewbits.coding._codes import CodesReport, decode_codes, encode_codes, inspect_codes
from fewbits.coding._fit import fit, ideal_code_length
from fewbits.coding._messages import code_length, decode, encode
from fewbits.coding._models import Bernoulli, Categorical, Uniform, Zipf
from fewbits.coding._parametric import (
    CategoricalRows,
    Gaussian,
    Laplace,
    Logistic,
    Mixture,
    cdf_int,
    pmf,
    snap_parameters,
)
from fewbits.coding._streams import AnsStack, Decoder, Encoder

__all__ = [
    "AdaptiveBitModel",
    "AdaptiveByteModel",
    "AdaptiveExpGolombModel",
    "AdaptiveModel",
    "AdaptiveNibbleModel",
    "AdaptiveTreeModel",
    "AnsStack",
    "Bernoulli",
    "Categorical",
    "CategoricalRows",
    "CodesReport",
    "Decoder",
    "Encoder",
    "Gaussian",
    "Laplace",
    "Logistic",
    "Mixture",
    "Uniform",
    "Zipf",
    "cdf_int",
    "code_length",
    "decode",
    "decode_codes",
    "encode",
    "encode_codes",
    "fit",
    "ideal_code_length",
    "inspect_codes",
    "pmf",
    "self_test",
    "snap_parameters",
]


def self_test() -> None:
    """Check this build's coder against known answers; run at import, about 20 us.

    Raises
    ------
    Error : tables or streams differ: this build would write what others cannot read

    Examples
    --------
    >>> self_test()
    """
    _core.self_test()


self_test()
