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
    >>> error_bound("exp", "float32")["ulp"]
    0.5
    >>> error_bound("exp")["ulp"] < 0.51
    True
    """
    recorded = _recorded()
    choice("functions.error_bound", "function", function, recorded)
    choice("functions.error_bound", "dtype", dtype, ("float32", "float64"))
    choice("functions.error_bound", "accuracy", accuracy, ("best", "fast"))
    entries = recorded[function]
    key = "float64" if dtype == "float64" else f"float32 {accuracy}"
    # A function without float32 arithmetic of its own gives its best.
    entry = entries.get(key, entries["float32 best"])
    bound = {"ulp": entry.get("ulp", 0.5)}
    if entry.get("inputs") == 1 << 32:
        return {**bound, "proof": "exhaustive"}
    bound |= {"proof": "sampled", "n": entry.get("n", entry.get("inputs"))}
    return {**bound, **({"worst_input": entry["worst_input"]} if "worst_input" in entry else {})}
