"""The tree keeps the rules of tools/layout.py, and the checker finds planted violations of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import extra
import layout
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("rule", layout.RULES, ids=lambda rule: rule.__name__)
def test_layout(rule: Callable[[Path], Iterator[str]]) -> None:
    broken = list(rule(ROOT))
    assert not broken, "\n".join(broken)


def test_version_is_written_once() -> None:
    text = (ROOT / "cpp/include/fewbits/core/version.hpp").read_text()
    numbers = [re.search(rf"FEWBITS_VERSION_{part} (\d+)", text) for part in ("MAJOR", "MINOR", "PATCH")]
    whole = re.search(r'FEWBITS_VERSION "([^"]+)"', text)
    assert whole
    assert whole[1] == ".".join(number[1] for number in numbers if number)
    fewbits = pytest.importorskip("fewbits")
    assert fewbits.__version__ == whole[1]


def test_hooks_use_the_versions_of_the_lint_extra() -> None:
    pinned = {line for line in extra.requirements("lint") if "==" in line}
    hooks = set(re.findall(r'"([\w-]+==[^"]+)"', (ROOT / ".pre-commit-config.yaml").read_text()))
    assert hooks == pinned


HEADER = """// What it is.
#pragma once
{includes}
namespace fewbits {{
inline namespace FEWBITS_ISA {{
{body}
}}
}}
"""


def module_body(module: str, body: str = "") -> str:
    return f"namespace {module} {{\n{body}\n}}"


def write(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def header(root: Path, path: str, *includes: str, body: str | None = None) -> None:
    module = path.split("/", maxsplit=1)[0]
    lines = "\n".join(f'#include "fewbits/{name}"' for name in includes)
    content = body if body is not None else ("" if module == "core" else module_body(module))
    write(root, f"cpp/include/fewbits/{path}", HEADER.format(includes=lines, body=content))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree that keeps every rule."""
    header(tmp_path, "core/span.hpp")
    header(tmp_path, "simd/f32x8.hpp", "core/span.hpp", body=module_body("simd", "using v = __m256;"))
    header(tmp_path, "coding/rans.hpp", "simd/f32x8.hpp", "core/span.hpp", "coding/detail/state.hpp")
    header(tmp_path, "coding/detail/state.hpp", "core/span.hpp")
    header(tmp_path, "quant/affine.hpp", "core/span.hpp")
    umbrella = '// All of it.\n#pragma once\n#include "fewbits/{}"\n'
    write(tmp_path, "cpp/include/fewbits/coding.hpp", umbrella.format("coding/rans.hpp"))
    write(tmp_path, "cpp/include/fewbits/quant.hpp", umbrella.format("quant/affine.hpp"))
    both = '// All.\n#pragma once\n#include "fewbits/coding.hpp"\n#include "fewbits/quant.hpp"\n'
    write(tmp_path, "cpp/include/fewbits/fewbits.hpp", both)
    for module, topic in (("core", "span"), ("coding", "rans"), ("quant", "affine")):
        test = f'#include "fewbits/{module}/{topic}.hpp"\n#include "fewbits/simd/f32x8.hpp"\n'
        write(tmp_path, f"tests/cpp/test_{module}_{topic}.cpp", test)
    write(tmp_path, "tests/python/test_coding_rans.py", "")
    write(tmp_path, "tests/python/test_layout.py", "")
    write(tmp_path, "tests/fuzz/fuzz_rans.cpp", "int LLVMFuzzerTestOneInput();")
    write(tmp_path, "bench/bench_coding_rans.py", "")
    for module, name in (("coding", "encode"), ("quant", "affine_quantize")):
        source = f'"""Doc."""\nfrom fewbits import errors\n__all__ = ["{name}"]\n'
        source += f'def {name}() -> None:\n    """Doc."""\n'
        write(tmp_path, f"python/fewbits/{module}.py", source)
        write(tmp_path, f"docs/{module}.md", f"# x\n## {name}\nbench_{module}_rans\n")
        write(tmp_path, f"bindings/{module}.cpp", "")
    write(
        tmp_path,
        "python/fewbits/errors.py",
        '"""Doc."""\n__all__ = ["Error"]\nclass Error:\n    """Doc."""\n',
    )
    write(tmp_path, "python/fewbits/__init__.py", '"""Doc."""\n__all__ = ["coding", "get_include"]\n')
    write(tmp_path, "docs/errors.md", "```{autoexception} fewbits.errors.Error\n```\n(get_include)=\n")
    return tmp_path


def broken(root: Path) -> list[str]:
    return [line for rule in layout.RULES for line in rule(root)]


def test_sound_tree_passes(tree: Path) -> None:
    assert broken(tree) == []


def _sideways(root: Path) -> None:
    header(root, "coding/rans.hpp", "quant/affine.hpp")


def _upward(root: Path) -> None:
    header(root, "core/span.hpp", "simd/f32x8.hpp")


def _umbrella_included(root: Path) -> None:
    header(root, "coding/rans.hpp", "quant.hpp")


def _dangling(root: Path) -> None:
    header(root, "coding/rans.hpp", "core/nothing.hpp")


def _unplaced(root: Path) -> None:
    header(root, "poetry/verse.hpp")


def _register(root: Path) -> None:
    header(root, "coding/rans.hpp", body=module_body("coding", "inline void f(float32x4_t);"))


def _inexact(root: Path) -> None:
    header(
        root, "coding/rans.hpp", body=module_body("coding", "inline double f() { return std::log2(3.0); }")
    )


def _prints(root: Path) -> None:
    header(root, "coding/rans.hpp", body=module_body("coding", 'inline void f() { std::printf("x"); }'))


def _namespace(root: Path) -> None:
    header(root, "coding/rans.hpp", body="")


def _guard(root: Path) -> None:
    path = root / "cpp/include/fewbits/coding/rans.hpp"
    path.write_text(path.read_text().replace("#pragma once", "#ifndef X"))


def _umbrella_code(root: Path) -> None:
    path = root / "cpp/include/fewbits/coding.hpp"
    path.write_text(path.read_text() + "namespace fewbits {}\n")


def _umbrella_gap(root: Path) -> None:
    header(root, "coding/block.hpp")
    write(root, "tests/cpp/test_coding_block.cpp", '#include "fewbits/coding/block.hpp"\n')


def _untested(root: Path) -> None:
    (root / "tests/cpp/test_coding_rans.cpp").unlink()
    (root / "tests/python/test_coding_rans.py").unlink()


def _stray_cpp_test(root: Path) -> None:
    write(root, "tests/cpp/test_coding_sonnets.cpp", "")


def _stray_test(root: Path) -> None:
    write(root, "tests/python/test_sonnets.py", "")


def _stray_bench(root: Path) -> None:
    write(root, "bench/bench_sonnets.py", "")


def _unnamed_bench(root: Path) -> None:
    write(root, "bench/bench_quant_affine.py", "")


def _fuzz_name(root: Path) -> None:
    write(root, "tests/fuzz/rans.cpp", "LLVMFuzzerTestOneInput")


def _undocumented(root: Path) -> None:
    path = root / "docs/coding.md"
    path.write_text(path.read_text().replace("## encode", "encode"))


def _no_docstring(root: Path) -> None:
    write(root, "python/fewbits/coding.py", '"""Doc."""\n__all__ = ["encode"]\ndef encode(): ...\n')


def _no_page(root: Path) -> None:
    (root / "docs/quant.md").unlink()


def _package_name(root: Path) -> None:
    write(root, "docs/errors.md", "## Error\n")


def _python_sibling(root: Path) -> None:
    path = root / "python/fewbits/coding.py"
    path.write_text(path.read_text() + "from fewbits.quant import affine_quantize\n")


def _no_binding(root: Path) -> None:
    (root / "bindings/quant.cpp").unlink()


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (_sideways, "coding must not include quant"),
        (_upward, "core must not include simd"),
        (_umbrella_included, "includes the umbrella header"),
        (_dangling, "core/nothing.hpp, which does not exist"),
        (_unplaced, "'poetry' has no place"),
        (_register, "vector register type float32x4_t outside simd/"),
        (_inexact, "std::log2("),
        (_prints, "prints, aborts"),
        (_namespace, "does not open 'namespace fewbits { inline namespace FEWBITS_ISA { namespace coding {'"),
        (_guard, "no #pragma once"),
        (_umbrella_code, "holds includes only, not 'namespace fewbits {}'"),
        (_umbrella_gap, "coding.hpp: lacks fewbits/coding/block.hpp"),
        (_untested, "no tests/cpp/test_coding_rans.cpp"),
        (_stray_cpp_test, "no header cpp/include/fewbits/coding/sonnets.hpp"),
        (_stray_test, "tests/python/test_sonnets.py: 'sonnets' is no module"),
        (_stray_bench, "bench/bench_sonnets.py: 'sonnets' is no module"),
        (_unnamed_bench, "neither docs/sources.md nor the page of its module names it"),
        (_fuzz_name, "a fuzz target is called fuzz_<decoder>.cpp"),
        (_undocumented, "docs/coding.md: no section or anchor for encode"),
        (_no_docstring, "fewbits.coding.encode: no docstring"),
        (_no_page, "docs/quant.md: missing"),
        (_package_name, "fewbits.get_include: no page of docs/"),
        (_python_sibling, "coding must not import quant at load"),
        (_no_binding, "bindings/quant.cpp: missing"),
    ],
)
def test_planted_violation_is_found(tree: Path, plant: Callable[[Path], None], message: str) -> None:
    plant(tree)
    assert any(message in line for line in broken(tree)), broken(tree)


def test_words_in_comments_and_strings_are_not_code(tree: Path) -> None:
    body = "// std::log2( and __m256 in a comment\n/* float32x4_t\n */\n"
    body += "const char* s = \"std::abort __m128i\";\nint n = 1'000, m = 2'000;"
    header(tree, "coding/rans.hpp", body=module_body("coding", body))
    assert broken(tree) == []


def test_import_inside_a_function_is_allowed(tree: Path) -> None:
    path = tree / "python/fewbits/coding.py"
    path.write_text(path.read_text() + "def late():\n    from fewbits import quant\n    return quant\n")
    assert broken(tree) == []
