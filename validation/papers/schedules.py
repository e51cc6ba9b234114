"""Schedules: EDM's noise levels, NCSNv2's numbers of levels and step sizes, DDPM's last level."""

from __future__ import annotations

import numpy as np

import refscore as rs
from validation.papers.rows import Row, Table, printed

__all__ = ["edm", "ncsnv2"]

# fmt: off
EDM = (
    "80", "57.586", "40.786", "28.375", "19.352", "12.910", "8.4009", "5.3152", "3.2568", "1.9233", "1.0882", "0.58535",
    "0.29644", "0.13952", "0.059947", "0.022935", "0.0075280", "0.002",
)
# fmt: on
# data set, d, σ_1, levels, steps at a level, step size in the convention of that paper, which steps x + ε s + √(2 ε) z
NCSNV2 = (
    ("CIFAR-10", 3072, 50.0, 232, 5, "6.2e-6"),
    ("CelebA 64", 12288, 90.0, 500, 5, "3.3e-6"),
    ("LSUN tower 128", 49152, 190.0, 1086, 3, "1.8e-6"),
    ("FFHQ 256", 196608, 348.0, 2311, 3, "9e-7"),
)


def edm() -> Table:
    """The 18 levels of Karras et al."""
    sigmas = rs.schedules.karras(n=18, sigma_min=0.002, sigma_max=80.0)
    rows = tuple(printed(f"σ_{i}", text, float(sigmas[i])) for i, text in enumerate(EDM))
    return Table(
        "edm",
        "EDM's noise levels, N = 18",
        "Karras et al. (2022), Elucidating the design space of diffusion-based generative models, eq. 5, ρ = 7, as the "
        "released code prints them.",
        "`refscore.schedules.karras`.",
        rows,
    )


def ncsnv2() -> Table:
    """Techniques 2 and 4: the overlap of the published levels, and the step size from them."""
    rows: list[Row] = []
    for name, d, first, levels, each, step in NCSNV2:
        sigmas = rs.schedules.geometric(n=levels, sigma_min=0.01, sigma_max=first)
        found = rs.schedules.ncsnv2_step(sigmas=sigmas, n_steps=each)
        unit = 10.0 ** (int(np.floor(np.log10(float(step)))) - (1 if "." in step else 0))
        rows.append(Row(f"{name}: step", step, found, 0.500001 * unit))
        at_least, at_most = (
            rs.schedules.ncsnv2(d=d, sigma_min=0.01, sigma_max=first, overlap=c)[1] for c in (0.565, 0.568)
        )
        rows.append(Row(f"{name}: levels for an overlap of 0.5665", f"{at_least}–{at_most}", float(levels), 0.0))
    return Table(
        "ncsnv2",
        "NCSNv2's levels and step sizes",
        "Song & Ermon (2020), Improved techniques for training score-based generative models, techniques 2 and 4, and "
        "the released configurations.",
        '`refscore.schedules.ncsnv2` and `ncsnv2_step`. "C ≈ 0.5" of the paper is 0.565 to 0.568 in all of its pairs: '
        "the range is what these two ask for, and the number beside it what was published.",
        tuple(rows),
    )
