"""The training loop: evaluate, clip, step, average, and nothing that depends on how often it was interrupted.

At step k = 0, 1, 2, …

    g_k = ∂L_k/∂θ (θ_k),   θ_{k+1} = advance(θ_k, clip(g_k); k),   θ̄_k = average(θ̄_{k-1}, θ_{k+1}; k) (LOO.10)

Batches, noise, rates and decays are functions of k, so that all there is to save is θ, θ̄ and the optimiser's slots. A
run that was stopped and resumed ends with the same bits as one that was not.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, SupportsIndex, final

import numpy as np

from refscore.arrays import Float, integer, number, positive
from refscore.fit.clipping import clip as clipped
from refscore.fit.clipping import norm_of
from refscore.fit.ema import decay_of, ema_step
from refscore.fit.interrupts import Interrupts
from refscore.fit.loss import Loss
from refscore.fit.optimiser import Optimiser
from refscore.fit.progress import Watched
from refscore.fit.rates import Rate
from refscore.fit.state import State, differences, load, save

__all__ = ["Diverged", "Interrupted", "Result", "train"]

Checkpoint = str | os.PathLike[str]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result:
    """What training gives, at its end or on the way.

    Parameters
    ----------
    model : ParametricScore or ParametricLevelScore
        The model at the last θ.
    ema_model : ParametricScore or ParametricLevelScore, or None
        The model at the running mean θ̄, where one was asked for.
    losses : (step,)
        L_k, the mean loss of each step's batch at the θ it began with.
    state : State
        What training goes on from.
    """

    model: Any
    ema_model: Any
    losses: Float
    state: State

    def __repr__(self) -> str:
        last = f", last loss {self.losses[-1]:.6g}" if len(self.losses) else ""
        return f"Result(step {self.state.step}{last}, model {self.model!r})"


class Diverged(ArithmeticError):
    """A loss or a gradient that is not finite: which step, what it was, and the state before that step.

    Parameters
    ----------
    message : str
        All of it in words.
    step : int
        k.
    loss, gradient_norm : float
        L_k and |g_k|.
    state : State
        Before step k.
    """

    def __init__(self, message: str, step: int, loss: float, gradient_norm: float, state: State) -> None:
        super().__init__(message)
        self.step, self.loss, self.gradient_norm, self.state = step, loss, gradient_norm, state


class Interrupted(KeyboardInterrupt):
    """Training stopped by the keyboard between two steps, with the state it goes on from.

    Parameters
    ----------
    message : str
        Where it stopped.
    state : State
        Hand it to :func:`train` as `start`.
    """

    def __init__(self, message: str, state: State) -> None:
        super().__init__(message)
        self.state = state


def train(
    loss: Loss,
    *,
    n_steps: SupportsIndex,
    optimiser: Optimiser,
    ema: Rate | None = None,
    clip: float | None = None,
    callback: Callable[[Result], object] | None = None,
    every: SupportsIndex = 1000,
    checkpoint: Checkpoint | None = None,
    start: State | None = None,
    progress: bool = True,
) -> Result:
    """Minimise a loss.

        g_k = ∂L_k/∂θ (θ_k),   θ_{k+1} = advance(θ_k, clip(g_k); k)                                   (LOO.10)

    Parameters
    ----------
    loss : Loss
        What is minimised, with its model and data: :func:`~refscore.fit.multilevel` and others make one.
    n_steps : int
        The number of steps of the whole run, those of `start` or `checkpoint` included.
    optimiser : Optimiser
        How: ``adam(1e-3)``.
    ema : float or callable, optional
        Decay of the running mean of θ: 0.999, or :func:`~refscore.fit.warmed_up` and others.
    clip : float, optional
        Length that a gradient is shortened to.
    callback : callable, optional
        Called with a :class:`Result` after each `every` steps and at the end; training ends if it returns True.
    every : int
        How often there is a callback and a checkpoint.
    checkpoint : path, optional
        A file that holds the state: from the start, after each `every` steps, at the end, and when training is
        interrupted or diverges. If it is there already, training goes on from it.
    start : State, optional
        Go on from this state.
    progress : bool
        Whether a terminal shows how far it is; without a terminal nothing is shown.

    Returns
    -------
    Result
        Model, model of the running mean, losses, state.

    Raises
    ------
    Diverged
        If a loss or gradient is not finite, or the square of a gradient overflows.
    Interrupted
        On Ctrl-C, after the step that is being done.
    ValueError
        If the state to go on from belongs to another loss, optimiser, running mean or clipping: it says what differs.

    Notes
    -----
    The same bits come out however a run is divided, on one machine with one BLAS and number of threads: nobody's matrix
    product promises more.

    Examples
    --------
    Denoising score matching with an affine model on N(0, 1) data, whose minimiser is A = 1/(s² + σ²), b = mean:

    >>> import refscore as rs
    >>> x = rs.noise.normals(0, np.arange(500), 1)
    >>> loss = rs.fit.denoising(rs.models.AffineScore([[1.0]], [0.0]), x, sigma=1.0, seed=1)
    >>> result = train(loss, n_steps=400, optimiser=rs.fit.adam(rs.fit.cosine(0.05, 400)), ema=0.9)
    >>> bool(abs(result.ema_model.matrix.item() - 1 / (x.var() + 1)) < 0.03)
    True
    """
    if not isinstance(loss, Loss):
        raise TypeError(f"loss is {loss!r}; expected a Loss, such as multilevel(model, data, sigmas=...)")
    if not isinstance(optimiser, Optimiser):
        raise TypeError(f"optimiser is {optimiser!r}; expected an Optimiser, such as adam(1e-3)")
    total, period = integer(n_steps, "n_steps", 0), integer(every, "every", 1)
    decay = None if ema is None else decay_of(ema)
    limit = None if clip is None else number(clip, "clip", positive)
    settings = {"optimiser": optimiser.name, "ema": str(decay), "clip": str(limit)}
    begun = _begin(loss, optimiser, decay is not None, {**loss.configuration, **settings}, checkpoint, start)
    first = begun.step
    if total < first:
        raise ValueError(f"n_steps is {total}; expected at least {first}, the steps that are done")

    theta, slots = begun.theta.copy(), tuple(slot.copy() for slot in begun.slots)
    mean = None if begun.mean is None else begun.mean.copy()
    scratch, shortened = np.empty_like(theta), np.empty_like(theta)
    losses, norms = np.empty(total), np.empty(total)
    losses[:first], norms[:first] = begun.losses, begun.gradient_norms

    def state(k: int) -> State:
        return State(k, theta, slots, mean, losses[:k], norms[:k], begun.configuration)

    def one_step(k: int) -> None:
        try:
            values, gradient = loss.evaluate(theta, k)
        except ValueError as error:
            if k == 0:  # the arguments are wrong; from the second step on only the numbers are new
                raise
            raise _diverged(k, math.nan, math.nan, state(k), checkpoint, f" ({error})") from error
        if gradient.shape != theta.shape:
            raise ValueError(f"loss gives a gradient of shape {gradient.shape}; expected {theta.shape}, that of theta")
        losses[k], norms[k] = np.mean(values, dtype=np.float64), norm_of(gradient)
        if not (math.isfinite(losses[k]) and math.isfinite(norms[k])):
            raise _diverged(k, float(losses[k]), float(norms[k]), state(k), checkpoint)
        if limit is not None:
            gradient = clipped(gradient, limit, norm=float(norms[k]), out=shortened)
        optimiser.advance(theta, gradient, slots, scratch, k)  # (LOO.10)
        if mean is not None and decay is not None:
            ema_step(mean, theta, decay(k), out=scratch)

    done, between = first, True
    with Interrupts() as interrupts, Watched(first, total, progress) as watched:
        try:
            while done < total:
                between = False
                with np.errstate(all="ignore"):  # what is not finite is found and told
                    one_step(done)
                done, between = done + 1, True
                watched.show(done, float(losses[done - 1]))
                interrupts.poll()
                if done % period == 0 or done == total:
                    if checkpoint is not None:
                        save(checkpoint, state(done))
                    answer = None if callback is None else callback(_result(loss, state(done)))
                    if isinstance(answer, (bool, np.bool_)) and answer:
                        break
                    interrupts.poll()
        except KeyboardInterrupt:
            if not between:  # the second Ctrl-C: θ may be half way
                raise
            raise _interrupted(state(done), checkpoint) from None
    return _result(loss, state(done))


def _begin(
    loss: Loss,
    optimiser: Optimiser,
    averaged: bool,
    configuration: dict[str, str],
    checkpoint: Checkpoint | None,
    start: State | None,
) -> State:
    """The state to go on from: `start`, the checkpoint if there is one, or the model as it is."""
    there = checkpoint is not None and Path(checkpoint).exists()
    if there and start is not None:
        raise ValueError(f"start is given, and the file {checkpoint} is there too; expected one of them")
    if checkpoint is not None and there:
        start = load(checkpoint)
    if start is None:
        theta = loss.model.pack().astype(loss.dtype)
        mean = theta if averaged else None
        start = State(0, theta, optimiser.init(theta), mean, np.empty(0), np.empty(0), configuration)
    different = differences(start.configuration, configuration)
    if different:
        raise ValueError(f"{checkpoint if there else 'start'} is of another run: " + "; ".join(different))
    if checkpoint is not None and not there:
        save(checkpoint, start)  # a name that cannot be written to is better known now
    return start


def _diverged(k: int, loss: float, norm: float, found: State, checkpoint: Checkpoint | None, why: str = "") -> Diverged:
    """What is wrong, and where the state before it is."""
    finite = bool(np.isfinite(found.theta).all())
    where = _keep(found, checkpoint) if finite else "it is in .state, and its parameters are not finite"
    message = f"training diverged at step {k}: loss {loss}, gradient norm {norm}; expected finite numbers{why}"
    return Diverged(f"{message}. The state before this step: {where}", k, loss, norm, found)


def _interrupted(found: State, checkpoint: Checkpoint | None) -> Interrupted:
    """Where training stopped, and what it goes on from."""
    return Interrupted(f"training stopped after {found.step} steps. Its state: {_keep(found, checkpoint)}", found)


def _keep(found: State, checkpoint: Checkpoint | None) -> str:
    """Save what there is, and say where it is."""
    if checkpoint is None:
        return "it is in .state"
    save(checkpoint, found)
    return f"it is in .state and in {os.fspath(checkpoint)}"


def _result(loss: Loss, found: State) -> Result:
    """The models at a state."""
    averaged = None if found.mean is None else loss.model.unpack(found.mean)
    return Result(loss.model.unpack(found.theta), averaged, found.losses, found)
