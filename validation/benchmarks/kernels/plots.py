"""Plots of the results: ratios as bars, with what was aimed at, and times of a step along each axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from validation.benchmarks.kernels.sampling import NUMPY, said
from validation.benchmarks.kernels.scaling import AXES

__all__ = ["draw"]

Part = Mapping[str, Any]
BARS = (NUMPY, "torch eager", "JAX jit, scan")
COLOURS = ("#4477aa", "#ee6677", "#228833")
DARK = "#444444"
UNITS = {"chains": "chains", "dimension": "dimension (1000 chains)", "components": "components (1000 chains, d = 3)"}


def draw(found: Mapping[str, Part], folder: Path) -> str:
    """Draw what there are results for.

    Parameters
    ----------
    found : mapping
        Results by the name of the benchmark.
    folder : Path
        Where.

    Returns
    -------
    str
        Markdown that shows the plots.
    """
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "refscore", "font.size": 9})
    shown = ""
    for name, (plot, words) in PLOTS.items():
        if name in found:
            plot(found[name]["rows"], folder / f"kernels-{name}.svg")
            shown += f"![{words}](kernels-{name}.svg)\n\n"
    return shown


def _ratios(rows: Sequence[Part], file: Path) -> None:
    from matplotlib import pyplot

    works = [w for w in dict.fromkeys(r["work"] for r in rows) if any(_is(r, w, BARS[0]) for r in rows)]
    figure, axes = pyplot.subplots(figsize=(8, 0.42 * len(works) + 1))
    for j, (peer, colour) in enumerate(zip(BARS, COLOURS)):
        for i, work in enumerate(works):
            row = next((r for r in rows if _is(r, work, peer)), None)
            if row is None:
                continue
            height = i + 0.26 * (j - 1)
            axes.barh(height, row["ratio"], 0.24, color=colour, label=peer if i == 0 else None)
            if row["goal"].startswith("at least"):
                axes.plot([float(row["goal"].split()[-1])] * 2, [height - 0.13, height + 0.13], color="black", lw=1.5)
    axes.set_yticks(range(len(works)), [_short(w) for w in works])
    axes.set_ylim(len(works) - 0.4, -0.6)
    axes.set_xscale("log")
    axes.axvline(1, color=DARK, lw=0.8)
    axes.set_xlabel("times as long as refscore_kernels, one thread; black: the goal")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    _save(figure, file)


def _curves(rows: Sequence[Part], file: Path) -> None:
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(AXES), figsize=(9, 3), sharey=False)
    for (name, problems), axes in zip(AXES.items(), panels):
        for peer, colour in zip(("refscore", *BARS), ("black", *COLOURS)):
            points = []
            for problem in problems:
                asked = BARS[0] if peer == "refscore" else peer
                row = next((r for r in rows if _is(r, said(problem), asked)), None)
                if row is not None:
                    seconds = row["seconds"] if peer == "refscore" else row["peer_seconds"]
                    along = {"chains": problem.n, "dimension": problem.d, "components": problem.components}[name]
                    points.append((along, 1e9 * seconds / problem.steps / problem.n))
            if points:
                axes.plot(*zip(*points), "o-", color=colour, ms=3, lw=1.2, label=peer)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(UNITS[name])
    panels[0].set_ylabel("ns a step of a chain")
    panels[0].legend(frameon=False, fontsize=8)
    _save(figure, file)


def _is(row: Part, work: str, peer: str) -> bool:
    return bool(row["work"] == work and row["peer"] == peer)


def _short(work: str) -> str:
    """Without the number of steps."""
    return ", ".join(work.split(", ")[:4])


def _save(figure: Any, file: Path) -> None:
    from matplotlib import pyplot

    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


PLOTS = {
    "sampling": (_ratios, "How many times as long as the kernels others take"),
    "scaling": (_curves, "Time of a step along chains, dimension and components"),
}
