"""Which part is on which pin, for each board that the terminal knows.

What always holds: a pin number stands only in the table here. Imports nothing.
"""

# Rows and columns of the keypad, top and left first; the OLED's SDA and SCL; the card reader's
# UART, its RX and TX; the buzzer. Rows may be strapping pins (nothing pulls them at reset),
# columns may not.
PINS = {
    "esp32-devkitc": ((13, 14, 27, 26), (25, 33, 32, 23), (21, 22), (2, 16, 17), 4),
    "esp32-s3-devkitc": ((4, 5, 6, 7), (15, 16, 17, 18), (8, 9), (1, 10, 11), 14),
    # ESP32 with the OLED on board: few pins are led out; RX 36 is an input without pull-up.
    "esp32-oled": ((2, 12, 15, 16), (13, 14, 25, 26), (5, 4), (2, 36, 17), 0),
}
