"""What a consumer's compiler flags may do to the parametric coder: nothing, or a clear refusal to compile."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest
from fewbits import coding

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
#include <cstdio>
#include <vector>
#include "fewbits/coding/mixture.hpp"
#include "fewbits/coding/self_test.hpp"
#include "fewbits/core/checksum.hpp"
using namespace fewbits;
using namespace fewbits::coding;
int main() {
    self_test();
    Xxh64 hash;
    for (int k = 1; k <= 5; ++k) {
        const std::size_t n = 600;
        const std::size_t count = n * static_cast<std::size_t>(k);
        std::vector<float> w(count), m(count), s(count);
        std::vector<std::int32_t> q(n);
        std::uint32_t r = 7;
        const auto next = [&r] { return (r = r * 1664525U + 1013904223U) >> 8; };
        for (std::size_t i = 0; i < count; ++i) {
            w[i] = static_cast<float>(1 + next() % 1000) / 1024;
            m[i] = (static_cast<float>(next() % 65536) - 32768) / 4096;
            s[i] = static_cast<float>(1 + next() % 65536) / 16384;
        }
        for (std::size_t i = 0; i < n; ++i) q[i] = static_cast<std::int32_t>(next() % 21) - 10;
        MixtureView view;
        view.weights = w.data(); view.means = m.data(); view.scales = s.data();
        view.n = n; view.k = k; view.stride_k = static_cast<std::ptrdiff_t>(n); view.normalize = true;
        for (unsigned family = 0; family < 3; ++family) {
            view.family = static_cast<Family>(family);
            EncodeOptions options;
            options.hash = true;
            const Bytes data = encode(q, view, options);
            hash.update(data);
            std::vector<std::int32_t> back(n);
            decode(data, view, Span<std::int32_t>(back));
            if (back != q) return 1;
        }
    }
    std::printf("%016llx\\n", static_cast<unsigned long long>(hash.digest()));
}
"""
# Of the program above: the same for every compiler, instruction set and flag.
DIGEST = "fa54e0760eb41843"
AVX2 = ["-mavx2", "-mfma", "-mf16c", "-mbmi", "-mbmi2", "-mlzcnt", "-mpopcnt"]
UNSAFE = ["-O3", "-funsafe-math-optimizations"]


def compilers() -> list[str]:
    own = os.environ.get("CXX")
    found = [shutil.which(name) for name in ([own] if own else ["g++", "clang++"])]
    return [path for path in found if path]


def has_avx2() -> bool:
    try:
        return "avx2" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def digest(tmp_path: Path, compiler: str, flags: list[str]) -> str:
    source, program = tmp_path / "program.cpp", tmp_path / "program"
    source.write_text(PROGRAM)
    command = [
        compiler,
        "-std=c++17",
        "-pthread",
        f"-I{ROOT / 'cpp/include'}",
        *flags,
        str(source),
        "-o",
        str(program),
    ]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr[-2000:]
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(not compilers(), reason="no C++ compiler")
def test_unsafe_math_changes_nothing(tmp_path: Path) -> None:
    compiler = compilers()[0]
    recip = ["-mrecip"] if platform.machine() == "x86_64" else []
    avx2 = AVX2 if has_avx2() else []
    assert digest(tmp_path, compiler, [*UNSAFE, *recip, "-ffp-contract=fast", *avx2]) == DIGEST


@pytest.mark.slow
@pytest.mark.parametrize("compiler", compilers())
@pytest.mark.parametrize("isa", ["scalar", "avx2"])
@pytest.mark.parametrize(
    "flags",
    [["-O0"], ["-O1"], ["-O3", "-ffp-contract=fast"], [*UNSAFE, "-mrecip"], [*UNSAFE, "-fno-math-errno"]],
)
def test_every_compiler_and_flag(tmp_path: Path, compiler: str, isa: str, flags: list[str]) -> None:
    if isa == "avx2" and not has_avx2():
        pytest.skip("no AVX2 here")
    if platform.machine() != "x86_64" and "-mrecip" in flags:
        pytest.skip("a flag of x86")
    own = [*flags, *(AVX2 if isa == "avx2" else ["-DFEWBITS_FORCE_SCALAR"])]
    assert digest(tmp_path, compiler, own) == DIGEST


@pytest.mark.skipif(not compilers(), reason="no C++ compiler")
def test_fast_math_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "program.cpp"
    source.write_text('#include "fewbits/coding/mixture.hpp"\n')
    for compiler in compilers():
        command = [
            compiler,
            "-std=c++17",
            "-ffast-math",
            "-fsyntax-only",
            f"-I{ROOT / 'cpp/include'}",
            str(source),
        ]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        assert built.returncode != 0
        assert "compile without -ffast-math" in built.stderr


def test_self_test_runs() -> None:
    coding.self_test()
