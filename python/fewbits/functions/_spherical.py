"""An output layer of many classes whose exact gradient step does not touch all of them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, real
from fewbits._interop import as_array
from fewbits.errors import ArgumentError
from fewbits.functions._logarithm import log
from fewbits.functions._logistic import sigmoid, softplus

__all__ = ["SphericalOutput"]

Array = NDArray[np.float64]
_LOSSES: Final = ("mse", "spherical", "taylor", "z")


class SphericalOutput:
    """The layer o = W h of D classes with gradient steps in O(d^2), for losses of sums over all scores.

    Parameters
    ----------
    weights : array_like, shape (D, d)
        W at the start; copied, as float64.
    kind : {"mse", "spherical", "taylor", "z"}
        A loss of q = sum o_k^2, t = sum o_k and the target's score, as for `cross_entropy`.
    epsilon : float, optional
        For ``"spherical"`` (above 0, default 1e-6) and ``"z"`` (default 0).
    sharpness, location : float
        For ``"z"``.
    stabilize_every : int
        After so many steps U is folded into V, which costs O(D d^2).

    Attributes
    ----------
    classes, width, steps : int
        D, d, and how many steps were taken.

    Raises
    ------
    TypeError
        Weights that are no numbers.
    ArgumentError
        Weights that are no matrix, parameters out of range.

    Notes
    -----
    W = V U + 1 omega^T is never formed; Q = W^T W and W^T 1 give q and t. The steps are those of gradient
    descent on W but for rounding: 1e-9 of W after 1000 steps of D = 5000, d = 64. The time of a step does not
    depend on D.

    References
    ----------
    .. [1] P. Vincent, A. de Brebisson, X. Bouthillier, "Efficient exact gradient update for training deep
       networks with very large sparse targets", arXiv 1412.7091.
    .. [2] A. de Brebisson, P. Vincent, "An exploration of softmax alternatives belonging to the spherical
       loss family", arXiv 1511.05042.

    Examples
    --------
    >>> layer = SphericalOutput(np.eye(4, 3), "taylor")
    >>> loss, grad = layer.step([1.0, 0.0, -1.0], target=0, rate=0.1)
    >>> round(loss, 6), grad.shape
    (0.693147, (3,))
    """

    def __init__(
        self,
        weights: ArrayLike,
        kind: str = "z",
        *,
        epsilon: float | None = None,
        sharpness: float = 1.0,
        location: float = 0.0,
        stabilize_every: int = 100,
    ) -> None:
        function = "functions.SphericalOutput"
        choice(function, "kind", kind, _LOSSES)
        W = as_array(function, "weights", weights, "fiu").astype(np.float64)
        if W.ndim != 2 or 0 in W.shape:
            raise ArgumentError(f"{function}: weights must be a matrix (classes, width), got shape {W.shape}")
        self.classes, self.width = W.shape
        self.kind = kind
        if kind == "spherical":
            self.epsilon = real(function, "epsilon", 1e-6 if epsilon is None else epsilon, 0, open_low=True)
        else:
            self.epsilon = 0.0 if epsilon is None else real(function, "epsilon", epsilon, 0)
        self.sharpness = real(function, "sharpness", sharpness, 0, open_low=True)
        self.location = real(function, "location", location)
        self.stabilize_every = integer(function, "stabilize_every", stabilize_every, 1, 1 << 62)
        self.steps = 0
        self._start(W)

    def _start(self, W: Array) -> None:
        d = self.width
        # Invariants: W = V U + 1 omega^T, P = U^-T, Q = W^T W, sums = W^T 1.
        self._V, self._U, self._P = W, np.eye(d), np.eye(d)
        self._omega = np.zeros(d)
        self._Q, self._sums = W.T @ W, W.sum(axis=0)

    def weights(self) -> Array:
        """W, formed in O(D d^2)."""
        W: Array = self._V @ self._U + self._omega
        return W

    def scores(self, h: ArrayLike) -> Array:
        """All scores W h, in O(D d)."""
        x = self._input("scores", h)
        result: Array = self._V @ (self._U @ x) + self._omega @ x
        return result

    def _input(self, name: str, h: ArrayLike) -> Array:
        function = f"functions.SphericalOutput.{name}"
        x = as_array(function, "h", h, "fiu").astype(np.float64)
        if x.shape != (self.width,):
            raise ArgumentError(f"{function}: h must have shape ({self.width},), got {x.shape}")
        return x

    def _partials(self, q: float, t: float, o: float) -> tuple[float, float, float, float]:
        """The loss, and its derivatives by q, t and o."""
        D = self.classes
        if self.kind == "mse":
            return q - 2 * o + 1, 1.0, 0.0, -2.0
        if self.kind == "spherical":
            total, own = q + D * self.epsilon, o * o + self.epsilon
            return float(log(total) - log(own)), 1 / total, 0.0, -2 * o / own
        if self.kind == "taylor":
            total, own = D + t + q / 2, 1 + o + o * o / 2
            return float(log(total) - log(own)), 0.5 / total, 1 / total, -(1 + o) / own
        mean = t / D
        sigma = float(np.sqrt(max(0.0, q / D - mean * mean)))
        scale = sigma + self.epsilon
        if scale == 0:
            raise ArgumentError(
                "functions.SphericalOutput: the scores are all equal: the z loss needs epsilon > 0 there"
            )
        z = (o - mean) / scale
        u = self.sharpness * (self.location - z)
        slope = -float(sigmoid(u))
        # z by sigma; sigma by q and t.
        bend = -z / scale / (2 * sigma) if sigma > 0 else 0.0
        return (
            float(softplus(u)) / self.sharpness,
            slope * bend / D,
            slope * (-1 / (D * scale) - 2 * bend * mean / D),
            slope / scale,
        )

    def loss(self, h: ArrayLike, target: int) -> float:
        """Loss of one example, in O(d^2)."""
        x = self._input("loss", h)
        c = integer("functions.SphericalOutput.loss", "target", target, 0, self.classes - 1)
        o = float((self._V[c] @ self._U + self._omega) @ x)
        return self._partials(float(x @ (self._Q @ x)), float(self._sums @ x), o)[0]

    def step(self, h: ArrayLike, target: int, rate: float) -> tuple[float, Array]:
        """One step of gradient descent on the weights, for one example.

        Parameters
        ----------
        h : array_like, shape (d,)
        target : int
        rate : float, at least 0

        Returns
        -------
        loss : float
            Before the step.
        grad : ndarray, shape (d,)
            Gradient of the loss with respect to `h`, before the step.

        Raises
        ------
        ArgumentError
            Arguments out of range; a rate at which ``abs(1 - 2 rate q' |h|^2)`` is below 1e-6, where U would
            become singular. The layer is then as it was.
        """
        function = "functions.SphericalOutput.step"
        x = self._input("step", h)
        c = integer(function, "target", target, 0, self.classes - 1)
        r = real(function, "rate", rate, 0)
        Qx, D = self._Q @ x, self.classes
        row = self._V[c] @ self._U + self._omega
        q, t, o = float(x @ Qx), float(self._sums @ x), float(row @ x)
        loss, dq, dt, do = self._partials(q, t, o)
        shrink = 1 - 2 * r * dq * float(x @ x)
        if abs(shrink) < 1e-6:
            raise ArgumentError(
                f"{function}: rate must keep abs(1 - 2 rate q' |h|^2) above 1e-6, got {rate} for {shrink:.2e}"
            )
        grad: Array = 2 * dq * Qx + dt * self._sums + do * row
        G = 4 * dq**2 * q + D * dt**2 + do**2 + 4 * dq * dt * t + 4 * dq * do * o + 2 * dt * do
        self._Q += (r * r * G) * np.outer(x, x) - r * (np.outer(grad, x) + np.outer(x, grad))
        self._sums -= r * (2 * dq * t + D * dt + do) * x
        self._omega -= (2 * r * dq * float(self._omega @ x) + r * dt) * x
        self._U -= np.outer(2 * r * dq * (self._U @ x), x)
        self._P += np.outer((2 * r * dq / shrink) * (self._P @ x), x)
        self._V[c] -= r * do * (self._P @ x)
        self.steps += 1
        if self.steps % self.stabilize_every == 0:
            self._start(self.weights())
        return loss, grad
