"""Names of networks that a person takes for another one.

Source: Unicode Technical Standard 39 (confusables): the Latin letters' doubles in Greek and Cyrillic, and the
digits that look like letters.
"""

from __future__ import annotations

import unicodedata

_DOUBLES = str.maketrans(
    "\u0430\u0441\u0501\u0435\u04bb\u0456\u0458\u04cf\u043e\u0440\u051b\u0455\u0443\u0445\u0432\u043d\u043a"
    "\u043c\u0442\u0433\u03b1\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u0131\u03b2\u03b7"
    "015|!$@",
    "acdehijlopqsyxbhkmtraeikvoptuxibnolslisa",
)  # fmt: skip


def skeleton(name: str) -> str:
    """Return what is left of a name once capitals, spaces, marks and look-alike letters are made one."""
    text = unicodedata.normalize("NFKD", name[:64]).casefold()
    plain = (char for char in text if unicodedata.category(char)[0] in "LNS" or char in "|!@")
    return "".join(plain).translate(_DOUBLES).replace("l", "i").replace("rn", "m").replace("vv", "w")
