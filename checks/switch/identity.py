"""switch.identity: the device at this address is the planned one, by name, model, serial number, firmware."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Len
from checks.contract import Finding, Vantage
from checks.device.check import DeviceCheck, device
from checks.device.records import System
from checks.device.system import read_system
from checks.judging import cannot_tell, failed, passed
from checks.safe import safe

Text = Annotated[str, Len(1, 256)]


class Identity(DeviceCheck[System]):
    """The device that answers at this address is the planned one, and runs the planned firmware.

    Proves: what the device says of itself: name, model, serial numbers, firmware, location.
    Cannot prove: that what it was configured to say (name, location) is true.
    If it fails: another device has this address, or it was swapped, renamed or not yet upgraded: compare the
    serial number with its label.

    Source: RFC 3418 (system group), RFC 6933 (ENTITY-MIB: entPhysicalSerialNum, entPhysicalModelName,
    entPhysicalSoftwareRev) and the vendors' own MIBs.

    Example:
        type: switch.identity
        host: 10.20.0.2
        community: env:SNMP_COMMUNITY
        sys_name: sw-office-1
        model: 2960X
        serial: FCW1929B68S
        firmware: 15.2(7)E9
    """

    sys_name: Text | None = None
    """Its name (sysName); capitals do not matter."""
    model: Text | None = None
    """What its model contains, such as `2960X`."""
    serial: Text | None = None
    """Serial number of the chassis; of a stack any member's."""
    firmware: Text | None = None
    """Its firmware, as it tells it."""
    location: Text | None = None
    """Its location (sysLocation)."""

    async def observe(self, vantage: Vantage) -> System:
        found = await device(self, vantage)
        return await found.read(read_system)

    def judge(self, seen: System) -> Iterable[Finding]:
        planned = [
            ("name", self.sys_name, (seen.sys_name,), _NAME_FIX),
            ("model", self.model, (seen.model,), _DEVICE_FIX),
            ("serial number", self.serial, seen.serials or (seen.serial,), _DEVICE_FIX),
            ("firmware", self.firmware, (seen.firmware,), _FIRMWARE_FIX),
            ("location", self.location, (seen.location,), _NAME_FIX),
        ]
        for what, wanted, told, fix in planned:
            if wanted is not None:
                yield self._one(what, wanted, told, fix)
        if all(wanted is None for _, wanted, _, _ in planned):
            yield self._answers(seen)

    def _one(self, what: str, wanted: str, told: tuple[str, ...], fix: str) -> Finding:
        said = tuple(filter(None, (text.strip() for text in told)))
        subject, observed = f"{self.host}: {what}", safe(", ".join(said), limit=200)
        if not said:
            return cannot_tell(
                subject, f"The device does not tell its {what}.", expected=wanted, observed="not told",
                fix=f"Read the {what} at the device itself, or give the community or user a wider view.",
            )  # fmt: skip
        folded = wanted.strip().casefold()
        if what == "model":
            same = any(folded in text.casefold() for text in said)
        else:
            same = any(folded == text.casefold() for text in said)
        if same:
            return passed(subject, f"The {what} is the planned one.", expected=wanted, observed=observed)
        return failed(
            subject, f"The {what} is not the planned one.", expected=wanted, observed=observed, fix=fix,
            reference="RFC 3418" if what in ("name", "location") else "RFC 6933",
        )  # fmt: skip

    def _answers(self, seen: System) -> Finding:
        said = safe(", ".join(filter(None, (seen.sys_name, seen.vendor, seen.model))), limit=200)
        observed = said or safe(seen.sys_descr, limit=200) or seen.sys_object_id
        if not observed:
            return cannot_tell(
                self.host, "A device answers and does not say which one it is.", observed="nothing",
                fix="Give the community or user a view of the system group (1.3.6.1.2.1.1), read only.",
            )  # fmt: skip
        return passed(
            self.host, "The device answers and says which one it is.", expected="an answer",
            observed=observed,
        )  # fmt: skip


_NAME_FIX = "Set it at the device, or correct the plan; if the device is another one, correct the address."
_DEVICE_FIX = (
    "Compare it with the label on the device: either another device has this address, or the plan names the "
    "wrong one."
)
_FIRMWARE_FIX = "Install the planned firmware and restart the device, or correct the plan."
