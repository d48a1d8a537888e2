"""The page in docs/ does what it says, the stubs name what is there, and pip installs the package."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ndb

SOURCE = Path(os.environ["NDB_SOURCE_DIR"])


def test_the_programs_of_the_page_print_what_it_says(tmp_path):
    page = (SOURCE / "docs/python.md").read_text()
    programs = re.findall(r"^```python\n(.*?)^```\n\nprints\n\n```text\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert programs and len(programs) == page.count("```python")
    for program, printed in programs:
        run = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=tmp_path, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        assert run.stdout == printed


def test_the_stubs_name_what_is_there():
    assert (Path(ndb.__file__).parent / "py.typed").exists()
    stubs = (Path(ndb.__file__).parent / "_ndb.pyi").read_text()
    assert set(re.findall(r"^class (\w+)", stubs, re.MULTILINE)) == {name for name, value in vars(ndb._ndb).items() if isinstance(value, type)}
    for name, body in re.findall(r"^class (\w+).*?:\n(.*?)(?=^\S|\Z)", stubs, re.DOTALL | re.MULTILINE):
        stubbed = set(re.findall(r"^    def (\w+)", body, re.MULTILINE))
        there = {member for member in vars(getattr(ndb, name)) if not member.startswith("_")}
        assert {member for member in stubbed if not member.startswith("_")} == there, name


def test_pip_installs_it_without_a_download(tmp_path):
    """Around the extension of this build (NDB_CMAKE_BUILD_DIR), and from a copy, for pip leaves things behind."""
    if not all(importlib.util.find_spec(name) for name in ("pip", "setuptools")):
        pytest.skip("python3-pip or python3-setuptools is not installed (deploy/install-deps.sh python)")
    copy = shutil.copytree(SOURCE / "bindings/python", tmp_path / "copy")
    install = [sys.executable, "-m", "pip", "install", "--no-build-isolation", "--no-index", "--no-deps", "--quiet", "--target", tmp_path / "site", copy]
    run = subprocess.run(install, capture_output=True, text=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    assert run.returncode == 0, run.stdout + run.stderr
    program = "import ndb; print(ndb.__file__); ndb.open('data').create_collection('x', dim=1).insert('a', [1.0])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path,
                         env={**os.environ, "PYTHONPATH": str(tmp_path / "site")})
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(str(tmp_path / "site"))
