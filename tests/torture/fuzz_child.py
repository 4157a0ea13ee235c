"""Reads damaged files one after the other, and says of each what became of it; run by `fuzzing.run_trials`, or by hand:

    python tests/torture/fuzz_child.py "NIR graph" 17 18          the inputs 17 to 17
    python tests/torture/fuzz_child.py "NIR graph" 17 18 guarded  the same through the reader that users call

An input is determined by its subject and number. A line a trial: the number, then `same`, `other`, `refused`, or what went
wrong.
"""

from __future__ import annotations

import random
import resource
import signal
import sys
import tempfile
import warnings
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from sentinel import Sentinel  # noqa: E402
from subjects import SUBJECTS, Subject  # noqa: E402

from neuropinn_lava.base.errors import NeuroPinnError  # noqa: E402
from neuropinn_lava.files import parser_guard  # noqa: E402

SEED = 20260
CPU_SECONDS = 3.0
"""Processor time for an input that takes milliseconds: what hangs ends the child by SIGPROF, inside a library too."""
GUARD_SECONDS = 8.0
"""How long the child of a guarded reader may take here."""
HEADROOM = 2 << 30
"""Memory beyond that of the start: a reader that allocates what a file claims fails here, not on the user's machine."""


def main() -> None:
    """Try the inputs that the command line names."""
    name, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    subject, guarded = SUBJECTS[name], len(sys.argv) > 4
    parser_guard.START_SECONDS = GUARD_SECONDS
    with tempfile.TemporaryDirectory() as folder:
        sound = [path.read_bytes() for path in subject.make(Path(folder))]
        names = [name_of(subject, contents, Path(folder)) for contents in sound]
        assert names.count("") <= (name == "NPY points"), names  # there, one holds code
        limit = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + HEADROOM
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        sentinel = Sentinel(Path(folder))
        for number in range(first, last):
            path = write_input(subject, name, number, sound, Path(folder))
            print(number, end=" ", flush=True)
            which = random.Random(f"{SEED}/{name}/{number}").randrange(len(sound))
            signal.setitimer(signal.ITIMER_PROF, 0 if guarded else CPU_SECONDS)
            if guarded:
                print(try_guarded(subject, path), flush=True)
                continue
            with sentinel, warnings.catch_warnings():
                warnings.simplefilter("error")
                outcome = try_input(subject, path, names[which])
            print(sentinel.caught or outcome, flush=True)


def name_of(subject: Subject, contents: bytes, folder: Path) -> str:
    """Load a sound file; one that the subject must refuse has no name."""
    path = folder / f"sound{subject.suffix}"
    path.write_bytes(contents)
    try:
        return subject.load(path)
    except NeuroPinnError:
        return ""


def write_input(subject: Subject, name: str, number: int, sound: list[bytes], folder: Path) -> Path:
    """Write the damaged file of that number."""
    rng = random.Random(f"{SEED}/{name}/{number}")
    contents = sound[rng.randrange(len(sound))]
    path = folder / f"input{subject.suffix}"
    subject.damage(rng, contents, path)
    return path


def try_input(subject: Subject, path: Path, name: str) -> str:
    """Read a file, and say what became of it."""
    try:
        found = subject.load(path)
    except NeuroPinnError as error:
        return "refused" if str(error).strip() else "refused without a word"
    except BaseException as error:
        return f"foreign {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if found == name:
        return "same"
    return "changed, though a digest vouches for it" if subject.sealed else "other"


def try_guarded(subject: Subject, path: Path) -> str:
    """Read a file through the reader that has a child process before it."""
    assert subject.guarded is not None
    try:
        subject.guarded(path)
    except NeuroPinnError as error:
        return f"refused: {' '.join(str(error).split())[:200]}"
    return "read"


if __name__ == "__main__":
    main()
