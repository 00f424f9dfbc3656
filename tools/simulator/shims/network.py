"""`network.WLAN` of an ESP32, forwarded to the Wi-Fi model."""

import rebind_bus as bus
from machine import unique_id
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


class WLAN:
    IF_STA = 0
    IF_AP = 1

    def __init__(self, interface=STA_IF):
        if interface != STA_IF:
            raise OSError("Wifi Unknown Error 0x0102")

    def active(self, on=None):
        return bool(bus.ask(_ACTIVE, 2 if on is None else 1 if on else 0))

    def connect(self, ssid, key=None, **options):
        if bus.ask(_CONNECT, 0, (ssid + "\0" + (key or "")).encode()) < 0:
            raise OSError("Wifi Not Started")

    def disconnect(self):
        bus.ask(_DISCONNECT)

    def isconnected(self):
        return self.status() == STAT_GOT_IP

    def status(self, param=None):
        return bus.ask(_RSSI if param else _STATUS)

    def scan(self):
        n = bus.ask(_SCAN)
        if n < 0:
            raise OSError("STA must be active")
        buf = bytearray(n)
        bus.take(buf, n)
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
            bus.ask(_RECONNECTS, reconnects + 1)
        if names:
            return unique_id()  # the only parameter that can be asked for is "mac"

    def ifconfig(self, value=None):
        if self.isconnected():
            return ("192.168.4.20", "255.255.255.0", "192.168.4.1", "192.168.4.1")
        return ("0.0.0.0",) * 4


def hostname(name=None):
    return "esp32"


def country(code=None):
    return "CN"
