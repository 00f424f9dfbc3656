"""`network.WLAN` of an ESP32, forwarded to the Wi-Fi model; constants are in `machine_more`."""

import machine
import rebind_bus as _bus
from micropython import const

_ACTIVE = const(0x20)
_CONNECT = const(0x21)
_DISCONNECT = const(0x22)
_STATUS = const(0x23)
_SCAN = const(0x24)
_RSSI = const(0x25)
_RECONNECTS = const(0x26)
_GOT_IP = const(1010)

STA_IF = 0


class WLAN:
    IF_STA = 0

    def __init__(self, _interface=0):
        if _interface:
            raise OSError("Wifi Unknown Error 0x0102")

    def active(self, on=None):
        return bool(_bus.ask(_ACTIVE, 2 if on is None else 1 if on else 0))

    def connect(self, _ssid, _key=None, **options):
        if _bus.ask(_CONNECT, 0, (_ssid + "\0" + (_key or "")).encode()) < 0:
            raise OSError("Wifi Not Started")

    def disconnect(self):
        _bus.ask(_DISCONNECT)

    def isconnected(self):
        return self.status() == _GOT_IP

    def status(self, _param=None):
        return _bus.ask(_RSSI if _param else _STATUS)

    def scan(self):
        n = _bus.ask(_SCAN)
        if n < 0:
            raise OSError("STA must be active")
        buf = bytearray(n)
        _bus.take(buf, n)
        found = []
        at = 0
        while at < n:
            b = bytes(buf[at : at + 11])
            at += 11 + b[0]
            name = bytes(buf[at - b[0] : at])
            found.append((name, b[1:7], b[7], b[8] - 256, b[9], bool(b[10])))
        return found

    def config(self, *names, reconnects=None, **options):
        if reconnects is not None:
            _bus.ask(_RECONNECTS, reconnects + 1)
        if names:
            return machine.unique_id()  # the only _parameter that can be asked for is "mac"

    def __getattr__(self, name):
        return machine.more(self, name)


def __getattr__(name):
    return machine.__getattr__(name)
