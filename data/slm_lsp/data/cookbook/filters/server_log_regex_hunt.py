"""Hunt through server logs with $regex: flags, classes, anchors, escaping user input, and limits.

Patterns are run by chromadb with the syntax of Rust's regex engine: much like Python's re, but without
look-around and back-references.  ``LogHunt`` escapes what users type, offers ready-made patterns, and
explains bad ones instead of passing a stack trace on.
"""

import re
from typing import Optional

import chromadb
from chromadb.errors import InvalidArgumentError

LOG = r"""
2024-03-01T04:12:09Z web1 INFO  GET /health 200 2ms
2024-03-01T04:12:11Z web1 ERROR GET /cart 500 1840ms upstream timed out (10.0.4.17:8080)
2024-03-01T04:12:12Z web2 WARN  GET /cart?id=7 429 3ms rate limit [burst=20]
2024-03-01T04:13:40Z db1  ERROR deadlock detected, process 8812 waits for ShareLock
2024-03-01T04:13:41Z db1  INFO  retry 1 of 3
2024-03-01T04:15:02Z web2 error POST /login 401 12ms user=o'brien
2024-03-01T04:15:09Z web1 INFO  POST /login 200 35ms user=li.wei+test@example.org
2024-03-01T04:20:00Z cron WARN  backup took 3720s, C:\backup\full.zip is 98% of disk
""".strip().splitlines()


class BadPattern(Exception):
    """The pattern cannot be run; the message is fit for users."""


class LogHunt:
    STATUS_5XX = r" 5\d\d \d+ms"
    SLOW = r"\b\d{4,}ms\b|took \d{3,}s"
    IPV4 = r"\b(?:\d{1,3}\.){3}\d{1,3}\b"
    ERRORS = r"(?i)\berror\b"  # both spellings; the flag holds from here on

    def __init__(self, collection):
        self.lines = collection

    def grep(self, *patterns: str, without: Optional[str] = None, host: Optional[str] = None) -> list[int]:
        """Numbers of the lines that match all patterns, and not ``without``."""
        conditions = [{"$regex": pattern} for pattern in patterns]
        if without:
            conditions.append({"$not_regex": without})
        where_document = conditions[0] if len(conditions) == 1 else {"$and": conditions}
        try:
            found = self.lines.get(
                where_document=where_document,
                where={"host": host} if host else None,
                include=["metadatas"],
            )
        except InvalidArgumentError as error:  # raised by the engine, not by Python
            raise BadPattern(str(error).strip().splitlines()[-1]) from None
        return sorted(facts["line"] for facts in found["metadatas"])

    def grep_literal(self, text: str, ignore_case: bool = False) -> list[int]:
        """What a user typed, taken literally.  Without ignore_case, $contains is the better tool."""
        if not ignore_case:
            found = self.lines.get(where_document={"$contains": text}, include=["metadatas"])
            return sorted(facts["line"] for facts in found["metadatas"])
        # re.escape() also escapes characters that mean nothing special; Rust accepts those.
        return self.grep("(?i)" + re.escape(text))


def index_log(client) -> chromadb.Collection:
    collection = client.create_collection(name="server_log", embedding_function=None)
    metadatas, vectors = [], []
    for number, line in enumerate(LOG):
        stamp, host, level, *_ = line.split()
        hours, minutes, seconds = (int(part) for part in re.findall(r"\d\d", stamp[11:19]))
        metadatas.append({"line": number, "host": host, "level": level.upper()})
        vectors.append([hours * 3600 + minutes * 60 + seconds, len(line)])
    collection.add(
        ids=[f"line-{number}" for number in range(len(LOG))],
        documents=LOG,
        metadatas=metadatas,
        embeddings=vectors,
    )
    return collection


def main() -> None:
    hunt = LogHunt(index_log(chromadb.EphemeralClient()))

    assert hunt.grep(LogHunt.STATUS_5XX) == [1]
    assert hunt.grep(LogHunt.SLOW) == [1, 7]
    assert hunt.grep(LogHunt.IPV4) == [1]
    assert hunt.grep(LogHunt.ERRORS) == [1, 3, 5]
    assert hunt.grep(r"ERROR") == [1, 3], "patterns mind upper and lower case without (?i)"

    # Unanchored by default; ^ and $ are the ends of the whole document.
    assert hunt.grep(r"^2024-03-01T04:1[23]") == [0, 1, 2, 3, 4]
    assert hunt.grep(r"ms$") == [0]
    assert hunt.grep(r"(?:GET|POST) /\w+") == [0, 1, 2, 5, 6]

    # Several patterns, an exception, a host.
    assert hunt.grep(r"GET", r"/cart") == [1, 2]
    assert hunt.grep(r"(GET|POST) ", without=r" 200 ") == [1, 2, 5]
    assert hunt.grep(r"(?i)warn|error", host="web2") == [2, 5]

    # Users type text, not patterns: dots, plus signs, brackets, backslashes are just characters.
    assert hunt.grep_literal("li.wei+test@") == [6]
    assert hunt.grep_literal("[BURST=20]", ignore_case=True) == [2]
    assert hunt.grep_literal("c:\\backup\\FULL.zip", ignore_case=True) == [7]
    assert hunt.grep_literal("98%") == [7]
    assert hunt.grep_literal("o'brien") == [5]

    explained = {}
    for pattern in (r"(GET", r"\d(?=ms)", r"(a)\1", r"[z-a]"):
        try:
            hunt.grep(pattern)
        except BadPattern as why:
            explained[pattern] = str(why)
    assert len(explained) == 4, explained
    re.compile(r"\d(?=ms)"), re.compile(r"(a)\1")  # two of the four are fine in Python, so it cannot check them
    assert "look-around" in explained[r"\d(?=ms)"]

    # The same filter in query(): of the errors, the one nearest to 04:14 in time.
    nearest = hunt.lines.query(
        query_embeddings=[[4 * 3600 + 14 * 60, 60]],
        where_document={"$regex": LogHunt.ERRORS},
        n_results=1,
        include=["documents"],
    )
    assert nearest["ids"] == [["line-3"]]

    print("nearest error to 04:14:", nearest["documents"][0][0][21:])
    for pattern, why in explained.items():
        print(f"  {pattern:<10} {why}")


if __name__ == "__main__":
    main()
