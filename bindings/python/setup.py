"""pip install --no-build-isolation ./bindings/python: builds the extension with the project's own CMake build.

NDB_CMAKE_BUILD_DIR names a build tree to use rather than a fresh one; NDB_BUILD_JOBS says how many compilers run at once.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

TOP = Path(__file__).resolve().parent.parent.parent


class CMakeBuild(build_ext):
    def build_extension(self, extension):
        given = os.environ.get("NDB_CMAKE_BUILD_DIR")
        tree = Path(given) if given else Path(self.build_temp).resolve() / "cmake"
        if not given:
            generator = ["-G", "Ninja"] if shutil.which("ninja") else []
            subprocess.run(["cmake", "-S", TOP, "-B", tree, *generator, "-DCMAKE_BUILD_TYPE=Release", "-DNDB_TESTS=OFF",
                            "-DNDB_EXAMPLES=OFF", f"-DNDB_PYTHON={sys.executable}"], check=True)
        jobs = os.environ.get("NDB_BUILD_JOBS", str(os.cpu_count()))
        subprocess.run(["cmake", "--build", tree, "--target", "ndb_python", "-j", jobs], check=True)
        built = list((tree / "bindings/python/package/ndb").glob("_ndb*.so"))
        if len(built) != 1:
            raise RuntimeError(f"expected one extension in {tree}, found {built}")
        target = Path(self.get_ext_fullpath(extension.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(built[0], target)


setup(ext_modules=[Extension("ndb._ndb", sources=[])], cmdclass={"build_ext": CMakeBuild})
