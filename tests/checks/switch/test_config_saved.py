"""switch.config_saved: by the device's own clock, and never by a clock that started again."""

from __future__ import annotations

import json

import pytest

from checks import jsonable
from checks.contract import Status, worst
from checks.device.config import COMMANDS, config_of, read_config
from checks.device.values import oid
from checks.switch.config_saved import ConfigSaved, ConfigSeen
from checks.vantage import CannotTell
from tests import recordings

DAY = 8_640_000


def judged(now, running, startup):
    found = config_of("CISCO-CONFIG-MAN-MIB", now, running, startup)
    seen = ConfigSeen(
        name="sw:161", how=found.how, mib=found.mib, running_changed_s=found.running_changed_s,
        startup_changed_s=found.startup_changed_s, uptime_s=found.uptime_s,
    )  # fmt: skip
    stored = json.loads(json.dumps(jsonable.to_json(seen)))
    assert jsonable.from_json(ConfigSeen, stored) == seen
    return list(ConfigSaved(host="192.0.2.2", community="public").judge(seen))


@pytest.mark.parametrize(
    ("now", "running", "startup", "wanted"),
    [
        (DAY, 0, 0, Status.PASS),
        (DAY, 50_000, 60_000, Status.PASS),
        (DAY, 60_000, 60_000, Status.PASS),
        (DAY, 60_001, 60_000, Status.FAIL),
        (DAY, 60_000, 0, Status.FAIL),
        (DAY, 3_000, 0, Status.INCONCLUSIVE),
        (DAY, 3_000, 1_000, Status.FAIL),
        (100, 60_000, 50_000, Status.INCONCLUSIVE),
        (100, 50_000, 60_000, Status.INCONCLUSIVE),
        (None, 50_000, 60_000, Status.PASS),
        (None, 60_000, 50_000, Status.FAIL),
    ],
)
def test_clocks(now, running, startup, wanted):
    assert worst(finding.status for finding in judged(now, running, startup)) is wanted


def test_it_is_said_when():
    [finding] = judged(DAY, DAY - 12_000, 60_000)
    assert finding.observed == "changed 2 min ago, saved 23 h 50 min ago"


def device(maker, rows):
    objects = {oid("1.3.6.1.2.1.1.2.0"): oid(maker)} | {oid(key): value for key, value in rows.items()}
    return recordings.device(recordings.Recording(objects))


@pytest.mark.parametrize(
    ("maker", "base"),
    [
        ("1.3.6.1.4.1.9.1.1208", "1.3.6.1.4.1.9.9.43.1.1"),
        ("1.3.6.1.4.1.2011.2.23", "1.3.6.1.4.1.2011.6.10.1.1.1"),
        ("1.3.6.1.4.1.25506.1", "1.3.6.1.4.1.25506.2.4.1.1.1"),
    ],
)
async def test_the_vendors_that_tell(maker, base):
    rows = {"1.3.6.1.2.1.1.3.0": DAY, f"{base}.1.0": 70_000, f"{base}.2.0": 80_000, f"{base}.3.0": 60_000}
    assert (await read_config(device(maker, rows))).how == "unsaved"
    assert (await read_config(device(maker, rows | {f"{base}.3.0": 70_000}))).how == "saved"


@pytest.mark.parametrize(
    ("maker", "rows", "word"),
    [
        ("1.3.6.1.4.1.9.1.1208", {}, "does not show CISCO-CONFIG-MAN-MIB"),
        ("1.3.6.1.4.1.9.1.1208", {"1.3.6.1.4.1.9.9.43.1.1.1.0": 5}, "does not show"),
        ("1.3.6.1.4.1.2636.1", {}, "no MIB of this vendor"),
        ("0.0", {}, "no MIB of this vendor"),
    ],
    ids=str,
)
async def test_what_is_not_told_is_not_judged(maker, rows, word):
    with pytest.raises(CannotTell, match=word) as raised:
        await read_config(device(maker, rows))
    assert "type" in raised.value.fix


def test_each_vendor_has_a_command_to_look_and_one_to_save():
    assert all(look and save for look, save in COMMANDS.values())
