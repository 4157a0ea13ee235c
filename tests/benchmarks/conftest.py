"""Let the tests of the benchmarks' own modules import them; last on the path, so that nothing of the package is shadowed."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
