"""Exceptions of fewbits. Bad arguments and undecodable data are `ValueError` too; refusals of the operating
system are plain `OSError`."""

from __future__ import annotations

__all__ = [
    "ArgumentError",
    "CodecError",
    "ConvergenceError",
    "ConvergenceWarning",
    "CorruptDataError",
    "Error",
    "LimitError",
    "LinAlgError",
    "ParameterMismatchError",
    "UnsupportedFeatureError",
]


class Error(Exception):
    """Base of every exception that fewbits defines."""


class ArgumentError(Error, ValueError):
    """An argument is outside what the function accepts."""


class CodecError(Error, ValueError):
    """Encoded data, or a coder, cannot do what is asked of it."""


class CorruptDataError(CodecError):
    """The data are damaged, truncated, or were never written by fewbits."""


class ParameterMismatchError(CodecError):
    """The decoder was given other parameters (model, base tensor) than the encoder had."""


class UnsupportedFeatureError(CodecError):
    """The data are sound but need a version, feature or stage that this build does not know."""


class LimitError(CodecError):
    """The data are sound but would decode to more than the caller allows (`max_bytes`)."""


class ConvergenceError(Error, ArithmeticError):
    """An iteration did not reach its tolerance.

    Attributes
    ----------
    iterations : int
    residual : float
    """

    def __init__(self, message: str, iterations: int = 0, residual: float = float("nan")) -> None:
        super().__init__(message)
        self.iterations = iterations
        self.residual = residual


class LinAlgError(Error, ArithmeticError):
    """A matrix or operator is not what the method needs: singular, not positive definite, out of range."""


class ConvergenceWarning(UserWarning):
    """An iteration stopped before its tolerance and returned what it had."""
