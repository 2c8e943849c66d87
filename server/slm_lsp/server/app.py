"""The language server: what its features share.

Knows: the settings in force, the worker, the model choice, the tallies, and how a request passes through
them. Must not know: any single feature.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import default_converter

from slm_lsp.model.errors import Cancelled, CheckpointError
from slm_lsp.model.library import ModelLibrary
from slm_lsp.server import __version__
from slm_lsp.server.choice import ModelChoice
from slm_lsp.server.chroma import Knowledge, Known
from slm_lsp.server.dismissals import Dismissals
from slm_lsp.server.documents import Document, Documents
from slm_lsp.server.last import LastWord
from slm_lsp.server.memories import Memories
from slm_lsp.server.protocol import SlmLspProtocol
from slm_lsp.server.reader import Opened, Reader
from slm_lsp.server.settings import Settings
from slm_lsp.server.static.analysis import Source, StaticAnalysis
from slm_lsp.server.static.interpreter import find_interpreter
from slm_lsp.server.tally import Outcome, Tally
from slm_lsp.server.why import REASONS, Why, no_model, not_python, switched_off
from slm_lsp.server.worker import Worker

if TYPE_CHECKING:
    from pygls.server import ServerErrors

    from slm_lsp.model.completion import Completer
    from slm_lsp.model.memory import Memory

T = TypeVar("T")
Kind = Literal["inline", "popup"]
"""What is asked for: ghost text or the popup. A newer request takes over from an older one of its kind."""

NOTEBOOKS = types.NotebookDocumentSyncOptions(
    [types.NotebookDocumentFilterWithNotebook("*", [types.NotebookCellLanguage("python")])]
)
"""Of which notebooks, and of which of their cells, a client tells us."""

Params = types.InlineCompletionParams | types.CompletionParams
"""A request with a place in a document."""


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What became of a request."""

    outcome: Outcome
    items: list[T] = field(default_factory=list)
    """What the editor is offered."""
    reason: str = ""
    """A sentence for a person, where more can be said than of the outcome in general."""


@dataclass(frozen=True)
class Tools:
    """What the work for a request is done with, on the worker's thread."""

    completer: Completer
    """The model of the document."""
    memory: Memory | None
    """What is known of its workspace; None where the user does not want it."""
    chroma: Known | None
    """What is known of its ChromaDB; None where there is no popup to show it."""
    others: Opened
    """The other open Python documents by the names that memory and ChromaDB's facts know them by."""
    cancelled: Callable[[], bool]
    """Whether to stop."""


class SlmLspServer(LanguageServer):
    """A language server that completes Python with a tiny GPT."""

    def __init__(self, library: ModelLibrary | None = None) -> None:
        super().__init__(
            "slm-lsp", __version__, protocol_cls=SlmLspProtocol, converter_factory=default_converter,
            notebook_document_sync=NOTEBOOKS,
        )  # fmt: skip
        self.settings = Settings()
        """In force now."""
        self.initial_settings = self.settings
        """From the client's initializationOptions: what a setting falls back to."""
        library = library or ModelLibrary()
        self.choice = ModelChoice(library)
        self.reader = Reader()
        self.memories = Memories(library, self.reader)
        self.knowledge = Knowledge(library.root / "memories" / "chroma", self.reader)
        self.static = StaticAnalysis()
        self.tallies: dict[Kind, Tally] = {"inline": Tally(), "popup": Tally()}
        self.latest: dict[Kind, Why] = {}
        """What became of the latest request of each kind."""
        self.dismissals = Dismissals()
        self.accepted = 0
        """Suggestions the user took."""
        self.ordering = 0.0
        """Seconds that it has taken lately to put a popup's names in order."""
        self.last_word = LastWord(library.last_word)
        self.worker = Worker()
        self.shut_down = False
        """Whether the client has asked for the shutdown."""
        self._newest: dict[Kind, Params] = {}
        self._reported: set[str] = set()

    @property
    def documents(self) -> Documents:
        """The documents the client has open."""
        workspace = self.workspace
        assert isinstance(workspace, Documents)
        return workspace

    def place_of(self, document: Document | None) -> Path | None:
        """Where to look for the model of a document: where it lies, else the root of the workspace."""
        return (document and document.local_path) or next(iter(self.documents.roots), None)

    def name_of(self, document: Document) -> str:
        """What the model is told a document is called: its path in the workspace, else its file name."""
        path, root = document.local_path, self.root_of(document)
        return path.relative_to(root).as_posix() if path and root else document.filename or ""

    def root_of(self, document: Document) -> Path | None:
        """The folder of the workspace that a document lies in, if it lies in one."""
        path = document.local_path
        return next((root for root in self.documents.roots if path and path.is_relative_to(root)), None)

    def memory_name(self, document: Document, root: Path | None) -> str:
        """What a document is called among the files of a root: its path there, or its URI where it lies elsewhere.

        All cells of a notebook are called as that is.
        """
        return self.name_of(document) if root and self.root_of(document) == root else document.home

    def source_of(self, document: Document, text: str) -> Source:
        """A text that is a document's, for static analysis."""
        settings = self.settings
        return Source(document.local_path, self.root_of(document), settings.python_path, text, settings.trusted)

    def is_newest(self, kind: Kind, params: Params) -> bool:
        """Whether there has been no newer request of a kind."""
        return self._newest.get(kind) is params

    async def serve(
        self,
        kind: Kind,
        params: Params,
        enabled: bool,
        answer: Callable[[Document], Awaitable[Answer[T]]],
    ) -> list[T]:
        """The items of an answer, or none, with the outcome counted and explained.

        There are none for documents that are not open or not Python, when the feature is off, when a newer
        request took over, and when no model can be used.
        """
        began, ended = perf_counter(), Answer[T](Outcome.FAILED)
        self._newest[kind] = params
        if self.choice.is_loading:
            self._explain(kind, params, Answer(Outcome.LOADING))
        document = self.documents.opened(params.text_document.uri)
        try:
            if document is None:
                ended = Answer(Outcome.NOT_OPEN)
            elif not document.is_python:
                ended = Answer(Outcome.NOT_PYTHON, reason=not_python(document.language_id))
            elif not enabled:
                ended = Answer(Outcome.OFF, reason=switched_off(kind))
            else:
                ended = await answer(document)
        except Cancelled:
            ended = Answer(self._given_up())
        except asyncio.CancelledError:
            ended = Answer(self._given_up())
            raise
        except CheckpointError:
            ended = Answer(Outcome.NO_MODEL, reason=no_model(self.choice.errors))
        finally:
            self.tallies[kind].ended(ended.outcome, perf_counter() - began)
            self._explain(kind, params, ended)
            self.report_model_errors()
        return ended.items

    def _given_up(self) -> Outcome:
        """The outcome of a request that was given up before it was answered."""
        return Outcome.LOADING if self.choice.is_loading else Outcome.CANCELLED

    def _explain(self, kind: Kind, params: Params, answer: Answer[T]) -> None:
        """Keep what became of a request, unless there has been a newer one of its kind."""
        if self._newest[kind] is params:
            at, reason = params.position, answer.reason or REASONS[answer.outcome]
            self.latest[kind] = Why(params.text_document.uri, at.line, at.character, answer.outcome, reason)
            self.last_word.note(self._leave_word)

    def word(self) -> dict[str, Any]:
        """What became of the latest request for ghost text, and what is remembered; JSON-ready."""
        why = self.latest.get("inline")
        return {"why": asdict(why) if why else None, "memory": self.memories.report()}

    async def compute(
        self, kind: Kind, document: Document | None, ask: Callable[[Tools], T], *, meanwhile: bool = False
    ) -> T:
        """Do the work for a request about a document on the worker's thread.

        What is done `meanwhile` prepares for such work, while nobody wants anything. A popup goes before ghost text:
        it is what shows that a key was pressed. Raises Cancelled when a newer request took over, CheckpointError when
        no model can be used.
        """
        place, settings = self.place_of(document), self.settings
        root = self.root_of(document) if document else next(iter(self.documents.roots), None)
        others = self._others(document, root)

        def work(cancelled: Callable[[], bool]) -> T:
            completer = self.choice.completer_for(place, settings.model, settings.threads)
            memory = self.memories.of(root, completer.tokenizer, others) if settings.memory else None
            chroma = self._chroma(root, settings) if settings.popup != "off" else None
            self.reader.look(root)  # once both follow it, so that each file is read once for both
            return ask(Tools(completer, memory, chroma, others, cancelled))

        if meanwhile:
            return await self.worker.run(f"{kind} ahead", work, meanwhile=True)
        return await self.worker.run(kind, work, urgent=kind == "popup")

    def _chroma(self, root: Path | None, settings: Settings) -> Known:
        """What is known of a workspace's ChromaDB: of its interpreter's, else of ours."""
        python = find_interpreter(root, settings.python_path, trusted=settings.trusted)
        return self.knowledge.of(root, python or Path(sys.executable))

    def _others(self, document: Document | None, root: Path | None) -> Opened:
        """The other open Python documents by the names that memory and facts of a root know them by."""
        # A text is read later, perhaps a newer one than this version: then the next request brings it again.
        return {
            self.memory_name(other, root): other.text_and_version()
            for other in self.documents.python_documents()
            if document is None or other.home != document.home
        }

    def report_model_errors(self) -> None:
        """Tell the user about each model that cannot be used, once."""
        for name, error in self.choice.errors.items():
            if error not in self._reported:
                self._reported.add(error)
                self.warn(f"slm-lsp cannot use the model {name!r}: {error}")

    def _leave_word(self) -> dict[str, Any]:
        """The word for whoever asks in a terminal; the client's log is told once of each workspace's files left out.

        Between keystrokes, since there may be thousands of such files.
        """
        word = self.word()
        for known in word["memory"]:
            if known["left_out"] and known["root"] not in self._reported:
                self._reported.add(known["root"])
                message = f"slm-lsp leaves out {known['left_out']} of the files in {known['root']}: "
                message += "; ".join(known["such_as"])
                self.window_log_message(types.LogMessageParams(types.MessageType.Info, message))
        return word

    def warn(self, message: str) -> None:
        """Show the user a warning."""
        self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, message))

    def report_server_error(self, error: Exception, source: ServerErrors) -> None:
        """Write an internal error to the client's log; a pop-up for each would be worse than the error."""
        message = f"slm-lsp: {source.__name__}: {error}"
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, message))
