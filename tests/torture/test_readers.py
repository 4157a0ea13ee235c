"""Every reader against damaged files: each loads identically or is refused with the package's own error.

Nothing crashes, nothing hangs, no code runs, no file but the damaged one is opened to be written. `make test` tries a few dozen
inputs per reader, `make torture` ten thousand.
"""

from __future__ import annotations

import importlib.util

import pytest
from fuzzing import run_trials
from subjects import SUBJECTS

N_SMOKE = 10
N_INPUTS = 10_000


def needs(subject: str) -> None:
    if subject == "NIR graph" and importlib.util.find_spec("nir") is None:
        pytest.skip("needs the extra `nir`")


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_few_damaged_files(subject: str) -> None:
    needs(subject)
    trials = run_trials(subject, N_SMOKE, has_guard=SUBJECTS[subject].guarded is not None)
    assert trials.failures == []
    assert sum(trials.outcomes.values()) == N_SMOKE
    assert trials.outcomes["refused"] > 0


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_damaged_files(subject: str) -> None:
    needs(subject)
    trials = run_trials(subject, N_INPUTS, has_guard=SUBJECTS[subject].guarded is not None)
    print(subject, dict(trials.outcomes))
    assert trials.failures == []
    assert sum(trials.outcomes.values()) == N_INPUTS
