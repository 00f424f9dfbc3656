"""The board: builds every part on its pins, once.

What it builds lives on in `drivers.parts`. May import machine, esp32, network, firmware.rooms and
every driver.
"""

import json

import esp32
import machine
import network
from machine import Pin
from micropython import const

from drivers.certificate import validity
from drivers.clock import Clock
from drivers.console import keypad
from drivers.flash import Flash
from drivers.heap import READER_BUFFER, grow
from drivers.keystore import Keystore
from drivers.magstripe import Magstripe
from drivers.oled import Oled
from drivers.parts import Parts
from drivers.pins import PINS
from drivers.tls_link import TlsLink
from drivers.wifi import Wifi
from firmware import rooms

_I2C_HZ = const(400000)
_READER_BAUD = const(9600)


def start():
    """Return the settings and the parts that `build` makes of them. Says on the console what is
    missing.
    """
    with open("config.json") as file:
        config = json.load(file)
    made = build(config)
    if made.faults:
        print("parts missing:", *made.faults)
    return config, made


def build(config):
    """Build every part and return them as `drivers.parts.Parts`.

    `config` has board, host, port, server_name, wifi.ssid, and may have built: a time (seconds
    since 1970) that is past.
    """
    made = Parts(config["board"])
    _, _, bus, reader, buzzer = PINS[made.name]
    # Large buffers first, while the heap is in one piece.
    made.oled = Oled(machine.I2C(0, sda=Pin(bus[0]), scl=Pin(bus[1]), freq=_I2C_HZ))
    if not made.oled.fitted:
        made.faults.append("oled")
    uart = _part(made, "magstripe", _reader, reader)
    made.magstripe = uart and Magstripe(uart)
    made.keypad = keypad(made.name)
    if made.keypad.dead:
        made.faults.append("keypad")
    made.flash = _part(made, "flash", _flash, made)
    made.keystore = _part(made, "keystore", Keystore, "rebind")
    made.buzzer = Pin(buzzer, Pin.OUT, value=0)
    since, until = validity(_file("certs/terminal.der"))
    made.clock = Clock(max(config.get("built", 0), since), until)
    psk = _secret(made, "wifi_psk").decode()
    made.wifi = Wifi(config["wifi"]["ssid"], psk)
    made.link = TlsLink(
        made.wifi,
        config["host"],
        config["port"],
        config["server_name"],
        "certs",
        made.keystore,
        made.clock,
    )
    _start_radio(made.wifi)
    spare = None if uart else _spare(reader)
    made.grown = grow(uart or spare)
    if spare:
        spare.deinit()
    return made


def _start_radio(wifi):
    # What it takes of the chip's heap is taken before that is looked at. Off first: a connection
    # outlives a soft reset and lies in the middle of it.
    try:
        wlan = network.WLAN(network.STA_IF)
        if wlan.active():
            wlan.active(False)
        wlan.active(True)
        wifi.wlan = wlan
    except (OSError, RuntimeError, MemoryError):
        pass  # who joins a network tries again, and says so


def _spare(pins):
    # A UART where no card reader could be built, for as long as the heap grows.
    number, rx, tx = pins
    try:
        return machine.UART(3 - number, baudrate=_READER_BAUD, rx=Pin(rx), tx=Pin(tx))
    except (OSError, ValueError):
        return None


def _part(made, code, build, argument):
    try:
        return build(argument)
    except (OSError, ValueError):
        made.faults.append(code)
        return None


def _secret(made, name):
    try:
        return made.keystore and made.keystore.get_bytes(name) or b""
    except OSError:
        made.faults.append("keystore")
        return b""


def _reader(pins):
    number, rx, tx = pins
    return machine.UART(number, baudrate=_READER_BAUD, rx=Pin(rx), tx=Pin(tx), rxbuf=READER_BUFFER)


def _flash(made):
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="journal")
    if found:
        return Flash(found[0])
    made.notes.append("files")
    return Flash(rooms.ask("drivers.file_flash", "Folder", "journal"))


def _file(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:  # not provisioned: the line says so when it is opened
        return b""
