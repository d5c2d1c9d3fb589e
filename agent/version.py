"""The version, as text: reading it from the installed metadata would cost more than the command."""

VERSION = "0.1.0"
