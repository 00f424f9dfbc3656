"""Filling the directory of banks: from a file that an acquirer has, or with invented branches.

A file is CSV: CNAPS number, name, and where it is not the one in the number the area; UTF-8 or
GB 18030, with or without a byte order mark. All of a file is taken, in the place of what was
there before, or nothing: half a directory would look like a whole one. May import: office, banks,
initials, python-stdnum.
"""

import contextlib
import csv
import io

from tools.acquirer import made_up, office

_FILE_MAX = 64 * 1024 * 1024  # bytes; the nation's 150,000 branches take 12 MB
_ENCODINGS = ("utf-8-sig", "gb18030")


class BadLines(office.OfficeError):
    """A file was not taken. `lines`: (number of the line, what is wrong with it), ascending."""

    def __init__(self, path, lines):
        count = "one line" if len(lines) == 1 else f"{len(lines)} lines"
        super().__init__(
            f"{count} of {path} can't be taken, so the directory stays as it was: mend the file,"
            " then import it again"
        )
        self.lines = lines


def import_file(home, path, tell=lambda banks: None):
    """Have the banks of a CSV file (a path) and no others in the directory. Returns how many.

    tell: called with the banks done, now and then. Raises OfficeError, of it BadLines.
    """
    home = office.Home(home)
    home.check()
    banks = _read(path)
    _fill(home, banks, tell)
    return len(banks)


def fill_made_up(home):
    """Have the invented branches in the directory of a laboratory's acquirer, if it has none."""
    home = office.Home(home)
    with contextlib.closing(home.open_banks()) as directory:
        if len(directory):
            return
    _fill(home, made_up.banks(), lambda banks: None)


def _fill(home, banks, tell):
    from tools.acquirer import initials  # pypinyin takes longer to load than most commands run

    def rows():
        for done, (number, name, area) in enumerate(banks):
            if done % 1000 == 0:
                tell(done)
            yield number, name, area, initials.keys(name)

    with home.using_banks(), contextlib.closing(home.open_banks()) as directory:
        directory.replace(rows())


def _read(path):
    """[(number, name, area)] of a file. Raises OfficeError."""
    try:
        with open(path, "rb") as file:
            data = file.read(_FILE_MAX + 1)
    except OSError as error:
        raise office.OfficeError(f"{path} cannot be read ({error.strerror})") from error
    if len(data) > _FILE_MAX:
        raise office.OfficeError(
            f"{path} has more than {_FILE_MAX >> 20} MiB: is it the right one?"
        )
    text = _text(path, data)
    banks, wrong, seen = [], [], {}
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    before = 0
    try:
        for cells in reader:
            line, before = before + 1, reader.line_num
            cells = [cell.strip() for cell in cells]
            if not any(cells) or (line == 1 and not any(map(str.isdigit, cells[0]))):
                continue  # nothing, or the columns' names
            try:
                bank = _bank(cells)
            except office.OfficeError as error:
                wrong.append((line, str(error)))
                continue
            if bank[0] in seen:
                wrong.append((line, f"{bank[0]} stands in line {seen[bank[0]]} already"))
                continue
            seen[bank[0]] = line
            banks.append(bank)
    except csv.Error as error:
        wrong.append((before + 1, f"no CSV from here on ({error})"))
    if wrong:
        raise BadLines(path, wrong)
    if not banks:
        raise office.OfficeError(
            f"there is no bank in {path}: a line has a CNAPS number, a comma and the bank's name"
        )
    return banks


def _text(path, data):
    for encoding in _ENCODINGS:
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding)
    raise office.OfficeError(f"{path} is text neither in UTF-8 nor in GB 18030: save it as one")


def _bank(cells):
    """(number, name, area) of a line. Raises OfficeError."""
    if not 2 <= len(cells) <= 3:
        raise office.OfficeError(
            f"a line has a CNAPS number, a name and maybe an area; this one has {len(cells)} cells"
        )
    return office.checked_bank(*cells)
