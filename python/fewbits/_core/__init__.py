"""Loads the extension for the best instruction set of this machine.

``FEWBITS_ISA=scalar|avx2|neon`` in the environment overrides the choice; one the machine or the build does
not have is an `ImportError`.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType

import fewbits.errors  # noqa: F401  the extensions look its classes up
from fewbits._core import _cpu


def _load() -> ModuleType:
    supported: list[str] = _cpu.supported_isas()
    wanted = os.environ.get("FEWBITS_ISA", "")
    if wanted and wanted not in supported:
        available = ", ".join(supported)
        raise ImportError(f"FEWBITS_ISA={wanted!r} is not available: this machine runs {available}")
    return importlib.import_module(f"fewbits._core._{wanted or supported[0]}")


_extension = _load()
isa: str = _extension.isa
__version__: str = _extension.__version__
# `from fewbits._core.coding import ...` works whichever extension was chosen.
for _name, _module in list(vars(_extension).items()):
    if not isinstance(_module, ModuleType):
        continue
    sys.modules[f"{__name__}.{_name}"] = _module
    globals()[_name] = _module
