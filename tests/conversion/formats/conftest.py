"""Let the tests of imports use the architectures of the benchmarks; last on the path, so that nothing is shadowed."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / "benchmarks"))
