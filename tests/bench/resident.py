"""Inside running processes: the engine against prometheus-blackbox-exporter, and its own overhead."""

from __future__ import annotations

import asyncio
import http.client
import queue
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

from agent.engine.loop import run_loop
from agent.engine.run import execute
from agent.engine.scheduler import Job, Limits, Scheduler
from agent.files.load import load_plan
from agent.ledger.store import Ledger
from agent.plan import Plan
from agent.records import VantageRecord
from checks.vantage import Shared
from checks.wire.tcp import probe
from tests.bench.peers import NAMES, Servers, free_port, project, servers, started, wait_for
from tests.bench.timing import Cost, cpu_of, interleaved

HERE = VantageRecord(name="bench", host="bench", user="", os="", tool="")


def _blackbox_config(at: Servers) -> str:
    modules = ["modules:", "  tcp: {prober: tcp, tcp: {preferred_ip_protocol: ip4}}"]
    modules.append("  http: {prober: http, http: {preferred_ip_protocol: ip4}}")
    ip4 = "preferred_ip_protocol: ip4"
    for i in range(NAMES):
        wanted = f'validate_answer_rrs: {{fail_if_not_matches_regexp: ["192.0.2.{1 + i}$"]}}'
        query = f"query_name: h{i}.example.test, query_type: A, {ip4}, {wanted}"
        modules.append(f"  dns{i}: {{prober: dns, dns: {{{query}}}}}")
    return "\n".join(modules) + "\n"


def _probes(count: int, at: Servers, *, tcp_only: bool = False) -> list[str]:
    paths = []
    for i in range(count):
        host = f"127.0.0.{1 + i % 200}:{at.http}"
        if tcp_only or i % 4 < 2:
            asked = {"module": "tcp", "target": host}
        elif i % 4 == 2:
            asked = {"module": f"dns{i % NAMES}", "target": f"127.0.0.1:{at.dns}"}
        else:
            asked = {"module": "http", "target": f"http://{host}/"}
        paths.append(f"/probe?{urlencode(asked)}")
    return paths


def _ask_all(port: int, paths: list[str]) -> None:
    todo: queue.SimpleQueue[str] = queue.SimpleQueue()
    for path in paths:
        todo.put(path)
    failed: list[str] = []

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            while True:
                path = todo.get_nowait()
                connection.request("GET", path)
                if b"\nprobe_success 1" not in connection.getresponse().read():
                    failed.append(path)
        except queue.Empty:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(f"blackbox_exporter failed {len(failed)} probes, {failed[0]} among them")


def run_plan(plan: Plan, ledger: Ledger) -> None:
    """Run a whole plan in this process and insist that everything passed."""
    outcome = run_loop(execute(plan, list(plan.by_id), vantage=HERE, shared=Shared(), ledger=ledger))
    if any(result.status != "pass" for result in outcome.results.values()):
        raise RuntimeError("gonogo did not pass its own bench")


def against_blackbox(count: int = 200, rounds: int = 21) -> dict[str, Cost | float]:
    """Return wall costs of mixed checks inside both, and CPU microseconds per TCP check."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with servers(folder) as at:
            port = free_port()
            (folder / "blackbox.yml").write_text(_blackbox_config(at))
            with started(
                "prometheus-blackbox-exporter",
                f"--config.file={folder}/blackbox.yml",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=error",
            ) as exporter:
                wait_for(port, exporter)
                (folder / "mixed.yaml").write_text(project(count, at))
                mixed = load_plan(folder / "mixed.yaml")
                tcp = only(folder, "tcp", "type: network.tcp, target: 127.0.{a}.{b}, port: {port}", 2000, at)
                with Ledger.open(folder / "bench.db") as ledger:
                    costs: dict[str, Cost | float] = dict(
                        interleaved(
                            {
                                "gonogo engine": lambda: run_plan(mixed, ledger),
                                "blackbox_exporter": lambda: _ask_all(port, _probes(count, at)),
                            },
                            rounds,
                        )
                    )
                    run_plan(tcp, ledger)
                    before = time.process_time()
                    run_plan(tcp, ledger)
                    costs["gonogo, CPU us a TCP check"] = (time.process_time() - before) / 2000 * 1e6
                costs["gonogo, CPU us a bare connect"] = connect_cpu(at)
                probes = _probes(2000, at, tcp_only=True)
                before = cpu_of(exporter.pid)
                _ask_all(port, probes)
                costs["blackbox, CPU us a TCP check"] = (cpu_of(exporter.pid) - before) / 2000 * 1e6
            return costs


def only(folder: Path, name: str, check: str, count: int, at: Servers) -> Plan:
    """Return a plan of `count` checks of one kind; `check` is YAML with {a}, {b} and {port} to fill in."""
    lines = ["gonogo: 1", "project: {name: One, timezone: UTC}", "milestones: {m: {title: M}}", "checks:"]
    for i in range(count):
        filled = check.format(a=i // 250, b=1 + i % 250, port=at.http)
        lines.append(f"  c{i}: {{milestone: m, {filled}}}")
    path = folder / f"{name}.yaml"
    path.write_text("\n".join(lines) + "\n")
    return load_plan(path)


def connect_cpu(at: Servers, count: int = 2000) -> float:
    """Return the CPU microseconds of one TCP connect by `checks.wire.tcp` alone."""

    async def go() -> float:
        before = time.process_time()
        for i in range(count):
            await probe(f"127.0.0.{1 + i % 200}", at.http, 5.0)
        return (time.process_time() - before) / count * 1e6

    return run_loop(go())


def overhead(count: int = 10_000) -> float:
    """Return the microseconds a job of a graph of `count` jobs costs: linking, scheduling, deadline."""

    async def go() -> float:
        async def execute_job(job: Job) -> bool:
            lease = scheduler.reaper.lease(10)
            await asyncio.sleep(0)
            lease.end()
            return True

        jobs = [Job(f"j{i}", (f"j{i // 2}",) if i else ()) for i in range(count)]
        scheduler = _scheduler(execute_job, 200)
        begun = time.perf_counter()
        await scheduler.run(jobs)
        return (time.perf_counter() - begun) / count * 1e6

    return min(run_loop(go()) for _ in range(5))


def against_the_bound(count: int = 10_000, places: int = 1000, seconds: float = 0.1) -> float:
    """Return wall time over the bound max(longest path, sum of durations / places) for waiting jobs."""

    async def go() -> float:
        async def execute_job(job: Job) -> bool:
            lease = scheduler.reaper.lease(10)
            await asyncio.sleep(seconds)
            lease.end()
            return True

        jobs = [Job(f"j{i}") for i in range(count)]
        scheduler = _scheduler(execute_job, places)
        begun = time.perf_counter()
        await scheduler.run(jobs)
        return (time.perf_counter() - begun) / (count * seconds / places)

    return min(run_loop(go()) for _ in range(3))


def _scheduler(execute_job: object, places: int) -> Scheduler:
    return Scheduler(
        execute_job,  # type: ignore[arg-type]
        blocked=lambda job, cause: None,
        stuck=lambda job: None,
        limits=Limits(total=places, kinds={"process": 8}, per_target=10**9),
    )
