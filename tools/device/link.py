"""The line to a board: its raw REPL, through mpremote's transport.

What always holds: whatever goes wrong on the line is a `DeviceError` with words for a person; a
reply is taken only whole, because what the chip's own tasks log goes over the same line at any
moment. Imports mpremote and pyserial.
"""

import contextlib
import io
import json
import re
import struct
import time
import zlib
from collections.abc import Iterator
from typing import Any

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

_LIMIT_S = 30  # the longest command, renaming all files, takes ten on a chip
_ANSWER_S = 6  # a chip that restarts when its port is opened needs two
_AGAIN_S = 0.3
_STARTS = 4  # of a chip that goes down at every start: at the fourth its console is free
_ASKED = 5  # times, until a reply is whole
_LOCKED = (
    "its console is locked: hold * while power comes on, ask the provider for the response to "
    "what the panel shows, type it, and run this again"
)

# What code on the board replies with. The mark and the check value tell it from what else is on
# the line; `again` repeats it without doing anything anew.
_REPLY = """
def reply(value):
 global replied
 from json import dumps
 replied = dumps(value)
 again()
def again():
 from binascii import crc32
 print('\\x02%s\\x03%08x' % (replied, crc32(replied)))
"""
_WHOLE = re.compile("\x02([^\x03]*)\x03([0-9a-f]{8})")


class DeviceError(Exception):
    """Something about the board or the line to it, for a person to put right."""


class Refused(DeviceError):
    """Code on the board ended in an exception: `fault` is its last line."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"the board says: {fault}")
        self.fault = fault


class Link:
    """The board on `port`: a serial device, or socket://host:port. Raises `DeviceError`.

    The program that runs on the board is stopped, its memory is cleared, and boot.py has run.
    """

    def __init__(self, port: str) -> None:
        self._port = port
        try:
            self._transport = SerialTransport(port, timeout=_LIMIT_S)
        except (TransportError, OSError, ValueError):
            raise DeviceError(
                f"{port} cannot be opened: is the board plugged in, the port right, "
                "and no other program using it?"
            ) from None
        try:
            self._enter()
        except DeviceError:
            self.close()
            raise

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Give the port back."""
        with contextlib.suppress(OSError):
            self._transport.close()

    def _enter(self) -> None:
        try:
            with self._lost():
                self._interrupt()
                self._transport.enter_raw_repl(timeout_overall=_ANSWER_S)
            self.run(_REPLY)
        except _NoAnswer:
            raise DeviceError(
                f"no MicroPython answers on {self._port}: is it the board's port, and is "
                f"MicroPython on the board? If it is a terminal, {_LOCKED}"
            ) from None

    def _interrupt(self) -> None:
        """Stop what runs until there is a prompt: a chip that is just starting is deaf at first,
        and after boot.py there is main.py to stop.
        """
        serial = self._transport.serial
        heard = b""
        starts = 1
        began = time.monotonic()
        while time.monotonic() < began + _ANSWER_S:
            serial.write(b"\r\x03\x02")
            again = time.monotonic() + _AGAIN_S
            while time.monotonic() < again:
                waiting = serial.inWaiting()
                if not waiting:
                    time.sleep(0.01)
                heard += serial.read(waiting)
                if heard.endswith(b">>> "):
                    return
            if starts < min(heard.count(b"rst:0x"), _STARTS):
                starts += 1
                began = time.monotonic()
        raise _NoAnswer

    def run(self, code: str, limit_s: float = 0) -> str:
        """Run `code` on the board; return what it printed. It may be quiet for `limit_s` seconds,
        for as long as it takes to rename all files if not said.

        Raises `Refused` when it ended in an exception, `DeviceError` when the line broke.
        """
        try:
            with self._lost():
                self._ask_for_prompt()
                printed, fault = self._transport.exec_raw(code, timeout=limit_s or _LIMIT_S)
        except _NoAnswer:
            raise DeviceError(f"the board on {self._port} stopped answering") from None
        if fault:
            raise Refused(fault.decode(errors="replace").strip().rpartition("\n")[2].strip())
        return printed.decode(errors="replace")

    def _ask_for_prompt(self) -> None:
        """Have the prompt be the last that is on the line: what was logged since the last command
        would pass for an answer to the next.
        """
        serial = self._transport.serial
        heard = b""
        while waiting := serial.inWaiting():
            heard += serial.read(waiting)
        if heard:
            serial.write(b"\x01")

    def ask(self, code: str, limit_s: float = 0) -> Any:
        """Run `code` on the board as `run` does; return the value that it gives to `reply`, which
        is what JSON can hold.

        Raises `DeviceError` when none came whole.
        """
        printed = self.run(code, limit_s)
        for _ in range(_ASKED):
            for said, check in _WHOLE.findall(printed):
                if zlib.crc32(said.encode()) == int(check, 16):
                    return json.loads(said)
            printed = self.run("again()")
        raise DeviceError(
            f"the board on {self._port} does not answer legibly: is another program or a loose "
            "wire on its line?"
        )

    def restart(self, limit_s: float) -> str:
        """Reset the board and return its boot log.

        Waits for a prompt, for `limit_s` seconds: a terminal that starts gives none.
        """
        with self._lost():
            self._ask_for_prompt()
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")
            return self._boot_log(limit_s)

    def _boot_log(self, limit_s: float) -> str:
        log = b""
        end = time.monotonic() + limit_s
        while time.monotonic() < end and not log.endswith(b">>> "):
            waiting = self._transport.serial.inWaiting()
            if waiting:
                log += self._transport.serial.read(waiting)
            else:
                time.sleep(0.01)
        return log.decode(errors="replace").replace("\r\n", "\n")

    @contextlib.contextmanager
    def _lost(self) -> Iterator[None]:
        try:
            # mpremote prints what it did not expect.
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except (TransportError, struct.error):  # the latter: a window that did not come
            raise _NoAnswer from None
        except OSError as error:
            raise DeviceError(f"the line to the board on {self._port} broke: {error}") from None


class _NoAnswer(DeviceError):
    """Not what was expected came back, or nothing."""
