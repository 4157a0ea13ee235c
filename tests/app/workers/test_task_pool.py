"""Pools of calls: the order of results, what is under way at a time, and errors in their turn."""

from __future__ import annotations

import math
import operator
from collections import deque

import pytest

from neuropinn_lava.app.workers.task_pool import Call, LocalPool, Outcome, in_order
from neuropinn_lava.base.errors import SpecError


class BackwardPool:
    """Three workers of which the last one asked always is the first to answer."""

    n_under_way = 6

    def __init__(self):
        self.waiting, self.most = deque(), 0

    def submit(self, call):
        self.waiting.append(call)
        self.most = max(self.most, len(self.waiting))

    def next_outcome(self):
        call = self.waiting.pop()
        return Outcome(name=call.name, value=call.function(*call.arguments))


def roots(n):
    return [Call(name=f"root {k}", function=math.sqrt, arguments=(k,)) for k in range(n)]


@pytest.mark.parametrize("make_pool", [LocalPool, BackwardPool])
def test_results_come_in_the_order_of_the_calls(make_pool):
    assert list(in_order(make_pool(), roots(20))) == [math.sqrt(k) for k in range(20)]


def test_no_more_calls_are_read_than_workers_need():
    pool, read = BackwardPool(), []
    results = in_order(pool, (read.append(call) or call for call in roots(50)))
    next(results)
    assert len(read) == 6  # two for each of three workers
    assert pool.most == 6


def refuse():
    raise SpecError("a call", "no trouble", "trouble", "Do not call it.")


def test_the_packages_errors_are_outcomes_and_wait_for_their_turn():
    pool = LocalPool()
    calls = [*roots(2), Call(name="refused", function=refuse), *roots(1)]
    results = in_order(pool, calls)
    assert [next(results), next(results)] == [0.0, 1.0]
    with pytest.raises(SpecError, match="no trouble"):
        next(results)


def test_an_error_in_reading_calls_waits_for_the_results_before_it():
    def calls():
        yield from roots(3)
        refuse()

    results = in_order(BackwardPool(), calls())
    assert [next(results) for _ in range(3)] == [math.sqrt(k) for k in range(3)]
    with pytest.raises(SpecError, match="no trouble"):
        next(results)


def test_foreign_errors_are_not_swallowed():
    pool = LocalPool()
    pool.submit(Call(name="division", function=operator.truediv, arguments=(1, 0)))
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        pool.next_outcome()
