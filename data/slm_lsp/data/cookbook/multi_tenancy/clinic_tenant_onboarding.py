"""Onboard clinics as Chroma tenants on one disk: create tenant and databases, hand out clients, look around.

The hierarchy is tenant > database > collection. Names of databases are unique within a tenant, names of
collections within a database. Only an AdminClient can create the upper two levels; an ordinary client is
bound to one tenant and one database when it is built, and fails there if either is missing.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass

import chromadb
from chromadb import Schema, VectorIndexConfig
from chromadb.config import Settings
from chromadb.errors import ChromaError, NotFoundError

DATABASES = ("records", "research")


@dataclass(frozen=True)
class Clinic:
    name: str
    city: str

    @property
    def tenant(self) -> str:
        """Tenant names need three characters or more; ours are slugs, so that logs stay readable."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.name} {self.city}".lower()).strip("-")


class Platform:
    def __init__(self, path: str) -> None:
        # Admin and ordinary clients on one path must agree on every setting, so there is one object to copy.
        self._settings = Settings(is_persistent=True, persist_directory=path, anonymized_telemetry=False)
        self.admin = chromadb.AdminClient(settings=self._settings)

    def exists(self, tenant: str) -> bool:
        try:
            return self.admin.get_tenant(name=tenant)["name"] == tenant
        except NotFoundError:
            return False

    def onboard(self, clinic: Clinic) -> bool:
        """Creates what is missing. True if the tenant is new. Safe to run again after a crash half-way."""
        new = not self.exists(clinic.tenant)
        if new:
            self.admin.create_tenant(name=clinic.tenant)
        present = {database["name"] for database in self.admin.list_databases(tenant=clinic.tenant)}
        for database in DATABASES:
            if database not in present:
                self.admin.create_database(name=database, tenant=clinic.tenant)
        return new

    def client_for(self, clinic: Clinic, database: str) -> chromadb.ClientAPI:
        return chromadb.PersistentClient(
            path=self._settings.persist_directory,
            settings=self._settings.model_copy(),
            tenant=clinic.tenant,
            database=database,
        )


def store_letters(client: chromadb.ClientAPI, letters: dict[str, tuple[list[float], str]]) -> None:
    collection = client.get_or_create_collection(
        name="discharge_letters",
        schema=Schema().create_index(config=VectorIndexConfig(space="cosine")),
        embedding_function=None,
    )
    collection.upsert(
        ids=list(letters),
        embeddings=[vector for vector, _ in letters.values()],
        documents=[text for _, text in letters.values()],
    )


def main() -> None:
    st_mary = Clinic("St. Mary", "Leeds")
    lakeside = Clinic("Lakeside", "Bern")
    assert st_mary.tenant == "st-mary-leeds"

    with tempfile.TemporaryDirectory() as path:
        platform = Platform(path)

        # A client for a tenant that does not exist is refused when it is built, not at the first query.
        try:
            platform.client_for(st_mary, "records")
        except NotFoundError as error:
            print("before onboarding:", error)
        else:
            raise AssertionError("the tenant should be unknown")

        assert platform.onboard(st_mary) is True
        assert platform.onboard(lakeside) is True
        assert platform.onboard(st_mary) is False  # a second run changes nothing
        try:
            platform.admin.create_tenant(lakeside.tenant)
        except ChromaError as error:
            assert "already exists" in str(error)
        else:
            raise AssertionError("a tenant was created twice")

        # Same collection name, same ids, different patients.
        store_letters(
            platform.client_for(st_mary, "records"),
            {"p-1": ([1.0, 0.0], "Hip replacement, discharged after 5 days"), "p-2": ([0.0, 1.0], "Asthma")},
        )
        store_letters(platform.client_for(lakeside, "records"), {"p-1": ([0.9, 0.1], "Knee arthroscopy")})

        leeds = platform.client_for(st_mary, "records").get_collection("discharge_letters", embedding_function=None)
        bern = platform.client_for(lakeside, "records").get_collection("discharge_letters", embedding_function=None)
        assert leeds.id != bern.id
        assert leeds.get("p-1")["documents"] != bern.get("p-1")["documents"]
        nearest = bern.query(query_embeddings=[[0.0, 1.0]], n_results=5)
        assert nearest["ids"] == [["p-1"]], "Bern never sees the asthma patient of Leeds"
        assert platform.client_for(st_mary, "research").count_collections() == 0

        # An auditor moves between tenants with one client.
        auditor = platform.client_for(st_mary, "records")
        assert auditor.get_user_identity().user_id == ""  # an embedded database has no users
        auditor.set_tenant(tenant=lakeside.tenant, database="records")
        assert auditor.get_collection(name="discharge_letters", embedding_function=None).count() == 1
        auditor.set_database(database="research")
        assert auditor.count_collections() == 0

        for clinic in (st_mary, lakeside):
            for database in platform.admin.list_databases(tenant=clinic.tenant):
                client = platform.client_for(clinic, database["name"])
                assert (client.tenant, client.database) == (clinic.tenant, database["name"])
                print(f"{clinic.tenant:>14} / {database['name']:<9} {client.count_collections()} collection(s)")
                client.close()

        # Everyday mistakes.
        unknown = platform.admin.list_databases(tenant="nobody")
        assert list(unknown) == [], "listing an unknown tenant is empty, not an error: check with get_tenant"
        assert platform.admin.get_database(name="research", tenant=lakeside.tenant)["tenant"] == "lakeside-bern"
        try:
            platform.admin.create_database(name="x", tenant=lakeside.tenant)
        except ChromaError as error:
            print("too short:", error)
        else:
            raise AssertionError("one letter is no name")
        # An AdminClient has no close(): forget the shared system before the folder goes away.
        platform.client_for(lakeside, "records").clear_system_cache()


if __name__ == "__main__":
    main()
