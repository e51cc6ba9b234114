"""Any energy as a score model: written by its user in autograd.numpy, every derivative by reverse passes.

    log p(x) = -E(θ, x),   s(x) = -∂E/∂x                                                              (AGE.1)
    J v = -∂/∂x (v·∂E/∂x)                                                                             (AGE.2)
    tr J = Σ_i e_iᵀ J e_i                                                                             (AGE.3)
    ∂/∂θ of -Σ w E, -Σ v·∂E/∂x, Σ tr J and Σ vᵀ J v                                                   (AGE.4)

Reverse over reverse, and a third time for θ: autograd has no forward derivatives of linear algebra and special
functions. A derivative by hand is to be preferred where there is one: autograd has faults that no error tells of, and
:meth:`AutogradEnergy.check` looks for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, of_shape, read_only, samples
from refscore.models.directional import NOT_THE_SLOPE, disagreements

__all__ = ["AutogradEnergy"]

CAUSE = (
    "autograd's linalg.norm(x, axis=..., keepdims=True) is the known cause of such a fault; write "
    "sqrt(sum(x**2, axis=..., keepdims=True))"
)
COMPANY = 2.0**-20  # of the size of the energy; rounding explains a millionth of it only after hopeless cancellation


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AutogradEnergy:
    """The energy-based model of a user's own energy, a :class:`~refscore.models.ParametricLogDensity`.

    Parameters
    ----------
    energy : callable
        E, ``energy(theta, x)`` for θ (p,) and a batch x (n, d), to one energy for each sample (n,). In
        ``autograd.numpy`` throughout; it leaves its arguments as they are.
    theta : (p,)
        θ; without entries where E has no parameters.

    Raises
    ------
    ValueError
        By the methods, if `energy` returns another shape, writes into its arguments or loses track of them, or if a
        derivative has a wrong shape or is not finite; by :meth:`check`, if a derivative is wrong.
    NotImplementedError
        By the methods, if autograd has no derivative of something that `energy` uses.

    Notes
    -----
    Call :meth:`check` once for each energy. The guards of the other methods cost nothing, and miss a wrong gradient of
    the right shape, such as that of ``linalg.norm(x - b, axis=1, keepdims=True)``.

    A trace or a Jacobian costs d reverse passes, and `trace_parameters` one more through all of them.

    Examples
    --------
    With one parameter, E = θ |x|⁴/4; by hand s = -θ |x|² x and tr J = -θ (d + 2) |x|²:

    >>> import autograd.numpy as np
    >>> model = AutogradEnergy(lambda theta, x: theta[0] * np.sum(x**2, axis=1) ** 2 / 4, [2.0])
    >>> x = [[1.0, 2.0], [0.0, 1.0]]
    >>> model.check(x)(x)
    array([[-10., -20.],
           [ -0.,  -2.]])
    >>> model.trace(x)
    array([-40.,  -8.])
    """

    energy: Callable[[Any, Any], Any]
    theta: Float

    def __post_init__(self) -> None:
        if not callable(self.energy):
            raise TypeError(f"energy is {self.energy!r}; expected a function energy(theta, x)")
        theta = read_only(self.theta, "theta")
        if theta.ndim != 1:
            raise ValueError(f"theta has shape {theta.shape}; expected (p,)")
        object.__setattr__(self, "theta", theta)

    def __repr__(self) -> str:
        name = getattr(self.energy, "__name__", type(self.energy).__name__)
        return f"AutogradEnergy({name}, theta {self.theta.shape})"

    def log_prob(self, x: ArrayLike) -> Float:
        """-E(x), (\\*batch,)."""
        x, rows = _rows(x)
        value: Float = -as_float64(self._energies(self.theta, rows), "energy(theta, x)")  # (AGE.1)
        return value.reshape(x.shape[:-1])

    def __call__(self, x: ArrayLike) -> Float:
        """s(x), (\\*batch, d)."""
        x, rows = _rows(x)
        return -_done(lambda: self._slopes(self.theta, rows), "the gradient of energy in x", rows).reshape(x.shape)

    def jacobian(self, x: ArrayLike) -> Float:
        """J(x), (\\*batch, d, d), one reverse pass for each row."""
        x, rows = _rows(x)

        def hessian() -> Any:
            times = self._second(self.theta, rows)
            return np.stack([times(e) for e in _axes(rows)], axis=1)

        full = np.broadcast_to(rows[:, :, None], (*rows.shape, x.shape[-1]))
        return -_done(hessian, "the Hessian of energy", full).reshape(*x.shape, x.shape[-1])

    def trace(self, x: ArrayLike) -> Float:
        """tr J(x), (\\*batch,), by d reverse passes."""
        x, rows = _rows(x)
        laplacian = _done(lambda: self._laplacian(self.theta, rows), "the Laplacian of energy", rows[:, 0])
        return -laplacian.reshape(x.shape[:-1])

    def hvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x) v, (\\*batch, d), for `v` of the shape of `x`."""
        x, rows = _rows(x)
        v = of_shape(v, "v", x.shape, "x").reshape(rows.shape)
        return -_done(lambda: self._second(self.theta, rows)(v), "the Hessian of energy times v", rows).reshape(x.shape)

    def vjp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """vᵀ J(x), (\\*batch, d): J is symmetric."""
        return self.hvp(x, v)

    def jvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x) v, (\\*batch, d)."""
        return self.hvp(x, v)

    def log_prob_parameters(self, x: ArrayLike, weight: ArrayLike) -> Float:
        """Gradient of Σ w log p(x) in θ, (p,), for `weight` w (\\*batch,)."""
        x, rows = _rows(x)
        w = of_shape(weight, "weight", x.shape[:-1], "the batch of x").ravel()
        return self._in_parameters(lambda theta: w * self._energies(theta, rows))

    def vjp_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ v·s(x) in θ, (p,)."""
        x, rows = _rows(x)
        v = of_shape(v, "v", x.shape, "x").reshape(rows.shape)
        return self._in_parameters(lambda theta: v * self._slopes(theta, rows))

    def trace_parameters(self, x: ArrayLike) -> Float:
        """Gradient of Σ tr J(x) in θ, (p,)."""
        _, rows = _rows(x)
        return self._in_parameters(lambda theta: self._laplacian(theta, rows))

    def quadratic_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ vᵀ J(x) v in θ, (p,)."""
        x, rows = _rows(x)
        v = of_shape(v, "v", x.shape, "x").reshape(rows.shape)
        return self._in_parameters(lambda theta: v * self._second(theta, rows)(v))

    def pack(self) -> Float:
        """θ, (p,)."""
        return self.theta.copy()

    def unpack(self, theta: ArrayLike) -> AutogradEnergy:
        """The same energy with parameters `theta` (p,)."""
        return AutogradEnergy(self.energy, read_only(theta, "theta", self.theta.shape))

    def check(self, x: ArrayLike, *, reach: float | None = None) -> AutogradEnergy:
        """Look for the faults that raise no error, at some points; return the model.

        The energy of a sample must not depend on the other samples, and every derivative must be the slope that
        difference quotients find, in x and in θ: :func:`~refscore.models.check_slopes`.

        Parameters
        ----------
        x : (\\*batch, d)
            At least two different points, well inside the region where E is smooth.
        reach : float, optional
            The longest step of the difference quotients, in the data's unit; a 32nd of the largest number of `x`
            unless it is given.

        Returns
        -------
        AutogradEnergy
            This model.

        Raises
        ------
        ValueError
            With what was found.
        """
        x, rows = _rows(x)
        if len(rows) < 2 or (rows == rows[0]).all():
            raise ValueError(f"x with shape {x.shape} holds one point; expected two or more that differ")
        together = -self.log_prob(rows)
        alone = np.array([-self.log_prob(row) for row in rows])
        size = np.abs(alone).max() + np.abs(rows * self(rows)).sum(-1).max()
        worst = int(np.argmax(np.abs(together - alone)))
        if abs(together[worst] - alone[worst]) > COMPANY * size:
            raise ValueError(
                f"the energy of sample {worst} is {alone[worst]:.6g} alone and {together[worst]:.6g} among {len(rows)} "
                f"samples; expected sums and means over axis 1 or -1 only, never over the batch"
            )
        for fault in disagreements(self, x, reach):
            raise ValueError(f"{fault}; {CAUSE}" if NOT_THE_SLOPE in fault else fault)
        return self

    def _energies(self, theta: Any, rows: Any) -> Any:
        """E, (n,), as autograd may be tracing it."""
        try:
            value = self.energy(theta, rows)
        except (TypeError, ValueError) as error:
            if "read-only" not in str(error) and "item assignment" not in str(error):
                raise
            raise ValueError(f"energy writes into its arguments ({error}); expected it to change neither") from error
        shape = value.shape if hasattr(value, "shape") else np.shape(value)  # np.shape takes no traced value
        if shape != (len(rows),):
            raise ValueError(
                f"energy(theta, x) has shape {shape}; expected ({len(rows)},), one energy for each sample of x with "
                f"shape {rows.shape}"
            )
        return value

    def _slopes(self, theta: Any, rows: Any) -> Any:
        """∂E/∂x, (n, d)."""
        import autograd
        from autograd.extend import Box

        def total(rows: Any) -> Any:
            value = self._energies(theta, rows)
            if not isinstance(value, Box):
                raise ValueError(
                    "energy(theta, x) does not depend on x as far as autograd can see; expected autograd.numpy for "
                    "every step from x to the energy"
                )
            return autograd.numpy.sum(value)

        return _held(autograd.grad(total)(rows), rows.shape, "the gradient of energy in x")

    def _second(self, theta: Any, rows: Any) -> Callable[[Any], Any]:
        """The function from v (n, d) to vᵀ ∂²E/∂x², (n, d)."""
        import autograd

        times, _ = autograd.make_vjp(lambda rows: self._slopes(theta, rows) + 0.0 * rows)(rows)
        return lambda v: _held(times(v), rows.shape, "the Hessian of energy times v")  # (AGE.2)

    def _laplacian(self, theta: Any, rows: Any) -> Any:
        times = self._second(theta, rows)
        return sum(times(e)[:, i] for i, e in enumerate(_axes(rows)))  # (AGE.3)

    def _in_parameters(self, terms: Callable[[Any], Any]) -> Float:
        """Gradient in θ of minus the sum of `terms`."""
        import autograd

        anp = autograd.numpy

        def total(theta: Any) -> Any:
            return -anp.sum(terms(theta)) + anp.sum(0.0 * theta)  # (AGE.4)

        return _done(lambda: autograd.grad(total)(self.theta), "the gradient of energy in theta", self.theta)


def _rows(x: ArrayLike) -> tuple[Float, Float]:
    """`x`, and the same as rows (n, d) that nobody can write to."""
    x = samples(x, "x")
    rows = x.reshape(-1, x.shape[-1]).view()
    rows.setflags(write=False)
    return x, rows


def _axes(rows: Float) -> list[Float]:
    """e_1 … e_d, each for every row (n, d)."""
    return [np.broadcast_to(e, rows.shape) for e in np.eye(rows.shape[1])]


def _held(value: Any, shape: tuple[int, ...], name: str) -> Any:
    """`value`, which autograd may be tracing, held to its shape before anything can broadcast it."""
    if value.shape != shape:
        raise ValueError(f"{name} has shape {value.shape}; expected {shape}: {CAUSE}")
    return value


def _done(derivative: Callable[[], Any], name: str, like: Float) -> Float:
    """What `derivative` returns, if it is finite and of the shape of `like`."""
    try:
        with np.errstate(divide="ignore", invalid="ignore"):  # nan and infinity are refused below
            array: Float = np.asarray(derivative(), dtype=np.float64)
    except NotImplementedError as error:
        raise NotImplementedError(f"{name} needs a derivative that autograd has not: {error}") from error
    _held(array, like.shape, name)
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name} is not finite at index {tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])}; expected an "
            f"energy that is smooth there: a norm or a root has no slope at 0"
        )
    return array
