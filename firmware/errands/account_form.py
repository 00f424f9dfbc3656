"""The form of a new account: every field asked for in turn, then one page to check them all.

What is wrong is said at the field, and what was typed stays: in the draft at the desk, also when
the terminal is left alone or has no room, until it is submitted or given up.
"""

from firmware import rooms
from firmware.binding import model, rules
from firmware.crypto.wipe import wipe
from firmware.errands import draft as drafts
from firmware.ui.keys import BACK, SUBMIT

_LOOK_UP = "bank"  # an errand that talks to the acquirer: not with the form in memory

_REASONS = (4, 5, 9)  # change of bank, details wrong, other


async def run(desk, title, slot):
    """Fill in the draft at the desk, begun if there is none, and have it checked.

    Returns the reason (DF13) and the binding's TLVs when they are to be submitted, the name of an
    errand to be run before this goes on, None when the merchant gives up: the draft is gone then.
    """
    form = _Form(desk, title, slot)
    on = await form.fill()
    if on is True:
        on = await form.review()
    if on is True:
        return form.draft[drafts.REASON], drafts.compose(form.draft)
    if on == _LOOK_UP:
        return _LOOK_UP
    drafts.run(desk)
    return None


class _Form:
    """The questions about the new account, in the order in which they are asked."""

    def __init__(self, desk, title, slot):
        self._desk = desk
        self._title = title
        self.draft = desk.draft or drafts.begin(desk)
        known = model.field(desk.state.binding(slot), model.LICENCE) or desk.licence
        self._steps = [self._reason, self._name, self._kind, self._account, self._cnaps]
        if known is None:
            self._steps.append(self._licence)
        else:
            drafts.put(self.draft, model.LICENCE, known)

    async def fill(self):
        """Ask for every field from the first empty one on, back and forth. Returns True, False
        when left at the first one, or an errand's name.
        """
        at = self._filled()
        while at < len(self._steps):
            on = await self._steps[at]()
            if on == _LOOK_UP:
                return _LOOK_UP
            at += 1 if on else -1
            if at < 0:
                return False
        return True

    def _filled(self):
        # How many fields, from the first one on, have been filled in.
        draft = self.draft
        if not draft[drafts.REASON]:
            return 0
        at = 1
        for tag in (model.NAME, model.KIND, model.ACCOUNT, model.CNAPS, model.LICENCE):
            if at == len(self._steps) or not drafts.get(draft, tag):
                break
            at += 1
        return at

    async def review(self):
        """Show everything; go back to any field. Returns True to submit, False to give up, or
        an errand's name.
        """
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
            elif await self._steps[at]() == _LOOK_UP:
                return _LOOK_UP

    def _rows(self):
        text = self._desk.text
        rows = [
            ("field.reason", text("reason.%d" % self.draft[drafts.REASON])),
            ("field.name", self._words(model.NAME)),
            ("field.kind", text("kind.%d" % drafts.get(self.draft, model.KIND)[0])),
            ("field.account", drafts.get(self.draft, model.ACCOUNT)),
            ("field.cnaps", drafts.get(self.draft, model.CNAPS)),
        ]
        if drafts.get(self.draft, model.BANK):
            rows[-1] = "field.bank", self._words(model.CNAPS) + " " + self._words(model.BANK)
        if len(self._steps) > len(rows):
            rows.append(("field.licence", self._words(model.LICENCE)))
        return rows

    def _words(self, tag):
        return bytes(drafts.get(self.draft, tag)).decode()

    async def _reason(self):
        text = self._desk.text
        items = [text("reason.%d" % reason) for reason in _REASONS]
        before = self.draft[drafts.REASON]
        at = _REASONS.index(before) if before else 0
        at = await self._desk.pages.menu("field.reason", items, at)
        if at == BACK:
            return False
        self.draft[drafts.REASON] = _REASONS[at]
        return True

    async def _name(self):
        desk = self._desk
        names = desk.sync.names
        before = bytes(drafts.get(self.draft, model.NAME))
        at = names.index(before) if before in names else 0
        at = await desk.pages.menu("field.name", [name.decode() for name in names], at)
        if at == BACK:
            return False
        code = _fault(rules.HOLDER, names[at], names)
        if code:
            await desk.pages.message("field.name", desk.text("rule.%d" % code), True)
            return await self._name()
        drafts.put(self.draft, model.NAME, names[at])
        return True

    async def _kind(self):
        text = self._desk.text
        items = [text("kind.%d" % kind) for kind in (model.CORPORATE, model.PERSONAL)]
        before = drafts.get(self.draft, model.KIND)
        at = await self._desk.pages.menu("field.kind", items, before[0] - 1 if before else 0)
        if at == BACK:
            return False
        drafts.put(self.draft, model.KIND, bytes((at + 1,)))
        return True

    async def _account(self):
        # Account numbers have no check digit: the number is asked for twice, or comes from a card.
        draft = self.draft
        before = drafts.get(draft, model.ACCOUNT)
        first = bytearray()
        try:
            while True:
                wipe(first)
                first = await self._digits(model.ACCOUNT, "field.account", before, self._swiped)
                if first is None:
                    first = bytearray()
                    return False
                drafts.typing(draft, model.ACCOUNT, first, 0)  # were nobody here to repeat it

                def same(buf, first=first):
                    return None if buf == first else "rule.%d" % rules.ACCOUNT_DIFFERS

                again = await self._desk.pages.digits(
                    self._title,
                    "field.account_again",
                    1,
                    rules.ACCOUNT_MAX,
                    check=same,
                    card=self._swiped,
                )
                if again is not None:
                    drafts.put(draft, model.ACCOUNT, again)
                    wipe(again)
                    drafts.typed(draft)
                    return True
        finally:
            wipe(first)

    async def _cnaps(self):
        before = drafts.get(self.draft, model.CNAPS)
        value = await self._digits(model.CNAPS, "field.cnaps", before)
        if value is None:
            return False
        if not value:
            return _LOOK_UP
        drafts.put(self.draft, model.CNAPS, value)
        drafts.put(self.draft, model.BANK, b"")  # whoever types a number names no bank
        return True

    async def _licence(self):
        desk, draft = self._desk, self.draft
        before = drafts.get(draft, model.LICENCE)
        while True:
            view = drafts.typing(draft, model.LICENCE, before, 18)
            value = await desk.pages.code(self._title, "field.licence", 18, view)
            drafts.typed(draft)
            if value is None:
                return False
            code = _fault(rules.LICENCE, value)
            if not code or await desk.pages.message("field.licence", desk.text("rule.%d" % code)):
                drafts.put(draft, model.LICENCE, value)
                return True
            before = value

    async def _digits(self, tag, label, before, card=None):
        what, low, high = rules.CNAPS, 0, 12  # without a number it is looked up
        if tag == model.ACCOUNT:
            what, low, high = rules.ACCOUNT, 1, rules.ACCOUNT_MAX
        view = drafts.typing(self.draft, tag, before, high)
        value = await self._desk.pages.digits(
            self._title, label, low, high, view, check=_checked(what), card=card
        )
        drafts.typed(self.draft)
        return value

    def _swiped(self):
        return self._desk.open("swipe")


def _checked(what):
    # A rule's code as the key of the words shown at the field.
    def check(buf):
        code = len(buf) and _fault(what, buf)
        return "rule.%d" % code if code else None

    return check


def _fault(what, *given):
    return rooms.run("firmware.binding.rules", what, *given)
