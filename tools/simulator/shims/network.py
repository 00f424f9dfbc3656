"""`network.WLAN` of an ESP32, forwarded to the Wi-Fi model in the host process."""

import rebind_bus as _wire
from micropython import const

_ACTIVE = const(0x20)
_CONNECT = const(0x21)
_DISCONNECT = const(0x22)
_STATUS = const(0x23)
_SCAN = const(0x24)
_RSSI = const(0x25)
_RECONNECTS = const(0x26)

STA_IF = 0
AP_IF = 1

STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_ASSOC_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010

AUTH_OPEN = 0
AUTH_WEP = 1
AUTH_WPA_PSK = 2
AUTH_WPA2_PSK = 3
AUTH_WPA_WPA2_PSK = 4
AUTH_WPA2_ENTERPRISE = 5
AUTH_WPA3_PSK = 6
AUTH_WPA2_WPA3_PSK = 7


def hostname(name=None):
    return "esp32"


def country(code=None):
    return "CN"


class WLAN:
    IF_STA = 0
    IF_AP = 1
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2
    SEC_OPEN = 0

    def __init__(self, interface_id=0):
        if interface_id != 0:
            raise OSError("Wifi Unknown Error 0x0102")

    def active(self, on=None):
        return bool(_wire.ask(_ACTIVE, 2 if on is None else 1 if on else 0))

    def connect(self, ssid=None, key=None, *, bssid=None):
        if _wire.ask(_CONNECT, 0, (ssid + "\0" + (key or "")).encode()) < 0:
            raise OSError("Wifi Not Started")

    def disconnect(self):
        _wire.ask(_DISCONNECT)

    def isconnected(self):
        return _wire.ask(_STATUS) == STAT_GOT_IP

    def status(self, param=None):
        return _wire.ask(_RSSI if param == "rssi" else _STATUS)

    def scan(self):
        n = _wire.ask(_SCAN)
        if n < 0:
            raise OSError("STA must be active")
        buf = bytearray(n)
        _wire.take(buf, n)
        found = []
        at = 0
        while at < n:
            end = at + 11 + buf[at]
            found.append(
                (
                    bytes(buf[at + 11 : end]),
                    bytes(buf[at + 1 : at + 7]),
                    buf[at + 7],
                    buf[at + 8] - 256,
                    buf[at + 9],
                    bool(buf[at + 10]),
                )
            )
            at = end
        return found

    def config(self, *names, **options):
        if "reconnects" in options:
            _wire.ask(_RECONNECTS, options["reconnects"] + 1)
        if names == ("mac",):
            from machine import unique_id

            return unique_id()
        if names:
            raise ValueError("unknown config param")

    def ifconfig(self, value=None):
        if self.isconnected():
            return ("192.168.4.20", "255.255.255.0", "192.168.4.1", "192.168.4.1")
        return ("0.0.0.0",) * 4
