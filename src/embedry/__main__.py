"""``python -m embedry`` is the command ``embedry``."""

from embedry.cli.main import main

main()
