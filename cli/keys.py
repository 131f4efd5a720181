"""``bus-clean keys`` and ``bus-clean lookup``: what the office does that holds the private folder."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from bus_toolkit.batch.keys import KeyFacts
    from bus_toolkit.batch.lookup import Match

EXIT_DONE, EXIT_NOT_DONE = 0, 1
FORM: Final = argparse.RawDescriptionHelpFormatter

KEYS: Final = """\
Make, show and rotate the keys under which pseudonyms and UIDs are made.

The same key gives the same patient, study and file the same pseudonyms in every run and output; without it nobody can
tell which pseudonym is whose. A run makes its own key in OUT.private when it is given none. Keep keys where patients'
names may be kept, and back them up: a lost key cannot be made again.
"""
NEW: Final = """\
Make a new key in FILE, readable by its owner alone. A file that is there is never replaced. A folder
that is missing is made, closed to others.
"""
SHOW: Final = """\
Show fingerprint, date and mode of a key file, or of all keys of a private folder. The fingerprint tells keys apart, is
the one in run.json and on certificates, and leads nowhere.
"""
ROTATE: Final = """\
Put a new key in the place of the one in OUT.private. The old one is kept beside it as key.FINGERPRINT, so that what
was released under it can still be looked up.

The next `bus-clean ingest` into OUT makes new pseudonyms and UIDs, and therefore needs --fresh.
"""
LOOKUP: Final = """\
Say what pseudonyms stand for, to whoever holds OUT.private: source file, label, patient, study date, by how many days
dates were shifted, and the original UIDs. Asked for a patient or a group, it lists each of its scans.

PSEUDONYM is the id of a scan, patient or group of the manifest, a new UID, or the name of a file of the output. Keys
that a rotation put aside are tried, too. The answer holds names: mind where it goes.

With --patient-id it goes the other way, and prints the pseudonym of that patient under each key.
"""


def add_keys(commands: Any) -> None:  # noqa: ANN401 - argparse's class for this has no public name
    """Add the command ``keys``."""
    keys = commands.add_parser(
        "keys",
        help="make, show and rotate keys",
        description=KEYS,
        epilog="examples:\n  bus-clean keys new office/key\n  bus-clean ingest raw/ --anonymise --key office/key\n"
        "  bus-clean keys show raw-clean.private\n  bus-clean keys rotate raw-clean.private\n",
        formatter_class=FORM,
        allow_abbrev=False,
    )
    verbs = keys.add_subparsers(title="commands", dest="verb", required=True, metavar="COMMAND")
    for name, words, told, metavar, example, run in (
        ("new", "make a key", NEW, "FILE", "bus-clean keys new office/key", _new),
        ("show", "show fingerprints", SHOW, "FILE|OUT.private", "bus-clean keys show raw-clean.private", _show),
        ("rotate", "put a new key in place", ROTATE, "OUT.private", "bus-clean keys rotate raw-clean.private", _rotate),
    ):
        verb = verbs.add_parser(
            name,
            help=words,
            description=told,
            epilog=f"example:\n  {example}\n",
            formatter_class=FORM,
            allow_abbrev=False,
        )
        verb.add_argument("place", type=Path, metavar=metavar)
        verb.set_defaults(run=run, debug=False)


def add_lookup(commands: Any) -> None:  # noqa: ANN401 - as above
    """Add the command ``lookup``."""
    lookup = commands.add_parser(
        "lookup",
        help="say what a pseudonym stands for, with the private folder",
        description=LOOKUP,
        epilog="examples:\n  bus-clean lookup raw-clean.private images/benign/s44d6h6b373tq25hk.png\n"
        "  bus-clean lookup raw-clean.private p3kq5w2xw4mnd7mpa --json\n"
        "  bus-clean lookup raw-clean.private --patient-id 4711\n\n"
        "exit codes:\n  0    everything asked for was found\n  1    something was not, or could not be looked up\n",
        formatter_class=FORM,
        allow_abbrev=False,
    )
    lookup.add_argument("private", type=Path, metavar="OUT.private", help="the private folder of an output")
    lookup.add_argument("pseudonyms", nargs="*", metavar="PSEUDONYM", help="id, UID or file name")
    lookup.add_argument("--patient-id", metavar="ID", help="give the pseudonym of this patient instead")
    lookup.add_argument("--issuer", default="", metavar="NAME", help="who issued that id, where headers say so")
    lookup.add_argument("--key", type=Path, metavar="FILE", help="the key, when the runs were given one")
    lookup.add_argument("--json", action="store_true", help="print JSON")
    lookup.set_defaults(run=_lookup, debug=False)


def _told(facts: KeyFacts) -> str:
    state = "replaced" if facts.archived else "in use"
    return f"{facts.fingerprint}  {state}  written {facts.written:%Y-%m-%d %H:%M} UTC  mode {facts.mode:04o}\n"


def _new(args: argparse.Namespace) -> int:
    from bus_toolkit.batch.keys import create

    key = create(args.place)
    sys.stdout.write(f"{key.fingerprint}\n")
    sys.stderr.write("Made a key. Back it up: it cannot be made again. Use it with `bus-clean ingest --key`.\n")
    return EXIT_DONE


def _show(args: argparse.Namespace) -> int:
    from bus_toolkit.batch.keys import facts_in

    for facts in facts_in(args.place):
        sys.stdout.write(_told(facts))
        if facts.exposed:
            sys.stderr.write(
                f"Warning: others than its owner may use the key {facts.fingerprint} (mode {facts.mode:04o}). No run "
                "takes it so; `chmod 600` it, and think about who may have read it.\n"
            )
    return EXIT_DONE


def _rotate(args: argparse.Namespace) -> int:
    from bus_toolkit.batch.keys import rotate

    for facts in reversed(rotate(args.place)):
        sys.stdout.write(_told(facts))
    sys.stderr.write(
        "A new key is in place; the old one is kept beside it, for looking up. The next `bus-clean ingest` into this "
        "output makes new pseudonyms and UIDs, and needs --fresh.\n"
    )
    return EXIT_DONE


def _lookup(args: argparse.Namespace) -> int:
    from bus_toolkit.errors import ConfigError

    if bool(args.pseudonyms) == (args.patient_id is not None):
        msg = "lookup must be given pseudonyms, or --patient-id. Got neither, or both"
        raise ConfigError(msg)
    if args.patient_id is not None:
        return _patient(args)
    from bus_toolkit.batch.lookup import look_up

    found = look_up(args.private, args.pseudonyms, key=args.key)
    if args.json:
        answer = {
            text: [{"is": match.kind, "key": match.key, **match.facts} for match in matches]
            for text, matches in found.items()
        }
        sys.stdout.write(f"{json.dumps(answer, indent=2)}\n")
    else:
        for text, matches in found.items():
            for match in matches:
                sys.stdout.write("\n".join(_lines(text, match)) + "\n\n")
    missed = sum(not matches for matches in found.values())
    if missed:
        sys.stderr.write(
            f"bus-clean: {missed} of {len(found)} stand for nothing in these books, under none of the keys at hand\n"
        )
    return EXIT_NOT_DONE if missed else EXIT_DONE


def _patient(args: argparse.Namespace) -> int:
    from bus_toolkit.batch.lookup import pseudonyms_of

    told = pseudonyms_of(args.private, args.patient_id, issuer=args.issuer, key=args.key)
    if args.json:
        answer = [{"key": key, "patient": name, "scans": scans} for key, name, scans in told]
        sys.stdout.write(f"{json.dumps(answer, indent=2)}\n")
    else:
        for key, name, scans in told:
            sys.stdout.write(f"{name}  key {key}  {scans} scans\n")
    if not any(scans for _, _, scans in told):
        sys.stderr.write(
            "bus-clean: no scan in these books has that patient id (and issuer), so the pseudonym is that of a patient "
            "who is not there\n"
        )
        return EXIT_NOT_DONE
    return EXIT_DONE


def _lines(text: str, match: Match) -> list[str]:
    """One match in words."""
    facts = match.facts
    words = {
        "source file": facts["file"],
        "label": facts["label"],
        "outcome": facts["outcome"],
        "scan": facts["scan"],
        "patient": facts["patient"],
        "patient id": facts["patient_id"],
        "issuer": facts["issuer"],
        "patient name": facts["patient_name"],
        "birth date": facts["birth_date"],
        "study date": facts["study_date"],
        "dates shifted": f"{facts['shift_days']} days back" if facts["shift_days"] else "",
        **{f"{name.replace('_', ' ')} UID": f"{pair['original']} -> {pair['new']}" for name, pair in _uids(facts)},
    }
    lines = [f"{text} ({match.kind}, key {match.key})"]
    lines += [f"  {name:<24}{value}" for name, value in words.items() if value]
    return [_printable(line) for line in lines]


def _uids(facts: Any) -> list[tuple[str, dict[str, str]]]:  # noqa: ANN401 - plain JSON
    return list(facts["uids"].items())


def _printable(line: str) -> str:
    """File names and headers may hold what would steer a terminal, or bytes that no encoding can write."""
    plain = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)
    encoding = sys.stdout.encoding or "utf-8"
    return plain.encode(encoding, "backslashreplace").decode(encoding)
