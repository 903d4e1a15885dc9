"""Fails when a number with a fraction is made a whole number in a way that ends the process for NaN, for an infinity
and for what the type does not hold.

    python Tests/Gates/conversions.py

Reads the index that a debug build leaves, so that it knows the types: build first. Prints a sentence per finding.
"""

import ctypes
import pathlib
import re
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STORE = ROOT / ".build/debug/index/store"
# Where the safe ways are made of the others.
EXEMPT = {"Sources/System/Int+Clamped.swift"}
# The compiler's names of Int(_: Double) and its like, also of Float and of any floating-point type.
CONVERSION = re.compile(r"s:(?:Si|Su|s\d+U?Int\d+V)y\w*S[df]cfc|s:\w*FixedWidthInteger\w*SBRd__\w*fc")
# Duration.seconds(_: Double) and its like.
DURATION = re.compile(r"s:s8DurationV\d+(seconds|milliseconds|microseconds|nanoseconds)yABSdFZ")
REFERENCE, RECORD = 4, 2


class Text(ctypes.Structure):
    """A string of the index library, which owns its bytes."""

    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    def __str__(self):
        return ctypes.string_at(self.data, self.length).decode() if self.length else ""


class Library:
    """The part of the toolchain's index library that is needed here."""

    OnName = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, Text)
    OnItem = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p)

    def __init__(self):
        swift = shutil.which("swift")
        folder = pathlib.Path(swift).resolve().parent.parent / "lib" if swift else pathlib.Path("lib")
        names = [folder / "libIndexStore.so", folder / "libIndexStore.dylib"]
        path = next((name for name in names if name.exists()), None)
        if path is None:
            sys.exit(f"the toolchain has no libIndexStore in {folder}; install a toolchain of swift.org")
        self._library = ctypes.CDLL(str(path))
        pointer, text = ctypes.c_void_p, ctypes.c_char_p
        number = ctypes.POINTER(ctypes.c_uint)
        for name, result, arguments in [
            ("store_create", pointer, [text, pointer]),
            ("store_units_apply_f", ctypes.c_bool, [pointer, ctypes.c_uint, pointer, self.OnName]),
            ("unit_reader_create", pointer, [pointer, text, pointer]),
            ("unit_reader_dispose", None, [pointer]),
            ("unit_reader_get_main_file", Text, [pointer]),
            ("unit_reader_dependencies_apply_f", ctypes.c_bool, [pointer, pointer, self.OnItem]),
            ("unit_dependency_get_kind", ctypes.c_int, [pointer]),
            ("unit_dependency_get_name", Text, [pointer]),
            ("unit_dependency_get_filepath", Text, [pointer]),
            ("record_reader_create", pointer, [pointer, text, pointer]),
            ("record_reader_dispose", None, [pointer]),
            ("record_reader_occurrences_apply_f", ctypes.c_bool, [pointer, pointer, self.OnItem]),
            ("occurrence_get_symbol", pointer, [pointer]),
            ("occurrence_get_roles", ctypes.c_uint64, [pointer]),
            ("occurrence_get_line_col", None, [pointer, number, number]),
            ("symbol_get_usr", Text, [pointer]),
        ]:
            function = getattr(self._library, "indexstore_" + name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)


def records(library, store):
    """Every source file with the names of its records in the index."""
    units = []
    library.store_units_apply_f(
        store, 0, None, library.OnName(lambda _, name: (units.append(str(name)), True)[1]))
    for unit in units:
        reader = library.unit_reader_create(store, unit.encode(), None)
        if not reader:
            continue
        path = str(library.unit_reader_get_main_file(reader))
        names = []

        def note(_, dependency):
            if library.unit_dependency_get_kind(dependency) == RECORD:
                if str(library.unit_dependency_get_filepath(dependency)) == path:
                    names.append(str(library.unit_dependency_get_name(dependency)))
            return True

        library.unit_reader_dependencies_apply_f(reader, None, library.OnItem(note))
        library.unit_reader_dispose(reader)
        for name in names:
            yield pathlib.Path(path), name


def references(library, store, record):
    """Every reference in a record: the symbol's name for the compiler, line and column."""
    reader = library.record_reader_create(store, record.encode(), None)
    found = []
    if not reader:
        return found

    def note(_, occurrence):
        if library.occurrence_get_roles(occurrence) & REFERENCE:
            symbol = str(library.symbol_get_usr(library.occurrence_get_symbol(occurrence)))
            line, column = ctypes.c_uint(), ctypes.c_uint()
            library.occurrence_get_line_col(occurrence, ctypes.byref(line), ctypes.byref(column))
            found.append((symbol, line.value, column.value))
        return True

    library.record_reader_occurrences_apply_f(reader, None, library.OnItem(note))
    library.record_reader_dispose(reader)
    return found


def main():
    if not STORE.is_dir():
        sys.exit(f"there is no index in {STORE.relative_to(ROOT)}; run swift build first")
    library = Library()
    store = library.store_create(str(STORE).encode(), None)
    if not store:
        sys.exit(f"the index in {STORE.relative_to(ROOT)} cannot be read; remove it and build again")
    findings = set()
    files = set()
    for path, record in records(library, store):
        if not path.is_relative_to(ROOT / "Sources") or not path.exists():
            continue
        name = str(path.relative_to(ROOT))
        files.add(name)
        if name in EXEMPT:
            continue
        lines = path.read_text().split("\n")
        for symbol, line, column in references(library, store, record):
            if CONVERSION.fullmatch(symbol):
                advice = "give the number to init(clamped:) or init(exactly:)"
            elif DURATION.fullmatch(symbol):
                advice = "use seconds(clamped:)"
            else:
                continue
            # A build that ended in an error leaves what was there before.
            if line > len(lines) or not re.match(r"\w", lines[line - 1][column - 1:column]):
                continue
            findings.add((name, line, column, advice))
    if len(files) < 100:
        sys.exit(f"the index knows {len(files)} files of Sources only; build all of them first")
    for name, line, column, advice in sorted(findings):
        print(f"{name}:{line}:{column}: this ends the process for NaN and for what the type does not hold; {advice}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
