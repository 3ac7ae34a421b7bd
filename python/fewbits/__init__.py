"""Numbers, functions, matrices and messages in fewer bits and fewer operations, with the error and the cost
of every approximation stated and measured."""

from __future__ import annotations

from pathlib import Path

from fewbits._core import __version__, _cpu, isa
from fewbits.container import File, TensorInfo, Writer, compress_array, decompress_array, open, save

__all__ = [
    "File",
    "TensorInfo",
    "Writer",
    "__version__",
    "compress_array",
    "decompress_array",
    "get_cmake_dir",
    "get_include",
    "isa",
    "open",
    "save",
]

_package = Path(__file__).resolve().parent


def get_include() -> str:
    """Directory of the C++ headers, for ``-I``."""
    installed = _package / "include"
    # An editable install keeps the headers in the source tree.
    return str(installed if installed.is_dir() else _package.parents[1] / "cpp" / "include")


def get_cmake_dir() -> str:
    """Directory of ``fewbitsConfig.cmake``, for ``-Dfewbits_DIR=``."""
    # Beside the compiled extension: an editable install keeps it apart from the Python files.
    return str(Path(str(_cpu.__file__)).resolve().parents[1] / "lib" / "cmake" / "fewbits")
