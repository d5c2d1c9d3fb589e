"""Ids, globs and cycles: what `needs`, `after`, `also` and `without` name."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterable, Mapping


def is_glob(text: str) -> bool:
    """Return whether `text` is a pattern (`*`, `?`) and no id."""
    return "*" in text or "?" in text


def matching(pattern: str, ids: Collection[str]) -> list[str]:
    """Return the ids that `pattern` names, in the order of `ids`."""
    if not is_glob(pattern):
        return [pattern] if pattern in ids else []
    match = re.compile(fnmatch.translate(pattern.replace("[", "[[]"))).match
    return [name for name in ids if match(name)]


def cycles(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return one path `[a, b, a]` for every cycle that a walk along `edges` runs into."""
    done: set[str] = set()
    found: list[list[str]] = []
    for start in edges:
        if start in done:
            continue
        walk = [start]
        on_walk = {start: 0}
        rest = [iter(edges[start])]
        while rest:
            step = next(rest[-1], None)
            if step is None:
                rest.pop()
                left = walk.pop()
                del on_walk[left]
                done.add(left)
            elif step in on_walk:
                found.append([*walk[on_walk[step] :], step])
            elif step not in done and step in edges:
                on_walk[step] = len(walk)
                walk.append(step)
                rest.append(iter(edges[step]))
    return found


def waves(needs: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the ids in waves: each needs only what stands in earlier ones. The graph has no cycle."""
    depth: dict[str, int] = {}
    for start in needs:
        stack = [start]
        while stack:
            name = stack[-1]
            open_needs = [need for need in needs[name] if need in needs and need not in depth]
            if open_needs:
                stack.extend(open_needs)
                continue
            stack.pop()
            depth[name] = 1 + max((depth[need] for need in needs[name] if need in depth), default=-1)
    levels: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in needs:
        levels[depth[name]].append(name)
    return levels
