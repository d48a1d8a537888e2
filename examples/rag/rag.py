#!/usr/bin/env python3
"""Retrieval for a language model: texts are cut into passages, found by meaning within one source, and put before the question.

    rag.py FOLDER SOURCE QUESTION FILE...      SOURCE: only passages of this file's name are considered; "" for all
"""

import sys
from pathlib import Path

import ndb

sys.path.insert(0, str(Path(__file__).parent.parent))
from text_embedding import DIM, embed  # noqa: E402


def passages(file):
    """Paragraphs, as documents."""
    for number, paragraph in enumerate(file.read_text().split("\n\n")):
        text = " ".join(paragraph.split())
        vector = embed(text)
        if vector.any():
            yield {"id": f"{file.name}#{number}", "vector": vector, "payload": {"source": file.name, "text": text}}


def main(folder, source, question, *files):
    with ndb.open(folder) as db:
        docs = db.get_collection("passages") if db.has_collection("passages") else db.create_collection("passages", dim=DIM)
        for file in files:
            docs.insert_all(passages(Path(file)))
        found = docs.search(embed(question), top_k=3, ef=128, filter={"source": source} if source else None)
        print(f"Answer the question from these passages of {docs.count()}, and name those you used.\n")
        for match in found:
            print(f"[{match.id}] {match.payload['text'][:600]}\n")
        print("Question:", question)


if __name__ == "__main__":
    main(*sys.argv[1:])
