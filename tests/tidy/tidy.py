#!/usr/bin/env python3
"""Keeps the tree tidy: floors, sizes, headers, forbidden words, forgotten tests. Prints every offence; 1 if there is any.

    tidy.py SOURCE_DIR [--compile-commands FILE]
"""

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

MAX_FILE_LINES = 800
MAX_FILE_LINES_P95 = 500
MAX_FUNCTION_LINES = 70
MAX_FOLDER_FILES = 25

SOURCES = {".cpp", ".hpp", ".h", ".fbs", ".py", ".js", ".ts", ".go", ".sh", ".cmake"}
CPP = {".cpp", ".hpp", ".h"}
HEADERS = {".hpp", ".h"}
CODE_ROOTS = ("shared", "ipc", "writer", "reader", "bindings", "cli")
SKIPPED = {".git", "build", "node_modules", "__pycache__", ".cache"}

# Spelt so that this file does not offend itself.
FORBIDDEN = {
    r"/wor[k]/(main|shared|\.)": "a path of somebody's machine",
    r"/far[m]/": "a path of somebody's machine",
    r"/hom[e]/[a-z]": "a path of somebody's machine",
    r"/tm[p]/(build|chroot)": "a path of somebody's machine",
    r"[a-z]\.pk[g]\.dev": "a package mirror",
    r"artifact-?registr[y]": "a package mirror",
    r"\b(TOD[O]|FIXM[E]|XX[X])\b": "unfinished work",
}

problems = []


def complain(path, message, line=None):
    problems.append(f"{path}{f':{line}' if line else ''}: {message}")


def tracked_files(top):
    """The files that git knows or would take; without git, everything but build trees."""
    try:
        listing = subprocess.run(["git", "-C", str(top), "ls-files", "-co", "--exclude-standard", "-z"], check=True,
                                 capture_output=True).stdout.decode()
        names = [Path(name) for name in listing.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = [p.relative_to(top) for p in top.rglob("*") if p.is_file()]
        names = [p for p in names if not SKIPPED & set(p.parts) and not p.parts[0].startswith("build")]
    return sorted(p for p in names if (top / p).is_file())


def read_lines(top, path):
    return (top / path).read_text(encoding="utf-8", errors="replace").splitlines()


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0


# --- floors ---------------------------------------------------------------------------------------------------------


def read_floors(top):
    floors = {}
    lines = [l for l in read_lines(top, Path("tests/tidy/floors.txt")) if l.strip() and not l.startswith("#")]
    for level, line in enumerate(lines):
        for folder in line.split():
            floors[folder] = level
    return floors


def floor_of(floors, path):
    """The longest declared folder that holds `path`, or None."""
    parts = path.split("/")
    for length in range(len(parts) - 1, 0, -1):
        folder = "/".join(parts[:length])
        if folder in floors:
            return folder
    return None


def included_path(top, name):
    """Where a quoted include leads inside the tree, or None."""
    for candidate in (name, f"shared/include/{name}", f"bindings/cpp/include/{name}", f"bindings/c/include/{name}"):
        if (top / candidate).is_file():
            return candidate
    return None


def check_floors(top, files):
    floors = read_floors(top)
    for path in files:
        if path.suffix not in CPP or path.parts[0] not in CODE_ROOTS:
            continue
        own = floor_of(floors, path.as_posix())
        if own is None:
            complain(path, "its folder has no place in tests/tidy/floors.txt")
            continue
        for number, line in enumerate(read_lines(top, path), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            if match[1].startswith("."):
                complain(path, f"includes start at the top of the tree, not at \"{match[1]}\"", number)
            target = included_path(top, match[1])
            other = floor_of(floors, target) if target else None
            if other and other != own and floors[other] >= floors[own]:
                complain(path, f"{own} must not include {other} ({match[1]})", number)


# --- sizes ----------------------------------------------------------------------------------------------------------


def function_lengths(lines):
    """(first line, length) of each outermost function, told by the indentation that clang-format gives."""
    start = indent = None
    for number, line in enumerate(lines, 1):
        text = line.rstrip()
        depth = len(text) - len(text.lstrip())
        if start is None:
            opens = text.endswith("{") and depth in (0, 2)
            scope = re.match(r"\s*(namespace|class|struct|enum|union|extern|inline namespace|export)\b", text)
            if opens and not scope and ("(" in text or ")" in text or "try" in text):
                start, indent = number, depth
        elif depth == indent and text.lstrip().startswith("}"):
            yield start, number - start + 1
            start = None


def check_sizes(top, files):
    sizes, functions = [], []
    for path in files:
        if path.suffix not in SOURCES:
            continue
        lines = read_lines(top, path)
        sizes.append(len(lines))
        if len(lines) > MAX_FILE_LINES:
            complain(path, f"{len(lines)} lines, at most {MAX_FILE_LINES}")
        if path.suffix in CPP and path.parts[0] in CODE_ROOTS:
            for number, length in function_lengths(lines):
                functions.append(length)
                if length > MAX_FUNCTION_LINES:
                    complain(path, f"a function of {length} lines, at most {MAX_FUNCTION_LINES}", number)
    if percentile(sizes, 0.95) > MAX_FILE_LINES_P95:
        complain("tree", f"95 % of the files should have at most {MAX_FILE_LINES_P95} lines; it is {percentile(sizes, 0.95)}")
    print(f"{len(sizes)} source files: median {percentile(sizes, 0.5)} lines, 95 % under {percentile(sizes, 0.95)}")
    print(f"{len(functions)} functions: median {percentile(functions, 0.5)} lines, 95 % under {percentile(functions, 0.95)}")


def check_folders(files):
    for folder, count in Counter(path.parent for path in files).items():
        if count > MAX_FOLDER_FILES:
            complain(folder, f"{count} files, at most {MAX_FOLDER_FILES}")


# --- names ----------------------------------------------------------------------------------------------------------


def unnamed_definitions(lines):
    """(line, name and parameters) of what unnamed namespaces define, as far as one line of it tells."""
    inside = False
    for number, line in enumerate(lines, 1):
        if line == "namespace {":
            inside = True
        elif line == "}  // namespace":
            inside = False
        match = inside and re.match(r"(?:(?:struct|class|enum class) (\w+)|(?!using|static_assert|namespace|template|#|//)"
                                    r"\w.*?\b(\w+)(?:(\(.*\)) \{|\s*(?:\{| =)))", line.replace(" noexcept", ""))
        if match:
            yield number, match[1] or match[2] + (match[3] or "")


def test_program(top, path):
    """The first word of the ndb_test() that names the file, or nothing."""
    lists = top / path.parent / "CMakeLists.txt"
    for words in re.findall(r"ndb_test\(([^)]*)\)", lists.read_text() if lists.is_file() else ""):
        if path.name in words.split():
            return words.split()[0]
    return None


def check_names(top, files):
    """Sanitizer builds compile a folder's files together (deploy/cmake/Unity.cmake)."""
    seen = {}
    for path in files:
        if path.suffix != ".cpp" or path.parent.as_posix() == "shared/simd":
            continue
        for number, name in unnamed_definitions(read_lines(top, path)):
            other = seen.setdefault((path.parent, test_program(top, path), name), path)
            if other != path:
                complain(path, f"{name} is defined in {other.name}, too: built together they clash", number)


# --- headers, words, tests ------------------------------------------------------------------------------------------


def check_headers(top, files):
    for path in files:
        if path.suffix not in HEADERS:
            continue
        text = "\n".join(read_lines(top, path))
        if path.suffix == ".h":
            if "#ifndef" not in text and "#pragma once" not in text:
                complain(path, "has no include guard")
        elif len(re.findall(r"^#pragma once$", text, re.MULTILINE)) != 1:
            complain(path, "needs exactly one #pragma once")
        if not text.lstrip().startswith(("//", "/*")):
            complain(path, "does not begin with what it is", 1)


def check_words(top, files):
    patterns = [(re.compile(pattern), why) for pattern, why in FORBIDDEN.items()]
    for path in files:
        data = (top / path).read_bytes()
        if b"\0" in data[:8192]:
            continue
        for number, line in enumerate(data.decode("utf-8", errors="replace").splitlines(), 1):
            for pattern, why in patterns:
                if pattern.search(line):
                    complain(path, f"{why}: {line.strip()[:100]}", number)


def check_tests_are_built(top, files, compile_commands):
    tests = [p for p in files if p.parts[0] == "tests" and p.name.endswith("_test.cpp")]
    if not tests:
        complain("tests", "there are none")
    if compile_commands and compile_commands.is_file():
        built = {Path(entry["file"]).resolve() for entry in json.loads(compile_commands.read_text())}
        # What CMake names and does not build wants a library that is not here.
        forgotten = [p for p in tests if (top / p).resolve() not in built and not named_by_cmake(top, p)]
    else:
        forgotten = [p for p in tests if not named_by_cmake(top, p)]
    for path in forgotten:
        complain(path, "is not built")
    for path in files:
        if path.suffix == ".cpp" and path.parts[0] in CODE_ROOTS[:4] and not named_by_cmake(top, path):
            complain(path, "no CMakeLists.txt names it")


def named_by_cmake(top, path):
    for folder in path.parents:
        lists = top / folder / "CMakeLists.txt"
        if lists.is_file() and path.relative_to(folder).as_posix() in lists.read_text():
            return True
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source_dir", type=Path)
    parser.add_argument("--compile-commands", type=Path)
    arguments = parser.parse_args()
    top = arguments.source_dir.resolve()
    files = tracked_files(top)
    check_floors(top, files)
    check_sizes(top, files)
    check_folders(files)
    check_names(top, files)
    check_headers(top, files)
    check_words(top, files)
    check_tests_are_built(top, files, arguments.compile_commands)
    for problem in problems:
        print(problem)
    print(f"{len(files)} files, {len(problems)} offences")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
