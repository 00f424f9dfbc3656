"""What must hold after every life, whatever was cut: one function a rule, named as it is reported.

A rule is given a Trial and returns what is wrong in a few words, or None. May import world,
images, and firmware.binding.change_record to read records.
"""

from dataclasses import dataclass

from firmware.binding import change
from firmware.binding.change_record import ChangeRecord
from host_tests.crash import images, world

_ATTEMPTS = 5
_LOCK_S = 1800
_CHAIN = slice(13, 21)  # in a DF50


@dataclass(frozen=True)
class Trial:
    """One life's end.

    booted, settled: what the terminal said of itself (life.Till.facts), None when it never got so
    far; failure: why not. tokens_at_boot: {(slot, token)} that the acquirer
    had or had had when the terminal started. shown: the acquirer's books. log: what was seen from
    outside, from the very first life on; seen_before: how much of it before this scenario.
    images: the Snapshots that the last life began with, and left.
    """

    scenario: object
    booted: dict | None
    settled: dict | None
    failure: str | None
    tokens_at_boot: set
    shown: dict
    log: tuple
    seen_before: int
    images: tuple

    @property
    def applications(self):
        """Those that this scenario's errand made."""
        earlier = len(self.scenario.start) - 1 + (self.scenario.reserve is not None)
        return self.shown["applications"][earlier:]

    def acquirer_token(self):
        """The token of the errand's slot in the acquirer's books; None where it is free."""
        slot = self.scenario.slot
        return next((row["token"] for row in self.shown["bindings"] if row["slot"] == slot), None)


def _tlvs(facts, which="bindings"):
    return {slot: bytes.fromhex(tlvs) for slot, tlvs in facts[which]}


def starts_again(trial):
    """The terminal starts, and no service of it ends in an error."""
    return trial.failure


def comes_to_rest(trial):
    """Within hours the acquirer is reached and nothing is under way any more."""
    if trial.settled is not None and not trial.settled["settled"]:
        return f"phase {trial.settled['phase']} and not settled"
    return None


def tokens_agree(trial):
    """The terminal's binding is the acquirer's, in every slot."""
    if trial.settled is None:
        return None
    ours = {slot: world.token(tlvs) for slot, tlvs in _tlvs(trial.settled).items()}
    theirs = {row["slot"]: row["token"] for row in trial.shown["bindings"]}
    return None if ours == theirs else f"terminal {ours}, acquirer {theirs}"


def old_or_new(trial):
    """A binding is the old one or the new one, at every start as at the end, and an end that this
    errand may have; in other slots nothing has changed.
    """
    scenario = trial.scenario
    known = (*scenario.had(scenario.slot), *scenario.ends)
    if trial.booted is not None:
        for slot, tlvs in _tlvs(trial.booted).items():
            if tlvs not in (known if slot == scenario.slot else scenario.had(slot)):
                return f"another binding in slot {slot} at the start"
    if trial.settled is not None:
        bound = _tlvs(trial.settled)
        if bound.pop(scenario.slot, None) not in scenario.ends:
            return "a binding that this errand can't end with"
        for slot, tlvs in bound.items():
            if tlvs != scenario.had(slot)[-1]:
                return f"another binding in slot {slot}"
    if trial.acquirer_token() not in {world.token(tlvs) for tlvs in known}:
        return "another binding at the acquirer"
    return None


def never_ahead(trial):
    """The terminal never starts with a binding that the acquirer has not made true before."""
    if trial.booted is None:
        return None
    for slot, tlvs in _tlvs(trial.booted).items():
        if (slot, world.token(tlvs)) not in trial.tokens_at_boot:
            return f"slot {slot} at the start"
    return None


def nothing_pending(trial):
    """Nothing is pending once the acquirer has decided, and nothing is left unsent."""
    if trial.settled is None or trial.settled["phase"] == change.IDLE:
        return None
    return f"phase {trial.settled['phase']}"


def applied_once(trial):
    """The acquirer has at most one application of the errand, and none under review is left."""
    if len(trial.applications) > 1:
        return f"{len(trial.applications)} applications"
    wanted = trial.scenario.plan.get("tlvs")
    if wanted:
        token = world.token(bytes.fromhex(wanted))
        rows = trial.shown["bindings"] + trial.shown["history"]
        had = trial.scenario.had(trial.scenario.slot)
        before = sum(world.token(tlvs) == token for tlvs in had)
        times = sum(row["token"] == token for row in rows) - before
        accepted = [row for row in trial.applications if row["status"] == "active"]
        if times != len(accepted):
            return f"bound {times} times, accepted {len(accepted)} times"
    return None


def counters_rise(trial):
    """No key serial number is used twice, and each is above the last."""
    numbers = [entry[2] for entry in trial.log if entry[0] == "sent"]
    for before, after in zip(numbers, numbers[1:], strict=False):
        if before[:16] == after[:16] and after <= before:
            return f"{after} after {before}"
    return None


def stans_are_new(trial):
    """A trace number serves one request and its repeats, or one message, and nothing else."""
    users = {}
    for index, entry in enumerate(trial.log):
        if entry[0] == "sent":
            _, _, _, stan, uuid = entry
            user = uuid or index
            if users.setdefault(stan, user) != user:
                return f"STAN {stan} twice"
    return None


def record_kept(trial):
    """What the acquirer settled has exactly one change record, with its reference and code."""
    if trial.settled is None:
        return None
    records = [ChangeRecord(bytes.fromhex(stored)) for stored in trial.settled["records"]]
    for row in trial.applications:
        mine = [record for record in records if record.reference.decode() == row["reference"]]
        if row["status"] != "review" and len(mine) != 1:
            return f"{len(mine)} records of application {row['application']}"
        if mine and mine[0].code.decode() != row["response_code"]:
            return f"code {mine[0].code.decode()} recorded for {row['response_code']}"
    return None


def audit_chain_whole(trial):
    """The audit log goes on without a gap, each entry chained to the one before, and nothing in it
    has changed since an earlier start.
    """
    if trial.settled is None:
        return None
    known, last, previous = {}, None, None
    for stored in map(bytes.fromhex, trial.settled["log"]):
        number, chain = int.from_bytes(stored[:4], "big"), stored[_CHAIN]
        if last is not None:
            if number != last + 1:
                return f"entry {number} after {last}"
            if chain != world.chain(previous, stored[: _CHAIN.start] + stored[_CHAIN.stop :]):
                return f"chain of entry {number}"
        known[number], last, previous = chain.hex(), number, chain
    if not known:
        return None  # all of it has given way
    if [last, known[last]] != trial.settled["audit"]:
        return "the log does not end where the state says"
    for kind, *seen in trial.log:
        if kind == "audit" and seen[0] >= min(known) and known.get(seen[0]) != seen[1]:
            return f"entry {seen[0]} was another one before"
    return None


def records_arrive(trial):
    """What the acquirer's archive has is what the terminal's log says, and all that was wanted
    when the terminal last signed on.
    """
    if trial.settled is None:
        return None
    stored = [bytes.fromhex(entry) for entry in trial.settled["log"]]
    chains = {int.from_bytes(entry[:4], "big"): entry[_CHAIN].hex().upper() for entry in stored}
    for row in trial.shown["records"]:
        if chains.get(row["sequence"], row["chain"]) != row["chain"]:
            return f"entry {row['sequence']} is another one in the archive"
    # A change that is settled has its records wanted: the next sign-on says so.
    sent = [entry[1] for entry in trial.log if entry[0] == "sent"]
    while sent and sent[-1] == "0320":
        sent.pop()
    if trial.shown["terminals"][0]["records_wanted"] and sent[-1:] == ["0800"]:
        return "records are still wanted"
    return None


def backup_kept(trial):
    """The binding before the current one is the backup."""
    slot = trial.scenario.slot
    had = (None, *trial.scenario.had(slot))
    if trial.settled is None or not _tlvs(trial.settled):
        return None
    current = _tlvs(trial.settled).get(slot)
    backup = _tlvs(trial.settled, "backups").get(slot)
    if current != had[-1]:
        return None if backup == had[-1] else "the old binding is not the backup"
    if len(had) > 2 and backup != had[-2]:
        return "the backup was lost"
    return None


def guesses_counted(trial):
    """Of passwords in a row that do not open five are looked at before the lock, and then one at a
    time: after half an hour, an hour, two.
    """
    if trial.scenario.errand != "guess":
        return None
    guesses, last = 0, 0
    for kind, _, *rest in trial.log[trial.seen_before :]:
        if kind == "opened":
            guesses = 0
        elif kind == "guess":
            locked_s = _LOCK_S << (guesses - _ATTEMPTS) if guesses >= _ATTEMPTS else 0
            if rest[0] - last < locked_s:
                return f"guess {guesses + 1} came {rest[0] - last} s after the one before"
            guesses, last = guesses + 1, rest[0]
    return None


def one_password_opens(trial):
    """Exactly one of the passwords opens: the old one or the new one."""
    if trial.settled is None or not trial.scenario.plan.get("probe"):
        return None
    right = trial.settled["right"]
    return None if len(right) == 1 else f"{len(right)} passwords open"


def staff_whole(trial):
    """The operators are those before, or they and the one who is added; of who is deleted nothing
    stays for who comes next.
    """
    if trial.scenario.errand != "staff":
        return None
    for facts in (trial.booted, trial.settled):
        if facts is not None and facts["staff"] not in (["01"], ["01", "07"]):
            return f"operators {facts['staff']}"
        if facts is not None and facts["orphaned"]:
            return "attempts of nobody"
    return None


def first_passwords_gone(trial):
    """What was drawn for the first start is in the keystore no more once there are operators."""
    if trial.settled is None or not trial.settled["drawn"]:
        return None
    return f"{trial.settled['drawn']} are still there"


def secrets_nowhere(trial):
    """What was typed and is never stored stands in no image: CVV2, one-time codes, the provider's
    responses, passwords, the first ones too, the digits of an operator's card.
    """
    for image in trial.images:
        there = images.readable(image)
        if any(secret.encode() in there for secret in images.secrets(image)):
            return "digits that somebody typed"
    return None


def merchant_follows(trial):
    """The merchant number is the one the acquirer has."""
    if trial.settled is None:
        return None
    theirs = trial.shown["terminals"][0]["merchant"]
    return None if trial.settled["merchant"] == theirs else "another merchant number"


RULES = (
    starts_again,
    comes_to_rest,
    tokens_agree,
    old_or_new,
    never_ahead,
    nothing_pending,
    applied_once,
    counters_rise,
    stans_are_new,
    record_kept,
    audit_chain_whole,
    records_arrive,
    backup_kept,
    guesses_counted,
    one_password_opens,
    staff_whole,
    first_passwords_gone,
    secrets_nowhere,
    merchant_follows,
)


def broken(trial):
    """Return [(rule's name, what is wrong)] of all rules that do not hold."""
    found = []
    for rule in RULES:
        wrong = rule(trial)
        if wrong is not None:
            found.append((rule.__name__, wrong))
    return found
