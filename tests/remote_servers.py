"""Servers on loopback that tests read datasets from: S3, web servers, Google's store, a hub."""

from __future__ import annotations

import html
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

RANGE = re.compile(r"bytes=(\d+)-(\d+)?")


@dataclass
class Answers:
    """How a server answers: the files in a folder, and faults.

    `fault` gets the path and the number of requests for it, and returns a status, "reset", "cut"
    or None. `asked` are the requests: method, path and the bytes that were sent.
    """

    folder: Path
    ranges: bool = True
    fault: Callable[[str, int], int | str | None] = lambda path, number: None
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    address: str = ""

    @property
    def sent(self) -> int:
        return sum(size for _, _, size in self.asked)

    def again(self, folder: Path, *, ranges: bool = True) -> Answers:
        """Serve another folder from now on, without faults."""
        self.folder, self.ranges = folder, ranges
        self.fault = lambda path, number: None
        self.asked = []
        return self


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: Answers

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.send_error(405)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        number = sum(one[1] == path for one in self.answers.asked)
        fault = self.answers.fault(path, number)
        if isinstance(fault, int):
            self.answers.asked.append(("GET", path, 0))
            self._empty(fault, {"Location": self.path} if 300 <= fault < 400 else {})
            return
        file = self.answers.folder / unquote(path).lstrip("/")
        if file.is_dir():
            if path.endswith("/"):
                self._index(file)
            else:
                self._empty(301, {"Location": path + "/"})
        elif file.is_file():
            self._file(file, path, fault)
        else:
            self._empty(404, {})

    def _empty(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def _index(self, folder: Path) -> None:
        names = [one.name + "/" * one.is_dir() for one in sorted(folder.iterdir())]
        links = "".join(f'<a href="{quote(name)}">{html.escape(name)}</a>\n' for name in names)
        page = f'<h1>Index</h1><a href="../">..</a><a href="?C=N">Name</a>{links}'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def _file(self, file: Path, path: str, fault: str | None) -> None:
        content = file.read_bytes()
        asked = RANGE.fullmatch(self.headers.get("Range", ""))
        start, end = 0, len(content)
        if asked and self.answers.ranges:
            start = int(asked[1])
            end = min(int(asked[2] or end) + 1, end)
            if start >= len(content):
                self._empty(416, {"Content-Range": f"bytes */{len(content)}"})
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("ETag", f'"{md5(content).hexdigest()}"')
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        body = content[start:end]
        if fault:
            body = body[: len(body) // 2] if fault == "cut" else b""
            self.close_connection = True
        self.answers.asked.append(("GET", path, len(body)))
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing: clients go away when they have what they want."""


@contextmanager
def serving(
    handler: type[BaseHTTPRequestHandler], certificate: Path | None = None
) -> Iterator[str]:
    """Run a server, by TLS if it has a certificate, and yield its address."""
    server = _Server(("127.0.0.1", 0), handler)
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        scheme = "https" if certificate else "http"
        yield f"{scheme}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def web_server(folder: Path, certificate: Path | None = None) -> Iterator[Answers]:
    """Serve the files in a folder, with ranges and index pages."""
    answers = Answers(folder)
    handler = type("Handler", (_Handler,), {"answers": answers})
    with serving(handler, certificate) as answers.address:
        yield answers


def self_signed(folder: Path) -> Path:
    """Write a certificate of 127.0.0.1 with its key to a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    secret = key.private_bytes(
        form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(secret + made.public_bytes(form))
    return folder / "server.pem"


class _Store(BaseHTTPRequestHandler):
    """What Google's store and the Hugging Face Hub have in common here."""

    protocol_version = "HTTP/1.1"
    files: dict[str, bytes]

    def log_message(self, *_: object) -> None:
        pass

    def say(self, value: object, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_part(self, content: bytes) -> None:
        asked = RANGE.fullmatch(self.headers.get("Range", "").lower())
        start, end = (int(asked[1]), int(asked[2]) + 1) if asked else (0, len(content))
        body = content[start:end]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def inside(self, prefix: str) -> tuple[list[str], list[str]]:
        """Return the files and the folders directly below a prefix."""
        below = [name for name in sorted(self.files) if name.startswith(prefix)]
        here = [name for name in below if "/" not in name[len(prefix) :]]
        folders = {
            prefix + name[len(prefix) :].partition("/")[0] for name in set(below).difference(here)
        }
        return here, sorted(folders)


class GoogleStore(_Store):
    """Objects of one bucket: lists, metadata and contents (the JSON API)."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        name = unquote(parts.path.partition("/o/")[2])
        if name in self.files and asked.get("alt") == "media":
            self.send_part(self.files[name])
        elif name in self.files:
            self.say(self.described(name))
        elif parts.path.endswith("/o"):
            here, folders = self.inside(asked.get("prefix", ""))
            items = [self.described(one) for one in here]
            if "delimiter" not in asked:
                below = (one for one in self.files if one.startswith(asked["prefix"]))
                items = [self.described(one) for one in below]
            prefixes = [f"{one}/" for one in folders]
            self.say({"kind": "storage#objects", "items": items, "prefixes": prefixes})
        else:
            self.say({"error": {"code": 404, "message": "no such object"}}, 404)

    def described(self, name: str) -> dict[str, str]:
        content = self.files[name]
        return {
            "kind": "storage#object",
            "bucket": "bucket",
            "name": name,
            "size": str(len(content)),
            "generation": str(int(md5(content).hexdigest()[:12], 16)),
            "updated": "2025-01-01T00:00:00.000Z",
        }


class Hub(_Store):
    """One dataset of the Hugging Face Hub: its tree, and its files."""

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        inner = path.partition("/tree/main")[2].strip("/")
        if "/resolve/main/" in path:
            name = path.partition("/resolve/main/")[2]
            self.send_part(self.files[name])
        elif "/tree/main" in path:
            here, folders = self.inside(f"{inner}/" if inner else "")
            if not here and not folders:
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.say([*map(self.folder, folders), *map(self.file, here)])
        else:
            self.say({"id": "owner/name", "sha": "0" * 40, "siblings": []})

    def do_POST(self) -> None:
        self.say([])

    def file(self, name: str) -> dict[str, object]:
        oid = md5(self.files[name]).hexdigest()
        return {"type": "file", "path": name, "size": len(self.files[name]), "oid": oid}

    def folder(self, name: str) -> dict[str, object]:
        return {"type": "directory", "path": name, "size": 0, "oid": "0" * 40}


@contextmanager
def store(kind: type[_Store], files: dict[str, bytes]) -> Iterator[str]:
    """Run a store of files, by their names, and yield its address."""
    with serving(type("Handler", (kind,), {"files": files})) as address:
        yield address


@contextmanager
def s3_server() -> Iterator[str]:
    """Run moto's S3 in this process, and yield its address."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def put(bucket: str, folder: Path) -> None:
    """Put all files below a folder into a bucket of moto's S3, without requests."""
    from moto.s3.models import s3_backends

    backend = s3_backends["123456789012"]["aws"]
    if bucket not in backend.buckets:
        backend.create_bucket(bucket, "us-east-1")
    for file in folder.rglob("*"):
        if file.is_file():
            backend.put_object(bucket, file.relative_to(folder).as_posix(), file.read_bytes())


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder, by their names there."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}
