"""Ctrl-C as a question."""

from __future__ import annotations

import signal
import threading

import pytest

from neuropinn_lava.training.run.interrupt import deferred_interrupt


def test_the_first_is_noted_and_the_second_raises() -> None:
    former = signal.getsignal(signal.SIGINT)
    with deferred_interrupt() as interrupted:
        assert not interrupted()
        signal.raise_signal(signal.SIGINT)
        assert interrupted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is former


def test_a_thread_is_never_interrupted() -> None:
    answers = []

    def ask() -> None:
        with deferred_interrupt() as interrupted:
            answers.append(interrupted())

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert answers == [False]
