"""What stands after decisions, by their own time."""

from __future__ import annotations

from gateway.shoppers.consent import Consent, ConsentDecision, PurposeState, consent_of, merge

ALL = frozenset({"recognise", "offers", "purchases", "aftercare", "measure"})
FEW = frozenset({"recognise", "offers"})


def heard(*decisions: ConsentDecision) -> Consent:
    standing = consent_of(decisions[0])
    for decision in decisions[1:]:
        standing = merge(standing, consent_of(decision))
    return standing


def test_the_latest_decision_by_its_own_time_stands_whatever_arrives_last() -> None:
    early, late = ConsentDecision(1.0, 1, ALL), ConsentDecision(2.0, 2, FEW)
    assert heard(early, late).latest == heard(late, early).latest == late


def test_a_withdrawal_beats_a_grant_of_the_same_time() -> None:
    grant, withdrawal = ConsentDecision(1.0, 9, ALL), ConsentDecision(1.0, 1, frozenset())
    assert heard(grant, withdrawal).latest == heard(withdrawal, grant).latest == withdrawal


def test_at_the_same_time_the_higher_version_stands_then_the_fewer_purposes() -> None:
    assert heard(ConsentDecision(1.0, 2, FEW), ConsentDecision(1.0, 1, ALL)).latest.version == 2
    assert heard(ConsentDecision(1.0, 1, ALL), ConsentDecision(1.0, 1, FEW)).latest.purposes == FEW


def test_a_purpose_is_given_refused_or_withdrawn() -> None:
    standing = heard(ConsentDecision(1.0, 1, frozenset({"recognise", "purchases"})), ConsentDecision(2.0, 2, FEW))
    assert standing.state("offers") is PurposeState.GIVEN
    assert standing.state("purchases") is PurposeState.WITHDRAWN
    assert standing.state("measure") is PurposeState.REFUSED


def test_after_a_total_withdrawal_and_a_new_yes_old_purposes_count_as_never_given() -> None:
    standing = heard(ConsentDecision(1.0, 1, ALL), ConsentDecision(2.0, 2, frozenset()), ConsentDecision(3.0, 3, FEW))
    assert standing.state("offers") is PurposeState.GIVEN
    assert standing.state("purchases") is PurposeState.REFUSED


def test_a_total_withdrawal_leaves_nothing_given() -> None:
    standing = heard(ConsentDecision(1.0, 1, ALL), ConsentDecision(2.0, 2, frozenset()))
    assert standing.latest.withdraws
    assert {standing.state(purpose) for purpose in ALL} == {PurposeState.REFUSED}
