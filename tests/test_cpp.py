"""Builds the C++ tests with CMake once per run and reports every program as a test case of its own.

The programs of this machine's instruction sets run always; those for aarch64 (``-m cross``) run under qemu,
where a cross compiler and qemu are installed. A case that fails shows what its program printed; one whose
program did not build shows the compiler's messages.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = sorted(path.stem for path in (ROOT / "tests/cpp").glob("test_*.cpp"))
MACHINE = {"AMD64": "x86_64", "amd64": "x86_64", "arm64": "aarch64", "ARM64": "aarch64"}.get(
    platform.machine(), platform.machine()
)
# The same list as FEWBITS_ISAS of CMakeLists.txt.
ISAS = {"x86_64": ("scalar", "avx2"), "aarch64": ("scalar", "neon")}.get(MACHINE, ("scalar",))
CROSS_COMPILER, QEMU, CROSS_LIBRARIES = "aarch64-linux-gnu-g++", "qemu-aarch64", "/usr/aarch64-linux-gnu"
TIMEOUT = 1800


def tool(name: str) -> str:
    """A program from this Python's environment, active or not, or from the path."""
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    assert found, f'{name} is not installed: pip install -e ".[test]"'
    return found


def run(*command: str | Path, timeout: float = TIMEOUT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=timeout,
        check=False,
    )


class Build:
    """A build directory, configured and built when made; parts that fail to build do not stop the others."""

    def __init__(self, name: str, *options: str) -> None:
        self.directory = ROOT / "build" / name
        configure = [tool("cmake"), "-S", str(ROOT), "-B", str(self.directory), "-G", "Ninja"]
        configure += ["-DFEWBITS_BUILD_TESTS=ON", "-DCMAKE_BUILD_TYPE=Release", *options]
        configure += [f"-DCMAKE_MAKE_PROGRAM={tool('ninja')}", f"-DPython_EXECUTABLE={sys.executable}"]
        done = run(*configure)
        if done.returncode != 0:
            # The cache may speak of an environment that is gone: once more from nothing.
            shutil.rmtree(self.directory, ignore_errors=True)
            done = run(*configure)
        assert done.returncode == 0, done.stdout
        jobs = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.pool = ThreadPoolExecutor(jobs)
        self.started: dict[str, Future[subprocess.CompletedProcess[str]]] = {}
        built = run(tool("cmake"), "--build", self.directory, "--", "-k", "0", "-j", str(jobs))
        self.succeeded = built.returncode == 0
        # Without the progress: what is left are the failed commands and what they printed.
        lines = built.stdout.splitlines(keepends=True)
        self.log = "".join(line for line in lines if not re.match(r"\[\d+/\d+\] ", line))

    def start(self, programs: set[str], isas: tuple[str, ...], *emulator: str) -> None:
        """Begins to run programs, as many at a time as there are CPUs."""
        for program in sorted(programs):
            for isa in isas:
                path = self.directory / "tests/cpp" / f"{program}_{isa}"
                if path.is_file():
                    self.started[path.name] = self.pool.submit(run, *emulator, path)

    def check(self, program: str, isa: str) -> None:
        """Waits for a test program; raises the failure of the test case where it does not succeed."""
        name = f"{program}_{isa}"
        path = self.directory / "tests/cpp" / name
        # Where compiling or linking failed, the program of an earlier run may still be there.
        failed = re.search(rf"^FAILED: .*tests/cpp/(CMakeFiles/)?{name}(\.dir/| |$)", self.log, re.MULTILINE)
        if failed or not path.is_file():
            pytest.fail(f"{name} did not build\n{self.log}", pytrace=False)
        done = self.started[name].result()
        if done.returncode != 0:
            pytest.fail(f"{name}: exit status {done.returncode}\n{done.stdout}", pytrace=False)
        print(done.stdout)


def runs(isa: str) -> bool:
    from fewbits._core import _cpu

    return isa == "scalar" or isa in _cpu.supported_isas()


def chosen(request: pytest.FixtureRequest, test: str) -> set[str]:
    """The programs whose cases of `test` are chosen in this run of pytest."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    return {item.callspec.params["program"] for item in items if item.originalname == test}


@pytest.fixture(scope="session")
def native(request: pytest.FixtureRequest) -> Build:
    build = Build("cpp-tests")
    build.start(chosen(request, "test_program"), tuple(isa for isa in ISAS if runs(isa)))
    return build


@pytest.fixture(scope="session")
def cross(request: pytest.FixtureRequest) -> Build:
    missing = [name for name in (CROSS_COMPILER, QEMU) if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    options = ["--toolchain", "cpp/cmake/aarch64-linux-gnu.cmake", "-DFEWBITS_TEST_ISAS=neon"]
    try:
        # Headers only, hence good for any target; the toolchain file keeps CMake from finding it alone.
        eigen = distribution("cmeel-eigen").locate_file("cmeel.prefix/share/eigen3/cmake")
        options.append(f"-DEigen3_DIR={eigen}")
    except PackageNotFoundError:
        pass
    build = Build("cpp-tests-aarch64", *options)
    build.start(chosen(request, "test_program_on_aarch64"), ("neon",), QEMU, "-L", CROSS_LIBRARIES)
    return build


def test_everything_builds(native: Build) -> None:
    """Every test program, and every header by itself, without a warning."""
    if not native.succeeded:
        pytest.fail(native.log, pytrace=False)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_program(native: Build, program: str, isa: str) -> None:
    if not runs(isa):
        pytest.skip(f"this machine does not run {isa}")
    native.check(program, isa)


@pytest.mark.cross
@pytest.mark.skipif(MACHINE == "aarch64", reason="the native programs are those for aarch64")
def test_everything_builds_for_aarch64(cross: Build) -> None:
    if not cross.succeeded:
        pytest.fail(cross.log, pytrace=False)


@pytest.mark.cross
@pytest.mark.skipif(MACHINE == "aarch64", reason="the native programs are those for aarch64")
@pytest.mark.parametrize("program", PROGRAMS)
def test_program_on_aarch64(cross: Build, program: str) -> None:
    cross.check(program, "neon")
