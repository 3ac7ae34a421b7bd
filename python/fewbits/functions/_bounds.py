"""The error bound of every function, as measured."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from fewbits._arguments import choice

__all__ = ["error_bound"]


@cache
def _recorded() -> dict[str, dict[str, dict[str, Any]]]:
    text = resources.files("fewbits.functions").joinpath("bounds.json").read_text()
    recorded: dict[str, dict[str, dict[str, Any]]] = json.loads(text)
    return recorded


def error_bound(function: str, dtype: str = "float64", accuracy: str = "best") -> dict[str, Any]:
    """The largest error of a function, in units in the last place, and how it was established.

    Parameters
    ----------
    function : str
        Name of an elementwise function of this module.
    dtype : {"float64", "float32"}
    accuracy : {"best", "fast"}

    Returns
    -------
    dict
        ``ulp``: the bound; 0.5 means correctly rounded. ``proof``: ``"exhaustive"`` (all float32 arguments)
        or ``"sampled"``, then with ``n``, the number of arguments, and ``worst_input`` as hexadecimal float.

    Raises
    ------
    ArgumentError
        Unknown names.

    Notes
    -----
    An ulp is that of the exact result: ``2**(max(floor(log2(abs(y))), emin) - p + 1)``. Measured by
    ``tests/oracle/functions_oracle.cpp`` against libm, libquadmath and mpmath; a test compares.

    Examples
    --------
    >>> error_bound("exp", "float32")
    {'ulp': 0.5, 'proof': 'exhaustive'}
    >>> error_bound("exp")["ulp"] < 0.51
    True
    """
    recorded = _recorded()
    choice("functions.error_bound", "function", function, recorded)
    choice("functions.error_bound", "dtype", dtype, ("float32", "float64"))
    choice("functions.error_bound", "accuracy", accuracy, ("best", "fast"))
    entries = recorded[function]
    if dtype == "float64":
        entry = entries["float64"]
    elif accuracy == "fast" and "float32 fast" in entries:
        return {"ulp": entries["float32 fast"]["ulp"], "proof": "exhaustive"}
    else:
        entry = entries["float32 best"]
        if "misrounded" in entry:
            return {"ulp": 0.5, "proof": "exhaustive"}
    return {"ulp": entry["ulp"], "proof": "sampled", "n": entry["n"], "worst_input": entry["worst_input"]}
