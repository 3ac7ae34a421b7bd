"""The statistics of bench/harness.py on fake clocks, and the pages bench/report.py writes."""

from __future__ import annotations

import json
from pathlib import Path

import harness
import pytest
import report
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
times = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=20)


class FakeMachine:
    """A clock that contenders push forward: each call costs its own time times how busy the machine is."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []
        self.slow: list[float] = []

    def __call__(self) -> float:
        return self.now

    def contender(self, name: str, cost: float, **options: object) -> harness.Contender:
        def run() -> None:
            self.calls.append(name)
            busy = self.slow.pop(0) if self.slow else 1.0
            self.now += cost * busy

        return harness.Contender(name, run, **{"setup": None, **options})  # type: ignore[arg-type]


def test_paired_ratio_is_the_median_of_the_rounds() -> None:
    # Ratios 2, 1, 8: their median is 2, while the ratio of the median times would be 4 / 2.
    ratio = harness.paired_ratio([2.0, 4.0, 80.0], [1.0, 4.0, 10.0])
    assert (ratio.median, ratio.low, ratio.high) == (2.0, 1.0, 8.0)
    assert str(ratio) == "2.00x [1.00, 8.00]"


@given(times)
def test_paired_ratio_of_a_constant_factor_ignores_the_noise(baseline: list[float]) -> None:
    ratio = harness.paired_ratio(baseline, [t / 4 for t in baseline])
    assert (ratio.median, ratio.low, ratio.high) == (4.0, 4.0, 4.0)


@pytest.mark.parametrize(("a", "b"), [([], []), ([1.0], [1.0, 2.0])])
def test_paired_ratio_refuses_unpaired_rounds(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match="same number of rounds"):
        harness.paired_ratio(a, b)


@given(st.integers(1, 6))
def test_every_contender_takes_every_place(count: int) -> None:
    orders = [harness.rotated(count, i) for i in range(count)]
    for place in range(count):
        assert sorted(order[place] for order in orders) == list(range(count))


def test_measure_interleaves_and_rotates() -> None:
    machine = FakeMachine()
    contenders = [machine.contender(name, 1.0) for name in "abc"]
    measured = harness.measure(contenders, rounds=3, wall=machine, cpu=machine)
    assert "".join(machine.calls) == "abc" + "abc" + "bca" + "cab"
    assert [t.wall for t in measured] == [[1.0] * 3] * 3


def test_measure_pairs_slow_rounds() -> None:
    machine = FakeMachine()
    contenders = [machine.contender("slow", 3.0), machine.contender("fast", 1.0)]
    # Warm-up, then three rounds of which the second meets a busy machine.
    machine.slow = [1, 1, 1, 1, 10, 10, 1, 1]
    slow, fast = harness.measure(contenders, rounds=3, wall=machine, cpu=machine)
    assert slow.wall == [3.0, 30.0, 3.0]
    assert harness.paired_ratio(slow.wall, fast.wall) == harness.Ratio(3.0, 3.0, 3.0)


def test_measure_repeats_short_calls() -> None:
    machine = FakeMachine()
    contenders = [machine.contender("short", 0.25), machine.contender("long", 4.0)]
    short, long = harness.measure(contenders, rounds=2, min_time=2.0, wall=machine, cpu=machine)
    assert machine.calls.count("short") == 2 + 2 * 8
    assert machine.calls.count("long") == 1 + 2
    assert short.wall == [0.25, 0.25]
    assert long.wall == [4.0, 4.0]


def test_setup_is_not_timed() -> None:
    machine = FakeMachine()

    def setup() -> None:
        machine.now += 100.0

    contenders = [machine.contender("peer", 0.5, setup=setup)]
    (peer,) = harness.measure(contenders, rounds=4, min_time=2.0, wall=machine, cpu=machine)
    assert peer.wall == [0.5] * 4
    assert peer.cpu == [0.5] * 4


def test_slow_contenders_take_part_in_the_first_rounds() -> None:
    machine = FakeMachine()
    contenders = [machine.contender("quick", 1.0), machine.contender("slow", 9.0, rounds=2)]
    quick, slow = harness.measure(contenders, rounds=5, wall=machine, cpu=machine)
    assert (len(quick.wall), slow.wall) == (5, [9.0, 9.0])


def test_targets_are_judged() -> None:
    assert harness.met(1.3, 1.3, "higher")
    assert not harness.met(1.29, 1.3, "higher")
    assert harness.met(0.662, 0.662, "lower")
    assert not harness.met(0.663, 0.662, "lower")


def make_bench(tmp_path: Path, *arguments: str) -> harness.Bench:
    return harness.Bench(
        "x_y",
        title="X",
        peers=["surely-not-installed"],
        arguments=["--min-time=0", *arguments],
        results=tmp_path,
    )


def test_bench_records_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench = make_bench(tmp_path, "--rounds=9")
    row = bench.row("decode", work=8e6, baseline="memcpy", targets={"fewbits": 1e-9}, headline=True)
    data = bytes(8_000_000)
    row.add("fewbits", lambda: bytearray(data))
    row.add("memcpy", lambda: bytearray(data))
    row.add("peer", lambda: None, package="surely-not-installed")
    row.run()
    bench.facts("ratio", {"fewbits": 0.7, "peer": None}, targets={"fewbits": 0.6}, headline=True)
    assert bench.finish() == 0
    out = capsys.readouterr().out
    assert "absent: surely-not-installed (pip install surely-not-installed)" in out
    assert "target <= 0.6: MISSED" in out
    assert "1 target(s) missed" in out
    document = json.loads((tmp_path / "x_y.json").read_text())
    assert document["absent"] == ["surely-not-installed"]
    assert {"cpu", "cores", "commit", "command", "python", "versions", "rounds", "isa"} <= set(document)
    speed, fact = document["rows"]
    assert speed["absent"] == ["peer"]
    assert [entry["met"] for entry in speed["entries"]] == [True, None]
    assert speed["entries"][1]["ratio"] == {"median": 1.0, "low": 1.0, "high": 1.0}
    assert {"wall_seconds", "cpu_seconds"} <= set(speed["entries"][0])
    assert fact["entries"] == [{"name": "fewbits", "value": 0.7, "target": 0.6, "met": False}]


def test_too_few_rounds_are_no_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        make_bench(tmp_path, "--rounds=8")
    assert "too few for a record" in capsys.readouterr().err
    bench = make_bench(tmp_path, "--quick")
    bench.finish()
    assert list(tmp_path.iterdir()) == []


def test_row_checks_its_words(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, "--quick")
    with pytest.raises(ValueError, match="unit must be one of"):
        bench.row("x", work=1, unit="furlongs", baseline="a")
    with pytest.raises(ValueError, match="time_of must be"):
        bench.row("x", work=1, baseline="a", time_of="moon")


def test_report_writes_page_and_readme(tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "bench/results", "--rounds=9")
    row = bench.row("decode", work=1e6, baseline="peer", targets={"fewbits fast": 1.5}, headline=True)
    row.add("fewbits fast", lambda: None)
    row.add("peer", lambda: None)
    row.add("gone", None)
    row.run()
    bench.facts(
        "ratio", {"fewbits default": 0.66, "peer": 0.667}, targets={"fewbits default": 0.662}, headline=True
    )
    bench.facts("aside", {"fewbits": 1.0})
    bench.note("A note.")
    bench.finish()
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    assert report.main(["--check"], root=tmp_path) == 1
    assert report.main([], root=tmp_path) == 0
    assert report.main(["--check"], root=tmp_path) == 0
    page = (tmp_path / "docs/benchmarks.md").read_text()
    for wanted in ("## X", "### aside", "| gone | absent |", "`pip install surely-not-installed`", "A note."):
        assert wanted in page
    readme = (tmp_path / "README.md").read_text()
    assert readme.startswith("before\n")
    assert readme.endswith("\nafter\n")
    assert "| ratio, `default` | **0.6600** | peer 0.6670 |  | <= 0.662: met |" in readme
    assert "old" not in readme
    assert "aside" not in readme


def test_report_needs_its_markers() -> None:
    with pytest.raises(ValueError, match="needs one line"):
        report.filled("no markers", [])


def test_pages_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(["--check"]) == 0, capsys.readouterr().out + "run python bench/report.py"
