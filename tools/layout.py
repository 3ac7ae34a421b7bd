"""The rules of the tree, checked: layers, namespaces, umbrella headers, and the chain of names
header -> Python -> test -> bench -> docs. ``python tools/layout.py [ROOT]`` prints what is broken.

Every rule takes the root of a tree and yields one line per violation, so the checker is itself tested on
planted violations. New modules are found by looking at the tree; only a module nobody has placed in `LAYERS`
asks for an edit here.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

# An include may only point to a smaller number; two modules of one number do not know each other.
LAYERS = {
    "core": 0,
    "simd": 1,
    "functions": 2,
    "formats": 2,
    "quant": 3,
    "coding": 3,
    "linalg": 3,
}
# The same for imports of Python modules at load.
PYTHON_LAYERS = {
    "errors": -2,
    "_core": -1,
    "_arguments": 0,
    "_dlpack": 0,
    "_interop": 1,
    **{name: layer for name, layer in LAYERS.items() if layer >= 2},
    "container": 4,
    "_files": 5,
    "files": 6,
    "demo": 7,
    "cli": 8,
    "__main__": 9,
}
# Tests and benches that serve the whole house rather than one module.
HOUSE = {"layout", "docs", "stubs", "consume", "cpp", "same_bits", "bench", "examples", "package"}
# Headers without kernels of their own: what checks them instead.
NO_TEST = {"core/version.hpp": "macros only; tests/python/test_layout.py compares them with one another"}
NO_NAMESPACE = {"core/version.hpp", "core/error.hpp"}  # exceptions cross builds: no per-ISA namespace

_REGISTER = re.compile(
    r"\b(?:__m(?:64|128|256|512)[dhi]?|__mmask\d+"
    r"|(?:u?int|float|bfloat|poly)(?:8|16|32|64)x\d+(?:x\d)?_t)\b"
)
# From <cmath> only what IEEE 754 rounds exactly: the others differ between libms.
_INEXACT = re.compile(
    r"\bstd::(?:exp|exp2|expm1|log|log2|log10|log1p|pow|cbrt|hypot|a?sinh?|a?cosh?|a?tanh?|atan2"
    r"|erfc?|[lt]gamma|reduce|transform_reduce)\s*\("
)
_IMPURE = re.compile(
    r"\b(?:std::(?:cout|cerr|clog|abort|terminate|exit|getenv|random_device|chrono)|f?printf\s*\(|puts\s*\("
    r"|(?<![.:>\w])(?:getenv|rand|srand)\s*\()"
)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def code_of(text: str) -> str:
    """C++ without comments and with empty string literals; line breaks stay."""

    def blank(match: re.Match[str]) -> str:
        token = match.group(0)
        if token.startswith("/"):
            return "\n" * token.count("\n") or " "
        return token[0] * 2

    return re.sub(
        r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
        blank,
        text,
        flags=re.DOTALL,
    )


def headers(root: Path) -> dict[str, Path]:
    """Path below ``fewbits/`` -> file."""
    base = root / "cpp/include/fewbits"
    return {str(path.relative_to(base)): path for path in sorted(base.rglob("*.hpp"))}


def module_of(header: str) -> str:
    """Module directory of a header; empty for an umbrella header."""
    return header.split("/", maxsplit=1)[0] if "/" in header else ""


def includes_of(path: Path) -> list[str]:
    """Headers of ours that a file includes, below ``fewbits/``."""
    names = [name for _, name in _INCLUDE.findall(path.read_text())]
    return [name.removeprefix("fewbits/") for name in names if name.startswith("fewbits/")]


def check_layers(root: Path) -> Iterator[str]:
    """Includes point to the left, and never to a sibling."""
    known = headers(root)
    for header, path in known.items():
        module = module_of(header)
        if module and module not in LAYERS:
            yield f"{header}: module {module!r} has no place in LAYERS of tools/layout.py"
            continue
        for kind, name in _INCLUDE.findall(path.read_text()):
            if kind == '"' and not name.startswith("fewbits/"):
                yield f'{header}: include "{name}" by its full path "fewbits/..."'
        for target in includes_of(path):
            other = module_of(target)
            if target not in known:
                yield f"{header}: includes fewbits/{target}, which does not exist"
            elif module and not other:
                yield f"{header}: includes the umbrella header fewbits/{target}"
            elif module and other != module and LAYERS.get(other, -1) >= LAYERS[module]:
                yield f"{header}: {module} must not include {other} (fewbits/{target})"


def _python_modules(root: Path) -> dict[str, Path]:
    base = root / "python/fewbits"
    found = {path.stem: path for path in sorted(base.glob("*.py")) if path.stem != "__init__"}
    found.update({path.parent.name: path for path in sorted(base.glob("*/__init__.py"))})
    return found


def _imports_at_load(tree: ast.Module) -> Iterator[str]:
    """Names of the fewbits modules that importing this file imports."""
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("fewbits."))
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            parts = node.module.split(".")
            if parts[0] == "fewbits":
                yield from parts[1:2] or [alias.name for alias in node.names]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending.extend(node.orelse)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            pending.extend(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))


def check_python_layers(root: Path) -> Iterator[str]:
    """Python modules import at load only what stands below them."""
    modules = _python_modules(root)
    for name, path in modules.items():
        if name not in PYTHON_LAYERS:
            yield f"python/fewbits/{name}: has no place in PYTHON_LAYERS of tools/layout.py"
            continue
        files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
        for file in files:
            for other in _imports_at_load(ast.parse(file.read_text())):
                if other in modules and other != name and PYTHON_LAYERS.get(other, -1) >= PYTHON_LAYERS[name]:
                    yield f"{file.relative_to(root)}: {name} must not import {other} at load"


def check_headers(root: Path) -> Iterator[str]:
    """`#pragma once`, the namespaces, and what a kernel may not contain."""
    for header, path in headers(root).items():
        module = module_of(header)
        text = path.read_text()
        code = code_of(text)
        if not re.search(r"^#pragma once$", code, re.MULTILINE):
            yield f"{header}: no #pragma once"
        if not re.match(r"//", text):
            yield f"{header}: does not open with what it is"
        if not module:
            continue
        flat = " ".join(code.split())
        opening = "namespace fewbits { inline namespace FEWBITS_ISA {"
        wanted = opening if module == "core" else f"{opening} namespace {module} {{"
        if header not in NO_NAMESPACE and wanted not in flat:
            yield f"{header}: does not open {wanted!r}"
        if module != "simd":
            for match in _REGISTER.finditer(code):
                yield f"{header}: vector register type {match.group(0)} outside simd/"
        if module != "linalg":
            for match in _INEXACT.finditer(code):
                yield f"{header}: {match.group(0)}...) is not the same on every machine"
        for match in _IMPURE.finditer(code):
            yield f"{header}: {match.group(0)} prints, aborts, or reads clock or environment"
        if module != "linalg" and re.search(r"#\s*include\s*<Eigen", code):
            yield f"{header}: Eigen is for linalg"


def check_umbrellas(root: Path) -> Iterator[str]:
    """An umbrella header holds includes only, and all of its module."""
    known = headers(root)
    modules = {module_of(header) for header in known if LAYERS.get(module_of(header), 0) >= 2}
    for module in sorted(modules):
        umbrella = f"{module}.hpp"
        if umbrella not in known:
            yield f"{umbrella}: missing"
            continue
        own = {h for h in known if module_of(h) == module and "/detail/" not in h}
        yield from (f"{umbrella}: lacks fewbits/{h}" for h in sorted(own - set(includes_of(known[umbrella]))))
    if modules and "fewbits.hpp" not in known:
        yield "fewbits.hpp: missing"
    for header, path in known.items():
        if module_of(header):
            continue
        for line in code_of(path.read_text()).splitlines():
            if line.strip() and not re.match(r"\s*#\s*(?:include|pragma once)", line):
                yield f"{header}: an umbrella header holds includes only, not {line.strip()!r}"
        if header == "fewbits.hpp":
            missing = {f"{module}.hpp" for module in modules} - set(includes_of(path))
            yield from (f"fewbits.hpp: lacks fewbits/{name}" for name in sorted(missing))


def _starts_with_topic(rest: str, topics: set[str]) -> bool:
    return any(rest == topic or rest.startswith(topic + "_") for topic in topics)


def check_test_names(root: Path) -> Iterator[str]:
    """Every header has its test, every test and bench its module."""
    known = headers(root)
    cpp_tests = sorted((root / "tests/cpp").glob("test_*.cpp"))
    topics: dict[str, set[str]] = {}
    for header in known:
        if module_of(header) and "/detail/" not in header:
            topics.setdefault(module_of(header), set()).add(Path(header).stem)
    tested = {h for path in (root / "tests/cpp").glob("*.[ch]pp") for h in includes_of(path)}
    python_tests = sorted((root / "tests/python").glob("test_*.py"))
    names = {path.stem.removeprefix("test_") for path in [*cpp_tests, *python_tests]}
    for module, stems in sorted(topics.items()):
        for stem in sorted(stems):
            header = f"{module}/{stem}.hpp"
            name = f"{module}_{stem}"
            # tensor_encoder.hpp has its own test or that of tensor.hpp. core and simd are shared: one test
            # file may cover several of their headers.
            covered = (
                any(_starts_with_topic(test, {name}) for test in names)
                or any(_starts_with_topic(stem, {other}) and f"{module}_{other}" in names for other in stems)
                or (LAYERS.get(module, 9) < 2 and header in tested)
            )
            if not covered and header not in NO_TEST:
                yield f"{header}: no tests/cpp/test_{module}_{stem}.cpp"
    for path in cpp_tests:
        name = path.stem.removeprefix("test_")
        if _starts_with_topic(name, HOUSE):
            continue
        module, _, rest = name.partition("_")
        if module not in topics:
            yield f"tests/cpp/{path.name}: no module {module!r}"
        elif LAYERS.get(module, 9) >= 2 and not _starts_with_topic(rest, topics[module]):
            yield f"tests/cpp/{path.name}: no header cpp/include/fewbits/{module}/{rest}.hpp"
    modules = set(topics) | set(_python_modules(root))
    for pattern in ("tests/python/test_*.py", "bench/bench_*.py"):
        for path in sorted(root.glob(pattern)):
            name = re.sub(r"^(?:test|bench)_", "", path.stem)
            if not _starts_with_topic(name, modules | (HOUSE if path.stem.startswith("test_") else set())):
                yield f"{path.relative_to(root)}: {name.partition('_')[0]!r} is no module"
    sources = root / "docs/sources.md"
    for path in sorted((root / "bench").glob("bench_*.py")):
        pages = [
            sources,
            *(root / "docs" / f"{m}.md" for m in modules if path.stem.startswith(f"bench_{m}_")),
        ]
        if not any(page.is_file() and path.stem in page.read_text() for page in pages):
            yield f"bench/{path.name}: neither docs/sources.md nor the page of its module names it"
    for path in sorted((root / "tests/fuzz").glob("*.cpp")):
        if not path.name.startswith("fuzz_"):
            yield f"tests/fuzz/{path.name}: a fuzz target is called fuzz_<decoder>.cpp"
        if "LLVMFuzzerTestOneInput" not in path.read_text():
            yield f"tests/fuzz/{path.name}: no LLVMFuzzerTestOneInput"


def public_names(tree: ast.Module) -> list[str]:
    """`__all__` of a module."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            assert isinstance(node, ast.Assign)
            return [str(name) for name in ast.literal_eval(node.value)]
    return []


def documented(page: str) -> set[str]:
    """Names a page has a section, an anchor or an autodoc directive for."""
    found = re.findall(r"^#+ +`?(?:fewbits\.)?(?:\w+\.)*(\w+)`?(?:\(.*\)`?)?\s*$", page, re.MULTILINE)
    found += re.findall(r"^\(([\w.-]+)\)=\s*$", page, re.MULTILINE)
    directives = re.findall(r"(?:```\{|\.\. )auto\w+(?:\}|::) +([\w.]+)", page)
    return set(found) | {name.rpartition(".")[2] for name in directives}


def check_docs(root: Path) -> Iterator[str]:
    """Every public Python name has a docstring, and a section on the page of its module."""
    for name, path in _python_modules(root).items():
        if name.startswith("_"):
            continue
        tree = ast.parse(path.read_text())
        if not ast.get_docstring(tree):
            yield f"fewbits.{name}: no docstring"
        names = public_names(tree)
        if not names:
            yield f"fewbits.{name}: no __all__"
        files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
        defined = {
            node.name: node
            for file in files
            for node in ast.parse(file.read_text()).body
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        }
        for public in names:
            if public in defined and not ast.get_docstring(defined[public]):
                yield f"fewbits.{name}.{public}: no docstring"
        page = root / "docs" / f"{name}.md"
        if not page.is_file():
            yield f"docs/{name}.md: missing"
            continue
        missing = sorted(set(names) - documented(page.read_text()))
        yield from (f"docs/{name}.md: no section or anchor for {public}" for public in missing)
    package = root / "python/fewbits/__init__.py"
    if package.is_file():
        pages = {n for page in (root / "docs").glob("*.md") for n in documented(page.read_text())}
        modules = set(_python_modules(root))
        for public in public_names(ast.parse(package.read_text())):
            if public not in pages | modules and not public.startswith("__"):
                yield f"fewbits.{public}: no page of docs/ has a section or anchor for it"


def check_bindings(root: Path) -> Iterator[str]:
    """A C++ module with a Python twin has its binding file and the other way round."""
    modules = {module_of(header) for header in headers(root)} - {""}
    python = set(_python_modules(root))
    for module in sorted(modules & set(PYTHON_LAYERS)):
        if not (root / "bindings" / f"{module}.cpp").is_file():
            yield f"bindings/{module}.cpp: missing"
        if module not in python:
            yield f"python/fewbits/{module}.py: missing"


RULES: tuple[Callable[[Path], Iterator[str]], ...] = (
    check_layers,
    check_python_layers,
    check_headers,
    check_umbrellas,
    check_test_names,
    check_docs,
    check_bindings,
)


def main(arguments: list[str]) -> int:
    root = Path(arguments[0] if arguments else __file__).resolve()
    root = root if root.is_dir() else root.parents[1]
    broken = [line for rule in RULES for line in rule(root)]
    print("\n".join(broken) or "the layout holds")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
