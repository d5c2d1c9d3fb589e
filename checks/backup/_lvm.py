"""LVM: what `lvs` says of the snapshots of a volume."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from checks.dataclass import dataclass
from checks.vantage import CannotTell
from checks.wire.ssh.command import Command, Program

_LVS = Program("lvs", refuses={"--config", "--profile"})
FIELDS = "vg_name,lv_name,origin,snap_percent,data_percent,lv_time,lv_size,lv_attr,pool_lv"


def list_volumes(group: str, as_user: str) -> Command:
    """Return the command that lists every volume of a volume group."""
    return _LVS(
        "--reportformat", "json", "--units", "b", "--nosuffix", "-a", "-o", FIELDS, "--", group,
        as_user=as_user, env=(("LVM_SUPPRESS_FD_WARNINGS", "1"),),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """One logical volume. `full` is how much of a snapshot's own space is used, in per cent."""

    name: str
    origin: str
    attributes: str
    at: datetime | None
    full: float | None
    data: float | None
    """How much of a thin pool is used, in per cent."""
    pool: str

    @property
    def thin(self) -> bool:
        """Whether it lives in a thin pool."""
        return self.attributes[:1] == "V"

    @property
    def trouble(self) -> str:
        """Return what is wrong with it as a snapshot to go back to; empty if nothing is."""
        state, health = self.attributes[4:5], self.attributes[8:9]
        if state in ("I", "S") or (not self.thin and self.full is not None and self.full >= 100):
            return "It is invalid: it ran out of its own space, and what it held is lost."
        if state in ("m", "M"):
            return "Merging it back has failed."
        if self.attributes[:1] == "S":
            return "It is just being merged back into its origin."
        if health == "p":
            return "A physical volume that it needs is missing."
        if health in ("F", "D", "M"):
            return "Its thin pool is out of space or has failed."
        return ""


def parse(output: bytes) -> list[Volume]:
    """Return the volumes of `lvs --reportformat json`; CannotTell if it is not that."""
    try:
        data = json.loads(output)
        rows = [row for report in data["report"] for row in report["lv"]]
        return [_volume(row) for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CannotTell(
            "What lvs said is not the JSON that it should be.", "Run 'lvs --reportformat json' by hand."
        ) from error


def _volume(row: dict[str, str]) -> Volume:
    return Volume(
        name=row["lv_name"].strip("[]"), origin=row["origin"].strip("[]"), attributes=row["lv_attr"],
        at=_moment(row["lv_time"]), full=_percent(row["snap_percent"]), data=_percent(row["data_percent"]),
        pool=row["pool_lv"].strip("[]"),
    )  # fmt: skip


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _percent(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def pool_full(volumes: list[Volume], pool: str) -> float | None:
    """Return how full the thin pool `pool` is, in per cent."""
    return next((one.data for one in volumes if one.name == pool), None)
