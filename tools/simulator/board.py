"""The board: every model wired up, and the service that answers the shims' bus messages.

`Board.serve` runs on a thread of its own for as long as the terminal's process lives, so that a
key scan is answered within microseconds and a busy host delays nothing but itself. The numbers of
the operations are those of `shims/`. A model that raises PowerCut ends the process before it is
answered.
"""

import json
import os
import struct
import time

from tools.simulator.models import PowerCut
from tools.simulator.models.gpio import Gpio
from tools.simulator.models.key_matrix import KeyMatrix
from tools.simulator.models.magstripe import Magstripe
from tools.simulator.models.nor_flash import NorFlash
from tools.simulator.models.nvs import Nvs
from tools.simulator.models.pn532 import Pn532
from tools.simulator.models.serial_port import SerialPort
from tools.simulator.models.ssd1306 import Ssd1306
from tools.simulator.models.wifi import Wifi
from tools.simulator.wiring import wiring
from tools.toolchain import clock

FILES_SECTORS = 448  # of a flash of 4 MiB, behind the app and the journal

_ENODEV = 19
_EINVAL = 22
_Y2K = 946684800


class Board:
    """The parts of one terminal. `home` is where flash and NVS keep their files.

    `on_reset(cause)` is called on the bus thread when the chip restarts itself or its supply
    fails; the bus then answers no more.
    """

    def __init__(self, home, name, networks=()):
        wired = wiring(name)
        self.log = lambda text: None
        self.on_reset = lambda cause: None
        self.on_buzzer = lambda sounding: None
        self.gpio = Gpio(wired.input_only, self._report)
        self.keypad = KeyMatrix(wired.rows, wired.columns)
        self.gpio.attach(self.keypad)
        self.panel = Ssd1306()
        self.port = SerialPort()
        self.reader = Magstripe(self.port)
        self.contactless = Pn532(self.port, fitted=False)  # in the other's place
        self.flash = NorFlash(home / "flash.bin")
        self.files = NorFlash(home / "vfs.bin", FILES_SECTORS, "vfs")
        self.partitions = (self.flash, self.files)
        self.nvs = Nvs(home / "nvs.json")
        self.wifi = Wifi(networks)
        self.buzzer_sounds = False
        self._wired = wired
        self._i2c = {}
        self.clock = home / "clock"  # where the interpreter finds the RTC's time
        self._rtc_ahead = 0
        self.rtc_memory = b""  # survives a reset, and is noise at power-on
        self._watchdog_s = 0.0
        self._fed_at = 0.0
        self._answer = {
            0x02: self._levels,
            0x06: self._uart_open,
            0x07: self._uart_any,
            0x08: self._uart_read,
            0x09: self._uart_write,
            0x0A: self._watchdog_start,
            0x0B: self._watchdog_feed,
            0x0C: self._rtc_set,
            0x0D: self._reset,
            0x0E: self._pwm,
            0x0F: self._rtc_get,
            0x10: self._rtc_read,
            0x11: self._rtc_write,
            0x20: self._wifi_active,
            0x21: self._wifi_connect,
            0x22: self._wifi_disconnect,
            0x23: self._wifi_status,
            0x24: self._wifi_scan,
            0x25: self._wifi_rssi,
            0x26: self._wifi_reconnects,
            0x32: self._partition_program,
            0x33: self._partition_erase,
            0x38: self._nvs_get,
            0x39: self._nvs_set,
            0x3A: self._nvs_erase,
            0x3B: self._nvs_commit,
        }
        for bus in range(4):
            self._answer[0x40 | bus] = self._i2c_open
            self._answer[0x44 | bus] = self._i2c_write
            self._answer[0x48 | bus] = self._i2c_read
        # These carry their whole content in the header.
        self._without_data = {0x02, 0x07, 0x08, 0x0B}

    # -- power ------------------------------------------------------------------------------------

    def power_up(self):
        """Bring every part to its state after power-on."""
        self.panel.power_up()
        self.contactless.power_up()
        self._set_rtc(_Y2K)
        self.rtc_memory = os.urandom(24)
        self.reset()

    def reset(self):
        """Bring what a chip's reset touches to its start; panel, clock and flash keep theirs."""
        self.gpio.power_up()
        self.port.power_up()
        self.nvs.power_up()
        self.wifi.power_up()
        self._i2c.clear()
        self._watchdog_s = 0.0
        self._buzz(False)

    @property
    def images(self):
        """Where the chip finds its flash: [label, path] of each partition, as JSON."""
        return json.dumps([[one.label, str(one.path.absolute())] for one in self.partitions])

    def close(self):
        for partition in self.partitions:
            partition.close()

    def _report(self, text):
        self.log(text)

    @property
    def watchdog_bites(self):
        """Whether the watchdog runs and was not fed in time."""
        return bool(self._watchdog_s) and time.monotonic() - self._fed_at > self._watchdog_s

    # -- the bus ----------------------------------------------------------------------------------

    def serve(self, wire):
        """Answer the messages on the socket `wire` until it closes or the power fails."""
        stream = wire.makefile("rb")
        try:
            while header := stream.read(4):
                if len(header) < 4:
                    return
                op, a, low, high = header
                if op == 0x01:
                    self.gpio.set(a, low, high)
                    if a == self._wired.buzzer:
                        self._buzz(bool(high) and self.gpio.drives_high(a))
                    continue
                n = low | high << 8
                content = n if op in self._without_data else stream.read(n)
                if content is not n and len(content) < n:
                    return  # the process was killed in the middle of a message
                answer = self._answer[op](op, a, content)
                if answer is not None:
                    wire.sendall(answer)
        except PowerCut:
            self.on_reset("power")
        except OSError:
            return  # the process has ended; whoever waits for it says so
        except Exception as fault:
            self.log(f"the board is at fault: {fault!r}")
            self.on_reset("fault")
            raise
        finally:
            stream.close()

    def _levels(self, op, pin, n):
        return b"\0\0" + self.gpio.levels(pin)

    def _buzz(self, sounding):
        if sounding != self.buzzer_sounds:
            self.buzzer_sounds = sounding
            self.on_buzzer(sounding)

    def _pwm(self, op, pin, data):
        if pin == self._wired.buzzer:
            self._buzz(int.from_bytes(data[2:4], "little") > 0)

    # I2C: a bus reaches the panel only through the pins that the panel is wired to.

    def _i2c_open(self, op, a, data):
        self._i2c[op & 3] = tuple(data) == (self._wired.scl, self._wired.sda)
        return _status(0)

    def _i2c_write(self, op, addr, data):
        reached = self._i2c.get(op & 3) and addr == self.panel.address
        if not reached or not self.panel.write(data):
            return _status(-_ENODEV)
        return _status(len(data) + 1 if data else 0)

    def _i2c_read(self, op, addr, data):
        reached = self._i2c.get(op & 3) and addr == self.panel.address
        found = self.panel.read(int.from_bytes(data, "little")) if reached else None
        return _status(-_ENODEV) if found is None else _status(0) + found

    # UART: the card reader is on one UART's receive pin.

    def _uart_open(self, op, a, data):
        _, rx, baud, rxbuf, _ = struct.unpack("<BBHHH", data)
        if a == self._wired.reader_uart and rx == self._wired.reader_rx:
            self.port.open(baud * 100, rxbuf)
        return _status(0)

    def _uart_any(self, op, a, n):
        return _status(self.port.waiting() if a == self._wired.reader_uart else 0)

    def _uart_read(self, op, a, n):
        data = self.port.take(n) if a == self._wired.reader_uart else b""
        return _status(len(data)) + data

    def _uart_write(self, op, a, data):
        if a == self._wired.reader_uart:
            self.port.transmit(data)

    # The chip itself.

    def _watchdog_start(self, op, a, data):
        self._watchdog_s = int.from_bytes(data, "little") / 1000
        self._fed_at = time.monotonic()
        return _status(0)

    def _watchdog_feed(self, op, a, n):
        self._fed_at = time.monotonic()

    def _rtc_set(self, op, a, data):
        self._set_rtc(int.from_bytes(data, "little"))
        return _status(0)

    def _set_rtc(self, epoch):
        self._rtc_ahead = epoch - int(time.time())
        clock.set_ahead(self.clock, self._rtc_ahead)

    def _rtc_get(self, op, a, n):
        return _status(0) + (int(time.time()) + self._rtc_ahead).to_bytes(8, "little")

    def _rtc_read(self, op, a, data):
        return _status(len(self.rtc_memory)) + self.rtc_memory

    def _rtc_write(self, op, a, data):
        self.rtc_memory = data
        return _status(0)

    def _reset(self, op, a, data):
        self.on_reset("soft reset" if a else "reset")

    # Wi-Fi

    def _wifi_active(self, op, a, data):
        return _status(self.wifi.active(None if a == 2 else bool(a)))

    def _wifi_connect(self, op, a, data):
        ssid, _, key = data.decode().partition("\0")
        return _status(0 if self.wifi.connect(ssid, key) else -1)

    def _wifi_disconnect(self, op, a, data):
        self.wifi.disconnect()
        return _status(0)

    def _wifi_status(self, op, a, data):
        return _status(self.wifi.status())

    def _wifi_rssi(self, op, a, data):
        return _status(self.wifi.rssi())

    def _wifi_reconnects(self, op, a, data):
        self.wifi.reconnects(a)
        return _status(0)

    def _wifi_scan(self, op, a, data):
        networks = self.wifi.scan()
        if networks is None:
            return _status(-1)
        found = b""
        for network in networks:
            name = b"" if network.hidden else network.ssid.encode()
            bssid = b"\x02\0\0\0\0" + bytes([network.channel])
            facts = (network.channel, network.rssi & 0xFF, network.security, network.hidden)
            found += bytes([len(name)]) + bssid + bytes(facts) + name
        return _status(len(found)) + found

    # esp32.Partition and esp32.NVS

    def _partition_program(self, op, a, data):
        sector, offset = struct.unpack_from("<HH", data)
        return _status(0 if self.partitions[a].program(sector, offset, data[4:]) else -_EINVAL)

    def _partition_erase(self, op, a, data):
        sector, _ = struct.unpack("<HH", data)
        return _status(0 if self.partitions[a].erase(sector) else -_EINVAL)

    def _nvs_get(self, op, kind, data):
        room = int.from_bytes(data[:2], "little")
        namespace, key, _ = data[2:].decode().split("\0")
        found = self.nvs.get(namespace, key, chr(kind), room)
        return _status(found) if isinstance(found, int) else _status(len(found)) + found

    def _nvs_set(self, op, kind, data):
        namespace, key, value = data.split(b"\0", 2)
        return _status(self.nvs.set(namespace.decode(), key.decode(), chr(kind), value))

    def _nvs_erase(self, op, a, data):
        namespace, key, _ = data.decode().split("\0")
        return _status(self.nvs.erase(namespace, key))

    def _nvs_commit(self, op, a, data):
        return _status(self.nvs.commit())


def _status(value):
    return struct.pack("<h", value)
