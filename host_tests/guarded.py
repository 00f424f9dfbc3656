"""A buffer that tells on whoever reads or writes outside the range that was granted."""


class Guarded:
    """Looks like the bytearray `data`, but only indices in `start` to `end` may be touched."""

    def __init__(self, data, start=0, end=None):
        self.data = bytearray(data)
        self.start = start
        self.end = len(self.data) if end is None else end

    def _check(self, index):
        assert isinstance(index, int), "a slice allocates"
        assert self.start <= index < self.end, f"{index} is outside {self.start}..{self.end}"

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        self._check(index)
        return self.data[index]

    def __setitem__(self, index, value):
        self._check(index)
        self.data[index] = value
