"""The board: which part is on which pin, and one object with every part, built once.

What always holds: a pin number stands only in the tables here; a part that is missing or does not
answer is a short code in `faults` and never an exception. May import machine, network, esp32 and
every driver.
"""

import os

import esp32
import machine
from machine import Pin
from micropython import const

from drivers.beeper import Beeper
from drivers.clock import Clock, certificate_date
from drivers.flash import Flash
from drivers.keypad import Keypad
from drivers.keystore import Keystore
from drivers.magstripe import Magstripe
from drivers.oled import Oled
from drivers.tls_link import LinkError, TlsLink
from drivers.wifi import Wifi

# Rows and columns of the keypad, top and left first; the OLED's SDA and SCL; the card reader's
# UART, its RX and TX; the buzzer. Rows may be strapping pins (nothing pulls them at reset),
# columns may not.
_PINS = {
    "esp32-devkitc": ((13, 14, 27, 26), (25, 33, 32, 23), (21, 22), (2, 16, 17), 4),
    "esp32-s3-devkitc": ((4, 5, 6, 7), (15, 16, 17, 18), (8, 9), (1, 10, 11), 14),
    # ESP32 with the OLED on board: few pins are led out; RX 36 is an input without pull-up.
    "esp32-oled": ((2, 12, 15, 16), (13, 14, 25, 26), (5, 4), (2, 36, 17), 0),
}

_I2C_HZ = const(400000)
_READER_BAUD = const(9600)
_READER_BUFFER = const(1024)

maintenance = False  # boot.py sets it; main.py then leaves the REPL to the integrator


def keypad(name):
    """Build the keypad of the board `name`."""
    rows, columns = _PINS[name][:2]
    return Keypad(
        [Pin(number, Pin.OPEN_DRAIN, value=1) for number in rows],
        [Pin(number, Pin.IN, Pin.PULL_UP) for number in columns],
    )


class Board:
    """Every part on the board.

    `config` has board, host, port, server_name, wifi.ssid, and may have built: a time (seconds
    since 1970) that is past. `link_error` is what `link` raises. `faults` names what is missing:
    "oled", "magstripe", "keypad", "flash", "keystore".
    """

    link_error = LinkError

    def __init__(self, config):
        self.name = config["board"]
        _, _, bus, reader, buzzer = _PINS[self.name]
        self.faults = []
        self._watchdog = None
        # Large buffers first, while the heap is in one piece.
        self.oled = Oled(machine.I2C(0, sda=Pin(bus[0]), scl=Pin(bus[1]), freq=_I2C_HZ))
        if not self.oled.fitted:
            self.faults.append("oled")
        self.magstripe = self._part("magstripe", _magstripe, reader)
        self.keypad = keypad(self.name)
        if self.keypad.dead:
            self.faults.append("keypad")
        self.flash = self._part("flash", _flash, "journal")
        self.keystore = self._part("keystore", Keystore, "rebind")
        self.beeper = Beeper(Pin(buzzer, Pin.OUT, value=0))
        certificate = _file("certs/terminal.der")
        self.clock = Clock(max(config.get("built", 0), certificate_date(certificate)))
        psk = self._secret("wifi_psk").decode()
        self.wifi = Wifi(config["wifi"]["ssid"], psk)
        self.link = TlsLink(
            self.wifi,
            config["host"],
            config["port"],
            config["server_name"],
            _file("certs/ca.der"),
            certificate,
            self._secret("tls_key"),
        )

    def start_watchdog(self, ms):
        """Start the watchdog, which nothing but a reset stops; `feed` must come every `ms`
        milliseconds.
        """
        self._watchdog = machine.WDT(timeout=ms)

    def feed(self):
        """Keep the watchdog quiet; nothing before it is started."""
        if self._watchdog:
            self._watchdog.feed()

    def random(self, n):
        """Return `n` bytes of the chip's random number generator."""
        return os.urandom(n)

    def unique_id(self):
        """Return the chip's number, bytes."""
        return machine.unique_id()

    def reset(self):
        """Start again from power-on; does not return."""
        machine.reset()

    def _part(self, code, build, argument):
        try:
            return build(argument)
        except (OSError, ValueError):
            self.faults.append(code)
            return None

    def _secret(self, name):
        try:
            return self.keystore and self.keystore.get_bytes(name) or b""
        except OSError:
            self.faults.append("keystore")
            return b""


def _magstripe(pins):
    number, rx, tx = pins
    return Magstripe(
        machine.UART(number, baudrate=_READER_BAUD, rx=Pin(rx), tx=Pin(tx), rxbuf=_READER_BUFFER)
    )


def _flash(label):
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label=label)
    if not found:
        raise OSError(label)
    return Flash(found[0])


def _file(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:  # not provisioned: the line says so when it is opened
        return b""
