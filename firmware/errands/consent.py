"""What is approved is shown: to the supervisor before the password, to the owner before the
code.
"""

from firmware.errands import rows


async def run(desk, whose, title, slot, tlvs):
    """Show the whole proposal to its end; return False when it is not agreed to.

    whose, title: text keys of who is to agree, and to what kind of change.
    """
    shown = rows.of_proposal(desk, slot, tlvs)
    return await desk.pages.consent(whose, [(title, "")] + shown)
