"""Where vendors keep the state of fans, power supplies and sensors, and what their numbers mean."""

from __future__ import annotations

from collections.abc import Mapping

from checks.dataclass import dataclass
from checks.device.sensor_records import Kind, State
from checks.device.values import oid
from checks.wire.snmp.agent import Oid

Words = Mapping[int, tuple[str, State]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A column of states, or of values with limits; `name` is a column of the same table."""

    mib: str
    enterprises: tuple[int, ...]
    """Only asked of devices of these vendors; empty: of all."""
    kind: Kind
    called: str
    """What a row is called where it has no name of its own."""
    state: Oid | None = None
    words: Words | None = None
    texts: Mapping[str, State] | None = None
    """For states that come as text, in lower case."""
    name: Oid | None = None
    entity: bool = False
    """Rows are entPhysicalIndex: the name is the entity's."""
    value: Oid | None = None
    divisor: float = 1
    unit: str = ""
    low: Oid | None = None
    high: Oid | None = None
    """Columns of the limits beyond which the device itself is alarmed."""


ENVMON: Words = {
    1: ("normal", "ok"), 2: ("warning", "warning"), 3: ("critical", "critical"), 4: ("shutdown", "critical"),
    5: ("not present", "absent"), 6: ("not functioning", "critical"),
}  # fmt: skip
_BOX: Words = {
    1: ("not present", "absent"), 2: ("operational", "ok"), 3: ("failed", "critical"),
    4: ("powering", "ok"), 5: ("no power", "critical"), 6: ("not powering", "critical"),
    7: ("incompatible", "warning"),
}  # fmt: skip
_BOX_TEMPERATURE: Words = {
    0: ("low", "warning"), 1: ("normal", "ok"), 2: ("warning", "warning"), 3: ("critical", "critical"),
    4: ("shutdown", "critical"), 5: ("not present", "absent"), 6: ("not operational", "unknown"),
}  # fmt: skip
_FRU: Words = {
    1: ("off (other)", "critical"), 2: ("on", "ok"), 3: ("off (admin)", "warning"),
    4: ("off (denied)", "critical"), 5: ("off (environmental)", "critical"),
    6: ("off (temperature)", "critical"), 7: ("off (fan)", "critical"), 8: ("failed", "critical"),
    9: ("on (fan failed)", "warning"), 10: ("off (cooling)", "critical"),
    11: ("off (connector rating)", "critical"), 12: ("on (no inline power)", "warning"),
}  # fmt: skip
_JNX_FRU: Words = {
    1: ("unknown", "unknown"), 2: ("empty", "absent"), 3: ("present", "warning"), 4: ("ready", "ok"),
    5: ("announce online", "ok"), 6: ("online", "ok"), 7: ("announce offline", "warning"),
    8: ("offline", "critical"), 9: ("diagnostic", "unknown"), 10: ("standby", "ok"),
}  # fmt: skip
_JNX_OPERATING: Words = {
    1: ("unknown", "unknown"), 2: ("running", "ok"), 3: ("ready", "ok"), 4: ("reset", "warning"),
    5: ("running at full speed", "ok"), 6: ("down", "critical"), 7: ("standby", "ok"),
}  # fmt: skip
_HP: Words = {
    1: ("unknown", "unknown"), 2: ("bad", "critical"), 3: ("warning", "warning"), 4: ("good", "ok"),
    5: ("not present", "absent"),
}  # fmt: skip
_HH3C: Words = {
    1: ("active", "ok"), 2: ("deactive", "critical"), 3: ("not installed", "absent"),
    4: ("unsupported", "unknown"),
}  # fmt: skip
_S5: Words = {
    1: ("other", "unknown"), 2: ("not available", "absent"), 3: ("removed", "absent"),
    4: ("disabled", "absent"), 5: ("normal", "ok"), 6: ("reset in progress", "warning"),
    7: ("testing", "warning"), 8: ("warning", "warning"), 9: ("non-fatal error", "warning"),
    10: ("fatal error", "critical"), 11: ("not configured", "absent"), 12: ("obsoleted", "absent"),
}  # fmt: skip
_ARUBA_PSU: Words = {
    1: ("ok", "ok"), 2: ("absent", "absent"), 3: ("input fault", "critical"), 4: ("output fault", "critical"),
    5: ("PoE fault", "critical"), 6: ("fault, no recovery", "critical"), 7: ("alert", "critical"),
    8: ("unknown", "unknown"), 9: ("unsupported", "unknown"), 10: ("warning", "warning"),
    11: ("initialising", "unknown"), 12: ("empty", "absent"), 13: ("airflow fault", "critical"),
    14: ("redundancy fault", "critical"), 15: ("mixed input", "critical"), 16: ("over voltage", "critical"),
    17: ("under voltage", "critical"),
}  # fmt: skip
_ARUBA: Mapping[str, State] = {
    "ok": "ok", "normal": "ok", "warning": "warning", "fault": "critical", "critical": "critical",
    "emergency": "critical", "min": "warning", "max": "warning", "low_critical": "critical",
    "empty": "absent", "absent": "absent", "uninitialized": "unknown",
}  # fmt: skip
_GOOD: Words = {
    -1: ("none", "unknown"), 1: ("failed", "critical"), 2: ("good", "ok"), 3: ("not powered", "critical"),
}  # fmt: skip
_RANGE: Words = {-1: ("none", "unknown"), 1: ("out of range", "critical"), 2: ("in range", "ok")}
_ALARM: Words = {0: ("no alarm", "ok"), 1: ("alarm", "critical")}
_TRUE_IS_GOOD: Words = {1: ("operational", "ok"), 2: ("not operational", "critical")}
_ADVA: Words = {1: ("up", "ok"), 2: ("down", "critical"), 3: ("absent", "absent")}

_C, _J, _HPE, _H3C = "1.3.6.1.4.1.9.9", "1.3.6.1.4.1.2636.3", "1.3.6.1.4.1.11.2.14", "1.3.6.1.4.1.25506"
_AT, _HW, _XOS = "1.3.6.1.4.1.207.8.4.4.3.12", "1.3.6.1.4.1.2011.5.25.31.1.1", "1.3.6.1.4.1.1916.1.1.1"
_CX, _F, _DELL = "1.3.6.1.4.1.47196.4.1.1.3.11", "1.3.6.1.4.1.1991.1.1.1", "1.3.6.1.4.1.674"
_DLINK, _VOSS, _OS10 = (
    "1.3.6.1.4.1.171.12.11.1",
    "1.3.6.1.4.1.2272.1.4",
    "1.3.6.1.4.1.674.11000.5000.100.4.1.2",
)


def _envmon(mib: str, enterprises: tuple[int, ...], base: str) -> tuple[Table, Table]:
    """Return fans and supplies as RADLAN's environment MIB has them, below several roots."""
    return (
        Table(
            mib=mib, enterprises=enterprises, kind="fan", called="Fan", words=ENVMON,
            state=oid(f"{base}.1.1.3"), name=oid(f"{base}.1.1.2"),
        ),
        Table(
            mib=mib, enterprises=enterprises, kind="power supply", called="Power supply", words=ENVMON,
            state=oid(f"{base}.2.1.3"), name=oid(f"{base}.2.1.2"),
        ),
    )  # fmt: skip


def _boxes(enterprises: tuple[int, ...], base: str) -> tuple[Table, ...]:
    """Return what switches on FASTPATH say, below several roots."""
    mib = "BOXSERVICES-PRIVATE-MIB"
    return (
        Table(
            mib=mib, enterprises=enterprises, kind="fan", called="Fan", words=_BOX,
            state=oid(f"{base}.6.1.3"),
        ),
        Table(
            mib=mib, enterprises=enterprises, kind="power supply", called="Power supply", words=_BOX,
            state=oid(f"{base}.7.1.3"),
        ),
        Table(
            mib=mib, enterprises=enterprises, kind="temperature", called="Temperature sensor",
            words=_BOX_TEMPERATURE, state=oid(f"{base}.8.1.4"), value=oid(f"{base}.8.1.5"), unit="°C",
        ),
    )  # fmt: skip


TABLES: tuple[Table, ...] = (
    Table(
        mib="CISCO-ENVMON-MIB", enterprises=(9,), kind="temperature", called="Temperature", words=ENVMON,
        state=oid(f"{_C}.13.1.3.1.6"), name=oid(f"{_C}.13.1.3.1.2"), value=oid(f"{_C}.13.1.3.1.3"),
        unit="°C",
    ),
    Table(
        mib="CISCO-ENVMON-MIB", enterprises=(9,), kind="voltage", called="Voltage", words=ENVMON,
        state=oid(f"{_C}.13.1.2.1.7"), name=oid(f"{_C}.13.1.2.1.2"),
    ),
    Table(
        mib="CISCO-ENVMON-MIB", enterprises=(9,), kind="fan", called="Fan", words=ENVMON,
        state=oid(f"{_C}.13.1.4.1.3"), name=oid(f"{_C}.13.1.4.1.2"),
    ),
    Table(
        mib="CISCO-ENVMON-MIB", enterprises=(9,), kind="power supply", called="Power supply", words=ENVMON,
        state=oid(f"{_C}.13.1.5.1.3"), name=oid(f"{_C}.13.1.5.1.2"),
    ),
    Table(
        mib="CISCO-ENTITY-FRU-CONTROL-MIB", enterprises=(9,), kind="power supply", called="Power module",
        words=_FRU, state=oid(f"{_C}.117.1.1.2.1.2"), entity=True,
    ),
    Table(
        mib="CISCO-ENTITY-FRU-CONTROL-MIB", enterprises=(9,), kind="fan", called="Fan tray",
        words={
            1: ("unknown", "unknown"), 2: ("up", "ok"), 3: ("down", "critical"), 4: ("warning", "warning"),
        },
        state=oid(f"{_C}.117.1.4.1.1.1"), entity=True,
    ),
    Table(
        mib="JUNIPER-MIB", enterprises=(2636,), kind="part", called="Part", words=_JNX_FRU,
        state=oid(f"{_J}.1.15.1.8"), name=oid(f"{_J}.1.15.1.5"),
    ),
    Table(
        mib="JUNIPER-MIB", enterprises=(2636,), kind="part", called="Part", words=_JNX_OPERATING,
        state=oid(f"{_J}.1.13.1.6"), name=oid(f"{_J}.1.13.1.5"),
    ),
    Table(
        mib="JUNIPER-ALARM-MIB", enterprises=(2636,), kind="alarm", called="Yellow alarm",
        words={1: ("other", "unknown"), 2: ("off", "ok"), 3: ("on", "warning")}, state=oid(f"{_J}.4.2.2.1"),
    ),
    Table(
        mib="JUNIPER-ALARM-MIB", enterprises=(2636,), kind="alarm", called="Red alarm",
        words={1: ("other", "unknown"), 2: ("off", "ok"), 3: ("on", "critical")}, state=oid(f"{_J}.4.2.3.1"),
    ),
    Table(
        mib="HP-ICF-CHASSIS", enterprises=(11,), kind="part", called="Sensor", words=_HP,
        state=oid(f"{_HPE}.11.1.2.6.1.4"), name=oid(f"{_HPE}.11.1.2.6.1.7"),
    ),
    Table(
        mib="ARUBAWIRED-POWERSUPPLY-MIB", enterprises=(47196,), kind="power supply", called="Power supply",
        words=_ARUBA_PSU, state=oid(f"{_CX}.2.1.1.11"), name=oid(f"{_CX}.2.1.1.3"),
    ),
    Table(
        mib="ARUBAWIRED-TEMPSENSOR-MIB", enterprises=(47196,), kind="temperature", called="Temperature",
        texts=_ARUBA, state=oid(f"{_CX}.3.1.1.6"), name=oid(f"{_CX}.3.1.1.5"), value=oid(f"{_CX}.3.1.1.7"),
        divisor=1000, unit="°C",
    ),
    Table(
        mib="ARUBAWIRED-FAN-MIB", enterprises=(47196,), kind="fan", called="Fan", texts=_ARUBA,
        state=oid(f"{_CX}.5.1.1.5"), name=oid(f"{_CX}.5.1.1.4"),
    ),
    Table(
        mib="HH3C-LswDEVM-MIB", enterprises=(25506, 43, 11), kind="fan", called="Fan", words=_HH3C,
        state=oid(f"{_H3C}.8.35.9.1.1.1.2"),
    ),
    Table(
        mib="HH3C-LswDEVM-MIB", enterprises=(25506, 43, 11), kind="power supply", called="Power supply",
        words=_HH3C, state=oid(f"{_H3C}.8.35.9.1.2.1.2"),
    ),
    Table(
        mib="HH3C-ENTITY-EXT-MIB", enterprises=(25506, 43, 11), kind="temperature", called="Temperature",
        value=oid(f"{_H3C}.2.6.1.1.1.1.12"), high=oid(f"{_H3C}.2.6.1.1.1.1.13"), unit="°C", entity=True,
    ),
    Table(
        mib="S5-CHASSIS-MIB", enterprises=(45, 1584), kind="part", called="Component", words=_S5,
        state=oid("1.3.6.1.4.1.45.1.6.3.3.1.1.10"), name=oid("1.3.6.1.4.1.45.1.6.3.3.1.1.5"),
    ),
    Table(
        mib="AT-ENVMONv2-MIB", enterprises=(207,), kind="fan", called="Fan", words=_GOOD,
        state=oid(f"{_AT}.1.1.7"), name=oid(f"{_AT}.1.1.4"), value=oid(f"{_AT}.1.1.5"), unit="rpm",
    ),
    Table(
        mib="AT-ENVMONv2-MIB", enterprises=(207,), kind="voltage", called="Voltage", words=_RANGE,
        state=oid(f"{_AT}.2.1.8"), name=oid(f"{_AT}.2.1.4"), value=oid(f"{_AT}.2.1.5"), divisor=1000,
        unit="V",
    ),
    Table(
        mib="AT-ENVMONv2-MIB", enterprises=(207,), kind="temperature", called="Temperature", words=_RANGE,
        state=oid(f"{_AT}.3.1.7"), name=oid(f"{_AT}.3.1.4"), value=oid(f"{_AT}.3.1.5"), unit="°C",
    ),
    Table(
        mib="AT-ENVMONv2-MIB", enterprises=(207,), kind="power supply", called="Power supply", words=_GOOD,
        state=oid(f"{_AT}.4.2.1.6"), name=oid(f"{_AT}.4.2.1.5"),
    ),
    Table(
        mib="FORTINET-FORTIGATE-MIB", enterprises=(12356,), kind="part", called="Sensor", words=_ALARM,
        state=oid("1.3.6.1.4.1.12356.101.4.3.2.1.4"), name=oid("1.3.6.1.4.1.12356.101.4.3.2.1.2"),
    ),
    *_boxes((4526,), "1.3.6.1.4.1.4526.10.43.1"),
    *_boxes((4413, 41112), "1.3.6.1.4.1.4413.1.1.43.1"),
    *_boxes((674,), f"{_DELL}.10895.5000.2.6132.1.1.43.1"),
    *_envmon("RADLAN-HWENVIROMENT", (89, 674, 3955, 9, 11, 171, 207), "1.3.6.1.4.1.89.83.1"),
    *_envmon("CISCOSB-HWENVIROMENT", (9,), "1.3.6.1.4.1.9.6.1.101.83.1"),
    *_envmon("Dell-Vendor-MIB", (674,), f"{_DELL}.10895.3000.1.2.110.7"),
    Table(
        mib="RADLAN-Physicaldescription-MIB", enterprises=(89, 674, 3955), kind="temperature",
        called="Temperature", value=oid("1.3.6.1.4.1.89.53.15.1.9"), unit="°C",
    ),
    Table(
        mib="HUAWEI-ENTITY-EXTENT-MIB", enterprises=(2011,), kind="fan", called="Fan",
        words={1: ("normal", "ok"), 2: ("abnormal", "critical")}, state=oid(f"{_HW}.10.1.7"),
    ),
    Table(
        mib="HUAWEI-ENTITY-EXTENT-MIB", enterprises=(2011,), kind="power supply", called="Power supply",
        words={
            1: ("supplies", "ok"), 2: ("does not supply", "critical"), 3: ("sleeps", "ok"),
            4: ("unknown", "unknown"),
        },
        state=oid(f"{_HW}.18.1.6"),
    ),
    Table(
        mib="EXTREME-SYSTEM-MIB", enterprises=(1916,), kind="fan", called="Fan", words=_TRUE_IS_GOOD,
        state=oid(f"{_XOS}.9.1.2"),
    ),
    Table(
        mib="EXTREME-SYSTEM-MIB", enterprises=(1916,), kind="power supply", called="Power supply",
        words={
            1: ("not present", "absent"), 2: ("present, ok", "ok"), 3: ("present, not ok", "critical"),
            4: ("present, power off", "critical"),
        },
        state=oid(f"{_XOS}.27.1.2"),
    ),
    Table(
        mib="EXTREME-SYSTEM-MIB", enterprises=(1916,), kind="temperature", called="Over-temperature alarm",
        words={1: ("alarm", "critical"), 2: ("no alarm", "ok")}, state=oid(f"{_XOS}.7"),
    ),
    Table(
        mib="RAPID-CITY", enterprises=(2272, 1916), kind="fan", called="Fan",
        words={1: ("unknown", "unknown"), 2: ("up", "ok"), 3: ("down", "critical")},
        state=oid(f"{_VOSS}.7.1.1.2"),
    ),
    Table(
        mib="RAPID-CITY", enterprises=(2272, 1916), kind="power supply", called="Power supply",
        words={1: ("unknown", "unknown"), 2: ("empty", "absent"), 3: ("up", "ok"), 4: ("down", "critical")},
        state=oid(f"{_VOSS}.8.1.1.2"),
    ),
    Table(
        mib="FOUNDRY-SN-AGENT-MIB", enterprises=(1991,), kind="power supply", called="Power supply",
        words={1: ("other", "absent"), 2: ("normal", "ok"), 3: ("failure", "critical")},
        state=oid(f"{_F}.2.1.1.3"), name=oid(f"{_F}.2.1.1.2"),
    ),
    Table(
        mib="FOUNDRY-SN-AGENT-MIB", enterprises=(1991,), kind="fan", called="Fan",
        words={1: ("other", "absent"), 2: ("normal", "ok"), 3: ("failure", "critical")},
        state=oid(f"{_F}.3.1.1.3"), name=oid(f"{_F}.3.1.1.2"),
    ),
    Table(
        mib="EQUIPMENT-MIB", enterprises=(171,), kind="power supply", called="Power supply",
        words={
            0: ("other", "unknown"), 1: ("low voltage", "critical"), 2: ("over current", "critical"),
            3: ("working", "ok"), 4: ("fail", "critical"), 5: ("connected", "ok"),
            6: ("disconnected", "absent"),
        },
        state=oid(f"{_DLINK}.6.1.3"),
    ),
    Table(
        mib="EQUIPMENT-MIB", enterprises=(171,), kind="temperature", called="Temperature",
        value=oid(f"{_DLINK}.8.1.2"), high=oid(f"{_DLINK}.8.1.3"), low=oid(f"{_DLINK}.8.1.4"), unit="°C",
    ),
    Table(
        mib="DELLEMC-OS10-CHASSIS-MIB", enterprises=(674,), kind="power supply", called="Power supply",
        words=_ADVA, state=oid(f"{_OS10}.1.1.4"),
    ),
    Table(
        mib="DELLEMC-OS10-CHASSIS-MIB", enterprises=(674,), kind="fan", called="Fan tray", words=_ADVA,
        state=oid(f"{_OS10}.2.1.4"),
    ),
    Table(
        mib="MIKROTIK-MIB", enterprises=(14988,), kind="power supply", called="Power supply",
        words={0: ("fails", "critical"), 1: ("ok", "ok")}, state=oid("1.3.6.1.4.1.14988.1.1.3.15"),
    ),
    Table(
        mib="MIKROTIK-MIB", enterprises=(14988,), kind="power supply", called="Backup power supply",
        words={0: ("fails", "critical"), 1: ("ok", "ok")}, state=oid("1.3.6.1.4.1.14988.1.1.3.16"),
    ),
)  # fmt: skip
"""As the MIBs, or public monitoring systems that read them, have it."""
