"""A small interactive shell that keeps code snippets in a persistent Chroma collection: save, find, grep, show, drop.

    (vault) save retry python,http
    ... for attempt in range(3):
    ... .
    (vault) find call again after an error
"""

import cmd
import collections
import io
import pathlib
import shlex
import sys
import tempfile
import time

import chromadb


def identifier_parts(code):
    """read_csv, readCsv and ReadCSV all give "read" and "csv"."""
    word = ""
    for ch in code + " ":
        if ch.isalpha() and not (ch.isupper() and word and word[-1].islower()):
            word += ch
            continue
        if len(word) > 1:
            yield word.lower()
        word = ch if ch.isalpha() else ""


class SnippetEmbedder(chromadb.EmbeddingFunction[chromadb.Documents]):
    MEANS = {  # what people type -> what stands in code
        "again": "retry", "repeat": "retry", "error": "except", "exception": "except", "file": "open",
        "folder": "path", "directory": "path", "network": "http", "fetch": "http", "url": "http", "count": "counter",
        "sort": "sorted", "wait": "sleep", "pause": "sleep", "words": "split",
    }

    def __init__(self, size=160):
        self.size = size

    def __call__(self, input):
        return [self.one(text) for text in input]

    def one(self, text):
        counts = collections.Counter(self.MEANS.get(p, p) for p in identifier_parts(text))
        vector = [0.01] * self.size
        for part, n in counts.items():
            # multiply and add over the letters; sum() of ord() alone would make anagrams equal
            slot = 0
            for ch in part:
                slot = (slot << 3) - slot + ord(ch) * 2654435761
            vector[slot % self.size] += 1 + 0.2 * (n - 1)
        return vector

    @staticmethod
    def name():
        return "snippet-vault"

    @staticmethod
    def build_from_config(config):
        return SnippetEmbedder(**config)

    def get_config(self):
        return {"size": self.size}


class Vault(cmd.Cmd):
    prompt = "(vault) "
    use_rawinput = False  # read from self.stdin, so that scripts and tests can drive the shell

    def __init__(self, folder, stdin=None, stdout=None):
        super().__init__(stdin=stdin, stdout=stdout)
        self.client = chromadb.PersistentClient(path=str(folder))
        self.snippets = self.client.get_or_create_collection(
            "snippets", embedding_function=SnippetEmbedder(), configuration={"hnsw": {"space": "cosine"}}
        )

    def say(self, *parts):
        print(*parts, file=self.stdout)

    def one(self, name):
        row = self.snippets.get(ids=[name])
        if not row["ids"]:
            self.say(f"! no snippet called {name!r}")
            return None
        return row["documents"][0], row["metadatas"][0]

    def do_save(self, line):
        """save NAME [TAG,TAG] - the code follows, a line with a single dot ends it"""
        name, _, tags = line.partition(" ")
        if not name:
            return self.say("! save needs a name")
        code = "".join(iter(self.stdin.readline, ".\n"))
        tags = [t.strip() for t in tags.split(",") if t.strip()] or ["untagged"]
        # The name and the tags are searched along with the code, but only the code is stored as document.
        self.snippets.upsert(
            ids=[name],
            documents=[code],
            embeddings=SnippetEmbedder()([f"{name} {' '.join(tags)} {code}"]),
            metadatas=[{"tags": tags, "lines": code.count("\n"), "used": 0, "saved": int(time.time())}],
        )
        self.say(f"saved {name} ({code.count(chr(10))} lines)")

    def do_find(self, line):
        """find [#TAG] WORDS... - nearest snippets"""
        words = shlex.split(line)
        tags = [w[1:] for w in words if w.startswith("#")]
        wish = " ".join(w for w in words if not w.startswith("#"))
        rules = [{"tags": {"$contains": t}} for t in tags]
        where = None if not rules else rules[0] if len(rules) == 1 else {"$and": rules}
        found = self.snippets.query(query_texts=[wish], n_results=3, where=where)
        for name, meta, distance in zip(found["ids"][0], found["metadatas"][0], found["distances"][0]):
            if distance < 0.95:
                self.say(f"{1 - distance:4.0%} {name} [{', '.join(meta['tags'])}] shown {meta['used']} times")

    def do_grep(self, line):
        """grep PATTERN - snippets whose code matches a regular expression"""
        rows = self.snippets.get(where_document={"$regex": line}, include=[])
        self.say(" ".join(rows["ids"]) or "! no match")

    def do_show(self, name):
        """show NAME"""
        if (found := self.one(name)) is not None:
            code, meta = found
            self.snippets.update(ids=[name], metadatas=[{"used": meta["used"] + 1}])
            self.say(code.rstrip())

    def do_drop(self, name):
        """drop NAME"""
        if self.one(name) is not None:
            self.snippets.delete(ids=[name])
            self.say(f"dropped {name}, {self.snippets.count()} left")

    def do_quit(self, _):
        self.client.close()
        return True

    do_EOF = do_quit

    def emptyline(self):
        pass


SESSION = '''\
save retry python,http
for attempt in range(3):
    try:
        return http.get(url)
    except TimeoutError:
        time.sleep(2 ** attempt)
.
save wordCount python
from collections import Counter
words = Counter(open(path).read().split())
.
save biggest shell,disk
du -ah . | sort -rh | head
.
find call again after an error
find #shell sort
grep Counter\\(.*\\)
show wordCount
show wordCount
show nothing
drop retry
quit
'''


def play(folder, script):
    screen = io.StringIO()
    Vault(folder, stdin=io.StringIO(script), stdout=screen).cmdloop(intro="")
    return [line for part in screen.getvalue().split(Vault.prompt) for line in part.splitlines() if line]


def main():
    with tempfile.TemporaryDirectory() as folder:
        vault = pathlib.Path(folder, "vault")
        screen = play(vault, SESSION)
        print("\n".join(screen))
        assert screen[:3] == ["saved retry (5 lines)", "saved wordCount (2 lines)", "saved biggest (1 lines)"]
        assert screen[3].endswith("retry [python, http] shown 0 times")
        assert screen[4].endswith("biggest [shell, disk] shown 0 times") and screen[5] == "wordCount"
        assert "! no snippet called 'nothing'" in screen and screen[-1] == "dropped retry, 2 left"

        # A second session finds what the first one left behind.
        later = play(vault, "find #disk biggest files on the disk\nfind count words in a file\ngrep TimeoutError\nquit\n")
        print("\n".join(later))
        assert "biggest [shell, disk]" in later[0]
        assert later[1].endswith("wordCount [python] shown 2 times") and later[-1] == "! no match"


if __name__ == "__main__":
    if "--shell" in sys.argv:
        Vault(pathlib.Path.home() / ".snippet-vault").cmdloop("Type help for the commands.")
    else:
        main()
