"""Writes docs/benchmarks.md and the table of README.md from bench/results/*.json.

``python bench/report.py`` writes, ``--check`` only says (exit status 1) whether they are out of date.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import Ratio, cells_of, verdict

ROOT = Path(__file__).resolve().parents[1]
BEGIN = "<!-- benchmarks: written by bench/report.py -->"
END = "<!-- end of benchmarks -->"

INTRODUCTION = """# Benchmarks

Written by `python bench/report.py` from `bench/results/*.json`; do not edit. Run one with
`pip install ".[bench]" && python bench/bench_<module>_<topic>.py`.

Contenders of a table ran interleaved in one process, in an order that rotates every round. A ratio is the
median over the rounds of the paired ratio to the baseline, with the smallest and the largest in brackets;
above 1 is faster than the baseline. Targets were set before the measurement and are shown, met or missed.
"""
NOTHING = "No results are recorded yet.\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; columns that are empty in every row are left out."""
    keep = [i for i in range(len(head)) if any(row[i] for row in rows)]
    lines = [[head[i] for i in keep], ["---"] * len(keep), *([row[i] for i in keep] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def section(document: Mapping[str, Any]) -> str:
    """The page section of one result file."""
    facts = [
        f"{document['cpu']}, {document['cores']} CPUs, {document['platform']}",
        f"instruction set {document['isa']}" if document["isa"] else "",
        f"Python {document['python']}",
        *(f"{package} {version}" for package, version in document["versions"].items()),
        f"{document['rounds']} rounds",
        document["date"],
        f"commit {document['commit']}" if document["commit"] else "",
    ]
    parts = [
        f"## {document['title']}\n",
        f"`{document['command']}`\n",
        ", ".join(f for f in facts if f) + ".\n",
    ]
    if document["absent"]:
        absent = ", ".join(f"{package} (`pip install {package}`)" for package in document["absent"])
        parts.append(f"Absent from this run: {absent}.\n")
    parts.extend(f"{note}\n" for note in document.get("notes", []))
    for row in document["rows"]:
        time = ", CPU time" if row.get("time") == "cpu" else ""
        ratio = f"against {row['baseline']}" if row["kind"] == "speed" else ""
        parts.append(f"### {row['name']}{time}\n")
        parts.append(table(("contender", "measured", ratio, "target"), cells_of(row)))
    return "\n".join(parts)


def page(documents: Sequence[Mapping[str, Any]]) -> str:
    """docs/benchmarks.md."""
    return "\n".join(
        [INTRODUCTION, *(section(document) for document in documents)]
        if documents
        else [INTRODUCTION, NOTHING]
    )


def figure(row: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    if row["kind"] == "speed":
        return f"{entry['value']:.4g} {row['unit']}"
    return f"{entry['value']:.{row['digits']}f} {row['unit']}".rstrip()


def summary(documents: Sequence[Mapping[str, Any]]) -> str:
    """The table of README.md: the headline rows, ours beside the others of the same run."""
    rows = []
    for document in documents:
        for row in document["rows"]:
            if not row["headline"]:
                continue
            others = [e for e in row["entries"] if not e["name"].startswith("fewbits")]
            beside = ", ".join(f"{e['name']} {figure(row, e)}" for e in others)
            for entry in row["entries"]:
                if not entry["name"].startswith("fewbits"):
                    continue
                ratio = entry.get("ratio")
                against = (
                    f"{Ratio(**ratio)} {row['baseline']}"
                    if ratio and entry["name"] != row["baseline"]
                    else ""
                )
                level = entry["name"].removeprefix("fewbits").strip()
                what = f"{row['name']}, `{level}`" if level else row["name"]
                goal = verdict(entry, "ratio" if row["kind"] == "speed" else row["better"])
                rows.append(
                    (what, f"**{figure(row, entry)}**", beside, against, goal.removeprefix("target "))
                )
    if not rows:
        return NOTHING
    machines = sorted({document["cpu"] for document in documents})
    head = ("what", "fewbits", "others, same run", "speed ratio", "target")
    return (
        table(head, rows) + f"\nMeasured on {', '.join(machines)}; all rows, versions and spreads: "
        "[benchmarks](docs/benchmarks.md).\n"
    )


def filled(readme: str, documents: Sequence[Mapping[str, Any]]) -> str:
    """README text with the table between its markers renewed."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise ValueError(f"README.md: needs one line {BEGIN!r} and one line {END!r}")
    before, rest = readme.split(BEGIN)
    return f"{before}{BEGIN}\n{summary(documents)}{END}{rest.split(END)[1]}"


def load(results: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(results.glob("*.json"))]


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(description="Write the benchmark page and the README table.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where a file is out of date"
    )
    check = parser.parse_args(arguments).check
    documents = load(root / "bench/results")
    readme = root / "README.md"
    wanted = {root / "docs/benchmarks.md": page(documents), readme: filled(readme.read_text(), documents)}
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text() != text]
    for path in stale:
        print(f"{path.relative_to(root)} is out of date" if check else f"wrote {path.relative_to(root)}")
        if not check:
            path.write_text(wanted[path])
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
