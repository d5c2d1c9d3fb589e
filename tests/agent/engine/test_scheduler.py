"""The graph runs each job once, in order, within limits, and blocks what depends on a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.engine.scheduler import Job, Limits, Scheduler


class Log:
    def __init__(self) -> None:
        self.ran: list[str] = []
        self.blocked: dict[str, str] = {}
        self.stuck: list[str] = []
        self.now = 0
        self.most = 0
        self.per: dict[str, int] = {}
        self.most_per: dict[str, int] = {}


def run(
    jobs: list[Job], *, fails: set[str] = frozenset(), total: int = 10, kinds: dict[str, int] | None = None,
    per_target: int = 100, body: Callable | None = None,
) -> Log:  # fmt: skip
    log = Log()

    async def execute(job: Job) -> bool:
        log.ran.append(job.key)
        log.now += 1
        log.most = max(log.most, log.now)
        for key in (job.kind, "t:" + job.target):
            log.per[key] = log.per.get(key, 0) + 1
            log.most_per[key] = max(log.most_per.get(key, 0), log.per[key])
        if job.kind == "exclusive":
            assert log.now == 1
        await (body(job) if body else asyncio.sleep(0))
        log.now -= 1
        for key in (job.kind, "t:" + job.target):
            log.per[key] -= 1
        return job.key not in fails

    async def go() -> None:
        scheduler = Scheduler(
            execute,
            blocked=lambda job, cause: log.blocked.__setitem__(job.key, cause),
            stuck=lambda job: log.stuck.append(job.key),
            limits=Limits(total=total, kinds=kinds or {}, per_target=per_target),
        )
        await asyncio.wait_for(scheduler.run(jobs), 20)

    asyncio.run(go())
    return log


def test_dependents_follow_and_a_failure_names_the_root() -> None:
    jobs = [Job("c", ("b",)), Job("b", ("a",)), Job("a"), Job("d", ("a", "x")), Job("x")]
    log = run(jobs, fails={"a"})
    assert sorted(log.ran) == ["a", "x"]
    assert log.blocked == {"b": "a", "c": "a", "d": "a"}


def test_a_need_outside_the_run_counts_as_met() -> None:
    assert run([Job("b", ("not-selected",))]).ran == ["b"]


def test_nothing_to_do_ends() -> None:
    assert run([]).ran == []


def test_the_longest_path_goes_first() -> None:
    jobs = [Job("short"), Job("long", length=5), Job("root"), Job("leaf", ("root",), length=10)]
    assert run(jobs, total=1).ran == ["root", "leaf", "long", "short"]


def test_limits_hold() -> None:
    jobs = [Job(f"p{i}", kind="process", target=f"h{i % 3}") for i in range(60)]
    log = run(jobs, total=50, kinds={"process": 8}, per_target=2)
    assert len(log.ran) == 60
    assert log.most_per["process"] <= 8
    assert all(count <= 2 for key, count in log.most_per.items() if key.startswith("t:"))


def test_exclusive_jobs_run_alone() -> None:
    jobs = [Job(f"x{i}", kind="exclusive") for i in range(3)] + [Job(f"l{i}") for i in range(30)]
    jobs.append(Job("after", ("x1",)))
    assert len(run(jobs, total=8).ran) == 34


def test_a_cycle_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="a, b"):
        run([Job("a", ("b",)), Job("b", ("a",)), Job("c")])


def test_an_engine_error_is_not_swallowed() -> None:
    async def broken(job: Job) -> None:
        raise RuntimeError("engine")

    with pytest.raises(RuntimeError, match="engine"):
        run([Job("a"), Job("b")], body=broken)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_graph_reports_every_job_exactly_once(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 25))
    jobs = []
    for i in range(size):
        needs = data.draw(st.sets(st.integers(0, i - 1), max_size=3)) if i else set()
        jobs.append(
            Job(
                f"j{i}", tuple(f"j{n}" for n in needs), target=f"h{i % 3}",
                kind=data.draw(st.sampled_from(["light", "process", "exclusive"])),
            )
        )  # fmt: skip
    fails = {job.key for job in jobs if data.draw(st.booleans())}
    log = run(jobs, fails=fails, total=data.draw(st.integers(1, 6)), kinds={"process": 2}, per_target=2)
    assert sorted([*log.ran, *log.blocked]) == sorted(job.key for job in jobs)
    for key, cause in log.blocked.items():
        assert cause in fails & set(log.ran), key
    needs_of = {job.key: job.needs for job in jobs}
    for place, key in enumerate(log.ran):
        assert all(need in log.ran[:place] and need not in fails for need in needs_of[key])
