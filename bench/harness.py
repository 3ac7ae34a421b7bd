"""Measures contenders against one another and writes what a report needs to be believed.

Contenders of a row run interleaved, in an order that rotates every round, so that a machine that speeds up,
slows down or is shared hits all of them alike. A ratio is the median of the *paired* ratios of the rounds,
shown with the smallest and the largest. Targets are shown as met or missed and never asserted.

    bench = Bench("coding_lossless", peers=["zipnn"])
    row = bench.row("bf16, decode", work=nbytes, unit="MB/s", baseline="zipnn", targets={"fewbits": 1.3})
    row.add("fewbits", lambda: decompress_array(data))
    row.add("zipnn", lambda: peer.decompress(data), package="zipnn")
    row.run()
    bench.facts("bf16, ratio", {"fewbits": 0.6612, "zipnn": 0.6673}, targets={"fewbits": 0.662})
    bench.finish()
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).resolve().parent / "results"
MIN_ROUNDS = 9
UNITS = {"MB/s": 1e6, "GB/s": 1e9, "Msym/s": 1e6, "Mop/s": 1e6, "ms": None}

Clock = Callable[[], float]


@dataclass(frozen=True)
class Ratio:
    """How many times as fast a contender is as the baseline: paired over the rounds."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f}x [{self.low:.2f}, {self.high:.2f}]"


def paired_ratio(baseline: Sequence[float], contender: Sequence[float]) -> Ratio:
    """Speed of `contender` over `baseline` from their times of the same rounds.

    Each round gives one ratio; the median of the ratios is not the ratio of the medians, and is untouched by
    rounds in which the machine was slow for both.
    """
    if len(baseline) != len(contender) or not baseline:
        raise ValueError("paired_ratio: both contenders need the same number of rounds, at least one")
    ratios = [a / b for a, b in zip(baseline, contender, strict=True)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def rotated(count: int, round_index: int) -> list[int]:
    """Order of the contenders in a round: every one is first, second, ... equally often."""
    return [(round_index + i) % count for i in range(count)]


@dataclass
class Contender:
    name: str
    run: Callable[[], Any]
    setup: Callable[[], Any] | None
    """Called outside the timed region before each timed call, e.g. to copy an input the peer overwrites."""
    rounds: int | None = None
    """Rounds it takes part in, from the first; None: all. For peers that take a minute."""


@dataclass
class Times:
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def measure(
    contenders: Sequence[Contender],
    *,
    rounds: int = MIN_ROUNDS,
    min_time: float = 0.0,
    wall: Clock = time.perf_counter,
    cpu: Clock = time.process_time,
) -> list[Times]:
    """Seconds per call of each contender and round.

    A contender whose call takes less than `min_time` is called several times in a row in each round.
    With a `setup`, each call is timed on its own and the times are added up.
    """
    if rounds < 1:
        raise ValueError(f"measure: rounds must be at least 1, got {rounds}")
    repeats = []
    for contender in contenders:
        elapsed = 0.0
        for _ in range(2):  # the first call warms caches, page tables and lazy imports up
            if contender.setup:
                contender.setup()
            start = wall()
            contender.run()
            elapsed = wall() - start
            if elapsed >= min_time:
                break
        repeats.append(max(1, min(1000, round(min_time / elapsed))) if elapsed > 0 else 1)
    times = [Times() for _ in contenders]
    for round_index in range(rounds):
        for index in rotated(len(contenders), round_index):
            contender, count = contenders[index], repeats[index]
            if contender.rounds is not None and round_index >= contender.rounds:
                continue
            wall_sum = cpu_sum = 0.0
            batches = [1] * count if contender.setup else [count]
            for batch in batches:
                if contender.setup:
                    contender.setup()
                cpu_start, wall_start = cpu(), wall()
                for _ in range(batch):
                    contender.run()
                wall_sum += wall() - wall_start
                cpu_sum += cpu() - cpu_start
            times[index].wall.append(wall_sum / count)
            times[index].cpu.append(cpu_sum / count)
    return times


def met(value: float, target: float, better: str) -> bool:
    """Whether a measured figure keeps its target."""
    return value >= target if better == "higher" else value <= target


def version_of(package: str) -> str | None:
    """Version of an installed distribution, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def commit() -> str:
    """Short hash of the source tree, with ``+`` where it was changed since; empty outside a repository."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    revision = git("rev-parse", "--short=10", "HEAD")
    changed = git(
        "status", "--porcelain", "--untracked-files=no", "--", ":!bench/results", ":!docs", ":!README.md"
    )
    return revision + ("+" if changed else "")


class Row:
    """One comparison: the contenders do the same work at the same quality."""

    def __init__(
        self,
        bench: Bench,
        name: str,
        *,
        work: float,
        unit: str,
        baseline: str,
        targets: Mapping[str, float],
        time_of: str,
    ) -> None:
        if unit not in UNITS:
            raise ValueError(f"Row: unit must be one of {', '.join(UNITS)}, got {unit!r}")
        if time_of not in ("wall", "cpu"):
            raise ValueError(f"Row: time_of must be 'wall' or 'cpu', got {time_of!r}")
        self._bench = bench
        self._name = name
        self._work = work
        self._unit = unit
        self._baseline = baseline
        self._targets = dict(targets)
        self._time_of = time_of
        self._contenders: list[Contender] = []
        self._absent: list[str] = []
        self.headline = False

    def add(
        self,
        name: str,
        run: Callable[[], Any] | None,
        *,
        setup: Callable[[], Any] | None = None,
        package: str | None = None,
        rounds: int | None = None,
    ) -> None:
        """Adds a contender; one whose pip package is not installed (or `run` is None) is listed as absent.

        `rounds` limits a slow one to the first rounds; its ratios are then paired with those rounds alone.
        """
        if run is None or (package is not None and version_of(package) is None):
            self._absent.append(name)
        else:
            self._contenders.append(Contender(name, run, setup, rounds))

    def run(self) -> dict[str, Any]:
        """Measures, prints and records the row."""
        options = self._bench.options
        times = measure(self._contenders, rounds=options.rounds, min_time=options.min_time)
        series = {c.name: getattr(t, self._time_of) for c, t in zip(self._contenders, times, strict=True)}
        base = series.get(self._baseline)
        scale = UNITS[self._unit]
        entries = []
        for contender, measured in zip(self._contenders, times, strict=True):
            seconds = statistics.median(series[contender.name])
            own = series[contender.name]
            shared = min(len(base), len(own)) if base else 0
            ratio = paired_ratio(base[:shared], own[:shared]) if base else None
            target = self._targets.get(contender.name)
            entries.append(
                {
                    "name": contender.name,
                    "value": seconds * 1e3 if scale is None else self._work / seconds / scale,
                    "wall_seconds": statistics.median(measured.wall),
                    "cpu_seconds": statistics.median(measured.cpu),
                    "rounds": len(own),
                    "ratio": ratio and {"median": ratio.median, "low": ratio.low, "high": ratio.high},
                    "target": target,
                    "met": None if target is None or ratio is None else met(ratio.median, target, "higher"),
                }
            )
        return self._bench.record(
            {
                "kind": "speed",
                "name": self._name,
                "headline": self.headline,
                "unit": self._unit,
                "time": self._time_of,
                "baseline": self._baseline,
                "entries": entries,
                "absent": self._absent,
            }
        )


class Bench:
    """A bench program: its rows, its peers, its result file ``bench/results/<name>.json``."""

    def __init__(
        self,
        name: str,
        *,
        title: str = "",
        peers: Iterable[str] = (),
        arguments: Sequence[str] | None = None,
        results: Path = RESULTS,
    ) -> None:
        parser = argparse.ArgumentParser(description=title or None)
        parser.add_argument(
            "--rounds", type=int, default=11, help=f"rounds, at least {MIN_ROUNDS} for a record"
        )
        parser.add_argument("--min-time", type=float, default=0.02, help="seconds a contender runs per round")
        parser.add_argument("--dry-run", action="store_true", help="do not write the result file")
        parser.add_argument(
            "--quick", action="store_true", help="small inputs and few rounds; implies --dry-run"
        )
        self.options = parser.parse_args(arguments)
        if self.options.quick:
            self.options.rounds, self.options.dry_run = min(self.options.rounds, 3), True
        elif self.options.rounds < MIN_ROUNDS and not self.options.dry_run:
            parser.error(f"--rounds below {MIN_ROUNDS} is too few for a record: add --dry-run")
        self._path = results / f"{name}.json"
        versions = {package: version_of(package) for package in ("fewbits", "numpy", *peers)}
        self._document: dict[str, Any] = {
            "name": name,
            "title": title or name,
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
            "command": shlex.join(["python", f"bench/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
            "commit": commit(),
            "cpu": cpu_model(),
            "cores": os.cpu_count(),
            "platform": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "rounds": self.options.rounds,
            "versions": {package: version for package, version in versions.items() if version},
            "absent": sorted(package for package, version in versions.items() if not version),
            "rows": [],
        }
        try:
            self._document["isa"] = __import__("fewbits").isa
        except ImportError:
            self._document["isa"] = None
        print(f"{self._document['title']}: {self._document['cpu']}, {self.options.rounds} rounds")
        for package in self._document["absent"]:
            print(f"  absent: {package} (pip install {package})")

    def row(
        self,
        name: str,
        *,
        work: float,
        unit: str = "MB/s",
        baseline: str,
        targets: Mapping[str, float] | None = None,
        time_of: str = "wall",
        headline: bool = False,
    ) -> Row:
        """A speed comparison of `work` (bytes, symbols, ...) per call.

        `targets` are ratios over the baseline. ``time_of="cpu"`` compares the CPU time of the process, which
        is the fair one where neighbours share the machine and nobody uses more than one thread.
        A `headline` row stands in the README too.
        """
        row = Row(self, name, work=work, unit=unit, baseline=baseline, targets=targets or {}, time_of=time_of)
        row.headline = headline
        return row

    def facts(
        self,
        name: str,
        values: Mapping[str, float | None],
        *,
        targets: Mapping[str, float] | None = None,
        unit: str = "",
        better: str = "lower",
        digits: int = 4,
        headline: bool = False,
    ) -> dict[str, Any]:
        """Figures that are not times: ratios, bits per weight. None stands for an absent contender."""
        targets = targets or {}
        entries = [
            {
                "name": contender,
                "value": value,
                "target": targets.get(contender),
                "met": met(value, targets[contender], better) if contender in targets else None,
            }
            for contender, value in values.items()
            if value is not None
        ]
        return self.record(
            {
                "kind": "fact",
                "name": name,
                "headline": headline,
                "unit": unit,
                "better": better,
                "digits": digits,
                "entries": entries,
                "absent": [contender for contender, value in values.items() if value is None],
            }
        )

    def note(self, text: str) -> None:
        """A sentence the report must carry, e.g. an input that was not there."""
        self._document.setdefault("notes", []).append(text)
        print(f"  note: {text}")

    def record(self, row: dict[str, Any]) -> dict[str, Any]:
        self._document["rows"].append(row)
        print(format_row(row), flush=True)
        return row

    def finish(self) -> int:
        """Writes the result file; the exit status is 0 whether or not targets were met."""
        missed = [e for row in self._document["rows"] for e in row["entries"] if e["met"] is False]
        if missed:
            print(f"{len(missed)} target(s) missed")
        if self.options.dry_run:
            print("not recorded (--dry-run)")
        else:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(self._document, indent=1) + "\n")
            print(f"wrote {self._path}")
        return 0


def verdict(entry: Mapping[str, Any], better: str) -> str:
    """``target >= 1.3x: met`` or the empty string."""
    if entry["target"] is None:
        return ""
    sign, unit = (">=", "x") if better == "ratio" else (">=" if better == "higher" else "<=", "")
    outcome = {True: "met", False: "MISSED", None: "not comparable"}[entry["met"]]
    return f"target {sign} {entry['target']:g}{unit}: {outcome}"


def aligned(rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Left-aligned first column, the others right-aligned up to the last, which is text."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(w) if i in (0, len(row) - 1) else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(indent + "  ".join(cells).rstrip())
    return "\n".join(lines)


def cells_of(row: Mapping[str, Any]) -> list[list[str]]:
    """The table of a row: contender, figure, ratio, verdict."""
    table = []
    for entry in row["entries"]:
        if row["kind"] == "speed":
            ratio = entry["ratio"]
            shown = str(Ratio(**ratio)) if ratio else ""
            if entry["rounds"] < max(e["rounds"] for e in row["entries"]):
                shown += f" ({entry['rounds']} round{'s' if entry['rounds'] > 1 else ''})"
            cells = [
                f"{entry['value']:.4g} {row['unit']}",
                "baseline" if entry["name"] == row["baseline"] else shown,
            ]
            table.append([entry["name"], *cells, verdict(entry, "ratio")])
        else:
            figure = f"{entry['value']:.{row['digits']}f} {row['unit']}".rstrip()
            table.append([entry["name"], figure, "", verdict(entry, row["better"])])
    table.extend([name, "absent", "", ""] for name in row["absent"])
    return table


def format_row(row: Mapping[str, Any]) -> str:
    """What the terminal shows of a row."""
    head = row["name"] + (" (CPU time)" if row.get("time") == "cpu" else "")
    table = cells_of(row)
    return f"{head}\n{aligned(table, '    ')}" if table else head
