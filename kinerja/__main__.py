"""`python -m kinerja`."""

from kinerja.cli import main

main()
