"""The command `embedry`: parses arguments, calls the package, shows what came.

Exit codes: 0 done; 1 refused, with one line on standard error; 2 a wrong command line; 130
interrupted.
"""

from __future__ import annotations

import io
import sys

from embedry.errors import EmbedryError

__all__ = ["main"]

_INTERRUPTED = 130


def main() -> None:
    """Run the command line.

    Raises
    ------
    SystemExit
        At the end, always, with one of the exit codes above.
    """
    try:
        _accept_any_text(sys.stdout)
        _run()
    except (EmbedryError, OSError) as error:
        _say(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        _end_interrupted()


def _run() -> None:
    from embedry.cli.commands import app
    from embedry.cli.stopped import StoppedError

    try:
        app(prog_name="embedry")
    except StoppedError as stop:
        _end_interrupted(str(stop))
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # which is what typer makes of Ctrl-C
            _end_interrupted()
        raise


def _accept_any_text(stream: object) -> None:
    """Let a stream that is not UTF-8 write escapes for what it lacks, and not fail."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _end_interrupted(left: str = "what was acknowledged is kept") -> None:
    _say(f"interrupted; {left}")
    sys.exit(_INTERRUPTED)


def _say(what: str) -> None:
    sys.stderr.write(f"embedry: {' '.join(what.split())}\n")
