"""validation/benchmarks/libraries: every library computes what refscore computes, from the same inputs."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from validation.benchmarks import forward, trace, training
from validation.benchmarks.contest import Contest, Contestant
from validation.benchmarks.problems import Forward, Trace, Training

PHI, DTYPES = ("silu", "tanh", "softplus"), ("float32", "float64")
CONTESTS = [
    *(training.contest(Training(phi, 24, dtype), 1) for phi in PHI for dtype in DTYPES),
    *(forward.contest(Forward(phi, 24, dtype)) for phi in PHI for dtype in DTYPES),
    *(trace.contest(Trace(d, 16, layers, 5, phi)) for d in (2, 64) for layers in (1, 2, 3) for phi in PHI),
]
PAIRS = [(contest, other) for contest in CONTESTS for other in (*contest.own[1:], *contest.peers)]
ALWAYS = [(contest, peer) for contest, peer in PAIRS if peer.needs in ("numpy", "autograd")]
OTHERS = [pair for pair in PAIRS if pair not in ALWAYS]


def named(value: Any) -> str:
    return str(getattr(value, "work", getattr(value, "name", "")))


@pytest.mark.parametrize(("contest", "peer"), ALWAYS, ids=named)
def test_ours_agrees_with_what_is_always_there(contest: Contest, peer: Contestant) -> None:
    agree(contest, peer)


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # torch's own, of itself
@pytest.mark.parametrize(("contest", "peer"), OTHERS, ids=named)
def test_ours_agrees_with(contest: Contest, peer: Contestant) -> None:
    if importlib.util.find_spec(peer.needs) is None:
        pytest.skip(f"{peer.needs} is not installed")
    if "compile" in peer.name and contest is not CONTESTS[0]:
        pytest.skip("compiles for half a minute; once is enough")
    agree(contest, peer)


def agree(contest: Contest, peer: Contestant) -> None:
    own, work = contest.own[0].build(contest.problem), peer.build(contest.problem)
    found, expected = [np.asarray(a) for a in work.answer()], [np.asarray(a) for a in own.answer()]
    if found:
        assert contest.agree(contest.problem, expected, found) is None
        for at, array in enumerate(found):  # and the guard sees one wrong number in a hundred, wrong by a thousandth
            wrong = array.copy()
            wrong.reshape(-1)[::100] *= 1.001
            if at < 2:
                assert contest.agree(contest.problem, expected, [*found[:at], wrong, *found[at + 1 :]]) is not None
    own.run(2)
    work.run(2)
