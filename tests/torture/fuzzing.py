"""Trials of damaged files in child processes with a time limit: what crashes or hangs ends a child, and the next goes on."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

CHILD = Path(__file__).with_name("fuzz_child.py")
START_SECONDS = 600.0
"""For a child to import torch where everything else goes first: the torture runs at the lowest priority."""
HANG_SECONDS = 60.0
"""Without a word from a child: one that waits for something; one that computes ends itself (`fuzz_child.CPU_SECONDS`)."""
N_GUARDED = 20
"""So many inputs on which a library hangs or crashes are given to the guarded reader; it takes seconds for each."""
FINE = ("same", "other", "refused")
"""What may become of an input: it loads identically, or as other contents that are sound, or is refused."""


@dataclass(slots=True, kw_only=True)
class Trials:
    """What became of the inputs of one subject."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """Inputs by what became of them, the text behind the first word left out."""
    failures: list[str] = field(default_factory=list)
    """Every input that did not load and was not refused: its number, and what happened."""


def run_trials(subject: str, n_inputs: int, *, has_guard: bool) -> Trials:
    """Try inputs 0 … n-1 of a subject; what a library hangs or crashes on must be refused by the guarded reader."""
    trials, first, n_guarded = Trials(), 0, 0
    while first < n_inputs:
        for number, outcome in run_child(subject, first, n_inputs):
            first = number + 1
            word = outcome.split(maxsplit=1)[0]
            if word in ("hang", "crash") and has_guard:
                n_guarded += 1
                if n_guarded > N_GUARDED or is_refused(subject, number):
                    word, outcome = f"{word} of the parser, refused by its guard", "refused"
            trials.outcomes[word] += 1
            if outcome not in FINE:
                trials.failures.append(f"input {number} of {subject!r}: {outcome}")
    return trials


def is_refused(subject: str, number: int) -> bool:
    """Tell whether the reader that users call refuses an input with the package's own error."""
    command = [sys.executable, str(CHILD), subject, str(number), str(number + 1), "guarded"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS + 2 * HANG_SECONDS)
    return done.stdout.startswith(f"{number} refused")


def run_child(subject: str, first: int, last: int) -> list[tuple[int, str]]:
    """Try inputs until all are done, or one hangs or ends the child; that one is the last in the list."""
    command = [sys.executable, str(CHILD), subject, str(first), str(last)]
    found: list[tuple[int, str]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        lines = _Lines(child.stdout)
        while (line := lines.next(HANG_SECONDS if lines.begun else START_SECONDS)) is not None:
            number, _, outcome = line.partition(" ")
            found.append((int(number), outcome.strip()))
        if lines.hung:
            child.kill()
        errors = child.stderr.read().decode(errors="replace")
        code = child.wait()
    if lines.hung or code:
        if not lines.rest and not found:
            raise AssertionError(f"the child for {subject!r} did not start:\n{errors}")
        number = int(lines.rest.split()[0]) if lines.rest.split() else found[-1][0] + 1
        hung = lines.hung or code == -signal.SIGPROF
        found.append((number, "hang" if hung else f"crash with code {code}: {errors[-500:]}"))
    return found


class _Lines:
    """Lines of a pipe, each awaited for a limited time."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.begun = False
        """Whether anything has come."""
        self.hung = False
        """Whether the time was over before the next line or the end."""
        self.rest = ""
        """What has come of a line that is not complete."""
        self._pipe = pipe
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipe, selectors.EVENT_READ)

    def next(self, seconds: float) -> str | None:
        """Give the next line, or None at the end or after that time without a byte."""
        while "\n" not in self.rest:
            if not self._selector.select(seconds):
                self.hung = True
                return None
            chunk = os.read(self._pipe.fileno(), 1 << 16)
            if not chunk:
                return None
            self.begun = True
            self.rest += chunk.decode()
        line, self.rest = self.rest.split("\n", 1)
        return line
