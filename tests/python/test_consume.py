"""A C++ program finds and uses fewbits in every way the documentation offers."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import fewbits
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples/cpp"
COMPILER = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
BINARIES = Path(sys.executable).parent


def tool(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([str(BINARIES), os.environ.get("PATH", "")]))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def eigen_prefix() -> str:
    """Prefix of the Eigen wheel; CMake looks for a system copy first."""
    try:
        return str(distribution("cmeel-eigen").locate_file("cmeel.prefix"))
    except PackageNotFoundError:
        return ""


def configure(source: Path, build: Path, *options: str) -> None:
    ninja = f"-DCMAKE_MAKE_PROGRAM={tool('ninja')}"
    run(
        tool("cmake"),
        "-DCMAKE_BUILD_TYPE=Debug",  # quick to build
        "-S",
        source,
        "-B",
        build,
        "-G",
        "Ninja",
        ninja,
        f"-DPython_EXECUTABLE={sys.executable}",
        *options,
    )


def build_and_test(build: Path) -> None:
    run(tool("cmake"), "--build", build)
    out = run(tool("ctest"), "--test-dir", build, "--output-on-failure", "--no-tests=error")
    assert re.search(rf"out of {len(list(EXAMPLES.glob('*.cpp')))}\b", out), out


def test_find_package_from_a_prefix(tmp_path: Path) -> None:
    configure(ROOT, tmp_path / "fewbits")
    run(tool("cmake"), "--install", tmp_path / "fewbits", "--prefix", tmp_path / "prefix")
    installed = {
        str(p.relative_to(tmp_path / "prefix/include")) for p in tmp_path.glob("prefix/include/**/*.hpp")
    }
    headers = ROOT / "cpp/include"
    assert installed == {str(p.relative_to(headers)) for p in headers.glob("**/*.hpp")}
    build = tmp_path / "build"
    configure(EXAMPLES, build, f"-DCMAKE_PREFIX_PATH={tmp_path / 'prefix'};{eigen_prefix()}")
    # The prefix alone serves the program: nothing points back into the source tree.
    assert str(ROOT / "cpp") not in (build / "build.ninja").read_text()
    build_and_test(build)


def test_find_package_from_the_python_package(tmp_path: Path) -> None:
    directory = Path(fewbits.get_cmake_dir())
    assert (directory / "fewbitsConfig.cmake").is_file()
    configure(
        EXAMPLES, tmp_path / "build", f"-Dfewbits_DIR={directory}", f"-DCMAKE_PREFIX_PATH={eigen_prefix()}"
    )
    build_and_test(tmp_path / "build")


def test_find_package_refuses_another_minor_version(tmp_path: Path) -> None:
    project = (
        "cmake_minimum_required(VERSION 3.18)\nproject(x LANGUAGES CXX)\nfind_package(fewbits {} REQUIRED)\n"
    )
    for version, wanted in (("0.1", True), ("0.999", False), ("1.0", False)):
        source = tmp_path / version
        source.mkdir()
        (source / "CMakeLists.txt").write_text(project.format(version))
        options = [f"-Dfewbits_DIR={fewbits.get_cmake_dir()}", f"-DCMAKE_PREFIX_PATH={eigen_prefix()}"]
        if wanted:
            configure(source, source / "build", *options)
        else:
            with pytest.raises(AssertionError, match="compatible"):
                configure(source, source / "build", *options)


def test_add_subdirectory(tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.18)\nproject(user LANGUAGES CXX)\nenable_testing()\n"
        f'add_subdirectory("{ROOT.as_posix()}" fewbits)\nadd_subdirectory("{EXAMPLES.as_posix()}" examples)\n'
    )
    configure(tmp_path, tmp_path / "build")
    build_and_test(tmp_path / "build")


def compile_program(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    assert COMPILER, "no C++ compiler on the path"
    command = [COMPILER, "-std=c++17", "-O1", "-pthread", "-I", fewbits.get_include(), *arguments]
    return subprocess.run([str(w) for w in command], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.cpp")), ids=lambda path: path.stem)
def test_include_path_alone(example: Path, tmp_path: Path) -> None:
    done = compile_program(tmp_path, "-ffp-contract=off", example, "-o", "program")
    assert done.returncode == 0, done.stderr
    run(tmp_path / "program", cwd=tmp_path)


def test_version_macros_and_package_agree(tmp_path: Path) -> None:
    (tmp_path / "v.cpp").write_text(
        '#include <cstdio>\n#include "fewbits/core/version.hpp"\n'
        'int main() { std::printf("%s %d.%d.%d", FEWBITS_VERSION, FEWBITS_VERSION_MAJOR,'
        " FEWBITS_VERSION_MINOR, FEWBITS_VERSION_PATCH); }\n"
    )
    assert compile_program(tmp_path, "v.cpp", "-o", "v").returncode == 0
    assert run(tmp_path / "v") == f"{fewbits.__version__} {fewbits.__version__}"


UNIT = """
#include <cstdint>
#include <cstdio>
#include "fewbits/core/bits.hpp"
// Inline functions of the library, used in both units and not inlined at -O0: had they one mangled name, the
// linker would keep the code of one unit for both. (The standard library's own templates do have one name.)
extern "C" const char* {name}() {{
    const std::uint8_t bytes[] = {{7, 0x85, 3, 0xff, 0xff, 0x7f, 0x80, 0x80, 0x01}};
    fewbits::ByteReader reader({{bytes, sizeof bytes}});
    std::uint64_t sum = 1;
    while (!reader.at_end()) {{
        sum = 0x9e3779b97f4a7c15U * (sum + reader.varint());
        sum ^= fewbits::mul_high(sum, sum) + fewbits::bit_length(sum >> 9);
        sum += fewbits::trailing_zeros(sum | 64);
    }}
    static char text[64];
    std::snprintf(text, sizeof text, "%s %llu", fewbits::isa_name(), static_cast<unsigned long long>(sum));
    return text;
}}
"""
MAIN = """
#include <cstdio>
extern "C" const char* baseline();
extern "C" const char* wide();
int main(int count, char**) {
    std::puts(baseline());
    if (count > 1) std::puts(wide());
}
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="mixes x86 instruction sets")
def test_two_instruction_sets_in_one_program(tmp_path: Path) -> None:
    flags = ["-mavx2", "-mfma", "-mf16c", "-mbmi", "-mbmi2", "-mlzcnt", "-mpopcnt"]
    for name, options in (("baseline", ["-mno-avx"]), ("wide", flags)):
        (tmp_path / f"{name}.cpp").write_text(UNIT.format(name=name))
        done = compile_program(tmp_path, "-O0", "-ffp-contract=off", *options, "-c", f"{name}.cpp")
        assert done.returncode == 0, done.stderr
    (tmp_path / "main.cpp").write_text(MAIN)
    for order in (("baseline.o", "wide.o"), ("wide.o", "baseline.o")):
        done = compile_program(tmp_path, "main.cpp", *order, "-o", "program")
        assert done.returncode == 0, done.stderr
        lines = run(tmp_path / "program", *(["both"] if fewbits.isa == "avx2" else [])).splitlines()
        isas, sums = zip(*(line.split() for line in lines), strict=True)
        assert isas == ("scalar", "avx2")[: len(lines)]
        assert len(set(sums)) == 1
        emulator = shutil.which("qemu-x86_64")
        if emulator:  # on a CPU without AVX the baseline unit must have kept its own code
            old = run(emulator, "-cpu", "Nehalem", tmp_path / "program").splitlines()
            assert old == lines[:1]


def test_fast_math_is_refused_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "fast.cpp").write_text('#include "fewbits/core/isa.hpp"\nint main() {}\n')
    done = compile_program(tmp_path, "-ffast-math", "fast.cpp", "-o", "fast")
    assert done.returncode != 0
    assert "compile without -ffast-math" in done.stderr
    assert compile_program(tmp_path, "fast.cpp", "-o", "fast").returncode == 0
