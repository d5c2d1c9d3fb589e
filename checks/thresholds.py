"""Named sets of limits for latency, loss and jitter, each limit with its source.

`warn` is the last value that is still good, `fail` the last that is still tolerable. Where the source gives
one limit only it is the `fail` value, and `warn` stands at two thirds of it: our own margin, and said so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from checks.dataclass import dataclass

SetName = Literal["teams", "voice-strict", "office-wifi", "data-only"]


@dataclass(frozen=True, slots=True)
class Limit:
    """The limits of one quantity: `unit` is `ms` or `%`."""

    warn: float
    fail: float
    unit: str
    source: str


_TEAMS = "Microsoft Teams, client to Microsoft edge: RTT < 100 ms, loss < 1 %, jitter < 30 ms per 15 s"
_EDGE = "Microsoft Teams, customer edge to Microsoft edge: RTT < 60 ms, loss < 0.1 %, jitter < 15 ms per 15 s"
_VOICE = "Wi-Fi Alliance Voice-Personal: loss < 1 %, latency < 50 ms, jitter < 50 ms"
_MARGIN = "; warning at two thirds is gonogo's margin"
_DATA = (
    "gonogo's own choice for mail, web and files; the check_icmp default warns at 200 ms and fails at 500 ms"
)

SETS: Mapping[str, Mapping[str, Limit]] = {
    "teams": {
        "loss": Limit(0.67, 1.0, "%", _TEAMS + _MARGIN),
        "rtt": Limit(66.7, 100.0, "ms", _TEAMS + _MARGIN),
        "jitter": Limit(20.0, 30.0, "ms", _TEAMS + _MARGIN),
    },
    "voice-strict": {
        "loss": Limit(0.067, 0.1, "%", _EDGE + _MARGIN),
        "rtt": Limit(40.0, 60.0, "ms", _EDGE + _MARGIN),
        "jitter": Limit(10.0, 15.0, "ms", _EDGE + _MARGIN),
    },
    "office-wifi": {
        "loss": Limit(0.67, 1.0, "%", _VOICE + _MARGIN),
        "rtt": Limit(33.3, 50.0, "ms", _VOICE + _MARGIN),
        "jitter": Limit(33.3, 50.0, "ms", _VOICE + _MARGIN),
    },
    "data-only": {
        "loss": Limit(1.0, 5.0, "%", _DATA),
        "rtt": Limit(200.0, 500.0, "ms", _DATA),
        "jitter": Limit(50.0, 100.0, "ms", _DATA),
    },
}


def limits(name: str) -> Mapping[str, Limit]:
    """Return the set `name` as `{quantity: Limit}` for the quantities `loss`, `rtt` and `jitter`."""
    return SETS[name]
