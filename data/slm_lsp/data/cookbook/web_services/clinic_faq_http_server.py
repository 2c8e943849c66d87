"""Serve a clinic's frequently asked questions over plain http.server: JSON in, JSON out, Chroma behind a lock-free handler."""
import contextlib
import http.client
import json
import re
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import chromadb

SYNONYMS = {"physician": "doctor", "gp": "doctor", "jab": "vaccine", "shot": "vaccine", "book": "appointment",
            "bill": "invoice", "pay": "invoice", "child": "kid", "children": "kid", "kids": "kid"}
TERMS = ["doctor", "vaccine", "appointment", "invoice", "kid", "prescription", "parking", "open", "blood", "results",
         "cancel", "flu", "repeat", "weekend", "emergency", "insurance"]


def embed(text):
    """A controlled vocabulary with synonyms: for a few dozen FAQs this beats a general model, and explains itself."""
    words = [SYNONYMS.get(w, w) for w in re.findall(r"[a-z]+", text.lower())]
    hits = [float(sum(w.startswith(t[:6]) for w in words)) for t in TERMS]
    return hits if any(hits) else None


class FaqHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faq = None                       # set by serve(): handlers are created anew for each request

    def log_message(self, format, *args):
        pass                         # the access log would drown the program's own output

    def reply(self, status, payload):
        body = json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urlparse(self.path)
        params = {k: v[-1] for k, v in parse_qs(url.query).items()}
        if url.path == "/health":
            return self.reply(HTTPStatus.OK, {"entries": self.faq.count()})
        if url.path == "/ask":
            return self.ask(params)
        if url.path.startswith("/faq/"):
            row = self.faq.get(ids=url.path.removeprefix("/faq/"))
            if not row["ids"]:
                return self.reply(HTTPStatus.NOT_FOUND, {"error": "no such entry"})
            return self.reply(HTTPStatus.OK, {"answer": row["documents"][0], **row["metadatas"][0]})
        self.reply(HTTPStatus.NOT_FOUND, {"error": "unknown path"})

    def ask(self, params):
        vector = embed(params.get("q", ""))
        if vector is None:
            return self.reply(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": "please mention what it is about"})
        audience = params.get("audience", "patient")
        found = self.faq.query(
            query_embeddings=[vector],
            n_results=2,
            where={"$or": [{"audience": audience}, {"audience": "everyone"}]},
        )
        answers = [
            {"id": i, "answer": text, "distance": round(d, 4)}
            for i, text, d in zip(found["ids"][0], found["documents"][0], found["distances"][0])
            if d < 0.6
        ]
        self.reply(HTTPStatus.OK, {"answers": answers})

    def do_PUT(self):
        """PUT /faq/<id> creates (201) or replaces (200) one entry."""
        entry_id = self.path.removeprefix("/faq/")
        try:
            entry = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            vector = embed(entry["question"])
            if vector is None:
                raise ValueError("no known term in the question")
            existed = bool(self.faq.get(ids=entry_id, include=[])["ids"])
            self.faq.upsert(
                ids=entry_id,
                embeddings=vector,
                documents=entry["answer"],
                metadatas={"question": entry["question"], "audience": entry.get("audience", "everyone")},
            )
        except (KeyError, ValueError) as e:
            return self.reply(HTTPStatus.BAD_REQUEST, {"error": str(e)})
        self.reply(HTTPStatus.OK if existed else HTTPStatus.CREATED, {"id": entry_id})

    def do_DELETE(self):
        entry_id = self.path.removeprefix("/faq/")
        self.faq.delete(ids=[entry_id])     # idempotent: deleting what is not there is no error
        self.reply(HTTPStatus.OK, {"entries": self.faq.count()})


@contextlib.contextmanager
def serve(collection):
    """Run the server on a free port of the loopback interface until the block ends."""
    handler = type("BoundFaqHandler", (FaqHandler,), {"faq": collection})
    # Chroma's embedded client may be called from many threads, so no lock is needed around it.
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def call(address, method, path, body=None):
    connection = http.client.HTTPConnection(*address, timeout=30)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    finally:
        connection.close()


ENTRIES = {
    "flu-jab": {"question": "When can I get the flu vaccine?", "answer": "Every weekday from October, without an appointment."},
    "repeat-rx": {"question": "How do I order a repeat prescription?", "answer": "Use the form; allow two working days.",
                  "audience": "patient"},
    "rx-trade": {"question": "Repeat prescription requests from pharmacies", "answer": "Pharmacies send them by secure mail.",
                 "audience": "pharmacy"},
    "weekend": {"question": "Is a doctor there at the weekend?", "answer": "Saturday 9-12, emergencies only."},
    "bill": {"question": "How do I pay an invoice?", "answer": "By card at the desk, or by bank transfer."},
}


def main():
    faq = chromadb.EphemeralClient().get_or_create_collection("faq", configuration={"hnsw": {"space": "cosine"}})
    with serve(faq) as address:
        # Writers in parallel, as several editors would.
        statuses = []
        editors = [threading.Thread(target=lambda k=k, e=e: statuses.append(call(address, "PUT", f"/faq/{k}", e)[0]))
                   for k, e in ENTRIES.items()]
        for t in editors:
            t.start()
        for t in editors:
            t.join()
        assert statuses == [201] * 5 and call(address, "GET", "/health") == (200, {"entries": 5})
        assert call(address, "PUT", "/faq/bill", ENTRIES["bill"])[0] == 200

        status, reply = call(address, "GET", "/ask?q=can+my+children+have+the+flu+shot%3F")
        assert (status, reply["answers"][0]["id"]) == (200, "flu-jab")
        mine = call(address, "GET", "/ask?q=repeat+prescriptions")[1]["answers"]
        theirs = call(address, "GET", "/ask?q=repeat+prescriptions&audience=pharmacy")[1]["answers"]
        assert (mine[0]["id"], theirs[0]["id"]) == ("repeat-rx", "rx-trade")
        assert call(address, "GET", "/ask?q=hmm")[0] == 422
        assert call(address, "PUT", "/faq/odd", {"question": "Why?", "answer": "Because."})[0] == 400
        assert call(address, "DELETE", "/faq/weekend") == (200, {"entries": 4})
        assert call(address, "GET", "/faq/weekend")[0] == 404
        print("http://%s:%d answered:" % address, reply["answers"][0]["answer"])


if __name__ == "__main__":
    main()
