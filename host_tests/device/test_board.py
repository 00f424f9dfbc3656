"""The board on the desk speaks as an ESP32 does, byte for byte, and keeps what was written."""

import socket
import time

import pytest

from host_tests.device.conftest import mpremote

RAW = b"raw REPL; CTRL-B to exit\r\n>"
LIMIT_S = 20


class Line:
    """A client that sends bytes and looks at the bytes that come."""

    def __init__(self, board):
        host, port = board.url.removeprefix("socket://").split(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.settimeout(LIMIT_S)

    def send(self, data):
        self._socket.sendall(data)

    def until(self, ending):
        data = b""
        while not data.endswith(ending):
            got = self._socket.recv(1)
            assert got, data
            data += got
        return data

    def raw(self):
        """Enter the raw REPL from wherever the board is."""
        self.send(b"\r\x03")
        time.sleep(0.1)  # as the clients do: what is printed meanwhile is not looked at
        self.send(b"\r\x01")
        self.until(RAW)
        return self


def test_mpremote_evaluates_copies_and_hashes(desk, tmp_path):
    board = desk()
    (tmp_path / "a").write_bytes(bytes(range(256)) * 9)
    assert mpremote(board, "eval", "6*7").strip() == "42"
    mpremote(board, "fs", "cp", str(tmp_path / "a"), ":a")
    mpremote(board, "fs", "cp", ":a", str(tmp_path / "b"))
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()


def test_a_command_is_framed_as_the_reference_says(desk):
    line = Line(desk()).raw()
    line.send(b"print(1)\x04")
    assert line.until(b"\x04>") == b"OK1\r\n\x04\x04>"
    line.send(b"1/0\x04")
    assert line.until(b"\x04") == b"OK\x04"
    assert line.until(b"\x04>").endswith(b"ZeroDivisionError: divide by zero\r\n\x04>")


def test_raw_paste_grants_a_window_at_a_time(desk):
    line = Line(desk()).raw()
    line.send(b"\x05A\x01")
    assert line.until(b"\x01\x80\x00\x01") == b"R\x01\x80\x00\x01"
    line.send(b"#" * 128)
    assert line.until(b"\x01") == b"\x01"
    line.send(b"\nprint(2)\x04")
    assert line.until(b"\x04>") == b"\x042\r\n\x04\x04>"


def test_a_client_that_overruns_the_window_loses_bytes(desk):
    board = desk()
    line = Line(board).raw()
    line.send(b"\x05A\x01")
    line.until(b"\x01\x80\x00\x01")
    line.send(b"#" * 257 + b"\x04")
    line.until(b"\x04>")
    assert "the window was overrun" in board.faults
    board.faults.clear()


def test_an_endless_program_is_interrupted(desk):
    line = Line(desk()).raw()
    line.send(b"print('go')\nwhile 1: pass\x04")
    line.until(b"go\r\n")
    line.send(b"\x03")
    assert b"KeyboardInterrupt" in line.until(b"\x04>")


def test_a_soft_reset_from_the_raw_repl_runs_boot_and_not_main(desk):
    board = desk()
    mpremote(board, "exec", "with open('boot.py','w') as f: f.write('print(\"booted\")')")
    mpremote(board, "exec", "with open('main.py','w') as f: f.write('print(\"started\")')")
    line = Line(board).raw()
    line.send(b"\x04")
    assert line.until(RAW) == b"OK\r\nMPY: soft reboot\r\nbooted\r\n" + RAW
    line.send(b"import machine\nmachine.reset()\x04")
    log = line.until(b">>> ")
    assert b"rst:0xc" in log and log.index(b"booted") < log.index(b"started")


def test_what_was_written_survives_a_power_cut_and_nothing_else(desk):
    board = desk()
    line = Line(board).raw()
    line.send(b"kept=1\nf=open('f','w')\nf.write('x')\nf.close()\x04")
    line.until(b"\x04>")
    board.cut(after=1, power=True)
    line.send(b"\x01")
    assert mpremote(board, "exec", "print('kept' in globals(),open('f').read())") == "False x\n"


def test_a_full_file_system_says_so(desk):
    line = Line(desk(blocks=8)).raw()
    line.send(b"with open('f','w') as f:\n for i in range(99): f.write('x'*1000)\x04")
    assert b"OSError: 28" in line.until(b"\x04>")


@pytest.mark.parametrize(
    "facts, shown",
    [({}, "esp32 (1, 26, 1, '')"), ({"platform": "rp2", "version": (1, 20, 0)}, "rp2 (1, 20, 0")],
)
def test_the_board_is_what_the_facts_say(desk, facts, shown):
    said = mpremote(
        desk(**facts), "exec", "import sys;print(sys.platform,sys.implementation.version)"
    )
    assert said.startswith(shown)
