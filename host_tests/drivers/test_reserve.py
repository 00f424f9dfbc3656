"""Python's heap never takes what a TLS connection needs of the chip's."""

import esp32
import machine
import pytest

from drivers.reserve import READER_BUFFER, Reserve

GROWTH = 28 * 1024


def largest():
    return max(region[2] for region in esp32.idf_heap_info(esp32.HEAP_DATA))


@pytest.fixture
def uart():
    return machine.UART(2, rxbuf=READER_BUFFER)


def test_python_may_grow_a_little_and_no_more(uart):
    Reserve(uart).hold()
    assert GROWTH <= largest() <= GROWTH + READER_BUFFER


def test_a_connection_finds_all_of_it(uart):
    before = largest()
    reserve = Reserve(uart)
    reserve.hold()
    reserve.release()
    assert largest() == before


def test_what_is_held_follows_what_is_left(uart, monkeypatch):
    reserve = Reserve(uart)
    reserve.hold()
    monkeypatch.setattr(esp32, "FREE", 50000)  # a connection has been made meanwhile
    reserve.hold()
    assert GROWTH <= largest() <= GROWTH + READER_BUFFER
    monkeypatch.setattr(esp32, "FREE", 20000)  # less than Python may take: nothing to hold
    reserve.hold()
    assert largest() == 20000 - READER_BUFFER
    monkeypatch.setattr(esp32, "FREE", 300000)
    reserve.hold()
    assert machine.UART.held < 1 << 16  # what a UART takes


def test_a_board_without_a_reader_holds_nothing():
    machine.UART.held = 0
    before = largest()
    reserve = Reserve(None)
    reserve.hold()
    reserve.release()
    assert largest() == before
