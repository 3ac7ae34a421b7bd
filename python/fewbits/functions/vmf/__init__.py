"""The von Mises-Fisher distribution: directions in any number of dimensions, with an exact normalizer.

The density at a unit vector x is ``exp(kappa mu.x + log C_p(kappa))``: mean direction mu, concentration
kappa.
"""

from __future__ import annotations

from fewbits.functions.vmf._distribution import (
    VmfFit,
    entropy,
    fit,
    kappa_from_resultant,
    kl,
    log_normalizer,
    logpdf,
    mean_resultant,
    sample,
)
from fewbits.functions.vmf._estimators import VonMisesFisher, VonMisesFisherMixture

__all__ = [
    "VmfFit",
    "VonMisesFisher",
    "VonMisesFisherMixture",
    "entropy",
    "fit",
    "kappa_from_resultant",
    "kl",
    "log_normalizer",
    "logpdf",
    "mean_resultant",
    "sample",
]
