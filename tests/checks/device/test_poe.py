from __future__ import annotations

import asyncio
from typing import Any

import pytest

from checks.device.poe import Poe, PoeGroup, PoePort, read_poe
from checks.vantage import CannotTell
from tests.checks.device.fixtures import base_ports, interfaces, made, rows
from tests.recordings import FOLDER, Recording, device, oid

MAIN, PORT = "1.3.6.1.2.1.105.1.3.1.1", "1.3.6.1.2.1.105.1.1.1"
NAMES = {10101: "Gi1/0/1", 10102: "Gi1/0/2", 10201: "Gi2/0/1", 10151: "Gi1/1/1"}


def supply(group: int = 1, power: int = 370, drawn: int = 115, *, status: int = 1, threshold: int = 0) -> Any:
    values = {2: power, 3: status, 4: drawn, 5: threshold}
    return {oid(f"{MAIN}.{column}.{group}"): value for column, value in values.items()}


def read(*parts: Any, names: dict[int, str] | None = None, **more: Any) -> Poe:
    return asyncio.run(made(interfaces(names or NAMES, **more), *parts).read(read_poe))


def places(*parts: Any, names: dict[int, str] | None = None, **more: Any) -> list[int | None]:
    return [one.if_index for one in read(*parts, names=names, **more).ports]


def test_supply_and_port() -> None:
    port = rows(f"{PORT}.3", {"1.2": 1}) | rows(f"{PORT}.6", {"1.2": 3}) | rows(f"{PORT}.10", {"1.2": 5})
    assert read(supply(threshold=80), port) == Poe(
        groups=(
            PoeGroup(
                group=1,
                power_w=370.0,
                consumption_w=115.0,
                reserved_w=None,
                status="on",
                threshold_percent=80,
            ),
        ),
        ports=(
            PoePort(
                group=1, number=2, if_index=10102, enabled=True, state="delivering", power_class=4, watts=None
            ),
        ),
    )


@pytest.mark.parametrize(
    ("parts", "names", "expected"),
    [
        pytest.param((), NAMES, [10101, 10201], id="slot and port of the name"),
        pytest.param((), {1: "1/1", 2: "2/1"}, [1, 2], id="slot and port without a module"),
        pytest.param((), {1: "Gi1/0/1", 2: "Te1/0/1", 3: "Gi2/0/1"}, [None, 3], id="two ports of one place"),
        pytest.param((), {1: "a", 2: "b"}, [None, None], id="two groups and no way to tell them apart"),
    ],
)
def test_where_group_and_port_lead(parts: Any, names: dict[int, str], expected: list[int | None]) -> None:
    assert places(rows(f"{PORT}.3", {"1.1": 1, "2.1": 1}), *parts, names=names) == expected


def test_one_group_counts_by_base_port_or_ifindex() -> None:
    one = rows(f"{PORT}.3", {"1.7": 1})
    assert places(one, names={7: "a", 9: "b"}) == [7]
    assert places(one, base_ports({7: 9}), names={7: "a", 9: "b"}) == [9]
    assert places(one, base_ports({7: 5}), names={7: "a", 9: "b"}) == [None]


def test_a_cisco_says_the_interface_and_the_watts() -> None:
    extended = "1.3.6.1.4.1.9.9.402.1.2.1"
    parts = (
        supply(),
        rows(f"{extended}.7", {"1.1": 15_400, "2.1": 30_000})
        | rows(f"{extended}.9", {"1.1": 2_500, "2.1": 0}),
        rows("1.3.6.1.4.1.9.5.1.4.1.1.11", {"1.1": 10102, "2.1": 10201}),
    )
    found = read(*parts, vendor=9)
    assert found.groups[0].reserved_w == 45.4
    assert [(one.if_index, one.watts) for one in found.ports] == [(10102, 2.5), (10201, 0.0)]


def test_a_cisco_without_that_table_says_it_by_entity() -> None:
    extended = "1.3.6.1.4.1.9.9.402.1.2.1"
    parts = (
        rows(f"{extended}.9", {"1.1": 2_500}) | rows(f"{extended}.11", {"1.1": 1010}),
        rows("1.3.6.1.2.1.47.1.3.2.1.2", {"1010.0": oid("1.3.6.1.2.1.2.2.1.1.10151")}),
    )
    assert places(*parts, vendor=9) == [10151]


@pytest.mark.parametrize(
    ("vendor", "parts", "expected"),
    [
        pytest.param(
            1991,
            {
                oid("1.3.6.1.4.1.1991.1.1.2.14.1.1.0"): 740_000,
                oid("1.3.6.1.4.1.1991.1.1.2.14.1.2.0"): 700_000,
            },
            (740.0, 40.0),
            id="Foundry",
        ),
        pytest.param(
            11863,
            {oid("1.3.6.1.4.1.11863.6.56.1.1.1.1.0"): 1920, oid("1.3.6.1.4.1.11863.6.56.1.1.1.3.0"): 305},
            (192.0, 30.5),
            id="JetStream",
        ),
        pytest.param(
            2011,
            rows("1.3.6.1.4.1.2011.5.25.195.2.1.2", {"0": 739_200})
            | rows("1.3.6.1.4.1.2011.5.25.195.2.1.5", {"0": 29_998}),
            (739.2, 29.998),
            id="Huawei",
        ),
    ],
)
def test_vendors_without_the_standard(vendor: int, parts: Any, expected: tuple[float, float]) -> None:
    (group,) = read(parts, vendor=vendor).groups
    assert (group.power_w, group.consumption_w) == expected


def test_half_a_table_is_no_answer() -> None:
    half = {key: value for key, value in supply().items() if key[-2] != 4}
    with pytest.raises(CannotTell, match="half a table"):
        read(half)


def test_none_is_none() -> None:
    assert read() == Poe(groups=(), ports=())


@pytest.mark.parametrize(
    ("name", "groups", "ports"),
    [
        ("ios_2960x", [(370.0, 115.0, 112.0, "on")], 120),
        ("iosxe_c1100tgx", [(0.0, 0.0, None, "off")], 0),
        ("junos_ex", [(1764.0, 248.0, None, "on"), (767.0, 137.0, None, "on")], 0),
        ("linksys-ss_lgs318p", [], 18),
    ],
)
def test_recordings(name: str, groups: list[tuple[float, float, float | None, str]], ports: int) -> None:
    path = FOLDER / f"{name}.snmprec"
    if not path.exists():
        pytest.skip("The recordings are not beside the repository.")
    found = asyncio.run(device(Recording.of(path)).read(read_poe))
    told = [(one.power_w, one.consumption_w, one.reserved_w, one.status) for one in found.groups]
    assert told == [(a, b, c if c is None else pytest.approx(c), d) for a, b, c, d in groups]
    assert len(found.ports) == ports
    assert all(one.if_index is not None for one in found.ports)
    assert len({one.if_index for one in found.ports}) == ports
