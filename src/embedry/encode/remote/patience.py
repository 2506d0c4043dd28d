"""How long to wait before another try: as the server asks, else ever more, by chance.

References
----------
RFC 9110, section 10.2.3 (Retry-After). M. Brooker, "Exponential Backoff and Jitter", 2015 (full
jitter).
"""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["asked_pause", "pause_before"]

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds


def pause_before(attempt: int, asked: float | None) -> float:
    """Return the seconds to wait after a try.

    Parameters
    ----------
    attempt : int
        How many tries there were before it.
    asked : float or None
        What the server asks for.
    """
    if asked is not None:
        return min(asked, LONGEST_PAUSE)
    longest = min(FIRST_PAUSE * 2.0 ** min(attempt, 30), LONGEST_PAUSE)
    return random.uniform(longest / 2, longest)


def asked_pause(header: str | None) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, a number or a moment; None if neither."""
    if header is None:
        return None
    try:
        seconds = float(header)
        return max(seconds, 0.0) if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((aware - datetime.now(UTC)).total_seconds(), 0.0)
