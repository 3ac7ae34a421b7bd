"""Adaptive models: they learn from the message, and nothing is sent ahead."""

from __future__ import annotations

from fewbits._arguments import integer

__all__ = [
    "AdaptiveBitModel",
    "AdaptiveByteModel",
    "AdaptiveExpGolombModel",
    "AdaptiveModel",
    "AdaptiveNibbleModel",
    "AdaptiveTreeModel",
]

_KINDS = ("bit", "nibble", "byte", "byte_order1", "nibble_tree", "exp_golomb")


class AdaptiveModel:
    """A model that starts flat and follows the message; made by `AdaptiveByteModel` and its siblings.

    Stateless on this side: every `encode` and `decode` starts afresh, as does every block of 2^18 symbols.

    Parameters
    ----------
    kind : "bit", "nibble", "byte", "byte_order1", "nibble_tree" or "exp_golomb"
    alphabet : symbols are ``0 .. alphabet - 1``; 0 for "exp_golomb"

    Examples
    --------
    >>> AdaptiveByteModel(alphabet=100)
    <AdaptiveModel: byte, alphabet 100>
    """

    __slots__ = ("alphabet", "kind")

    def __init__(self, kind: str, alphabet: int) -> None:
        self.kind, self.alphabet = kind, alphabet

    @property
    def _code(self) -> int:
        return _KINDS.index(self.kind)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AdaptiveModel) and (self.kind, self.alphabet) == (other.kind, other.alphabet)

    def __hash__(self) -> int:
        return hash((self.kind, self.alphabet))

    def __repr__(self) -> str:
        return f"<AdaptiveModel: {self.kind}" + (f", alphabet {self.alphabet}>" if self.alphabet else ">")


def AdaptiveBitModel() -> AdaptiveModel:
    """Symbols 0 and 1, by the mean of a fast and a slow estimate.

    Examples
    --------
    >>> len(encode([0] * 999 + [1], AdaptiveBitModel(), checksum=False)) < 24
    True
    """
    return AdaptiveModel("bit", 2)


def AdaptiveNibbleModel(alphabet: int = 16) -> AdaptiveModel:
    """Symbols of an alphabet of at most 16.

    Examples
    --------
    >>> decode(encode([3, 1, 4], AdaptiveNibbleModel()), AdaptiveNibbleModel())
    array([3, 1, 4], dtype=int32)
    """
    return AdaptiveModel("nibble", integer("coding.AdaptiveNibbleModel", "alphabet", alphabet, 1, 16))


def AdaptiveByteModel(order: int = 0, *, alphabet: int = 256) -> AdaptiveModel:
    """Bytes, in two nibbles; with ``order=1`` each in the context of the one before.

    Parameters
    ----------
    order : 0 or 1
    alphabet : at most 256

    Returns
    -------
    AdaptiveModel. On stationary bytes within 2 % of their entropy after 64 KiB

    Examples
    --------
    >>> text = list(b"to be or not to be, that is the question " * 20)
    >>> len(encode(text, AdaptiveByteModel(order=1))) < len(encode(text, AdaptiveByteModel()))
    True
    """
    function = "coding.AdaptiveByteModel"
    order = integer(function, "order", order, 0, 1)
    return AdaptiveModel("byte_order1" if order else "byte", integer(function, "alphabet", alphabet, 1, 256))


def AdaptiveTreeModel(alphabet: int) -> AdaptiveModel:
    """Symbols of an alphabet of at most 65536, in nibbles from the top.

    Examples
    --------
    >>> decode(encode([3, 1000, 4], AdaptiveTreeModel(5000)), AdaptiveTreeModel(5000))
    array([   3, 1000,    4], dtype=int32)
    """
    return AdaptiveModel("nibble_tree", integer("coding.AdaptiveTreeModel", "alphabet", alphabet, 1, 65536))


def AdaptiveExpGolombModel() -> AdaptiveModel:
    """Any int32, small ones cheaper: lengths are learnt, the bits below the top one are stored.

    Examples
    --------
    >>> decode(encode([3, -1000000, 4], AdaptiveExpGolombModel()), AdaptiveExpGolombModel())
    array([       3, -1000000,        4], dtype=int32)
    """
    return AdaptiveModel("exp_golomb", 0)
