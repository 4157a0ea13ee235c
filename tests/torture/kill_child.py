"""Kills a writer before each system call that changes a file, and at random times; run by the tests, or by hand:

    python tests/torture/kill_child.py network 200 /tmp/here        every boundary, and 200 random times

After each kill the target is the old one or the new one, byte for byte, and writing it again succeeds. Prints what was done as
JSON, and what was found that should not be.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from tracing import run_traced  # noqa: E402
from writers import State, Writer, make_writers  # noqa: E402

SEED = 1


class Ordeal:
    """One writer in one folder."""

    def __init__(self, writer: Writer, folder: Path) -> None:
        self.writer, self.folder = writer, folder
        writer.begin(folder)
        self.write_new()
        self.new: State = writer.state(folder)
        self.old: State = writer.begin(folder)
        self.found: list[str] = []
        self.n_old = self.n_new = 0

    def write_new(self) -> None:
        """Write version 1."""
        self.writer.write(self.folder / self.writer.target, 1)

    def judge(self, when: str) -> None:
        """Compare what a kill left with the old and the new state, and write again."""
        state = self.writer.state(self.folder)
        self.n_old += state == self.old
        self.n_new += state == self.new
        if state not in (self.old, self.new):
            self.found.append(f"{when}: neither old nor new: {describe(state, self.old, self.new)}")
        try:
            self.write_new()
        except Exception as error:
            self.found.append(f"{when}: writing again fails: {type(error).__name__}: {error}")
        else:
            if self.writer.state(self.folder) != self.new:
                self.found.append(f"{when}: writing again gives something else")

    def kill_at_boundaries(self) -> list[str]:
        """Be killed before each call that changes a file; give the calls."""
        self.writer.begin(self.folder)
        calls = run_traced(self.write_new)
        for index in range(len(calls)):
            self.writer.begin(self.folder)
            run_traced(self.write_new, kill_before=index)
            self.judge(f"killed before call {index}, {calls[index]}")
        return calls

    def kill_at_random(self, n_kills: int) -> None:
        """Be killed at random times within half more than a write takes."""
        start = time.perf_counter()
        run_forked(self.write_new)
        seconds, rng = time.perf_counter() - start, random.Random(SEED)
        for _ in range(n_kills):
            self.writer.begin(self.folder)
            delay = rng.uniform(0, 1.5 * seconds)
            run_forked(self.write_new, delay)
            self.judge(f"killed after {1e3 * delay:.3f} ms")


def run_forked(work, kill_after: float | None = None) -> None:
    """Work in a child, and kill it after a time."""
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def describe(state: State, old: State, new: State) -> str:
    """Say by names which files are old, new, missing or half."""
    kinds = {
        name: "missing" if name not in state else "old" if state[name] == old.get(name)
        else "new" if state[name] == new.get(name) else f"{len(state[name])} bytes"
        for name in sorted({*state, *old, *new})
    }  # fmt: skip
    return ", ".join(f"{name or 'file'} {kind}" for name, kind in kinds.items())[:400]


def main() -> None:
    """Do what the command line says."""
    name, n_random, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    ordeal = Ordeal(make_writers()[name], folder)
    calls = ordeal.kill_at_boundaries()
    ordeal.kill_at_random(n_random)
    done = {
        "boundaries": len(calls),
        "random": n_random,
        "old": ordeal.n_old,
        "new": ordeal.n_new,
        "found": ordeal.found,
    }
    print(json.dumps(done))


if __name__ == "__main__":
    main()
