"""switch.config_saved: what is configured now is still there after a power cut."""

from __future__ import annotations

from collections.abc import Iterable

from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.device.check import DeviceCheck, device
from checks.device.config import How, read_config
from checks.judging import cannot_tell, failed, passed
from checks.words import span


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigSeen:
    """When the running configuration and the stored one were last changed, by the device's own clock."""

    name: str
    how: How
    mib: str
    running_changed_s: float | None
    """How long ago; None if not since the device started."""
    startup_changed_s: float | None
    uptime_s: float | None


class ConfigSaved(DeviceCheck[ConfigSeen]):
    """The running configuration was not changed after it was last saved.

    Proves: by the device's own clock the stored configuration is newer than the last change of the running
    one, or neither was changed since it started.
    Cannot prove: that the two are equal word for word. Some releases count entering the configuration mode
    as a change: then it reads as unsaved although nothing was changed.
    If it fails: save the configuration on the device, then run it again.

    Source: CISCO-CONFIG-MAN-MIB (ccmHistoryRunningLastChanged, ccmHistoryStartupLastChanged) and the like of
    Huawei and H3C.

    Example:
        type: switch.config_saved
        host: 10.20.0.2
        community: env:SNMP_COMMUNITY
    """

    async def observe(self, vantage: Vantage) -> ConfigSeen:
        found = await device(self, vantage)
        config = await found.read(read_config)
        return ConfigSeen(
            name=found.name, how=config.how, mib=config.mib, running_changed_s=config.running_changed_s,
            startup_changed_s=config.startup_changed_s, uptime_s=config.uptime_s,
        )  # fmt: skip

    def judge(self, seen: ConfigSeen) -> Iterable[Finding]:
        expected = "saved after the last change"
        changed, saved = _ago(seen.running_changed_s), _ago(seen.startup_changed_s)
        observed = f"changed {changed}, saved {saved}"
        if seen.how == "unknown":
            yield cannot_tell(
                seen.name, "The device's clocks do not fit together: its uptime counter started again (after "
                "497 days, or the agent was restarted).", expected=expected, observed=observed,
                fix="Compare the running with the stored configuration on its console, or save it.",
            )  # fmt: skip
        elif seen.how == "starting":
            yield cannot_tell(
                seen.name, "The configuration was changed while the device started and not saved since: "
                "most likely that was the stored one being read.", expected=expected, observed=observed,
                fix="Save the configuration; then it is proven.",
            )  # fmt: skip
        elif seen.how == "unsaved":
            yield failed(
                seen.name, "The running configuration was changed after it was last saved: a power cut would "
                "undo the change.", expected=expected, observed=observed, reference=seen.mib,
                fix="Look whether the change is wanted, then save it ('write memory', 'save'); if somebody "
                "only entered the configuration mode, saving it settles that, too.",
            )  # fmt: skip
        else:
            yield passed(
                seen.name, "The configuration is saved.", expected=expected, observed=observed
            )  # fmt: skip


def _ago(seconds: float | None) -> str:
    return "not since it started" if seconds is None else f"{span(seconds)} ago"
