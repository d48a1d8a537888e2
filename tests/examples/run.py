#!/usr/bin/env python3
"""Runs an example in a folder of its own: it must end with 0 and print what every pattern asks for. FOLDER in the command is the folder for data.

    run.py [--expect REGEX]... [--node PACKAGE SCRIPT] [--go GO MODULE] -- COMMAND...

--node: SCRIPT is copied to where `import "ndb"` finds PACKAGE; SCRIPT in the command is the copy.
--go: MODULE is built by GO; PROGRAM in the command is what was built.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--expect", action="append", default=[])
    parser.add_argument("--node", nargs=2)
    parser.add_argument("--go", nargs=2)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ndb-example-") as folder:
        script = ""
        if options.node:
            modules = Path(folder) / "node_modules"
            modules.mkdir()
            (modules / "ndb").symlink_to(options.node[0])
            script = shutil.copy(options.node[1], folder)
        if options.go:
            subprocess.run([options.go[0], "build", "-o", f"{folder}/program", "."], cwd=options.go[1], check=True)
        command = [word.replace("PROGRAM", f"{folder}/program").replace("SCRIPT", script).replace("FOLDER", f"{folder}/data") for word in options.command]
        run = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(run.stdout)
    if run.returncode != 0:
        sys.exit(f"ended with {run.returncode}: {' '.join(command)}")
    for pattern in options.expect:
        if not re.search(pattern, run.stdout, re.DOTALL):
            sys.exit(f"nothing fits {pattern}")


if __name__ == "__main__":
    main()
