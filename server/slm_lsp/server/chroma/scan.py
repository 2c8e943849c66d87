"""Where in calls, lists and dicts a cursor stands, told by the text before it.

Knows: Python's brackets, strings, keyword arguments and dict keys, and that the code before a cursor is often broken.
Must not know: chromadb.

Reading begins at the latest line that can only begin a statement, so that its cost does not grow with the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST = 20_000
"""Characters before a cursor that are looked at for the beginning of its statement."""

_STATEMENT = re.compile(
    r"[A-Za-z_@]|[ \t]+(?:async[ \t]+def|def|class|return|raise|assert|try|while|import|elif|except|finally|pass|del)\b"
)
_TOKEN = re.compile(
    r"""(?P<name>[^\W\d]\w*+(?!["']))
    |(?P<op>:=|[=!<>]=|\*\*|[-+/%&|^@<>~!]|[()\[\]{}:,=.*;])
    |(?P<string>[^\W\d]{0,2}+(?:\"\"\"(?s:[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*)\"\"\"
        |'''(?s:[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*)'''
        |"[^"\\\r\n]*(?:\\.[^"\\\r\n]*)*"|'[^'\\\r\n]*(?:\\.[^'\\\r\n]*)*'))
    |(?P<open>[^\W\d]{0,2}+(?:\"\"\"|'''|"|'))
    |(?P<comment>\#[^\r\n]*)
    |(?P<number>\d[\w.]*)
    |(?P<line>\\?(?:\r\n|\r|\n))""",
    re.VERBOSE,
)
_CLOSES = {")": "(", "]": "[", "}": "{"}
_KEYWORDS = frozenset(
    [
        "and",
        "as",
        "assert",
        "async",
        "await",
        "break",
        "class",
        "continue",
        "def",
        "del",
        "elif",
        "else",
        "except",
        "finally",
        "for",
        "from",
        "global",
        "if",
        "import",
        "in",
        "is",
        "lambda",
        "nonlocal",
        "not",
        "or",
        "pass",
        "raise",
        "return",
        "try",
        "while",
        "with",
        "yield",
    ]
)


@dataclass
class Frame:
    """An open bracket, and what stands in it so far."""

    bracket: str
    """`(`, `[` or `{`."""
    head: str = ""
    """The dotted name that is called or subscripted, without blanks; `a.b()` for what `a.b` returns. Empty: none."""
    names: list[str] = field(default_factory=list)
    """Keywords of a call, string keys of a dict, plain strings of a list."""
    commas: int = 0
    """How many there were."""
    positional: int = 0
    """Arguments that were passed by position."""
    name: str | None = None
    """The keyword or key whose value begins or has begun; an empty one is unknown."""
    tokens: int = 0
    """Of the current element."""
    literal: str | None = None
    """The element, if it is one plain string so far."""
    starred: str = ""
    """The stars that the element is unpacked with."""
    spread: bool = False
    """Whether an argument was `*more`: nobody knows which parameters are taken then."""


@dataclass(frozen=True)
class Spot:
    """What a cursor stands in."""

    frames: tuple[Frame, ...]
    """The open brackets, the innermost last."""
    text: str
    """What has been typed of the identifier or string at the cursor."""
    in_string: bool
    """Whether the cursor stands in a string without prefix, or a raw one."""
    quote: str
    """That of the string."""
    fresh: bool
    """Whether the identifier or string is the first thing of its element, argument or value."""
    receiver: str | None
    """The dotted name before the dot that the identifier follows; None without a dot."""
    assigned: str | None
    """The name that the statement assigns to, if the brackets are what it assigns."""


def statement_start(before: str) -> int:
    """Where the latest line begins that can only begin a statement; what is far above counts as one."""
    at = len(before)
    least = max(at - MOST, 0)
    while at > least:
        line = max(before.rfind("\n", 0, at - 1), before.rfind("\r", 0, at - 1)) + 1 if at else 0
        if _STATEMENT.match(before, line):
            return line
        at = line
    return at


class Scanner:
    """Reads code from left to right and keeps the brackets that are open."""

    def __init__(self, head: str = "") -> None:
        self.frames: list[Frame] = []
        self.trailing = head
        """The dotted name that has just ended; a call of it ends in `()`, a subscript in `[]`."""
        self.dotted = False
        """Whether a dot was read last."""
        self.assigned: str | None = None
        self._bare = 0
        """Tokens of the statement, outside of brackets, since its `=`."""

    def read(self, text: str, start: int, end: int, *, until_closed: bool = False) -> Iterator[tuple[int, str]]:
        """Read on; yields the place and content of every plain string as it is met, before it counts.

        With `until_closed`, to where the brackets are closed that are opened first.
        """
        opened = False
        for token in _TOKEN.finditer(text, start, end):
            if until_closed and opened and not self.frames:
                return
            opened = opened or bool(self.frames)
            kind, value = token.lastgroup, token.group()
            if kind == "string":
                content = plain(value)
                if content is not None:
                    yield token.start(), content
                self._element(literal=content)
                self.trailing = ""
            elif kind == "name":
                self._name(value)
            elif kind == "op":
                self._operator(value)
            elif kind == "line":
                self._line(value)
            elif kind in ("number", "open"):
                self._element()
                self.trailing = ""
            self.dotted = (self.dotted and kind in ("line", "comment")) or value == "."

    def _name(self, value: str) -> None:
        self._element(literal=None)
        if value in _KEYWORDS:
            self.trailing = ""
        else:
            self.trailing = f"{self.trailing}.{value}" if self.dotted else value

    def _element(self, literal: str | None = None) -> None:
        if not self.frames:
            self._bare += 1
            return
        frame = self.frames[-1]
        frame.tokens += 1
        frame.literal = literal if frame.tokens == 1 else None

    def _line(self, value: str) -> None:
        if not self.frames and not value.startswith("\\"):
            self.trailing, self.assigned, self._bare = "", None, 0

    def _operator(self, value: str) -> None:
        if value in "([{":
            head = self.trailing if value != "{" else ""
            if not head:
                self._element()
            self.frames.append(Frame(value, head))
            self.trailing = ""
        elif value in _CLOSES:
            self._close(value)
        elif value == ".":
            if not self.trailing:
                self._element()
        elif not self.frames:
            self._outside(value)
        else:
            self._inside(value, self.frames[-1])

    def _close(self, value: str) -> None:
        while self.frames:
            frame = self.frames.pop()
            if frame.bracket == _CLOSES[value]:
                self.trailing = f"{frame.head}{frame.bracket}{value}" if frame.head else ""
                return
        self.trailing = ""

    def _outside(self, value: str) -> None:
        if value == "=":
            self.assigned, self._bare = self.assigned or self.trailing, 0
        elif value == ":":
            self.assigned = self.trailing or None
        else:
            self._bare += 1
        self.trailing = ""

    def _inside(self, value: str, frame: Frame) -> None:
        if value == ",":
            if frame.bracket == "(" and frame.name is None and frame.tokens and not frame.starred:
                frame.positional += 1
            if frame.bracket == "[" and frame.literal is not None:
                frame.names.append(frame.literal)
            frame.commas += 1
            frame.spread = frame.spread or frame.starred == "*"
            frame.name, frame.tokens, frame.literal, frame.starred = None, 0, None, ""
        elif value == "=" and frame.bracket == "(" and frame.name is None and frame.tokens == 1 and self.trailing:
            frame.name, frame.tokens = self.trailing, 0
            frame.names.append(self.trailing)
        elif value == ":" and frame.bracket == "{" and frame.name is None:
            frame.name, frame.tokens = frame.literal or "", 0
            if frame.literal is not None:
                frame.names.append(frame.literal)
        else:
            if value in ("*", "**") and not frame.tokens:
                frame.starred = value
            self._element()
        self.trailing = ""

    @property
    def is_fresh(self) -> bool:
        """Whether an element, argument or value begins here."""
        return not self.frames[-1].tokens if self.frames else not self._bare


def names_behind(after: str, quote: str, bracket: str) -> frozenset[str]:
    """The keywords of a call, keys of a dict or strings of a list that follow behind a cursor within its bracket.

    `quote` is that of the string the cursor stands in. Nothing if the bracket is not closed soon.
    """
    at = 0
    if quote:
        at = after.find(quote)
        line = after.find("\n")
        if at < 0 or 0 <= line < at:
            return frozenset()
        at += len(quote)
    found, depth = set[str](), 0
    for token in _BEHIND.finditer(after, at, at + 2_000):
        mark = token.group()
        if token["statement"]:
            return frozenset()
        if mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
            if depth < 0:
                return frozenset(found)
        elif depth == 0 and mark[0] != "#":
            is_key = _KEY.match(after, token.end()) is not None
            if token["keyword"]:
                found.add(token["keyword"])
            elif bracket == "[" or (bracket == "{" and is_key):
                found.add(mark[1:-1])
    return frozenset()


_KEY = re.compile(r"\s*:")
_BEHIND = re.compile(
    r"(?P<statement>\n[ \t]*(?:(?:def|class|return|import|raise|assert|with|while|try|pass|del|yield)\b"
    r"|[\w.]+[ \t]+[-+*/|]?=(?!=)[ \t]))"
    r"|#[^\n]*|[()\[\]{}]|\"[^\"\n]*\"|'[^'\n]*'|(?P<keyword>\b[^\W\d]\w*)[ \t]*=(?!=)"
)


def plain(literal: str) -> str | None:
    """The content of a string literal without prefix, escapes and line breaks; None for any other."""
    quote = literal[:3] if literal[:3] in ('"""', "'''") else literal[:1]
    if quote[0] not in "\"'" or len(literal) < 2 * len(quote):
        return None
    content = literal[len(quote) : -len(quote)]
    return None if "\\" in content or "\n" in content else content


def spot_at(before: str, start: int) -> Spot | None:
    """What the cursor behind `before` stands in, if reading begins at `start`; None in comments and f-strings."""
    opened = _opened(before, start)
    if opened is None:
        return None
    until, prefix, quote = opened
    scanner = Scanner()
    if quote:
        for _ in scanner.read(before, start, until):
            pass
        text = before[until + len(prefix) + len(quote) :]
        if prefix.strip("rR") or "\n" in text or "\\" in text:
            return None
        receiver = None
    else:
        word = re.search(r"(?:[^\W\d]\w*)?\Z", before[max(until - 200, 0) :])
        text = word.group() if word else ""
        for _ in scanner.read(before, start, len(before) - len(text)):
            pass
        receiver = scanner.trailing if scanner.dotted else None
    frames = tuple(scanner.frames)
    return Spot(frames, text, bool(quote), quote, scanner.is_fresh, receiver, scanner.assigned)


def is_code(before: str) -> bool:
    """Whether a cursor stands in code, an f-string's included; told by its statement alone, so a guess."""
    opened = _opened(before, statement_start(before))
    return opened is not None and (not opened[2] or "f" in opened[1].lower())


def _opened(before: str, start: int) -> tuple[int, str, str] | None:
    """Where the string begins that the cursor stands in, its prefix and quotes; the text's end and nothing for code.

    None in a comment. A string of one line that is not closed ends with its line.
    """
    at = start
    while mark := _MARK.search(before, at):
        if mark.group() == "#":
            at = _LINE_END.search(before, mark.end()).start()  # type: ignore[union-attr]
            if at == len(before):
                return None
            continue
        quote = before[mark.start() : mark.start() + 3]
        quote = quote if quote in ('"""', "'''") else mark.group()
        at = _BODIES[quote].match(before, mark.start() + len(quote)).end()  # type: ignore[union-attr]
        if at == len(before):
            prefix = _PREFIX.search(before, max(mark.start() - 2, start), mark.start())
            letters = prefix.group() if prefix else ""
            return mark.start() - len(letters), letters, quote
        at += len(quote) if before.startswith(quote, at) else 0
    return len(before), "", ""


_MARK = re.compile("[#\"']")
_LINE_END = re.compile(r"[\r\n]|\Z")
_PREFIX = re.compile(r"(?<!\w)[bfrtu]{1,2}\Z", re.IGNORECASE)
_BODIES = {
    '"': re.compile(r'(?s:[^"\\\r\n]*(?:\\(?:\r\n|.|\Z)[^"\\\r\n]*)*)'),
    "'": re.compile(r"(?s:[^'\\\r\n]*(?:\\(?:\r\n|.|\Z)[^'\\\r\n]*)*)"),
    '"""': re.compile(r'(?s:[^"\\]*(?:(?:\\(?:.|\Z)|"(?!""))[^"\\]*)*)'),
    "'''": re.compile(r"(?s:[^'\\]*(?:(?:\\(?:.|\Z)|'(?!''))[^'\\]*)*)"),
}
"""What stands between quotes; no backtracking."""
