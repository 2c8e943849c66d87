"""A Flask gateway in which every sports club's API key opens its own Chroma tenant, with one database per season.

Isolation comes from Chroma, not from a `where` clause somebody might forget: a club's client simply cannot name
another club's data.  Flask's `before_request` resolves the key, `g` carries the client to the view.
"""
import sys
import tempfile
import types
from contextlib import suppress

import chromadb
from chromadb.config import DEFAULT_DATABASE, Settings
from chromadb.errors import NotFoundError

with suppress(ImportError):
    import flask
if "flask" not in sys.modules:
    # Stand-in for environments without Flask: hooks, views, abort() and a test client.
    class _Abort(Exception):
        pass

    class _Flask:
        def __init__(self, name, **_):
            self.hooks, self.views = [], {}

        def before_request(self, f):
            self.hooks.append(f)
            return f

        def post(self, rule):
            return lambda f: self.views.setdefault(rule, f)

        def test_client(self):
            app = self

            class Client:
                def post(self, path, json=None, headers=None):
                    flask.request.headers, flask.request.json = headers or {}, json or {}
                    vars(flask.g).clear()
                    try:
                        for hook in app.hooks:
                            hook()
                        out = app.views[path]()
                        body, status = out if isinstance(out, tuple) else (out, 200)
                    except _Abort as stop:
                        status, body = stop.args[0], None
                    return types.SimpleNamespace(status_code=status, json=body)

            return Client()

    def _abort(status):
        raise _Abort(status)

    flask = types.ModuleType("flask")
    flask.Flask, flask.abort, flask.g = _Flask, _abort, types.SimpleNamespace()
    flask.request = types.SimpleNamespace(headers={}, json={})
    sys.modules["flask"] = flask

from flask import Flask, abort, g, request  # noqa: E402

API_KEYS = {"k-river": "rowing-river", "k-hill": "cycling-hill"}
POSITIONS = ["endurance", "sprint", "technique", "recovery"]


class TenantRegistry:
    """Creates tenants and databases on demand and keeps one client per (tenant, database)."""

    def __init__(self, path: str):
        self.settings = Settings(is_persistent=True, persist_directory=path, anonymized_telemetry=False)
        self.admin = chromadb.AdminClient(self.settings)
        self._clients = {}

    def ensure(self, tenant: str, database: str) -> None:
        try:
            self.admin.get_tenant(name=tenant)
        except NotFoundError:
            self.admin.create_tenant(name=tenant)
        try:
            self.admin.get_database(name=database, tenant=tenant)
        except NotFoundError:
            self.admin.create_database(name=database, tenant=tenant)

    def client(self, tenant: str, database: str):
        key = (tenant, database)
        if key not in self._clients:
            self.ensure(tenant, database)
            # Same settings, hence the same underlying system: a further client is cheap.
            self._clients[key] = chromadb.Client(settings=self.settings, tenant=tenant, database=database)
        return self._clients[key]

    def seasons(self, tenant: str, page: int = 0, size: int = 10):
        return sorted(d["name"] for d in self.admin.list_databases(limit=size, offset=page * size, tenant=tenant))

    def drop_season(self, tenant: str, database: str) -> None:
        self.admin.delete_database(name=database, tenant=tenant)
        stale = self._clients.pop((tenant, database), None)
        if stale is not None:
            stale.close()

    def close(self):
        for client in self._clients.values():
            client.close()
        self._clients.clear()


def create_app(registry: TenantRegistry) -> Flask:
    app = Flask("club_gateway")

    @app.before_request
    def authenticate():
        tenant = API_KEYS.get(request.headers.get("X-Api-Key", ""))
        if tenant is None:
            abort(401)
        g.tenant = tenant
        g.chroma = registry.client(tenant, request.headers.get("X-Season", "season-2024"))

    def sessions():
        return g.chroma.get_or_create_collection("training_sessions", configuration={"hnsw": {"space": "cosine"}})

    @app.post("/sessions")
    def log_session():
        body = request.json
        sessions().upsert(
            ids=[body["id"]],
            embeddings=[[float(body["load"].get(p, 0)) for p in POSITIONS]],
            metadatas=[{"coach": body["coach"]}],
            documents=[body["note"]],
        )
        return {"count": sessions().count()}, 201

    @app.post("/similar")
    def similar():
        wanted = [float(request.json.get(p, 0)) for p in POSITIONS]
        hit = sessions().query(query_embeddings=[wanted], n_results=1)
        return {"ids": hit["ids"][0], "notes": hit["documents"][0]}

    @app.post("/seasons")
    def list_seasons():
        return {"tenant": g.chroma.tenant, "current": g.chroma.database, "seasons": registry.seasons(g.tenant)}

    return app


def main():
    with tempfile.TemporaryDirectory(prefix="clubs-") as path:
        registry = TenantRegistry(path)
        web = create_app(registry).test_client()
        river, hill = {"X-Api-Key": "k-river"}, {"X-Api-Key": "k-hill"}

        def log(headers, sid, note, **load):
            return web.post("/sessions", headers=headers, json={"id": sid, "coach": "Ida", "note": note, "load": load})

        assert web.post("/sessions", headers={"X-Api-Key": "guess"}, json={}).status_code == 401
        assert log(river, "s1", "90 min steady state", endurance=9, technique=2).json == {"count": 1}
        assert log(river, "s2", "12 x 250 m", sprint=9, recovery=1).json == {"count": 2}
        assert log(hill, "s1", "hill repeats", sprint=6, endurance=5).json == {"count": 1}, "s1 of another club"

        # The same question, the same collection name, another tenant: another answer.
        ask = {"sprint": 8}
        assert web.post("/similar", headers=river, json=ask).json["notes"] == ["12 x 250 m"]
        assert web.post("/similar", headers=hill, json=ask).json["notes"] == ["hill repeats"]

        # A new season is a new, empty database of the same tenant.
        winter = {**river, "X-Season": "season-2025"}
        assert web.post("/similar", headers=winter, json=ask).json["ids"] == []
        info = web.post("/seasons", headers=winter).json
        assert info == {"tenant": "rowing-river", "current": "season-2025", "seasons": ["season-2024", "season-2025"]}
        registry.drop_season("rowing-river", "season-2025")
        assert registry.seasons("rowing-river") == ["season-2024"]

        # No club can see the default tenant's database, and it holds none of their collections.
        operator = chromadb.Client(settings=registry.settings, database=DEFAULT_DATABASE)
        assert operator.count_collections() == 0
        print("tenants:", sorted(set(API_KEYS.values())), "| river seasons:", registry.seasons("rowing-river"))
        operator.close()
        registry.close()


if __name__ == "__main__":
    main()
