"""What was trained, in pictures: the loss, the data, the samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from refscore.arrays import Float
from validation.training.runs import Outcome

__all__ = ["draw"]

INK = "#1f77b4"


def draw(outcome: Outcome, path: Path) -> None:
    """Write the figure of a run.

    Parameters
    ----------
    outcome : Outcome
        What the run left behind.
    path : Path
        A PNG file.

    Raises
    ------
    ImportError
        If Matplotlib is not installed, with the extra that has it.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise ImportError("figures need Matplotlib; install it with: pip install 'refscore[training]'") from error
    mpl.use("Agg")
    from matplotlib import pyplot

    panels = list(outcome.panels.items())
    n = len(panels) + 1
    figure, axes = pyplot.subplots(1, n, figsize=(3.2 * n, 3.3), layout="constrained", squeeze=False)
    _curve(axes[0, 0], outcome.losses)
    for axis, (name, x) in zip(axes[0, 1:], panels):
        axis.set_title(name, fontsize=10)
        if x.shape[1] == 2:
            low, high = panels[0][1].min(0) - 0.3, panels[0][1].max(0) + 0.3  # as wide as the data
            axis.plot(*x[:3000].T, ".", markersize=1.5, alpha=0.4, color=INK)
            axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        else:
            axis.imshow(_sheet(x, 8), cmap="gray_r", vmin=0, vmax=1)
            axis.set_axis_off()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def _curve(axis: Any, losses: Float) -> None:
    width = max(1, len(losses) // 200)
    means = losses[: len(losses) // width * width].reshape(-1, width).mean(1)
    axis.plot(width * (np.arange(len(means)) + 0.5), means, color=INK, linewidth=1)
    axis.set_title("loss", fontsize=10)
    axis.set(xlabel="step", xscale="log")


def _sheet(x: Float, side: int) -> Float:
    """The first side² images of 8×8 pixels, as one."""
    images = np.clip(x[: side * side].reshape(side, side, 8, 8), 0, 1)
    framed = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return np.asarray(framed.transpose(0, 2, 1, 3).reshape(side * 10, side * 10))
