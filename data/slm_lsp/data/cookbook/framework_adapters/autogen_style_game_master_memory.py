"""A Memory for AutoGen agents on Chroma: a game master recalls what the party did, and has it put into the prompt."""
import asyncio
import hashlib
import time
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, List

import chromadb
from pydantic import BaseModel, ConfigDict

try:
    from autogen_core.memory import Memory, MemoryContent, MemoryMimeType, MemoryQueryResult, UpdateContextResult
    from autogen_core.model_context import BufferedChatCompletionContext
    from autogen_core.models import SystemMessage, UserMessage
except ImportError:
    # stand-ins with AutoGen's field names
    class MemoryMimeType(Enum):
        TEXT = "text/plain"
        JSON = "application/json"

    @dataclass
    class MemoryContent:
        content: str
        mime_type: MemoryMimeType
        metadata: dict = field(default_factory=dict)

    @dataclass
    class MemoryQueryResult:
        results: List[MemoryContent]

    @dataclass
    class UpdateContextResult:
        memories: MemoryQueryResult

    @dataclass
    class SystemMessage:
        content: str

    @dataclass
    class UserMessage(SystemMessage):
        source: str

    class BufferedChatCompletionContext:
        def __init__(self, buffer_size: int):
            self.buffer_size, self.messages = buffer_size, []

        async def add_message(self, message):
            self.messages.append(message)

        async def get_messages(self):
            return self.messages[-self.buffer_size:]

    Memory = object


class GameMemoryConfig(BaseModel):
    model_config = ConfigDict(extra="forbid")

    collection_name: str = "campaign"
    k: int = 3
    score_threshold: float = 0.4
    tenant: str = chromadb.DEFAULT_TENANT
    database: str = chromadb.DEFAULT_DATABASE


VOCABULARY = ("dragon", "gold", "tavern", "map", "sword", "goblin", "curse", "king", "bridge", "song")


def embed(text: str) -> List[float]:
    # the last axis stands for "anything else": small talk points there and matches no memory well
    return [float(text.lower().count(word)) for word in VOCABULARY] + [0.2]


class ChromaGameMemory(Memory):
    component_config_schema = GameMemoryConfig

    def __init__(self, config: GameMemoryConfig | None = None) -> None:
        self.config = config or GameMemoryConfig()
        self._client = None
        self._collection = None

    def _ensure_initialized(self) -> chromadb.Collection:
        # lazily: AutoGen builds components from their configuration long before it uses them
        if self._collection is None:
            self._client = chromadb.EphemeralClient(tenant=self.config.tenant, database=self.config.database)
            self._collection = self._client.get_or_create_collection(
                name=self.config.collection_name,
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine", "ef_search": 40}},
            )
        return self._collection

    async def add(self, content: MemoryContent, cancellation_token: Any = None) -> None:
        if content.mime_type is not MemoryMimeType.TEXT:
            raise ValueError(f"cannot embed {content.mime_type.value}")
        # The id is made of the text: told twice is remembered once, with the newest metadata.
        digest = hashlib.blake2b(content.content.strip().lower().encode(), digest_size=8).hexdigest()
        self._ensure_initialized().upsert(
            ids=[digest],
            documents=[content.content],
            embeddings=[embed(content.content)],
            metadatas=[{"mime_type": content.mime_type.value, "told_at": time.time(), **content.metadata}],
        )

    async def query(self, query: str | MemoryContent, cancellation_token: Any = None, **kwargs: Any) -> MemoryQueryResult:
        text = query if isinstance(query, str) else query.content
        found = self._ensure_initialized().query(
            query_embeddings=[embed(text)],
            n_results=kwargs.pop("k", self.config.k),
            where=kwargs.pop("where", None),
            include=["documents", "metadatas", "distances"],
        )
        results = []
        for document, row, distance in zip(found["documents"][0], found["metadatas"][0], found["distances"][0]):
            score = 1.0 - distance
            if score < self.config.score_threshold:
                break  # sorted by distance: all that follow are worse
            mime = MemoryMimeType(row["mime_type"])
            results.append(MemoryContent(content=document, mime_type=mime, metadata={**row, "score": score}))
        return MemoryQueryResult(results=results)

    async def update_context(self, model_context: BufferedChatCompletionContext) -> UpdateContextResult:
        """Put what fits the last message in front of the model."""
        messages = await model_context.get_messages()
        if not messages:
            return UpdateContextResult(memories=MemoryQueryResult(results=[]))
        recalled = await self.query(messages[-1].content)
        if recalled.results:
            lines = [f"{n}. {memory.content}" for n, memory in enumerate(recalled.results, start=1)]
            await model_context.add_message(SystemMessage(content="Relevant memories:\n" + "\n".join(lines)))
        return UpdateContextResult(memories=recalled)

    async def clear(self) -> None:
        collection = self._ensure_initialized()
        if ids := collection.get(include=[])["ids"]:
            collection.delete(ids=ids)

    async def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = self._collection = None

    async def reset(self) -> None:
        self._ensure_initialized()
        self._client.delete_collection(self.config.collection_name)
        self._collection = None


def told(text: str, **metadata: Any) -> MemoryContent:
    return MemoryContent(content=text, mime_type=MemoryMimeType.TEXT, metadata=metadata)


async def main() -> None:
    memory = ChromaGameMemory(GameMemoryConfig(collection_name="campaign-emberfall", k=2))
    for session, text in enumerate(
        [
            "The party stole the map from the goblin king.",
            "Brakka lost her sword at the bridge.",
            "A curse lies on the gold of the dragon.",
            "In the tavern they heard a song about the dragon.",
            "in the tavern they heard a song about the dragon. ",  # the players tell it again
        ],
        start=1,
    ):
        await memory.add(told(text, session=session))
    collection = memory._ensure_initialized()
    assert collection.count() == 4
    assert collection.get(where={"session": {"$gte": 5}})["documents"][0].startswith("in the tavern")

    recalled = await memory.query("May we take the dragon gold?")
    assert recalled.results[0].content == "A curse lies on the gold of the dragon."
    assert recalled.results[0].metadata["score"] > 0.7
    early = await memory.query("dragon", where={"session": {"$lte": 2}})
    assert early.results == []  # below the threshold

    context = BufferedChatCompletionContext(buffer_size=10)
    await context.add_message(UserMessage(content="I draw my sword on the bridge!", source="Brakka"))
    update = await memory.update_context(context)
    messages = await context.get_messages()
    assert len(update.memories.results) == 1
    assert messages[-1].content == "Relevant memories:\n1. Brakka lost her sword at the bridge."
    await context.add_message(UserMessage(content="What is the weather like?", source="Ilo"))
    await memory.update_context(context)
    assert len(await context.get_messages()) == 3  # nothing relevant, nothing added
    try:
        await memory.add(MemoryContent(content="{}", mime_type=MemoryMimeType.JSON))
    except ValueError as error:
        assert "application/json" in str(error)
    else:
        raise AssertionError("JSON is not for this memory")
    await memory.clear()
    assert (await memory.query("dragon")).results == []
    await memory.reset()
    await memory.close()
    print(messages[-1].content.replace("\n", " "))


if __name__ == "__main__":
    asyncio.run(main())
