"""``python -m embedry`` is the command ``embedry``."""

from embedry.cli.main import main

if __name__ == "__main__":
    main()
