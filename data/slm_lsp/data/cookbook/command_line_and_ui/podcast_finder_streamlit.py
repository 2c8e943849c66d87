"""Streamlit page that finds podcast episodes by topic, length and show, over a cached Chroma client.

Start it with `streamlit run podcast_finder_streamlit.py`.  Without Streamlit the page runs against a small headless
stand-in whose widgets return scripted values, which also shows how such a page can be tested.
"""
from __future__ import annotations

import re
from collections import defaultdict

import chromadb
import numpy as np

try:
    import streamlit as st
except ImportError:

    class Headless:
        """Widgets look their value up by label (or return the default); everything shown is written down."""

        def __init__(self):
            self.session_state, self.values, self.shown, self._cache = {}, {}, [], {}
            self.sidebar = self

        def cache_resource(self, function=None, **_):
            def wrapped(*args):
                if args not in self._cache:
                    self._cache[args] = function(*args)
                return self._cache[args]
            return wrapped

        def cache_data(self, ttl=None):
            return lambda f: f

        def text_input(self, label, value=""):
            return self.values.get(label, value)

        def multiselect(self, label, options, default=None):
            return self.values.get(label, default or [])

        def slider(self, label, low, high, value):
            return self.values.get(label, value)

        def button(self, label, key=None):
            return self.values.pop(key or label, False)

        def container(self, border=False):
            return self

        def __enter__(self):
            return self

        def __exit__(self, *exc):
            return None

        def __getattr__(self, kind):       # title, caption, markdown, metric, warning, ...
            return lambda *args, **_: self.shown.append((kind, *args))

        def rerun_page(self, page, **values):
            self.values, self.shown = values, []
            page()
            return self.shown

    st = Headless()

EPISODES = [
    ("Bread of the Romans", "History Bites", 34, "what roman bakers put into bread and how they were taxed"),
    ("Sourdough science", "Lab Kitchen", 52, "yeast, bacteria and why sourdough bread rises"),
    ("The great tulip bubble", "Money Past", 41, "speculation in tulips and what markets learned"),
    ("Central banks for beginners", "Money Past", 63, "interest rates, inflation and markets"),
    ("Fermented everything", "Lab Kitchen", 28, "kimchi, miso, bacteria and salt"),
    ("Aqueducts", "History Bites", 22, "how roman engineers moved water to the city"),
]
VOCABULARY = sorted({w for *_, text in EPISODES for w in re.findall(r"[a-z]{4,}", text)})


def embed(text: str) -> np.ndarray:
    counts = np.array([len(re.findall(rf"\b{re.escape(w)}", text.lower())) for w in VOCABULARY], dtype=np.float32)
    return np.sqrt(counts)


@st.cache_resource
def open_collection() -> chromadb.Collection:
    """Streamlit runs the whole script anew at every click; the cached client survives all of them."""
    client = chromadb.EphemeralClient()
    episodes = client.get_or_create_collection("episodes", configuration={"hnsw": {"space": "cosine"}})
    if episodes.count() == 0:
        episodes.add(
            ids=[f"ep{n:02d}" for n, _ in enumerate(EPISODES)],
            documents=[text for *_, text in EPISODES],
            embeddings=np.stack([embed(text) for *_, text in EPISODES]),
            metadatas=[{"title": t, "show": show, "minutes": m, "likes": 0} for t, show, m, _ in EPISODES],
        )
    return episodes


@st.cache_data(ttl=600)
def all_shows() -> list[str]:
    return sorted({m["show"] for m in open_collection().get(include=["metadatas"])["metadatas"]})


def like(episode_id: str) -> None:
    episodes = open_collection()
    likes = episodes.get(ids=[episode_id])["metadatas"][0]["likes"]
    episodes.update(ids=[episode_id], metadatas=[{"likes": likes + 1}])
    # Likes of this visitor, kept in the session: no double voting within a visit.
    st.session_state.setdefault("liked", set()).add(episode_id)


def build_filter(shows: list[str], minutes: tuple[int, int]) -> dict:
    clauses: list[dict] = [{"minutes": {"$gte": minutes[0]}}, {"minutes": {"$lte": minutes[1]}}]
    if shows:
        clauses.append({"show": {"$in": shows}})
    return {"$and": clauses}


def page() -> None:
    episodes = open_collection()
    st.title("Podcast finder")
    st.caption(f"{episodes.count()} episodes")

    query = st.text_input("What would you like to hear about?")
    shows = st.sidebar.multiselect("Shows", all_shows())
    minutes = st.sidebar.slider("Minutes", 0, 120, (0, 90))
    where = build_filter(shows, minutes)

    if not query:
        st.markdown("#### Most liked")
        rows = episodes.get(where=where)
        ranking = sorted(zip(rows["ids"], rows["metadatas"]), key=lambda r: -r[1]["likes"])[:3]
        found = [(i, m, None) for i, m in ranking]
    else:
        vector = embed(query)
        if not vector.any():
            st.warning("None of these words occurs in an episode.")
            return
        hits = episodes.query(query_embeddings=[vector], n_results=3, where=where, include=["metadatas", "distances"])
        found = [(i, m, d) for i, m, d in zip(hits["ids"][0], hits["metadatas"][0], hits["distances"][0]) if d < 0.95]
        history = st.session_state.setdefault("history", defaultdict(int))
        history[query] += 1

    for episode_id, meta, distance in found:
        with st.container(border=True):
            st.markdown(f"**{meta['title']}** - {meta['show']}, {meta['minutes']} min")
            if distance is not None:
                st.metric("match", f"{1 - distance:.0%}")
            liked = episode_id in st.session_state.get("liked", ())
            if not liked and st.button("Like", key=f"like-{episode_id}"):
                like(episode_id)


def check() -> None:
    """Click through the page with the headless stand-in."""
    def titles(shown):
        return [args[0].split("**")[1] for kind, *args in shown if kind == "markdown" and "**" in args[0]]

    ask = "What would you like to hear about?"
    first = st.rerun_page(page)
    assert ("caption", "6 episodes") in first and len(titles(first)) == 3
    bread = st.rerun_page(page, **{ask: "bacteria in bread"})
    assert titles(bread)[0] == "Sourdough science" and ("metric", "match") == bread[3][:2]
    short = st.rerun_page(page, **{ask: "bacteria in bread", "Minutes": (0, 30)})
    assert titles(short) == ["Fermented everything"]
    money = st.rerun_page(page, **{ask: "roman markets", "Shows": ["Money Past"]})
    assert set(titles(money)) == {"The great tulip bubble", "Central banks for beginners"}
    assert st.rerun_page(page, **{ask: "volleyball"})[-1][0] == "warning"

    for _ in range(2):        # the second click is ignored
        st.rerun_page(page, **{ask: "interest rates", "like-ep03": True})
    top = st.rerun_page(page)
    assert titles(top)[0] == "Central banks for beginners"
    assert open_collection().get(where={"likes": {"$gt": 0}}, include=["metadatas"])["metadatas"][0]["likes"] == 1
    assert st.session_state["history"]["bacteria in bread"] == 2
    print("searches:", dict(st.session_state["history"]), "| most liked:", titles(top)[0])


if __name__ == "__main__":
    check() if hasattr(st, "rerun_page") else page()
