"""A process in the place of jedi's: does what its questions tell it."""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    told: list[int] = []
    for line in sys.stdin:
        question = json.loads(line)
        if "overtaken" in question:
            told.append(question["overtaken"])
            continue
        if question.get("die"):
            os._exit(1)
        time.sleep(question.get("sleep", 0))
        answer = {"result": [question["say"], os.getpid(), *told], "memory": question.get("memory", 0)}
        print(question.get("raw") or json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
