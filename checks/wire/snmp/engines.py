"""pysnmp's engines for SNMPv3: one per user and keys, all in one thread with an event loop of its own.

pysnmp decodes in Python of many layers: a hundred objects cost it some 30 ms, and making an engine half a
second. In a thread of their own the engines hold up nobody's timers, and with the thread's loop everything
ends that they would leave behind. The same user with two keys on one engine loses answers when both are used
at once, so each set of credentials has an engine.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from checks.wire.snmp import ber
from checks.wire.snmp.agent import Access, Value
from checks.wire.snmp.line import WAIT_S, Outcome

if TYPE_CHECKING:
    from concurrent.futures import Future

    from pysnmp.hlapi.v3arch.asyncio import SnmpEngine, UsmUserData

AT_ONCE = 4
_WARM = ("PYSNMP-USM-MIB", "__PYSNMP-USM-MIB", "__SNMPv2-MIB", "SNMPv2-TM", "PYSNMP-MIB", "PYSNMP-SOURCE-MIB")
"""What pysnmp would read from disk at the first question."""
_DISCOVERY_S = 5.0
Credentials = tuple[str, str, str, str, str]


class Engines:
    """The engines of a run, made as they are needed."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._engines: dict[Credentials, asyncio.Task[_Engine]] = {}

    async def ask(
        self,
        access: Access,
        to: tuple[str, int],
        context: str,
        kind: int,
        oids: Sequence[bytes],
        repetitions: int,
        tries: int,
    ) -> Outcome | str:
        """Return the answer, or the name of what pysnmp says went wrong, such as `WrongDigest`."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_run, args=(self._loop,), name="snmpv3", daemon=True)
            self._thread.start()
        asked: Future[Outcome | str] = asyncio.run_coroutine_threadsafe(
            self._ask(access, to, context, kind, oids, repetitions, tries), self._loop
        )
        return await asyncio.wrap_future(asked)

    async def _ask(
        self,
        access: Access,
        to: tuple[str, int],
        context: str,
        kind: int,
        oids: Sequence[bytes],
        repetitions: int,
        tries: int,
    ) -> Outcome | str:
        key = (access.user, access.auth, access.auth_key, access.privacy, access.privacy_key)
        if key not in self._engines:
            self._engines[key] = asyncio.ensure_future(_make(access))
        engine = await asyncio.shield(self._engines[key])
        return await engine.ask(to, context, kind, oids, repetitions, tries)

    async def close(self) -> None:
        """End the thread and all that runs in it."""
        if self._loop is None or self._thread is None:
            return
        ended = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        try:
            await asyncio.wrap_future(ended)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
            self._loop = self._thread = None

    async def _end(self) -> None:
        for making in self._engines.values():
            if making.done() and not making.cancelled() and making.exception() is None:
                making.result().close()
        self._engines.clear()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(_ignore)
    try:
        loop.run_forever()
    finally:
        loop.close()


def _ignore(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
    """What pysnmp raises at datagrams that nobody asked for is not for the terminal."""


class _Engine:
    def __init__(self, engine: SnmpEngine, user: UsmUserData) -> None:
        self._engine = engine
        self._user = user
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def ask(
        self,
        to: tuple[str, int],
        context: str,
        kind: int,
        oids: Sequence[bytes],
        repetitions: int,
        tries: int,
    ) -> Outcome | str:
        from pysnmp.error import PySnmpError
        from pysnmp.hlapi.v3arch import asyncio as api

        way = api.Udp6TransportTarget if ":" in to[0] else api.UdpTransportTarget
        try:
            async with self._gate, asyncio.timeout(tries * (WAIT_S + 0.6) + _DISCOVERY_S):
                target = await way.create(to, timeout=WAIT_S, retries=tries - 1)
                trouble, status, culprit, bindings = await self._send(
                    target, context, kind, oids, repetitions
                )
        except TimeoutError:
            return "RequestTimedOut"
        except PySnmpError as error:
            return f"{type(error).__name__}: {error}"
        if trouble:
            return f"{type(trouble).__name__}: {trouble}"
        if status:
            return Outcome(int(status), int(culprit), [])
        made = [_binding(name, value) for name, value in bindings]
        return Outcome(0, 0, made, sum(len(one) for _, _, one in made if isinstance(one, bytes)))

    async def _send(
        self, target: Any, context: str, kind: int, oids: Sequence[bytes], repetitions: int
    ) -> tuple[Any, Any, Any, Any]:
        """Ask by pysnmp's command generators, below the layer that looks names up in MIBs.

        That layer would build a MIB compiler, which reads from the disk and from the internet.
        """
        from pysnmp.entity.rfc3413 import cmdgen
        from pysnmp.hlapi.v3arch.asyncio.lcd import CommandGeneratorLcdConfigurator
        from pysnmp.proto.api import v2c

        done: asyncio.Future[tuple[Any, Any, Any, Any]] = asyncio.get_running_loop().create_future()

        def heard(
            _engine: Any, _handle: Any, trouble: Any, status: Any, culprit: Any, found: Any, _: Any
        ) -> None:
            if not done.done():
                done.set_result((trouble, status, culprit, found))

        name, _ = CommandGeneratorLcdConfigurator().configure(self._engine, self._user, target, context)
        asked = [(v2c.ObjectIdentifier(ber.decode_oid(oid)), v2c.null) for oid in oids]
        where = (self._engine, name, None, context)
        if kind == ber.GETBULK:
            cmdgen.BulkCommandGeneratorSingleRun().send_varbinds(*where, 0, repetitions, asked, heard)
        elif kind == ber.GETNEXT:
            cmdgen.NextCommandGeneratorSingleRun().send_varbinds(*where, asked, heard)
        else:
            cmdgen.GetCommandGenerator().send_varbinds(*where, asked, heard)
        return await done

    def close(self) -> None:
        self._engine.close_dispatcher()


async def _make(access: Access) -> _Engine:
    """Return a warm engine; runs in the engines' thread, which may take its time."""
    from pysnmp.hlapi.v3arch import asyncio as api

    auth = {
        "md5": api.USM_AUTH_HMAC96_MD5,
        "sha": api.USM_AUTH_HMAC96_SHA,
        "sha224": api.USM_AUTH_HMAC128_SHA224,
        "sha256": api.USM_AUTH_HMAC192_SHA256,
        "sha384": api.USM_AUTH_HMAC256_SHA384,
        "sha512": api.USM_AUTH_HMAC384_SHA512,
        "none": api.USM_AUTH_NONE,
    }[access.auth]
    privacy = {
        "des": api.USM_PRIV_CBC56_DES,
        "3des": api.USM_PRIV_CBC168_3DES,
        "aes": api.USM_PRIV_CFB128_AES,
        "aes192": api.USM_PRIV_CFB192_AES,
        "aes256": api.USM_PRIV_CFB256_AES,
        "aes192-blumenthal": api.USM_PRIV_CFB192_AES_BLUMENTHAL,
        "aes256-blumenthal": api.USM_PRIV_CFB256_AES_BLUMENTHAL,
        "none": api.USM_PRIV_NONE,
    }[access.privacy]
    engine = api.SnmpEngine()
    engine.get_mib_builder().load_modules(*_WARM)
    user = api.UsmUserData(
        access.user,
        access.auth_key.encode() if access.auth != "none" else None,
        access.privacy_key.encode() if access.privacy != "none" else None,
        authProtocol=auth,
        privProtocol=privacy,
    )
    return _Engine(engine, user)


_NOTHING = {(0x00, 5): ber.NULL, (0x80, 0): ber.NO_SUCH_OBJECT, (0x80, 1): ber.NO_SUCH_INSTANCE,
            (0x80, 2): ber.END_OF_MIB_VIEW}  # fmt: skip


def _binding(name: Any, value: Any) -> ber.Binding:
    """Return one of pysnmp's bindings as the codec's."""
    oid = ber.encode_oid(tuple(name))
    tags = value.tagSet.superTags if hasattr(value, "tagSet") else value.getTagSet().superTags
    last = tags[-1]
    nothing = _NOTHING.get((int(last.tagClass), int(last.tagId)))
    if nothing is not None:
        return oid, nothing, None
    number = int(last.tagClass) | int(last.tagId)
    given: Value
    if number == ber.OID:
        given = tuple(value)
    elif number in {ber.STRING, ber.ADDRESS, ber.OPAQUE, ber.NSAP}:
        given = bytes(value)
    else:
        given = int(value)
    return oid, number, given
