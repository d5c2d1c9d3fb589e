"""switch.environment: fans, power supplies and temperatures of a device are well, as it says itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.device.check import DeviceCheck, device
from checks.device.sensor_records import Sensor
from checks.device.sensors import read_sensors
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import in_line, safe

_FIXES = {
    "fan": "Replace the fan or its tray; check that nothing blocks the air.",
    "power supply": "Check its plug and its circuit; replace it if it stays so.",
    "temperature": "Check the air: blocked vents, a failed fan, the cooling of the room or rack.",
    "optical power": "Clean or replace the fibre and the transceiver.",
    "alarm": "Ask the device which alarm it is ('show chassis alarms' or its like), and clear its cause.",
}
_MAX = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSeen:
    """All that the device says of its parts and sensors."""

    name: str
    sensors: tuple[Sensor, ...]


class Environment(DeviceCheck[EnvironmentSeen]):
    """Every fan, power supply and sensor that the device itself judges is well.

    Proves: what the device says now of the parts that it watches, against its own limits.
    Cannot prove: anything about parts that it does not watch, nor that a second power supply that was never
    plugged in is missing.
    If it fails: replace the part that is named; look at air and power around it.

    Source: RFC 3433 (ENTITY-SENSOR-MIB), CISCO-ENVMON-MIB, CISCO-ENTITY-SENSOR-MIB, JUNIPER-MIB and the
    environment MIBs of other vendors.

    Example:
        type: switch.environment
        host: 10.20.0.2
        community: env:SNMP_COMMUNITY
        ignore: ["*RPS*"]
    """

    ignore: tuple[str, ...] = ()
    """Names of sensors that are not judged; `*` and `?` stand for any text, capitals do not matter."""

    def __post_init__(self) -> None:
        DeviceCheck.__post_init__(self)
        if any(not pattern.strip("*? ") for pattern in self.ignore):
            raise ValueError("'ignore' holds a pattern for every sensor, which would leave nothing to judge.")
        if any(len(pattern) > 200 or pattern.count("*") > 8 for pattern in self.ignore):
            raise ValueError("A pattern of 'ignore' has at most 200 characters and eight '*'.")

    async def observe(self, vantage: Vantage) -> EnvironmentSeen:
        found = await device(self, vantage)
        return EnvironmentSeen(name=found.name, sensors=await found.read(read_sensors))

    def judge(self, seen: EnvironmentSeen) -> Iterable[Finding]:
        left = [sensor for sensor in seen.sensors if not self._ignored(sensor.name)]
        bad = [sensor for sensor in left if sensor.state in ("critical", "warning") and not _dark(sensor)]
        for sensor in bad[:_MAX]:
            yield _finding(seen.name, sensor)
        if len(bad) > _MAX:
            yield warned(
                seen.name, f"{len(bad) - _MAX} more sensors are not well.", expected="all well",
                observed=in_line(sensor.name for sensor in bad[_MAX:]), fix="Mend the named ones first.",
            )  # fmt: skip
        yield from self._well(seen.name, left, bad)

    def _ignored(self, name: str) -> bool:
        return any(fnmatchcase(name[:200].casefold(), pattern.casefold()) for pattern in self.ignore)

    def _well(self, name: str, left: list[Sensor], bad: list[Sensor]) -> Iterator[Finding]:
        well = [sensor for sensor in left if sensor.state == "ok" and not sensor.optic]
        expected = "fans, power supplies and temperatures judged by the device"
        if well:
            kinds = Counter(sensor.kind for sensor in well)
            told = ", ".join(
                f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in sorted(kinds.items())
            )
            yield passed(
                name, "What the device watches otherwise is well." if bad else
                "All that the device watches is well.", expected=expected, observed=told,
            )  # fmt: skip
        elif not bad:
            values = [f"{sensor.name}: {sensor.said}" for sensor in left if sensor.state == "unknown"]
            yield cannot_tell(
                name, "The device shows values without any limit or state." if values else
                "The device shows no sensor at all.", expected=expected,
                observed=in_line(values[:12]) or "nothing",
                fix="Look at its lamps, and at 'show environment' or its like; give the community a view of "
                "ENTITY-SENSOR-MIB and of its vendor's MIB if it is restricted.",
            )  # fmt: skip


def _dark(sensor: Sensor) -> bool:
    """Return whether it is the received light of a fibre on which there is none: a port without a link."""
    return sensor.kind == "optical power" and sensor.value is not None and sensor.value <= -30


def _finding(name: str, sensor: Sensor) -> Finding:
    make = failed if sensor.state == "critical" and not sensor.optic else warned
    called = safe(sensor.name, limit=160)
    return make(
        f"{name}: {called}", f"The {sensor.kind} {called} is not well: {safe(sensor.said, limit=160)}.",
        expected="well", observed=safe(sensor.said, limit=160), reference=sensor.mib,
        fix=_FIXES.get(sensor.kind, "Look at this part: its lamp, its seat, the device's log."),
    )  # fmt: skip
