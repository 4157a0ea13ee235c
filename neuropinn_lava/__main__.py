"""`python -m neuropinn_lava`: the command line."""

from .app.cli import main

main()
