"""A contestant in a process of its own: only its library, only its threads, and asleep while others have their turn.

Thread pools are made when a library is imported, so the number of threads is set before that, by the environment and
by the processors the process may use. In one process the pools of torch (OpenMP), OpenBLAS and XLA would spin beside
each other and each would take the other's processors; between processes a waiting one spins for some milliseconds
after its turn and then sleeps, and with more than one thread the next turn waits for that (`SETTLE`).

Whatever else the surroundings tell these libraries is dropped: an ``OPENBLAS_CORETYPE`` made for another purpose can
halve the speed of NumPy's matrix products and leave torch's as they are. Each library finds out itself where it runs.
"""

from __future__ import annotations

import multiprocessing
import os
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from validation.benchmarks.timing import turn

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Child", "DoesNotWork", "Work", "environment", "processors", "settle"]

POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS")
SPOKEN_TO = ("OMP_", "GOMP_", "KMP_", "OPENBLAS_", "MKL_", "ONEDNN_", "NPY_", "XLA_", "JAX_", "TORCH", "ATEN_")
SETTLE = 0.1  # seconds until the pools of a process that waits are asleep: OpenBLAS spins for 2²⁶ cycles, 30 ms
START = 300.0  # seconds a contestant may take to import its library and to compile
TURN = 120.0  # seconds a turn may take
END = 10.0  # seconds a library may take to end its own threads and processes


@final
@dataclass(frozen=True, slots=True)
class Work:
    """A piece of work as a library does it.

    Parameters
    ----------
    run : callable
        Does it as often as it is told, and waits for the end of the last.
    answer : callable
        What it computes, on the inputs that every contestant gets; nothing where it is only a part of the work.
    """

    run: Callable[[int], object]
    answer: Callable[[], Sequence[NDArray[Any]]]


class DoesNotWork(RuntimeError):
    """The library cannot do this piece of work here."""


@final
class Child:
    """A contestant in a process of its own, until it is closed.

    Parameters
    ----------
    build : callable
        A function of a module, from `problem` to :class:`Work`; it imports its library when it is called.
    problem : object
        What is to be done; it can be pickled.
    threads : int
        How many processors and threads it gets.

    Attributes
    ----------
    answer : list of NDArray
        What the work computes.

    Raises
    ------
    DoesNotWork
        With the message of the library, or if it takes too long.
    """

    def __init__(self, build: Callable[[Any], Work], problem: object, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, build, problem, threads), daemon=True)
        with environment(threads):
            self._process.start()
        theirs.close()
        try:
            self.answer: list[NDArray[Any]] = self._receive(START)
        except BaseException:
            self.close()
            raise

    def __call__(self, repeats: int) -> float:
        """Seconds for one run, in a turn of `repeats` runs."""
        self._connection.send(repeats)
        return float(self._receive(TURN))

    def close(self) -> None:
        """End the process: it ends by itself when nobody is there to answer, or is ended."""
        self._connection.close()
        self._process.join(END)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()

    def _receive(self, seconds: float) -> Any:
        if not self._connection.poll(seconds):
            raise DoesNotWork(f"no answer within {seconds:.0f} s")
        try:
            worked, value = self._connection.recv()
        except EOFError:
            self._process.join()
            raise DoesNotWork(f"the process ended with code {self._process.exitcode}") from None
        if not worked:
            raise DoesNotWork(value)
        return value


def processors() -> list[int]:
    """The processors this process may use; numbered from 0 where the system does not say.

    Returns
    -------
    list of int
        At least one.
    """
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _serve(connection: Connection, build: Callable[[Any], Work], problem: object, threads: int) -> None:
    """What the process does: build the work, send its answer, take turns until the connection is closed."""
    if hasattr(os, "sched_setaffinity"):  # XLA makes as many threads as there are processors to use
        os.sched_setaffinity(0, processors()[-threads:])
    try:
        work = build(problem)
        connection.send((True, [np.asarray(array) for array in work.answer()]))
        while True:
            connection.send((True, turn(work.run, connection.recv())))
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:  # whatever a library raises is told, not thrown away
        connection.send((False, traceback.format_exception_only(error)[-1].strip().splitlines()[0]))


@contextmanager
def environment(threads: int) -> Iterator[None]:
    """The environment that libraries read when they are imported: the number of threads, and nothing else for them.

    Parameters
    ----------
    threads : int
        Of each pool.

    Yields
    ------
    None
        While ``os.environ`` is so; processes that are started inherit it.
    """
    before = dict(os.environ)
    for name in before:
        if name.startswith(SPOKEN_TO):
            del os.environ[name]
    os.environ.update(dict.fromkeys(POOLS, str(threads)))
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def settle(threads: int) -> None:
    """Wait until the pools of the process whose turn is over are asleep.

    Parameters
    ----------
    threads : int
        Threads of each contestant; one alone has no pool.
    """
    if threads > 1:
        time.sleep(SETTLE)
