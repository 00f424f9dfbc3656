"""The chip's `network` for CPython: a station among networks that a test puts on the air.

As on the chip, `status` keeps the reason of the last failure until the next event.
"""

STA_IF = 0
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010

_NO_AP_FOUND = 201
_AUTH_FAIL = 202
_HANDSHAKE_TIMEOUT = 204
_TOO_WEAK = 211
_WPA2 = 3
_PSK_MIN = 8


class WLAN:
    """`air` maps a name to (password, security); the names in `hidden` are not sent about; `polls`
    looks at `status` bring an answer. Given a password of WPA2's form it joins nothing weaker.
    broken: what the radio raises; lingers: how often leaving a network has no effect;
    stumbles: how often the key exchange fails for nothing.
    """

    air = None
    hidden = ()
    polls = 2
    broken = None
    lingers = 0
    stumbles = 0
    made = None

    def __init__(self, interface):
        if WLAN.broken:
            raise WLAN.broken
        self.reconnects = -1  # for ever
        self._active = False
        self._joined = False
        self._reason = 0
        self._pending = None
        self._left = 0
        self.connects = 0
        WLAN.made = self

    def active(self, on=None):
        if WLAN.broken:
            raise WLAN.broken
        if on is False:
            self.disconnect()
        if on is not None:
            self._active = on
        return self._active

    def config(self, **settings):
        if not self._active:
            raise OSError(0x3001, "ESP_ERR")
        if "reconnects" in settings:
            self.reconnects = settings["reconnects"]

    def scan(self):
        if not self._active:
            raise OSError("STA must be active")
        return [
            (b"" if name in WLAN.hidden else name.encode(), bytes(6), 1, -50, security, False)
            for name, (_, security) in WLAN.air.items()
        ]

    def connect(self, ssid, key=None):
        if self._pending:
            raise OSError(0x3007, "ESP_ERR_WIFI_CONN")  # it is still busy with another
        self.connects += 1
        self._pending = (ssid, key or "")
        self._left = WLAN.polls

    def disconnect(self):
        self._pending = None
        if WLAN.lingers:
            WLAN.lingers -= 1
        else:
            self._joined = False

    def drop(self):
        """Lose the network."""
        self._joined = False
        self._reason = 200

    def isconnected(self):
        return self._joined

    def status(self):
        if self._pending:
            self._left -= 1
            if self._left < 0:
                self._settle()
        if self._joined:
            return STAT_GOT_IP
        if self._reason:
            return self._reason
        return STAT_CONNECTING if self._pending else STAT_IDLE

    def _settle(self):
        ssid, key = self._pending
        self._pending = None
        if WLAN.stumbles:
            WLAN.stumbles -= 1
            self._reason = _HANDSHAKE_TIMEOUT
        elif ssid not in WLAN.air:
            self._reason = _NO_AP_FOUND
        elif len(key) >= _PSK_MIN and WLAN.air[ssid][1] < _WPA2:
            self._reason = _TOO_WEAK
        elif WLAN.air[ssid][0] != key:
            self._reason = _AUTH_FAIL
        else:
            self._joined = True
            self._reason = 0


def power_on():
    """Start with nothing on the air and a radio that works."""
    WLAN.air = {}
    WLAN.hidden = ()
    WLAN.broken = None
    WLAN.lingers = 0
    WLAN.stumbles = 0


power_on()
