"""What a sample of round trips shows, and how large it must be to show anything."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence


def sample_for(limit: float) -> int:
    """Return how many packets without loss show a loss below `limit` percent (rule of three, 95 %).

    No sample shows a loss of zero: for that, as for limits from 5 % on, 60 packets are asked.
    """
    return max(60, math.ceil(300 / limit - 1e-9)) if limit > 0 else 60


def proves_loss(sent: int, lost: int, limit: float) -> bool:
    """Return whether so many losses in a small sample disprove `limit` percent (one-sided, 95 %)."""
    share = limit / 100
    fewer = sum(math.comb(sent, k) * share**k * (1 - share) ** (sent - k) for k in range(lost))
    return 1 - fewer < 0.05


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the percentile by nearest rank of values in ascending order."""
    return ordered[max(0, math.ceil(share / 100 * len(ordered)) - 1)]


def jitter(rtts: Sequence[float | None]) -> tuple[float, int]:
    """Return the mean absolute difference between neighbouring replies, and how many pairs there were."""
    differences = [
        abs(after - before)
        for before, after in itertools.pairwise(rtts)
        if before is not None and after is not None
    ]
    return (sum(differences) / len(differences) if differences else 0.0), len(differences)
