"""Times that can be compared: contestants take turns, and what is told is a ratio of medians with its spread.

A turn is many runs in a row, long enough for the clock and after some runs that are not counted; or one long run. In
each round every contestant has one turn, in an order that moves on from round to round. A machine that slows down for a
while slows all of them down: the ratio of the two turns of one round hardly sees it, and its quartiles over the rounds
say how much the machine was disturbed.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

__all__ = ["Ratio", "interleave", "ratio", "repeats_for", "turn"]

WARM = 8  # one run in so many is made before the clock starts, and not counted


@final
@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long one contestant takes as another.

    Parameters
    ----------
    value : float
        Ratio of the medians.
    low, high : float
        Quartiles of the ratios of single rounds.
    """

    value: float
    low: float
    high: float


def turn(run: Callable[[int], object], repeats: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds for one run, on the average of a turn.

    Parameters
    ----------
    run : callable
        Does the work as often as it is told.
    repeats : int
        How often, while the clock runs.
    clock : callable
        Seconds now.

    Returns
    -------
    float
        Seconds for one run.
    """
    if repeats > 1:
        run(-(-repeats // WARM))
    start = clock()
    run(repeats)
    return (clock() - start) / repeats


def repeats_for(take: Callable[[int], float], seconds: float) -> int:
    """How many runs make a turn of about so many seconds.

    Parameters
    ----------
    take : callable
        A turn: seconds for one run, from the number of runs.
    seconds : float
        Wanted length of a turn.

    Returns
    -------
    int
        At least 1.
    """
    repeats = 1
    take(1)  # whatever is compiled or allocated at the first run
    while (each := take(repeats)) * repeats < seconds / 4:
        repeats *= 2
    return max(1, math.ceil(seconds / each))


def interleave(
    contestants: Mapping[str, Callable[[int], float]],
    *,
    rounds: int,
    seconds: float,
    pause: Callable[[], object] = lambda: None,
) -> dict[str, list[float]]:
    """Give every contestant one turn in each round.

    Parameters
    ----------
    contestants : mapping
        From a name to its turn: seconds for one run, from the number of runs.
    rounds : int
        How many rounds.
    seconds : float
        About how long a turn takes.
    pause : callable
        Called before each turn: to wait, to show progress.

    Returns
    -------
    dict
        From a name to its seconds for one run, one for each round.
    """
    repeats = {}
    for name, take in contestants.items():
        pause()
        repeats[name] = repeats_for(take, seconds)
    names, found = list(contestants), {name: [0.0] * rounds for name in contestants}
    for k in range(rounds):
        for j in range(len(names)):
            name = names[(k + j) % len(names)]
            pause()
            found[name][k] = contestants[name](repeats[name])
    return found


def ratio(peer: Sequence[float], own: Sequence[float]) -> Ratio:
    """How many times as long `peer` takes as `own`.

    Parameters
    ----------
    peer, own : sequence of float
        Seconds, one for each round.

    Returns
    -------
    Ratio
        Of the medians, and its spread.
    """
    single = sorted(a / b for a, b in zip(peer, own, strict=True))
    low, _, high = statistics.quantiles(single, n=4, method="inclusive") if len(single) > 1 else single * 3
    return Ratio(statistics.median(peer) / statistics.median(own), low, high)
