"""Runs the folder's tests with pytest, or says that there is none.  run.py FOLDER"""

import sys

try:
    import pytest
except ImportError:
    print("SKIPPED: python3-pytest is not installed (deploy/install-deps.sh python)")
    sys.exit(0)

sys.exit(pytest.main(["-q", "-rs", "-p", "no:cacheprovider", "-W", "error", sys.argv[1]]))
