"""The small parts: card reader, flash, keystore, buzzer."""

import asyncio

import esp32
import machine
import pytest

from drivers.flash import Flash
from drivers.keystore import Keystore
from drivers.magstripe import Magstripe
from drivers.parts import Parts

SWIPE = b"%B6222021234567890128^WANG/XIAOMING^3012201?\r\n;6222021234567890128=30122010000?\r\n"


def test_a_swipe_arrives_in_the_callers_buffer():
    uart = machine.UART(2, rxbuf=1024)
    reader = Magstripe(uart)
    buf = bytearray(200)
    assert reader.read_into(buf, 0) == 0
    uart.feed(SWIPE[:50])
    off = reader.read_into(buf, 0)
    uart.feed(SWIPE[50:])
    off += reader.read_into(buf, off)
    assert buf[:off] == SWIPE
    assert not any(reader._piece)


def test_a_full_buffer_leaves_the_rest_for_later():
    uart = machine.UART(2, rxbuf=1024)
    reader = Magstripe(uart)
    uart.feed(SWIPE)
    buf = bytearray(40)
    assert reader.read_into(buf, 7) == 33
    assert buf[7:] == SWIPE[:33]
    assert reader.read_into(buf, 40) == 0
    assert reader.read_into(buf, 0) == 40
    assert buf == SWIPE[33:73]


def test_an_unwanted_swipe_is_dropped():
    uart = machine.UART(2, rxbuf=1024)
    reader = Magstripe(uart)
    uart.feed(SWIPE)
    reader.drop()
    assert uart.any() == 0
    assert not any(reader._piece)


def test_flash_only_clears_bits_until_it_is_erased():
    esp32.Partition.fit("journal", 16)
    flash = Flash(esp32.Partition("journal"))
    assert (flash.sectors, flash.sector_size) == (16, 4096)
    flash.program(3, 100, b"\xf0\x0f")
    flash.program(3, 100, b"\x3c\xff")
    buf = bytearray(4)
    flash.read(3, 99, buf)
    assert buf == b"\xff\x30\x0f\xff"
    flash.erase(3)
    flash.read(3, 99, buf)
    assert buf == b"\xff" * 4


@pytest.mark.parametrize(
    ("sector", "off", "n"), [(16, 0, 1), (-1, 0, 1), (0, -1, 1), (15, 4090, 7)]
)
def test_flash_refuses_what_is_outside_the_partition(sector, off, n):
    esp32.Partition.fit("journal", 16)
    flash = Flash(esp32.Partition("journal"))
    with pytest.raises(OSError):
        flash.program(sector, off, bytes(n))
    with pytest.raises(OSError):
        flash.read(sector, off, bytearray(n))
    assert set(esp32.Partition.chips["journal"]) == {0xFF}


def test_keystore_keeps_and_forgets():
    store = Keystore()
    buf = bytearray(32)
    assert store.get("ik", buf) == -1
    assert store.get_bytes("ik") is None
    store.put("ik", b"sixteen bytes ok")
    assert store.get("ik", buf) == 16
    assert buf[:16] == b"sixteen bytes ok"
    store.erase("ik")
    store.erase("ik")
    assert Keystore().get("ik", buf) == -1


@pytest.mark.parametrize("n", [0, 1, 64, 65, 256, 1024])
def test_keystore_returns_entries_of_any_length(n):
    store = Keystore()
    store.put("tls_key", bytes(range(256)) * 4 if n == 1024 else bytes(n))
    assert len(store.get_bytes("tls_key")) == n


def test_keystore_says_when_a_buffer_is_too_small():
    store = Keystore()
    store.put("dukpt", bytes(600))
    with pytest.raises(OSError):
        store.get("dukpt", bytearray(599))
    store.put("dukpt", bytes(1025))
    with pytest.raises(OSError):
        store.get_bytes("dukpt")


def test_what_was_put_survives_a_power_cut():
    store = Keystore()
    store.put("dukpt", b"new")
    store._entries.power_cut()
    assert Keystore().get_bytes("dukpt") == b"new"


def test_the_buzzer_is_quiet_again_even_when_cancelled():
    parts = Parts("esp32-devkitc")
    parts.buzzer = pin = machine.Pin(4, machine.Pin.OUT, value=0)

    async def story():
        beep = asyncio.create_task(parts.beep(30))
        await asyncio.sleep(0)
        assert pin.value() == 1
        beep.cancel()
        await asyncio.gather(beep, return_exceptions=True)

    asyncio.run(story())
    assert pin.value() == 0
