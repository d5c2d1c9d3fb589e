"""What may change a host is reached by one check type each, and there by a parameter that asks for it."""

from __future__ import annotations

import ast
import dataclasses
import functools
import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from checks import registry
from checks.vantage import Vantage
from checks.wire.ssh.command import Command, Own, PowerShell, Program, Script
from checks.wire.ssh.remote import CommandResult
from tests.lab.backup_local import LOGIN, LocalShared
from tests.local_remote import LocalRemote
from tests.scripted_remote import ended

ROOT = Path(__file__).parents[1]
REACHED = {
    "checks.backup._pg_load.LOAD": ("backup.postgres", "load"),
    "checks.backup._my_load.LOAD": ("backup.mysql", "load"),
    "checks.backup._sqlserver.RESTORE": ("backup.sqlserver", "load"),
    "checks.wire.ssh.command.OWN": ("server.command", "argv"),
    **{
        f"checks.backup._duplicity.{name}": ("backup.duplicity", "scratch")
        for name in ("STATUS", "LIST", "VERIFY", "RESTORE")
    },
    **{
        f"checks.backup._borg_scripts.{name}": ("backup.borg", "")
        for name in ("LIST", "CONTENT", "SIZES", "VERIFY", "RESTORE")
    },
}
"""Each template that writes, the type that uses it, and the parameter without which that does not. Borg has
none: it cannot read without its own shared lock, which its type tells."""
DUMP = {
    "backup.postgres": """--
-- PostgreSQL database dump
--

CREATE TABLE public.a (b integer);
--
-- Data for Name: a; Type: TABLE DATA; Schema: public; Owner: erp
--

COPY public.a (b) FROM stdin;
1
\\.

--
-- PostgreSQL database dump complete
--
""",
    "backup.mysql": """-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: erp
-- ------------------------------------------------------
--
-- Table structure for table `a`
--
CREATE TABLE `a` (`b` int(11));
--
-- Dumping data for table `a`
--
INSERT INTO `a` VALUES (1);
-- Dump completed on 2026-11-20  3:00:01
""",
}


@functools.cache
def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for path in (ROOT / "checks").rglob("*.py")
    }


def writing() -> dict[str, Any]:
    """Return every template that writes, by the name that its module gives it."""
    found = {}
    for name in modules():
        for variable, value in vars(importlib.import_module(name)).items():
            if isinstance(value, Program | Script | PowerShell | Own) and value.writes:
                found.setdefault(id(value), (f"{name}.{variable}", value))
                if _made_in(name, variable):
                    found[id(value)] = (f"{name}.{variable}", value)
    return dict(found.values())


@functools.cache
def _tree(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text())


def _made_in(module: str, variable: str) -> bool:
    return any(
        isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == variable for target in node.targets)
        for node in _tree(module).body
    )


@functools.cache
def imported(module: str) -> frozenset[tuple[str, str]]:
    """Return what a module imports, as modules and names in them."""
    return frozenset(
        (node.module or "", alias.name)
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    )


def importers(place: str) -> set[str]:
    """Return the modules that import a template, or its module."""
    module, _, variable = place.rpartition(".")
    family, _, last = module.rpartition(".")
    return {name for name in modules() if {(module, variable), (family, last)} & imported(name)}


def test_every_template_that_writes_has_its_type_and_parameter() -> None:
    assert writing().keys() == REACHED.keys()


@pytest.mark.parametrize(("place", "type_", "asked"), [(place, *way) for place, way in REACHED.items()])
def test_it_is_used_by_that_type_alone_whose_parameter_is_off(place: str, type_: str, asked: str) -> None:
    used = importers(place)
    inside = place.rpartition(".")[0]
    if not used:
        used = {name for name in modules() if any(module == inside for module, _ in imported(name))}
    assert used == {f"checks.{type_}"}
    check = registry.load(type_)
    if not asked:
        assert "shared lock into the repository" in " ".join((check.__doc__ or "").split())
        return
    (field,) = (field for field in dataclasses.fields(check) if field.name == asked)
    assert field.default in (False, None, dataclasses.MISSING), f"{asked} is on unless it is turned off"
    assert field.default_factory is dataclasses.MISSING


class Unwritten(LocalRemote):
    """This machine, where what would write is not run."""

    async def run(self, command: Command) -> CommandResult:
        if command.writes:
            self.ran.append(command)
            return ended(command, b"", status=1)
        return await super().run(command)


@pytest.mark.parametrize("load", [False, True], ids=["not-asked", "asked"])
@pytest.mark.parametrize("type_", DUMP)
async def test_a_dump_is_loaded_only_if_that_is_asked(tmp_path: Path, type_: str, load: bool) -> None:
    dump = tmp_path / "erp.sql"
    dump.write_text(DUMP[type_])
    given = LOGIN | {"path": str(dump), "min_level": 6} | ({"load": True} if load else {})
    check = TypeAdapter(registry.load(type_)).validate_json(json.dumps(given))
    host = Unwritten()
    await check.observe(Vantage(LocalShared(host), allowance=60.0))
    assert host.ran
    assert any(command.writes for command in host.ran) is load
