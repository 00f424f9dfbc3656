"""The journal's sectors as files: the same promises on a board without a partition for them."""

import pytest

from drivers.file_flash import Folder
from drivers.flash import Flash
from firmware.storage import recovery
from host_tests.storage.journals import held, items, journal, mounted


def test_the_journal_runs_on_files_round_and_round(tmp_path):
    folder = str(tmp_path / "journal")
    log = journal(Flash(Folder(folder)))
    recovery.format(log)
    for i in range(1300):
        log.put([(1, b"%060d" % i)])
    assert items(Flash(Folder(folder))) == {1: b"%060d" % 1299}
    assert len(list((tmp_path / "journal").iterdir())) == 16


def test_a_torn_file_is_a_torn_record(tmp_path):
    folder = str(tmp_path / "journal")
    log = journal(Flash(Folder(folder)))
    recovery.format(log)
    log.put([(1, b"true")])
    log.put([(1, b"torn")])
    sector = tmp_path / "journal" / "00"
    sector.write_bytes(sector.read_bytes()[:-3])
    again = mounted(Flash(Folder(folder)))
    assert held(again) == {1: b"true"}
    again.put([(2, b"goes on")])
    assert items(Flash(Folder(folder))) == {1: b"true", 2: b"goes on"}


def test_what_goes_on_in_the_next_sector_is_written_and_read_in_one(tmp_path):
    flash = Flash(Folder(str(tmp_path / "journal")))
    piece = bytes(range(48))
    flash.program(2, 4096 - 16, piece)
    flash.program(2, 4096 + 32, piece)
    buf = bytearray(112)
    flash.read(2, 4096 - 32, buf)
    assert buf == b"\xff" * 16 + piece + piece
    flash.erase(2)
    flash.read(2, 4096 - 32, buf)
    assert buf == b"\xff" * 32 + piece[16:] + piece
    with pytest.raises(OSError):
        flash.read(15, 4096 - 16, bytearray(17))


def test_what_is_written_is_never_written_over(tmp_path):
    flash = Flash(Folder(str(tmp_path / "journal")))
    flash.program(1, 8, b"abcd")
    with pytest.raises(OSError):
        flash.program(1, 10, b"x")
    buf = bytearray(14)
    flash.read(1, 0, buf)
    assert buf == b"\xff" * 8 + b"abcd" + b"\xff" * 2
    flash.erase(1)
    flash.erase(1)
    flash.read(1, 0, buf)
    assert buf == b"\xff" * 14
