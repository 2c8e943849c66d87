"""Interactive bug tracker shell (cmd.Cmd) that suggests duplicates while you file a bug, driven by a script in its test."""
import cmd
import io
import shlex
import textwrap
from collections import Counter
from itertools import count

import chromadb
from chromadb.errors import ChromaError

GRAMS = 4


def char_ngrams(text):
    flat = f" {' '.join(text.lower().split())} "
    return Counter(flat[i : i + GRAMS] for i in range(len(flat) - GRAMS + 1))


def embed(text, dim=320):
    """Character 4-grams by polynomial rolling hash, so that 'crash', 'crashes' and 'crashed' stay neighbours."""
    vec = [0.0] * dim
    for gram, n in char_ngrams(text).items():
        h = 0
        for c in gram:
            h = (h * 257 + ord(c)) & 0xFFFFFFFF
        vec[h % dim] += n
    return vec


class BugShell(cmd.Cmd):
    intro = "Bug tracker.  Type help or ? for the commands."
    prompt = "bugs> "
    severities = ("low", "normal", "high")

    def __init__(self, client, **kwargs):
        super().__init__(**kwargs)
        self.client = client
        self.numbers = count(1)
        self.last = None
        self.do_project("core")

    def say(self, text):
        print(text, file=self.stdout)

    # --- behaviour of the shell itself -----------------------------------------------------------------
    def onecmd(self, line):
        """A mistake must not end the session, whatever layer it comes from."""
        try:
            return super().onecmd(line)
        except (ValueError, ChromaError) as problem:
            self.say(f"! {problem}")
        return False

    def emptyline(self):
        pass        # cmd.Cmd would repeat the last command: dangerous with `close`

    def default(self, line):
        self.say(f"! unknown command {line.split()[0]!r}")

    # --- commands --------------------------------------------------------------------------------------
    def do_project(self, arg):
        """project NAME: switch to a project (one collection each), creating it if need be"""
        name = arg.strip()
        self.bugs = self.client.get_or_create_collection(f"bugs.{name}", configuration={"hnsw": {"space": "cosine"}})
        self.say(f"{name}: {self.bugs.count()} bugs")

    def complete_project(self, text, line, begidx, endidx):
        names = [c.name.removeprefix("bugs.") for c in self.client.list_collections() if c.name.startswith("bugs.")]
        return [n for n in names if n.startswith(text)]

    def do_new(self, arg):
        """new TITLE [severity]: file a bug; probable duplicates are listed"""
        words = shlex.split(arg)
        severity = words.pop() if words and words[-1] in self.severities else "normal"
        title = " ".join(words)
        if len(title) < 5:
            raise ValueError("a title needs five characters or more")
        similar = self.bugs.query(query_embeddings=[embed(title)], n_results=2, where={"state": "open"})
        self.last = f"B{next(self.numbers)}"
        self.bugs.add(
            ids=[self.last],
            embeddings=[embed(title)],
            documents=[title],
            metadatas=[{"state": "open", "severity": severity, "rank": self.severities.index(severity)}],
        )
        self.say(f"filed {self.last}")
        for bug, text, distance in zip(similar["ids"][0], similar["documents"][0], similar["distances"][0]):
            if distance < 0.5:
                self.say(f"  maybe a duplicate of {bug}: {text}")

    def do_show(self, arg):
        """show ID: everything about a bug"""
        found = self.bugs.get(ids=[arg.strip()])
        if not found["ids"]:
            raise ValueError(f"no bug {arg.strip()!r}")
        self.say(found["documents"][0])
        for key, value in sorted(found["metadatas"][0].items()):
            self.say(f"  {key:<14}{value}")

    def do_dup(self, arg):
        """dup ID OF: close a bug as a duplicate of another"""
        bug, original = arg.split()
        if len(self.bugs.get(ids=[bug, original], include=[])["ids"]) != 2:
            raise ValueError("both bugs must exist")
        self.bugs.update(ids=[bug], metadatas=[{"state": "duplicate", "duplicate_of": original}])
        self.say(f"{bug} -> {original}")

    def do_close(self, arg):
        """close ID...: close bugs as fixed"""
        ids = arg.split()
        # update() ignores unknown ids without a word; tell the user instead.
        known = self.bugs.get(ids=ids, include=[])["ids"]
        if known:
            self.bugs.update(ids=known, metadatas=[{"state": "fixed"}] * len(known))
        for bug in ids:
            self.say(f"{bug} {'closed' if bug in known else 'is unknown'}")

    def do_find(self, arg):
        """find TEXT: the nearest bugs, open or not;  find /REGEX/ matches titles literally"""
        if arg.startswith("/") and arg.endswith("/"):
            rows = self.bugs.get(where_document={"$regex": arg.strip("/")})
            pairs = zip(rows["ids"], rows["documents"], rows["metadatas"])
        else:
            rows = self.bugs.query(query_embeddings=[embed(arg)], n_results=3)
            pairs = zip(rows["ids"][0], rows["documents"][0], rows["metadatas"][0])
        for bug, title, meta in pairs:
            self.say(f"{bug:<4} [{meta['state']}] {title}")

    def do_urgent(self, arg):
        """urgent: open bugs of normal severity or above, worst first"""
        rows = self.bugs.get(where={"$and": [{"state": {"$nin": ["fixed", "duplicate"]}}, {"rank": {"$gte": 1}}]})
        for bug, meta in sorted(zip(rows["ids"], rows["metadatas"]), key=lambda r: (-r[1]["rank"], r[0])):
            self.say(f"{meta['severity']:<7}{bug}")

    def do_purge(self, arg):
        """purge N: delete at most N fixed bugs"""
        self.say(f"{self.bugs.delete(where={'state': 'fixed'}, limit=int(arg))['deleted']} deleted")

    def do_quit(self, arg):
        """quit: leave"""
        return True

    do_EOF = do_quit


SESSION = """\
    new "editor crashes when opening a large file" high
    new toolbar icons are blurry on a second screen low
    new "editor crashed opening large files"

    dup B3 B1
    find crash on big file open
    find /^toolbar.*screen$/
    urgent
    close B2 B77
    purge 5
    show B2
    show B3
    frobnicate
    new abc
    project a b
    project mobile
    quit
"""


def main():
    screen = io.StringIO()
    script = io.StringIO(textwrap.dedent(SESSION))
    shell = BugShell(chromadb.EphemeralClient(), stdin=script, stdout=screen)
    shell.use_rawinput = False        # read from `stdin` above, not from the terminal
    shell.cmdloop()

    out = screen.getvalue().replace(shell.prompt, "")
    assert "maybe a duplicate of B1: editor crashes" in out
    assert "B3   [duplicate] editor crashed opening large files" in out
    assert "B2   [open] toolbar icons are blurry on a second screen" in out
    assert "high   B1" in out and "normal B3" not in out
    assert "B77 is unknown" in out and "1 deleted" in out and "! no bug 'B2'" in out
    assert "! unknown command 'frobnicate'" in out and "five characters" in out
    assert "! Validation error" in out, "Chroma refuses 'bugs.a b' as a name, the shell survives"
    assert shell.bugs.name == "bugs.mobile" and shell.complete_project("mo", "", 0, 0) == ["mobile"]
    print(out)


if __name__ == "__main__":
    main()
