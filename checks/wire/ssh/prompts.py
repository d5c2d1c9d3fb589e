"""Answers to the prompts of keyboard-interactive: the password, once, to what asks for it and nothing else.

A prompt is text from outside, often translated. What looks like a code, a token or a new password is not
answered: the password would go to the wrong place, or be changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_PASSWORD = re.compile(
    r"passwor[dt]|kennwort|passphrase|mot de passe|contrase|wachtwoord|adgangskode|l[oö]senord|salasana"
    r"|heslo|has[lł]o|senha|jelsz|parola|пароль|パスワード|密码|密碼|암호",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"one.?time|otp|oath|token|verif|\bcode\b|passcode|\bpin\b|duo|yubi|second|factor|challenge|einmal",
    re.IGNORECASE,
)
_NEW = re.compile(r"\bnew\b|retype|re-?enter|again|change|expired|neue|wiederhol|nouveau", re.IGNORECASE)


class NotAnswered(Exception):  # noqa: N818 - ends the exchange, from inside paramiko's thread
    """A prompt that is not answered."""


class Answers:
    """The handler of one exchange; afterwards it tells what was asked and not answered."""

    def __init__(self, password: str) -> None:
        self._password = password
        self._given = False
        self.asked_for = ""
        """The prompt that was not answered; empty if there was none."""
        self.repeated = False
        """It asked for the password a second time."""
        self.changing = False
        """It asked for a new password."""

    def give(self, title: str, instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str]:
        """Return the answers; raise where one is not to be given, which ends the connection."""
        del title, instructions
        answers = []
        for text, _ in prompts:
            if self._given or not is_password(text):
                self.asked_for = text.strip()[:500] or "(an empty prompt)"
                self.changing = bool(_NEW.search(text[:500]))
                self.repeated = self._given and is_password(text)
                raise NotAnswered
            self._given = True
            answers.append(self._password)
        return answers


def is_password(prompt: str) -> bool:
    """Return whether a prompt asks for the account's password as it is."""
    text = prompt[:500]
    return bool(_PASSWORD.search(text)) and not _OTHER.search(text) and not _NEW.search(text)
