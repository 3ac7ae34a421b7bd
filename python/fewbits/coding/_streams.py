"""Coders that are fed call by call: streams for autoregressive models, and the stack for bits-back coding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import integer
from fewbits._core import coding as _core
from fewbits._interop import as_bytes, as_integers
from fewbits.coding._models import Categorical
from fewbits.coding._parametric import CategoricalRows, Mixture
from fewbits.errors import ArgumentError

__all__ = ["AnsStack", "Decoder", "Encoder"]

StreamModel: TypeAlias = "Categorical | Mixture | CategoricalRows"


def _symbols(function: str, symbols: ArrayLike, model: StreamModel) -> NDArray[np.int32]:
    array = as_integers(function, "symbols", symbols)
    shape = model.shape if isinstance(model, (Mixture, CategoricalRows)) else None
    if shape is not None and array.shape != shape:
        raise ArgumentError(
            f"{function}: symbols must have the shape of the model, {shape}, got {array.shape}"
        )
    return array.astype(np.int32, copy=False).reshape(-1)


def _room(function: str, model: StreamModel, n: int | None, default: Callable[[], int]) -> NDArray[np.int32]:
    shape = model.shape if isinstance(model, (Mixture, CategoricalRows)) else None
    if shape is not None:
        if n is not None and n != int(np.prod(shape)):
            raise ArgumentError(f"{function}: n must be {int(np.prod(shape))}, the model's size, got {n}")
        return np.empty(shape, np.int32)
    return np.empty(default() if n is None else integer(function, "n", n, 0, 2**26), np.int32)


def _unknown(function: str, model: object) -> TypeError:
    return TypeError(
        f"{function}: model must be a Categorical, Mixture or CategoricalRows, got {type(model).__name__}"
    )


class Encoder:
    """Collects symbols under any sequence of models into one stream.

    For models whose parameters depend on symbols that the decoder will have by then: rasters, checkerboards,
    groups of channels.

    Examples
    --------
    >>> encoder = Encoder()
    >>> encoder.put([2, 0, 1], Uniform(3))
    >>> encoder.put([7, -3], Gaussian(np.array([5.0, -2.0]), 2.0))
    >>> data = encoder.finish()
    >>> decoder = Decoder(data)
    >>> first = decoder.get(Uniform(3))
    >>> decoder.get(Gaussian(np.array([5.0, -2.0]), 2.0))
    array([ 7, -3], dtype=int32)
    >>> decoder.finish()
    """

    def __init__(self) -> None:
        self._core = _core.SequenceEncoder()

    def put(self, symbols: ArrayLike, model: StreamModel) -> None:
        """Add symbols.

        Parameters
        ----------
        symbols : array_like of integers, in the shape of the model's parameters if it has any
        model : Categorical, Mixture or CategoricalRows

        Raises
        ------
        ArgumentError : a symbol that the model does not have, bad parameters; the stream is as it was
        """
        function = "coding.Encoder.put"
        if isinstance(model, Categorical):
            self._core.put_table(_symbols(function, symbols, model), model._model)
        elif isinstance(model, Mixture):
            self._core.put_mixture(_symbols(function, symbols, model), model._core)
        elif isinstance(model, CategoricalRows):
            self._core.put_rows(_symbols(function, symbols, model), model._core)
        else:
            raise _unknown(function, model)

    def finish(self, *, lanes: int | Literal["auto"] = "auto", checksum: bool = True) -> bytes:
        """The stream; the encoder is then empty again.

        Parameters
        ----------
        lanes : 1, 2, 4 or 8; "auto" goes by the size
        checksum : add a CRC-32C
        """
        function = "coding.Encoder.finish"
        return self._core.finish(
            0 if lanes == "auto" else integer(function, "lanes", lanes, 1, 8), bool(checksum)
        )


class Decoder:
    """Reads what an `Encoder` wrote, call by call in the same order.

    Parameters
    ----------
    data : bytes-like

    Raises
    ------
    CorruptDataError : no such stream, or a wrong checksum

    Examples
    --------
    >>> encoder = Encoder()
    >>> encoder.put([2, 0, 1], Uniform(3))
    >>> decoder = Decoder(encoder.finish())
    >>> decoder.get(Uniform(3))
    array([2, 0, 1], dtype=int32)
    >>> decoder.finish()
    """

    def __init__(self, data: Any) -> None:
        self._core = _core.SequenceDecoder(as_bytes("coding.Decoder", "data", data))

    def get(self, model: StreamModel, n: int | None = None) -> NDArray[np.int32]:
        """The symbols of the next call.

        Parameters
        ----------
        model : as the encoder's
        n : number of symbols; needed by nobody, checked if given

        Returns
        -------
        ndarray of int32, in the shape of the model's parameters if it has any, else (n,)

        Raises
        ------
        ArgumentError : another number of symbols than were put, or no call left
        ParameterMismatchError : another kind of model. Other parameters show at `finish`
        """
        function = "coding.Decoder.get"
        out = _room(function, model, n, lambda: self._core.next_size)
        flat = out.reshape(-1)
        if isinstance(model, Categorical):
            self._core.get_table(model._model, flat)
        elif isinstance(model, Mixture):
            self._core.get_mixture(model._core, flat)
        elif isinstance(model, CategoricalRows):
            self._core.get_rows(model._core, flat)
        else:
            raise _unknown(function, model)
        return out

    def finish(self) -> None:
        """Check that all was read and the coder is back where the encoder started.

        Raises
        ------
        CorruptDataError : calls left over, damage, or parameters other than the encoder's
        """
        self._core.finish()


class AnsStack:
    """A last-in first-out coder whose `pop` and `push` undo each other exactly, on any content.

    Popping under a model from bits that were pushed as something else *decodes* them: bits-back coding spends
    these bits on a choice among latent values and gets them back at the decoder.

    Examples
    --------
    >>> stack = AnsStack.from_bytes(b"any bytes at all", seal=True)
    >>> latent = stack.pop(Bernoulli(0.3), 5)     # decoded from the bytes
    >>> stack.push(latent, Bernoulli(0.3))        # and back
    >>> stack.unseal()
    b'any bytes at all'
    """

    def __init__(self) -> None:
        self._core = _core.AnsStack()

    @classmethod
    def from_bytes(cls, data: Any, *, seal: bool = False) -> AnsStack:
        """The stack that `to_bytes` gave, or, with `seal`, one on top of arbitrary bytes.

        Raises
        ------
        CorruptDataError : not whole words, or a last word of 0
        """
        self = cls()
        self._core = _core.AnsStack.from_bytes(
            as_bytes("coding.AnsStack.from_bytes", "data", data), bool(seal)
        )
        return self

    def to_bytes(self) -> bytes:
        """All of the content; empty for an empty stack."""
        return self._core.to_bytes()

    def unseal(self) -> bytes:
        """The bytes given to ``from_bytes(..., seal=True)``, once all pushed on top is popped again.

        Raises
        ------
        CorruptDataError : the stack is not back at its seal
        """
        return self._core.unseal()

    def _bounds(self, function: str, model: Mixture) -> tuple[int, int]:
        if model.support is None:
            raise ArgumentError(f"{function}: model must have a support (pass support=(lo, hi))")
        return model._lo, model._size

    def push(self, symbols: ArrayLike, model: StreamModel) -> None:
        """Put symbols on the stack so that `pop` gives them in this order.

        Parameters
        ----------
        symbols : array_like of integers, in the shape of the model's parameters if it has any
        model : Categorical, CategoricalRows, or Mixture with a support

        Raises
        ------
        ArgumentError : a symbol outside the model; the stack is as it was
        """
        function = "coding.AnsStack.push"
        if isinstance(model, Categorical):
            self._core.push_table(_symbols(function, symbols, model), model._model)
        elif isinstance(model, Mixture):
            lo, size = self._bounds(function, model)
            self._core.push_mixture(_symbols(function, symbols, model), model._core, lo, size)
        elif isinstance(model, CategoricalRows):
            self._core.push_rows(_symbols(function, symbols, model), model._core)
        else:
            raise _unknown(function, model)

    def pop(
        self, model: StreamModel, n: int | None = None, *, allow_exhausted: bool = False
    ) -> NDArray[np.int32]:
        """Take symbols off the stack.

        Parameters
        ----------
        model : as in `push`
        n : number of symbols; by default the model's, or 1 where it has no shape
        allow_exhausted : decode past the bottom, as if zeros lay below

        Returns
        -------
        ndarray of int32, in the shape of the model's parameters if it has any, else (n,)

        Raises
        ------
        CorruptDataError : the stack is exhausted
        """
        function = "coding.AnsStack.pop"
        out = _room(function, model, n, lambda: 1)
        flat = out.reshape(-1)
        if isinstance(model, Categorical):
            self._core.pop_table(model._model, flat, bool(allow_exhausted))
        elif isinstance(model, Mixture):
            lo, size = self._bounds(function, model)
            self._core.pop_mixture(model._core, lo, size, flat, bool(allow_exhausted))
        elif isinstance(model, CategoricalRows):
            self._core.pop_rows(model._core, flat, bool(allow_exhausted))
        else:
            raise _unknown(function, model)
        return out

    def push_bits(self, value: int, nbits: int) -> None:
        """Put `nbits` (at most 24) bits on the stack."""
        function = "coding.AnsStack.push_bits"
        nbits = integer(function, "nbits", nbits, 0, 24)
        self._core.push_bits(integer(function, "value", value, 0, (1 << nbits) - 1), nbits)

    def pop_bits(self, nbits: int, *, allow_exhausted: bool = False) -> int:
        """Take `nbits` (at most 24) bits off the stack."""
        function = "coding.AnsStack.pop_bits"
        return self._core.pop_bits(integer(function, "nbits", nbits, 0, 24), bool(allow_exhausted))

    @property
    def num_bits(self) -> int:
        """Size of `to_bytes` in bits."""
        return self._core.num_bits

    @property
    def num_valid_bits(self) -> int:
        """Bits that the content is worth: differences tell what a push cost, to within a bit."""
        return self._core.num_valid_bits

    @property
    def is_empty(self) -> bool:
        """Whether nothing is on the stack."""
        return self._core.is_empty

    def pos(self) -> tuple[int, int]:
        """(words, state): where the stack is, for `seek`."""
        return self._core.words, self._core.state

    def seek(self, pos: int, state: int) -> None:
        """Back to an earlier `pos`; what was pushed since is dropped.

        Raises
        ------
        ArgumentError : a position that the stack never had
        """
        function = "coding.AnsStack.seek"
        self._core.seek(
            integer(function, "pos", pos, 0, 2**62), integer(function, "state", state, 0, 2**63 - 1)
        )

    def clone(self) -> AnsStack:
        """A copy."""
        other = AnsStack()
        other._core = _core.AnsStack(self._core)
        return other
