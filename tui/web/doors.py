"""Who may come in: one-time tokens, the cookies they are changed for, and which Host and Origin are ours."""

from __future__ import annotations

import hmac
import re
import secrets

_HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
_MOST_TOKENS = 8
"""Addresses that were printed and not used; the oldest goes when one more is printed."""
_LONGEST = 200


def our_host(host: str) -> bool:
    """Return whether a Host header names this machine by a loopback name, on any port (ssh tunnels).

    A foreign name that resolves to 127.0.0.1 (DNS rebinding) is none of ours.
    """
    return _HOST.fullmatch(host) is not None


def our_origin(origin: str, host: str) -> bool:
    """Return whether a page with this Origin was served by us, as this Host."""
    return our_host(host) and origin.lower() == f"http://{host.lower()}"


class Doors:
    """Tokens are spent on first use; a cookie is good until this server ends. Both live in memory only."""

    def __init__(self) -> None:
        self.cookie_name = f"gonogo_{secrets.token_hex(4)}"
        """Cookies know no ports: one name a server, so that two dashboards do not undo each other."""
        self._tokens: list[bytes] = []
        self._cookies: list[bytes] = []

    def new_token(self) -> str:
        """Return a token that opens the door once."""
        token = secrets.token_urlsafe(32)
        self._tokens = [*self._tokens, token.encode()][-_MOST_TOKENS:]
        return token

    def spend(self, token: str) -> str | None:
        """Return a cookie for a token, which is worth nothing from now on; None if it is worth nothing."""
        kept = _find(token, self._tokens)
        if kept is None:
            return None
        self._tokens.remove(kept)
        cookie = secrets.token_urlsafe(32)
        self._cookies.append(cookie.encode())
        return cookie

    def knows(self, cookie: str) -> bool:
        """Return whether this cookie is one of ours."""
        return _find(cookie, self._cookies) is not None


def _find(given: str, kept: list[bytes]) -> bytes | None:
    """Compare with all that is kept, in a time that tells nothing of what is kept."""
    said = given[:_LONGEST].encode("utf-8", "replace")
    found = None
    for one in kept:
        if hmac.compare_digest(one, said):
            found = one
    return found
