"""Secrets that stand in clear in a file a person wrote: found by the key's name or by the value's shape.

A secret is given by reference (`env:`, `keyring:`, `file:`, `prompt:`). What is found here is never repeated:
not in a message, not in the source line below it.
"""

from __future__ import annotations

import re
from typing import Any

from profiles.problems import Path

_WORD = (
    r"passwords?|passwd|passphrase|pwd|secrets?|tokens?|community|communities|psk|credentials?|"
    r"(?:api|private|access|secret|auth|priv|pre_?shared|shared|license|licence|signing|encryption)[_-]?key"
)
_KEY = re.compile(rf"(?:.*[^a-z])?(?:{_WORD})[_-]?\d*\Z", re.IGNORECASE)
_LINE = re.compile(rf"((?:^|[\s{{,\"'])[\w.-]*(?:{_WORD})[_-]?\d*[\"']?\s*:\s*)(?=\S)", re.IGNORECASE)
_REFERENCE = re.compile(r"(?:env|keyring|file|prompt):\S|\$\{[^}]*\}\Z")
_SHAPES = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\bgh[opsur]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}"
    r"|\bxox[abeoprs]-[\w-]{10,}"
    r"|\b(?:sk|rk)_live_\w{16,}|\bsk-[\w-]{32,}"
    r"|\bAIza[\w-]{35}"
    r"|\beyJ[\w-]{8,2000}\.eyJ[\w-]{8,4000}\.[\w-]"
    r"|\b[a-z][a-z0-9+.-]{0,20}://[^/\s:@]{0,200}:[^/\s@]{1,400}@"
)
_ENCODED = re.compile(r"[A-Za-z0-9+/=]{40,}\Z")
_IN_CLEAR = frozenset({"community"})
"""May be written as text: SNMP v1 and v2c send a community in clear with every question (RFC 3584 section
5.2.1), and many are `public`. It is hidden where a line is shown; a reference is the better way."""
_IDS = frozenset({"without", "checks", "milestones", "vendors", "contacts", "parameters", "owners"})

NAMED = (
    "A secret must not be written into the file; give a reference (env:NAME, keyring:SERVICE/USER, file:PATH "
    "or prompt:QUESTION)."
)
SHAPED = f"This looks like a private key, a token, or a password in a URL. {NAMED}"


def find(path: Path, value: Any) -> str | None:
    """Return what is wrong if the scalar `value` at `path` is a secret in clear, else None."""
    if isinstance(value, bool) or value is None or value == "":
        return None
    text = str(value)
    if isinstance(value, str) and _SHAPES.search(text):
        return SHAPED
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    if len(path) > 1 and path[-2] in _IDS and len(path) == 2:
        return None
    if name in _IN_CLEAR and isinstance(value, str):
        return None
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    if _KEY.match(words) and not _REFERENCE.match(text):
        return NAMED
    return None


def hide(line: str) -> str:
    """Return a source line with what looks like a secret in it taken out."""
    found = _LINE.search(line)
    if found and not _REFERENCE.match(line[found.end() :].lstrip("\"'")):
        return line[: found.end()] + "[not shown]"
    shaped = _SHAPES.search(line)
    if shaped:
        return line[: shaped.start()] + "[not shown]"
    return "[not shown]" if _ENCODED.match(line.strip()) else line
