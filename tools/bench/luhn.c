/* Luhn in C, for the interpreter's own ABI: the limit that the firmware's version is measured by. */

int valid(const unsigned char *buf, int off, int n)
{
    static const unsigned char twice[10] = {0, 2, 4, 6, 8, 1, 3, 5, 7, 9};
    int total = 0;
    if (n < 1)
        return 0;
    for (int i = 0; i < n; i++) {
        unsigned digit = buf[off + n - 1 - i] - '0';
        if (digit > 9)
            return 0;
        total += i & 1 ? twice[digit] : digit;
    }
    return total % 10 == 0;
}

/* Calls it `times` times; the compiler may neither inline the call nor see what it returns. */
int repeat(const unsigned char *buf, int n, int times)
{
    int (*volatile call)(const unsigned char *, int, int) = valid;
    int good = 0;
    while (times-- > 0)
        good += call(buf, 0, n);
    return good;
}
