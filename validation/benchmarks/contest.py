"""One piece of work, several contestants: each in its process, all with the same answer, in turns."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any, final

from validation.benchmarks.process import Child, DoesNotWork, Work, processors, settle
from validation.benchmarks.rows import Goal, Row, Skipped, compared
from validation.benchmarks.timing import interleave

__all__ = ["ROUNDS", "SECONDS", "Contest", "Contestant", "Settings", "hold"]

ROUNDS, SECONDS = 21, 0.1


@final
@dataclass(frozen=True, slots=True)
class Settings:
    """How long is measured.

    Parameters
    ----------
    rounds : int
        Turns of each contestant.
    seconds : float
        About how long a turn takes.
    tell : callable
        Given a line on what is being done.
    """

    rounds: int = ROUNDS
    seconds: float = SECONDS
    tell: Callable[[str], object] = lambda _: None


@final
@dataclass(frozen=True, slots=True)
class Contestant:
    """One way of doing a piece of work.

    Parameters
    ----------
    name : str
        In the table.
    needs : str
        Module it cannot do without.
    build : callable
        From the problem to :class:`~validation.benchmarks.process.Work`.
    goal : Goal
        Of a peer: the ratio to ours.
    """

    name: str
    needs: str
    build: Callable[[Any], Work]
    goal: Goal = field(default_factory=Goal)


@final
@dataclass(frozen=True, slots=True)
class Contest:
    """One piece of work and who does it.

    Parameters
    ----------
    work : str
        In the table.
    problem : object
        Given to each contestant.
    threads : int
        Of each.
    own : sequence of Contestant
        Our ways; the name of the first is "", of others what is told beside the work.
    peers : sequence of Contestant
        The others.
    agree : callable
        From the problem, our answer and another's, to what is wrong with the other's, or None.
    """

    work: str
    problem: Any
    threads: int
    own: Sequence[Contestant]
    peers: Sequence[Contestant]
    agree: Callable[[Any, Sequence[Any], Sequence[Any]], str | None]


def hold(contest: Contest, settings: Settings) -> Iterator[Row | Skipped]:
    """Run one contest.

    Parameters
    ----------
    contest : Contest
        Work and contestants.
    settings : Settings
        How long.

    Yields
    ------
    Row or Skipped
        One for each of our ways and each peer.

    Raises
    ------
    AssertionError
        If a contestant's answer is not ours: then it is not the same work.
    """
    if contest.threads > len(processors()):
        yield Skipped(contest.work, "all", f"there are {len(processors())} processors")
        return
    with ExitStack() as stack:
        running: dict[str, Child] = {}
        for one in (*contest.own, *contest.peers):
            if importlib.util.find_spec(one.needs) is None:
                yield Skipped(contest.work, one.name, f"{one.needs} is not installed (pip install '.[bench]')")
                continue
            settings.tell(f"{contest.work}: {one.name or 'refscore'} starts")
            try:
                child = stack.enter_context(closing(Child(one.build, contest.problem, contest.threads)))
            except DoesNotWork as error:
                if not running:
                    raise  # ours
                yield Skipped(contest.work, one.name, f"does not work here: {error}")
                continue
            first = running.setdefault(contest.own[0].name, child)
            wrong = contest.agree(contest.problem, first.answer, child.answer) if child.answer else None
            if wrong:
                raise AssertionError(f"{contest.work}: {one.name} does other work than refscore: {wrong}")
            running[one.name] = child
        settings.tell(f"{contest.work}: {settings.rounds} rounds")
        seconds = interleave(
            running,
            rounds=settings.rounds,
            seconds=settings.seconds,
            pause=lambda: settle(contest.threads),
        )
    for own in contest.own:
        for peer in contest.peers:
            if own.name in seconds and peer.name in seconds:
                work = ", ".join(filter(None, (contest.work, own.name)))
                yield compared(work, peer.name, seconds[peer.name], seconds[own.name], peer.goal)
