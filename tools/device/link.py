"""The line to a board: its raw REPL, through mpremote's transport.

What always holds: whatever goes wrong on the line is a `DeviceError` with words for a person.
Imports mpremote and pyserial.
"""

import contextlib
import io
import struct
import time
from collections.abc import Iterator

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

_LIMIT_S = 30  # the longest command, renaming all files, takes ten on a chip
_ATTEMPTS = 2
_ANSWER_S = 5
_QUIET_S = 2  # a boot log has ended when nothing came for so long


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
        for _ in range(_ATTEMPTS):
            try:
                with self._lost(), contextlib.redirect_stdout(io.StringIO()):
                    self._transport.enter_raw_repl(timeout_overall=_ANSWER_S)
                return
            except _NoAnswer:
                pass  # a board that restarts when its port is opened answers the second time
        raise DeviceError(
            f"no MicroPython answers on {self._port}: is it the board's port, and is MicroPython "
            "on the board?"
        )

    def run(self, code: str, limit_s: float = _LIMIT_S) -> str:
        """Run `code` on the board; return what it printed. It may be quiet for `limit_s` seconds.

        Raises `Refused` when it ended in an exception, `DeviceError` when the line broke.
        """
        try:
            with self._lost():
                printed, fault = self._transport.exec_raw(code, timeout=_LIMIT_S)
        except _NoAnswer:
            raise DeviceError(f"the board on {self._port} stopped answering") from None
        if fault:
            raise Refused(fault.decode(errors="replace").strip().rpartition("\n")[2].strip())
        return printed.decode()

    def restart(self, limit_s: float) -> str:
        """Reset the board and return its boot log.

        Waits until a prompt, until nothing more comes, or for `limit_s` seconds.
        """
        with self._lost():
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")
            return self._boot_log(limit_s)

    def _boot_log(self, limit_s: float) -> str:
        log = b""
        begun = heard = time.monotonic()
        while time.monotonic() - begun < limit_s and not log.endswith(b">>> "):
            waiting = self._transport.serial.inWaiting()
            if waiting:
                log += self._transport.serial.read(waiting)
                heard = time.monotonic()
            elif log and time.monotonic() - heard > _QUIET_S:
                break
            else:
                time.sleep(0.01)
        return log.decode(errors="replace").replace("\r\n", "\n")

    @contextlib.contextmanager
    def _lost(self) -> Iterator[None]:
        try:
            yield
        except (TransportError, struct.error):  # the latter: a window that did not come
            raise _NoAnswer from None
        except OSError as error:
            raise DeviceError(f"the line to the board on {self._port} broke: {error}") from None


class _NoAnswer(DeviceError):
    """Not what was expected came back, or nothing."""
