"""Which values are vectors: those that numpy makes an array of real numbers of, without guessing at what is none."""

from __future__ import annotations

from typing import Any

import numpy as np

_NO_NUMBERS = (str, bytes, complex, np.ndarray, np.complexfloating, np.datetime64, np.timedelta64, np.flexible)


def real(value: Any) -> np.ndarray:
    """An array of real numbers, booleans among them, of whatever width; TypeError or ValueError for anything else."""
    _refuse_masked(value)
    array = np.asarray(value)
    if array.ndim > 1 and isinstance(value, (list, tuple)):
        for row in value:
            _refuse_masked(row)
    if array.dtype.kind not in "biuf" and not (_fits_float32(array.dtype) or (array.dtype.kind == "O" and all(map(_is_real, array.flat)))):
        raise TypeError(f"elements of {array.dtype} are no real numbers")
    return array


def _refuse_masked(value: Any) -> None:
    """numpy would hand over what is under the mask."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TypeError("there are masked elements")


def _fits_float32(dtype: np.dtype) -> bool:
    """Such as bfloat16, which numpy knows from other packages only."""
    return dtype.kind == "V" and np.can_cast(dtype, np.float32)


def _is_real(value: Any) -> bool:
    """Of what numpy keeps as a Python object: fractions, decimals, large integers."""
    return hasattr(type(value), "__float__") and not isinstance(value, _NO_NUMBERS) or isinstance(value, int)
