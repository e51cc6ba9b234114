"""fit/interrupts.py: when a SIGINT has its effect."""

import os
import signal
import threading

import pytest

from refscore.fit.interrupts import Interrupts


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def default_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_first_waits_and_the_second_does_not():
    reached = []
    with Interrupts() as interrupts:
        interrupts.poll()
        ctrl_c()
        reached.append("after the first")
        with pytest.raises(KeyboardInterrupt):
            interrupts.poll()
        interrupts.poll()
        ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            ctrl_c()
        reached.append("after the third")
        with pytest.raises(KeyboardInterrupt):
            interrupts.poll()
    assert reached == ["after the first", "after the third"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_none_is_lost_at_the_end():
    with pytest.raises(KeyboardInterrupt), Interrupts():
        ctrl_c()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_is_not_hidden():
    def fail():
        with Interrupts():
            ctrl_c()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


def test_a_handler_of_ones_own_is_called_between_steps():
    calls = []
    signal.signal(signal.SIGINT, lambda number, frame: calls.append(number))
    with Interrupts() as interrupts:
        ctrl_c()
        assert calls == []
        interrupts.poll()
        assert calls == [signal.SIGINT]


def test_what_is_ignored_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interrupts() as interrupts:
        ctrl_c()
        interrupts.poll()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_change_nothing():
    found = []

    def run():
        with Interrupts() as interrupts:
            interrupts.poll()
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]
