"""`python -m neuropinn_lava`: the command line."""

from .app.cli.main import main

main()
