"""The command `embedry`: parses arguments, calls the package, shows what came.

Exit codes: 0 done; 1 refused, with one line on standard error; 2 a wrong command line; 130
interrupted.
"""

from __future__ import annotations

import sys

from embedry.errors import EmbedryError

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    from embedry.cli.commands import app

    try:
        app()
    except (EmbedryError, OSError) as error:
        sys.stderr.write(f"embedry: {' '.join(str(error).split())}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("embedry: interrupted; what was acknowledged is kept\n")
        sys.exit(130)
