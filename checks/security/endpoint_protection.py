"""security.endpoint_protection: every machine of an inventory is protected, and says so itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Annotated

from checks.bounds import Gt, Len
from checks.contract import Finding, Vantage
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import Duration, Percent
from checks.remote.inventory import InventoryCheck, ask_machines, require_inventory, twins
from checks.safe import in_line, safe
from checks.security._protection import Product, Protected, ProtectionSeen, Wanted, days, lacks
from checks.security._protection_ask import products_of
from checks.wire.ssh.remote import Remote


class EndpointProtection(InventoryCheck[ProtectionSeen]):
    """Every machine runs its endpoint protection: on, in real time, with signatures that are new.

    Asked in depth: Microsoft Defender (Get-MpComputerStatus, `mdatp health`) and ClamAV (clamd, clamonacc,
    the date inside its database). Of other agents only the running service is seen, or what Windows Security
    says; such a one counts where `products` names it. A machine that could not be asked is not covered, and
    neither is a second name of the same machine.

    Proves: at that moment these machines said so themselves, over an SSH login.
    Cannot prove: that the product stops anything, nor that no malware lies about it; nothing about machines
    that the inventory does not name.
    If it fails: start or enrol the product, let it update, take it out of passive mode; a machine that is
    gone belongs out of the inventory.

    Source: learn.microsoft.com, Get-MpComputerStatus, mdatp health; docs.clamav.net (CVD header); Windows
    Security Center's AntiVirusProduct, whose productState has no official description.

    Example:
        type: security.endpoint_protection
        user: tech
        inventory: [{host: pc-01.example.com}, {host: srv-01.example.com, user: root}]
        max_signature_age: 2d
    """

    deadline_s = 60.0

    products: Annotated[tuple[Annotated[str, Len(1, 200)], ...], Len(0, 50)] = ()
    """Names of products that count (`CrowdStrike*`); left out, those that are asked in depth."""
    min_coverage: Annotated[Percent, Gt(0)] = 100.0
    """Least share of the inventory that must be proven protected."""
    max_signature_age: Annotated[Duration, Gt(0)] = 172800.0
    """How old signatures may be, by the machine's own clock."""
    real_time: bool = True
    """Whether real-time protection must be on."""
    tamper: bool = False
    """Whether tamper protection must be on; ClamAV has none."""

    def __post_init__(self) -> None:
        require_inventory(self)

    async def observe(self, vantage: Vantage) -> ProtectionSeen:
        async def read(host: Remote, _: str) -> tuple[datetime, tuple[Product, ...]]:
            found = await products_of(host)
            return (await host.facts()).now(), found

        asked = await ask_machines(self, vantage, read)
        same = twins([machine for machine, _ in asked])
        return ProtectionSeen(
            machines=tuple(
                Protected(
                    name=machine.name, trouble=machine.trouble, fix=machine.fix,
                    same_as=same.get(machine.name, ""), now=told[0] if told else None,
                    products=told[1] if told else (),
                )
                for machine, told in asked
            )
        )  # fmt: skip

    def judge(self, seen: ProtectionSeen) -> Iterable[Finding]:
        by_name = {machine.name: machine for machine in seen.machines}
        told = {login.host: self._state(by_name.get(login.host)) for login in self.inventory}
        total = len(told)
        proven = sum(state == "protected" for state, _ in told.values())
        unknown = sum(state == "unknown" for state, _ in told.values())
        enough = 100.0 * proven / total >= self.min_coverage
        hopeless = 100.0 * (proven + unknown) / total < self.min_coverage
        expected = f"at least {self.min_coverage:g} % of {total}"
        observed = f"{proven} of {total} ({100.0 * proven / total:.4g} %), {unknown} could not be asked"
        if enough:
            yield passed(
                self.subject(), "Enough machines are protected.", expected=expected, observed=observed
            )
        elif hopeless:
            yield failed(
                self.subject(), "Too few machines are protected.", expected=expected, observed=observed,
                fix="Mend the machines that are named below; they are the work that is left.",
            )  # fmt: skip
        else:
            yield cannot_tell(
                self.subject(), "Too many machines could not be asked.", expected=expected, observed=observed,
                fix="Make the machines that are named below reachable over SSH, then run it again.",
            )  # fmt: skip
        for name, (state, words) in told.items():
            yield self._finding(name, state, words, by_name.get(name), enough=enough)

    def _finding(self, name: str, state: str, words: str, seen: Protected | None, *, enough: bool) -> Finding:
        expected = "protected, by what it says itself"
        fix = seen.fix if seen is not None and seen.fix else ""
        if state == "protected":
            return passed(name, "It is protected.", expected=expected, observed=words)
        if state == "unprotected":
            judged = warned if enough else failed
            return judged(
                name, "It is not protected.", expected=expected, observed=words,
                fix="Install or start the product there, switch its protection on, and let it update.",
            )  # fmt: skip
        todo = (
            fix or "Look at the machine itself, or name its product in 'products' if what is seen is enough."
        )
        if enough:
            return warned(
                name, "It counts as unprotected: it could not be told.", expected=expected, observed=words,
                fix=todo,
            )  # fmt: skip
        return cannot_tell(
            name, "Whether it is protected could not be told; it counts as unprotected.", expected=expected,
            observed=words, fix=todo,
        )  # fmt: skip

    def _state(self, machine: Protected | None) -> tuple[str, str]:
        """Return `protected`, `unprotected` or `unknown`, with why."""
        if machine is None:
            return "unknown", "it was not asked"
        if machine.trouble or machine.now is None:
            return "unknown", safe(machine.trouble or "it told no time", limit=400)
        if machine.same_as:
            return "unknown", safe(f"it is the same machine as {machine.same_as}, which counts", limit=400)
        counted = [product for product in machine.products if self._counts(product)]
        wanted = Wanted(
            products=self.products, max_signature_age=self.max_signature_age, real_time=self.real_time,
            tamper=self.tamper,
        )  # fmt: skip
        found = [(product, *lacks(product, machine.now, wanted)) for product in counted]
        for product, missing, untold in found:
            if not missing and not untold:
                return "protected", _words(product, machine.now)
        others = [product.name for product in machine.products if product not in counted]
        beside = f"; beside it {in_line(others)}" if others else ""
        if found and all(missing for _, missing, _ in found):
            return "unprotected", "; ".join(_lacking(one, missing) for one, missing, _ in found) + beside
        if found:
            said = "; ".join(_lacking(one, [*missing, *untold]) for one, missing, untold in found)
            return "unknown", f"not told: {said}{beside}"
        if machine.products and not self.products:
            return "unknown", f"only this runs there, whose state is not asked: {in_line(others)}"
        return "unprotected", f"none of the products that count{beside}" if others else "no product was found"

    def _counts(self, product: Product) -> bool:
        if not self.products:
            return product.deep
        name = product.name.lower()
        return any(fnmatchcase(name, pattern.lower()) for pattern in self.products)


def _words(product: Product, now: datetime) -> str:
    parts = [product.name]
    if product.real_time:
        parts.append("in real time")
    if product.tamper is not None:
        parts.append(f"tamper protection {'on' if product.tamper else 'off'}")
    if product.signatures_at is not None:
        parts.append(f"signatures {days((now - product.signatures_at).total_seconds())} old")
    elif not product.deep:
        parts.append("runs; its own state is not asked")
    return safe(", ".join(parts), limit=400)


def _lacking(product: Product, reasons: list[str]) -> str:
    return safe(f"{product.name}: {', '.join(reasons)}", limit=400)
