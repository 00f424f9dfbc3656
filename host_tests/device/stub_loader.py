"""A chip whose flasher stub is running already, as a TCP server: what esptool speaks to.

Follows Espressif's description of the serial protocol: SLIP frames, a request with its opcode, a
response with a value, data and two status bytes; flash is written compressed.
"""

import hashlib
import socket
import struct
import threading
import zlib

_END, _ESC = b"\xc0", b"\xdb"
_SYNC, _READ_REG, _WRITE_REG = 0x08, 0x0A, 0x09
_PARAMS, _ATTACH = 0x0B, 0x0D
_DEFLATE_BEGIN, _DEFLATE_DATA, _DEFLATE_END = 0x10, 0x11, 0x12
_MD5, _ERASE, _READ = 0x13, 0xD1, 0xD2
_CHIP_MAGIC = 0x40001000
_ESP32 = 0x00F01D83
_SECTOR = 4096


class StubLoader:
    """An ESP32 with the flash `cells`; `url` is its port."""

    def __init__(self, cells):
        self.cells = cells
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._server.close()

    def _serve(self):
        while True:
            try:
                self._line, _ = self._server.accept()
            except OSError:
                return
            received = b""
            while data := self._received():
                received += data
                while received.count(_END) >= 2:
                    _, frame, received = received.split(_END, 2)
                    frame = frame.replace(b"\xdb\xdc", _END).replace(b"\xdb\xdd", _ESC)
                    self._answer(frame)

    def _received(self):
        try:
            return self._line.recv(65536)
        except OSError:
            return b""

    def _send(self, frame):
        frame = frame.replace(_ESC, b"\xdb\xdd").replace(_END, b"\xdb\xdc")
        self._line.sendall(_END + frame + _END)

    def _reply(self, op, value=0, data=b"", status=b"\0\0"):
        body = data + status
        self._send(struct.pack("<BBHI", 1, op, len(body), value) + body)

    def _answer(self, frame):
        if len(frame) < 8 or frame[0] != 0:
            return  # the acknowledgement of a block that was read
        _, op, length, _ = struct.unpack("<BBHI", frame[:8])
        data = frame[8:]
        words = struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])
        if op == _SYNC:
            for _ in range(8):
                self._reply(op)
        elif op == _READ_REG:
            self._reply(op, _ESP32 if words[0] == _CHIP_MAGIC else 0)
        elif op in (_WRITE_REG, _PARAMS, _ATTACH):
            self._reply(op)
        elif op == _DEFLATE_BEGIN:
            self._at = words[3]
            self._inflate = zlib.decompressobj()
            self._reply(op)
        elif op == _DEFLATE_DATA:
            piece = self._inflate.decompress(data[16:])
            for start in range(self._at, self._at + len(piece)):
                if start % _SECTOR == 0:
                    self.cells[start : start + _SECTOR] = b"\xff" * _SECTOR
            self.cells[self._at : self._at + len(piece)] = piece
            self._at += len(piece)
            self._reply(op)
        elif op == _DEFLATE_END:
            self._reply(op)
        elif op == _MD5:
            at, size = words[:2]
            self._reply(op, data=hashlib.md5(self.cells[at : at + size]).digest())
        elif op == _ERASE:
            at, size = words
            self.cells[at : at + size] = b"\xff" * size
            self._reply(op)
        elif op == _READ:
            at, size, block = words[:3]
            self._reply(op)
            for start in range(at, at + size, block):
                self._send(bytes(self.cells[start : min(start + block, at + size)]))
            self._send(hashlib.md5(self.cells[at : at + size]).digest())
        else:
            self._reply(op, status=b"\x01\x05")  # no such command
