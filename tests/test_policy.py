import hashlib
import json

import numpy as np
import pytest

from bus_toolkit.batch.explain import explain
from bus_toolkit.errors import ConfigError
from bus_toolkit.fill import Fill
from bus_toolkit.geometry import Box, Fan
from bus_toolkit.outcome import Outcome
from bus_toolkit.policy import FillRules, load_policy, parse_policy, shipped_policies
from bus_toolkit.stage import Finding, Kind, Plan

MASK = np.ones((2, 2), np.bool_)
FAN = Fan(mask=MASK, box=Box(0, 0, 2, 2), polygon=(), shape="full", background=(0,), score=1.0).to_json()


def plan(*kinds: Kind, score: float = 0.9, **params: object) -> Plan:
    findings = tuple(Finding(kind=kind, box=Box(0, 0, 1, 1), score=score, detector="test") for kind in kinds)
    return Plan(stage="test", findings=findings, params=params)


@pytest.mark.parametrize("name", ["keep-annotated", "report-only", "york"])
def test_shipped_policies_load_and_describe_themselves(name: str) -> None:
    assert name in shipped_policies()
    policy = load_policy(name)
    assert policy.name == name
    assert policy.summary
    sentences = list(policy.describe())
    assert all(sentence.endswith(".") for sentence in sentences)
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize(
    "kind", ["caliper", "outline", "mask", "doppler", "dual_view", "elastography", "mmode", "spectral"]
)
def test_york_rejects_what_the_paper_rejects(kind: str) -> None:
    verdict = load_policy().decide([plan(Kind(kind))])
    assert verdict.outcome is Outcome.REJECTED
    assert [reason.code for reason in verdict.reasons] == [kind]


@pytest.mark.parametrize("kind", ["text", "logo", "bodymark", "scale"])
def test_york_keeps_what_it_fills(kind: str) -> None:
    policy = load_policy()
    assert policy.decide([plan(Kind(kind))]).outcome is Outcome.KEPT
    assert Kind(kind) in policy.fill.kinds


def test_keep_annotated_fills_calipers() -> None:
    policy = load_policy("keep-annotated")
    assert policy.decide([plan(Kind.CALIPER)]).outcome is Outcome.KEPT
    assert Kind.CALIPER in policy.fill.kinds


@pytest.mark.parametrize("name", shipped_policies())
def test_every_shipped_policy_quarantines_photos_and_fills_no_mask(name: str) -> None:
    policy = load_policy(name)
    assert policy.decide([plan(Kind.PHOTO)]).outcome is Outcome.QUARANTINED
    assert policy.decide([plan(Kind.MASK)]).outcome is Outcome.REJECTED
    assert Kind.MASK not in policy.fill.kinds


def test_every_shipped_policy_fills_or_rejects_every_drawn_kind() -> None:
    drawn = {Kind.TEXT, Kind.LOGO, Kind.CALIPER, Kind.OUTLINE, Kind.BODYMARK, Kind.SCALE, Kind.GREY_BAR, Kind.GRAPHIC}
    for name in shipped_policies():
        policy = load_policy(name)
        assert drawn <= set(policy.fill.kinds) | set(policy.verdict.reject) | set(policy.verdict.quarantine)


def test_a_low_score_does_not_count() -> None:
    assert load_policy().decide([plan(Kind.CALIPER, score=0.49)]).outcome is Outcome.KEPT
    strict = parse_policy('name = "x"\n[verdict]\nreject = ["caliper"]\n[verdict.min_score]\ncaliper = 0.3')
    assert strict.decide([plan(Kind.CALIPER, score=0.31)]).outcome is Outcome.REJECTED


def test_no_fan_is_quarantine_and_never_kept() -> None:
    verdict = load_policy().decide([plan(fan=None)])
    assert verdict.outcome is Outcome.QUARANTINED
    assert load_policy().decide([plan(fan=FAN)]).outcome is Outcome.KEPT


def test_boxes_of_text_are_filled_from_farther_than_thin_lines() -> None:
    wide = load_policy().fill.radius
    assert wide == FillRules().radius == Fill().radius == 8
    assert load_policy("keep-annotated").fill.radius < wide


def test_too_much_fill_is_quarantine() -> None:
    policy = load_policy()
    assert policy.decide([plan(filled_fraction_of_fan=0.5)]).outcome is Outcome.QUARANTINED
    assert policy.decide([plan(filled_fraction_of_fan=0.05)]).outcome is Outcome.KEPT


def test_the_hash_follows_the_content() -> None:
    text = 'name = "x"\n[fill]\nradius = 3\n'
    assert parse_policy(text).hash == parse_policy(text + "grow = 2\n").hash
    assert parse_policy(text).hash != parse_policy(text + "grow = 3\n").hash


def test_a_later_switch_changes_the_hash_only_where_it_is_used() -> None:
    """The hash of a policy as it was before there was the switch: an output that was begun then can be gone on with."""
    policy = parse_policy('name = "x"')
    before = policy.to_dict()
    del before["output"]["annotations"]
    canonical = json.dumps(before, sort_keys=True, separators=(",", ":"))
    assert policy.hash == hashlib.sha256(canonical.encode()).hexdigest()
    assert policy.hash == parse_policy('name = "x"\n[output]\nannotations = true').hash
    assert policy.hash != parse_policy('name = "x"\n[output]\nannotations = false').hash


def test_explain_tells_of_annotations_unless_they_are_switched_off() -> None:
    quiet = parse_policy('name = "x"\n[output]\nannotations = false')
    assert any("what operators wrote" in line for line in explain(load_policy(), anonymise=True))
    assert not any("what operators wrote" in line for line in explain(quiet, anonymise=True))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "valid TOML"),
        ('name = "x"\ncolour = 1', "must hold only"),
        ('name = "x"\n[fill]\ncolour = 1', "must hold only"),
        ('name = "x"\nfill = 1', "must hold only"),
        ('name = "x"\n[fill]\nradius = 0', "between 1 and 50"),
        ('name = "x"\n[fill]\nradius = "3"', "of type int"),
        ('name = "x"\n[fill]\nradius = true', "of type int"),
        ('name = "x"\n[fill]\nmax_fraction = 1.5', "between 0 and 1"),
        ('name = "x"\n[fan]\nmargin = -1', "0 or more"),
        ('name = "x"\n[verdict]\nreject = ["cat"]', "kinds among"),
        ('name = "x"\n[verdict]\nreject = ["text"]\nquarantine = ["text"]', "not in both"),
        ('name = "x"\n[verdict.min_score]\ncat = 0.5', "must name kinds"),
        ("[fill]\nradius = 3", "must have a name"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_policy(text)


def test_an_unknown_policy_lists_those_there_are() -> None:
    with pytest.raises(ConfigError, match="keep-annotated, report-only, york"):
        load_policy("yorrk")
