"""Texts as vectors without any model, so that the examples run anywhere: signed feature hashing of words and letter n-grams. Put yours here."""

import re
import zlib

import numpy as np

DIM = 384
COMMON = set("a an and any are as at be by can do does for from has have how i if in is it its me may my no not of on or please so such tell "
             "that the this to was we what when where which will with you your".split())


def embed(text):
    """[DIM] of length 1; all zero if there is no word."""
    vector = np.zeros(DIM, dtype=np.float32)
    for word in re.findall(r"[a-z0-9\x80-\uffff]+", text.lower()):
        weight = 0.1 if word in COMMON else 1.0
        framed = f"<{word}>"
        grams = [framed[i:i + n] for n in (3, 4, 5) for i in range(len(framed) - n + 1)]
        for gram, share in [(framed, 1.0)] + [(gram, 2.0 / len(grams)) for gram in grams]:
            hashed = zlib.crc32(gram.encode())
            vector[hashed % DIM] += weight * share * (1 if hashed >> 31 else -1)
    length = np.linalg.norm(vector)
    return vector / length if length else vector
