#!/usr/bin/env python3
"""The inputs that fuzzing found, many in one file: each as its length (u32, little-endian) and its bytes.

    pack.py pack FOLDER FILE      all files of the folder, shortest first, as far as LIMIT_BYTES go
    pack.py unpack FILE FOLDER
"""
import hashlib
import struct
import sys
from pathlib import Path

LIMIT_BYTES = 200_000


def pack(folder, file):
    inputs = sorted((path.read_bytes() for path in folder.iterdir()), key=lambda data: (len(data), data))
    packed = b""
    for data in inputs:
        if len(packed) + 4 + len(data) > LIMIT_BYTES:
            break
        packed += struct.pack("<I", len(data)) + data
    file.write_bytes(packed)


def unpack(file, folder):
    folder.mkdir(parents=True, exist_ok=True)
    packed, at = file.read_bytes(), 0
    while at < len(packed):
        (length,) = struct.unpack_from("<I", packed, at)
        data = packed[at + 4 : at + 4 + length]
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
        at += 4 + length


if __name__ == "__main__":
    _, what, source, target = sys.argv
    {"pack": pack, "unpack": unpack}[what](Path(source), Path(target))
