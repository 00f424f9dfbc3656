"""The form of a new account: every field asked for in turn, then one page to check them all.

What is wrong is said at the field, and what was typed stays.
"""

from micropython import const

from firmware import rooms
from firmware.binding import model, rules
from firmware.ui.keys import BACK, SUBMIT

_REASON = const(0)  # where the form keeps DF13, which is no field of a binding
_REASONS = (4, 5, 9)  # change of bank, details wrong, other


async def run(desk, title, slot, fields):
    """Fill in `fields` ({tag: bytes}, filled already after a refusal) and have them checked.

    Returns the reason (DF13) and the binding's TLVs when they are to be submitted, None when the
    merchant gives up.
    """
    form = _Form(desk, title, slot, fields)
    if model.CNAPS not in fields and not await form.fill():
        return None
    return (form.reason, model.compose(fields)) if await form.review() else None


class _Form:
    """The questions about the new account, in the order in which they are asked."""

    def __init__(self, desk, title, slot, fields):
        self._desk = desk
        self._title = title
        self.fields = fields
        self.reason = fields.get(_REASON, _REASONS[0])
        known = model.field(desk.state.binding(slot), model.LICENCE) or desk.licence
        fields.setdefault(model.LICENCE, known)
        self._steps = [self._reason, self._name, self._kind, self._account, self._cnaps]
        if known is None:
            self._steps.append(self._licence)

    async def fill(self):
        """Ask for every field, back and forth. Returns False when left at the first one."""
        at = 0
        while at < len(self._steps):
            at += 1 if await self._steps[at]() else -1
            if at < 0:
                return False
        return True

    async def review(self):
        """Show everything; go back to any field. Returns True to submit, False to give up."""
        desk = self._desk
        at = 0
        while True:
            at = await desk.pages.review(self._title, self._rows(), at)
            if at == SUBMIT:
                return True
            if at == BACK:
                if await desk.pages.message(self._title, desk.text("change.abandon")):
                    return False
                at = 0
            else:
                await self._steps[at]()

    def _rows(self):
        text, fields = self._desk.text, self.fields
        rows = [
            ("field.reason", text("reason.%d" % self.reason)),
            ("field.name", fields[model.NAME].decode()),
            ("field.kind", text("kind.%d" % fields[model.KIND][0])),
            ("field.account", fields[model.ACCOUNT].decode()),
            ("field.cnaps", fields[model.CNAPS].decode()),
        ]
        if len(self._steps) > len(rows):
            rows.append(("field.licence", fields[model.LICENCE].decode()))
        return rows

    async def _reason(self):
        text = self._desk.text
        items = [text("reason.%d" % reason) for reason in _REASONS]
        at = await self._desk.pages.menu("field.reason", items, _REASONS.index(self.reason))
        if at == BACK:
            return False
        self.reason = self.fields[_REASON] = _REASONS[at]
        return True

    async def _name(self):
        desk = self._desk
        names = desk.sync.names
        before = self.fields.get(model.NAME)
        at = names.index(before) if before in names else 0
        at = await desk.pages.menu("field.name", [name.decode() for name in names], at)
        if at == BACK:
            return False
        code = _fault(rules.HOLDER, names[at], names)
        if code:
            await desk.pages.message("field.name", desk.text("rule.%d" % code), True)
            return await self._name()
        self.fields[model.NAME] = names[at]
        return True

    async def _kind(self):
        text = self._desk.text
        items = [text("kind.%d" % kind) for kind in (model.CORPORATE, model.PERSONAL)]
        before = self.fields.get(model.KIND)
        at = await self._desk.pages.menu("field.kind", items, before[0] - 1 if before else 0)
        if at == BACK:
            return False
        self.fields[model.KIND] = bytes((at + 1,))
        return True

    async def _account(self):
        # Account numbers have no check digit: the number is asked for twice, or comes from a card.
        first = self.fields.get(model.ACCOUNT, b"")
        while True:
            first = await self._digits(
                "field.account", rules.ACCOUNT_MAX, first, _checked(rules.ACCOUNT), True
            )
            if first is None:
                return False

            def same(buf, first=first):
                return None if buf == first else "rule.%d" % rules.ACCOUNT_DIFFERS

            if await self._digits("field.account_again", rules.ACCOUNT_MAX, b"", same, True):
                self.fields[model.ACCOUNT] = bytes(first)
                return True

    async def _cnaps(self):
        before = self.fields.get(model.CNAPS, b"")
        value = await self._digits("field.cnaps", 12, before, _checked(rules.CNAPS), False)
        if value is None:
            return False
        self.fields[model.CNAPS] = bytes(value)
        return True

    async def _licence(self):
        desk = self._desk
        before = self.fields[model.LICENCE] or b""
        while True:
            value = await desk.pages.code(self._title, "field.licence", 18, before)
            if value is None:
                return False
            code = _fault(rules.LICENCE, value)
            if not code or await desk.pages.message("field.licence", desk.text("rule.%d" % code)):
                self.fields[model.LICENCE] = bytes(value)
                return True
            before = value

    async def _digits(self, label, high, before, check, swipe):
        desk = self._desk
        return await desk.pages.digits(
            self._title,
            label,
            1,
            high,
            before,
            check=check,
            card=desk.swiped if swipe else None,
        )


def _checked(what):
    # A rule's code as the key of the words shown at the field.
    def check(buf):
        code = _fault(what, buf)
        return "rule.%d" % code if code else None

    return check


def _fault(what, *given):
    return rooms.run("firmware.binding.rules", what, *given)
