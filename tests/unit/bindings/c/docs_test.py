#!/usr/bin/env python3
"""Compiles each ```c block of a page and runs it in a folder of its own; the ```text block behind it is what it must print.

    docs_test.py PAGE --compiler CC --library LIBNDB_C --include FOLDER [--sanitize LIST]
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("page", type=Path)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--library", dest="linked", type=Path, required=True)
    parser.add_argument("--include", required=True)
    parser.add_argument("--sanitize", default="")
    options = parser.parse_args()
    linked = options.linked.resolve()
    programs = re.findall(r"^```c\n(.*?)^```\n\n?(?:.*?\n\n)?^```text\n(.*?)^```$", options.page.read_text(), re.DOTALL | re.MULTILINE)
    if not programs or len(programs) != options.page.read_text().count("```c\n"):
        print("every ```c block needs a ```text block behind it")
        return 1
    for source, expected in programs:
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "program"
            program.with_suffix(".c").write_text(source)
            flags = [f"-fsanitize={options.sanitize}"] if options.sanitize else []
            subprocess.run([options.compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", *flags, f"-I{options.include}",
                            f"{program}.c", linked, f"-Wl,-rpath,{linked.parent}", "-o", program], check=True)
            printed = subprocess.run([program], cwd=folder, check=True, capture_output=True, text=True).stdout
        if printed != expected:
            print(f"expected:\n{expected}printed:\n{printed}")
            return 1
    print(f"{len(programs)} programs of {options.page.name} do what the page says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
