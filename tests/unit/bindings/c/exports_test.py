#!/usr/bin/env python3
"""What libndb_c exports is what ndb.h declares, and the C11 program calls all of it.

    exports_test.py SOURCE_DIR LIBRARY
"""

import re
import subprocess
import sys
from pathlib import Path


def main():
    top, library = Path(sys.argv[1]), sys.argv[2]
    header = re.sub(r"/\*.*?\*/", "", (top / "bindings/c/ndb.h").read_text(), flags=re.DOTALL)
    declared = set(re.findall(r"NDB_API\s[^;(]*?\b(ndb_\w+)\(", header))
    listing = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    exported = {line.split()[-1].split("@")[0] for line in listing.splitlines()}
    program = (top / "tests/unit/bindings/c/c11_program.c").read_text()
    called = set(re.findall(r"\b(ndb_\w+)\(", program))
    problems = [f"{name} is declared and not exported" for name in sorted(declared - exported)]
    problems += [f"{name} is exported and not declared" for name in sorted(exported - declared)]
    problems += [f"{name} is not called by c11_program.c" for name in sorted(declared - called)]
    for problem in problems:
        print(problem)
    print(f"{len(declared)} functions declared, {len(exported)} symbols exported, {len(declared & called)} called")
    return 1 if problems or len(declared) < 40 else 0


if __name__ == "__main__":
    sys.exit(main())
