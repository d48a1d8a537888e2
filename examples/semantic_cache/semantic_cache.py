#!/usr/bin/env python3
"""Answers of an expensive model, kept: a question that means the same as an earlier one is answered from the cache. Entries age.

    semantic_cache.py FOLDER
"""

import sys
import time
from pathlib import Path

import ndb
from ndb import F

sys.path.insert(0, str(Path(__file__).parent.parent))
from text_embedding import DIM, embed  # noqa: E402


class SemanticCache:
    """Shared by every process that opens the folder; the one that writes first keeps writing."""

    def __init__(self, db, *, threshold=0.8, max_age_s=3600.0, clock=time.time):
        self.entries = db.get_collection("cache") if db.has_collection("cache") else db.create_collection("cache", dim=DIM)
        self.threshold, self.max_age_s, self.clock = threshold, max_age_s, clock
        self.hits = self.misses = 0

    def answer(self, question, model, *, tenant):
        vector = embed(question)
        fresh = F.eq("tenant", tenant) & F.gt("at", self.clock() - self.max_age_s)
        nearest = self.entries.search(vector, top_k=1, filter=fresh)
        if len(nearest) and nearest[0].score >= self.threshold:
            self.hits += 1
            return nearest[0].payload["answer"]
        self.misses += 1
        answer = model(question)
        self.entries.insert(f"{tenant}/{question}", vector, {"tenant": tenant, "at": self.clock(), "question": question, "answer": answer})
        return answer

    def forget_old(self):
        return self.entries.remove_where(F.lte("at", self.clock() - self.max_age_s)).deleted


def main(folder):
    now = [1_000_000.0]
    asked = []

    def model(question):
        asked.append(question)
        return f"the answer to: {question}"

    with ndb.open(folder) as db:
        cache = SemanticCache(db, clock=lambda: now[0])
        for question in ["How do I reset my password?", "how can I reset my password", "Please tell me how to reset my password!",
                         "How do I delete my account?", "How do I reset my password?"]:
            print(f"{question:45} -> {cache.answer(question, model, tenant='blue')}")
        assert asked == ["How do I reset my password?", "How do I delete my account?"], asked
        cache.answer("How do I reset my password?", model, tenant="green")
        assert len(asked) == 3, "another tenant's answers are not shown"
        print(f"{cache.hits} from the cache, {cache.misses} from the model")
        now[0] += 4000
        cache.answer("How do I reset my password?", model, tenant="blue")
        assert len(asked) == 4, "what is old is asked again"
        print(f"{cache.forget_old()} old answers forgotten, {cache.entries.count()} kept")


if __name__ == "__main__":
    main(*sys.argv[1:])
