#!/usr/bin/env python3
"""That tidy.py finds what it looks for: each case plants one offence in a small tree."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TIDY = Path(__file__).with_name("tidy.py")
FLOORS = Path(__file__).with_name("floors.txt")


def tree(files):
    folder = tempfile.TemporaryDirectory()
    base = {
        "tests/tidy/floors.txt": FLOORS.read_text(),
        "tests/unit/a_test.cpp": "int a;\n",
        "tests/unit/CMakeLists.txt": "ndb_test(a SOURCES a_test.cpp)\n",
        "shared/base/a.hpp": "// A.\n#pragma once\n",
        "writer/w.hpp": '// W.\n#pragma once\n#include "shared/base/a.hpp"\n',
    }
    for name, text in {**base, **files}.items():
        path = Path(folder.name) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


class Tidy(unittest.TestCase):
    def check(self, files, expected):
        with tree(files) as folder:
            run = subprocess.run([sys.executable, TIDY, folder], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 1 if expected else 0, run.stdout + run.stderr)
        if expected:
            self.assertIn(expected, run.stdout)

    def test_a_clean_tree_passes(self):
        self.check({}, None)

    def test_a_lower_floor_must_not_include_a_higher_one(self):
        self.check({"shared/base/b.hpp": '// B.\n#pragma once\n#include "writer/w.hpp"\n'}, "must not include writer")

    def test_writer_and_reader_must_not_include_each_other(self):
        self.check({"reader/r.hpp": '// R.\n#pragma once\n#include "writer/w.hpp"\n'}, "reader must not include writer")

    def test_a_folder_without_a_floor_is_found(self):
        self.check({"shared/new/n.hpp": "// N.\n#pragma once\n"}, "no place in")

    def test_long_files_and_functions_are_found(self):
        self.check({"shared/base/long.hpp": "// L.\n#pragma once\n" + "// x\n" * 800}, "802 lines")
        body = "void f() {\n" + "  g();\n" * 70 + "}\n"
        self.check({"shared/base/f.hpp": "// F.\n#pragma once\n" + body}, "a function of 72 lines")

    def test_full_folders_are_found(self):
        self.check({f"docs/{i}.md": "x\n" for i in range(26)}, "26 files")

    def test_headers_without_pragma_or_purpose_are_found(self):
        self.check({"ipc/h.hpp": "// H.\n"}, "#pragma once")
        self.check({"ipc/h.hpp": "#pragma once\n"}, "does not begin with what it is")

    def test_forgotten_tests_and_sources_are_found(self):
        self.check({"tests/unit/b_test.cpp": "int b;\n"}, "b_test.cpp: is not built")
        self.check({"shared/base/c.cpp": "int c;\n"}, "no CMakeLists.txt names it")

    def test_names_that_clash_in_a_folder_are_found(self):
        lists = "target_sources(x PRIVATE x.cpp y.cpp)\n"
        unnamed = "namespace {{\n{}\n}}  // namespace\n"
        x = unnamed.format("constexpr int kA = 1;\nint f(int a) {\n  return a;\n}")
        for y in ("constexpr long kA = 2;", "int f(int a) {", "struct kA {"):
            self.check({"ipc/CMakeLists.txt": lists, "ipc/x.cpp": x, "ipc/y.cpp": unnamed.format(y)}, "built together they clash")
        other = unnamed.format("constexpr int kB = 1;\nint f(long a) {\n  return a;\n}")
        self.check({"ipc/CMakeLists.txt": lists, "ipc/x.cpp": x, "ipc/y.cpp": other}, None)

    def test_paths_of_a_machine_are_found(self):
        self.check({"docs/x.md": "see " + "/hom" + "e/joe/x\n"}, "a path of somebody's machine")


if __name__ == "__main__":
    unittest.main()
