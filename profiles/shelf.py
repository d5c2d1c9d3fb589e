"""Where profiles are; imported by what watches their files, and so without what reads them."""

from __future__ import annotations

from pathlib import Path

from profiles.problems import did_you_mean

SHIPPED = Path(__file__).parent


def shipped() -> list[str]:
    """Return the names of the profiles that come with gonogo."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def locate(name: str, folder: Path) -> tuple[Path, str]:
    """Return the file of profile `name` and what it is called in messages; raise LookupError with a hint.

    A name with a slash or ending in `.yaml` or `.yml` is a file, relative to `folder`; any other is a shipped
    profile, so that a file that happens to lie about never takes the place of a shipped one.
    """
    if "/" in name or "\\" in name or name.endswith((".yaml", ".yml")):
        return folder / name, str(folder / name)
    if name in shipped():
        return SHIPPED / f"{name}.yaml", f"profiles/{name}.yaml"
    known = ", ".join(shipped())
    raise LookupError(
        did_you_mean(name, shipped()) or f"shipped profiles: {known}; a file is written ./{name}.yaml"
    )
