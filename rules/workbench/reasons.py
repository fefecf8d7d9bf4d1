"""What decided at each gate: its path in the book, what it expected and what it found, in every language."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import NamedTuple

from rules.decision import Decision, Gate
from rules.engine.book import Book
from rules.engine.decide import candidate, unnamed_affinity
from rules.engine.evaluate import FactsView, LimitRule, count_happenings
from rules.engine.gates import cooling, counted, crowded_out, reached
from rules.engine.rule import Rule, Trigger
from rules.format.dates import duration_text
from rules.format.wording import bound_text, number_text
from rules.local_time import Local
from rules.situation import Situation
from rules.texts import Language, Words, in_each
from rules.texts.messages import phrase


class Reason(NamedTuple):
    """Where, what was asked, what was there."""

    path: str
    expected: Words
    actual: Words


class _Scene(NamedTuple):
    """Everything that a reason may speak of."""

    rule: Rule
    book: Book
    situation: Situation
    view: FactsView
    local: Local
    decision: Decision


def reason_of(
    rule: Rule, gate: Gate, book: Book, situation: Situation, view: FactsView, local: Local, decision: Decision
) -> Reason:
    """Return why that gate decided about that offer."""
    return _REASONS[gate](_Scene(rule, book, situation, view, local, decision))


def _said(key: str, **values: object) -> Words:
    return in_each(lambda language: phrase(key, language, **{name: _read(value, language) for name, value in values.items()}))


def _read(value: object, language: Language) -> object:
    """A number as the reader writes it; anything else as it is."""
    return number_text(value, language) if isinstance(value, float) else value


def _number(value: float) -> Words:
    return in_each(lambda language: number_text(value, language))


def _same(value: object) -> Words:
    text = str(value)
    return in_each(lambda _language: text)


def _listed(names: Collection[str]) -> Words:
    return _same(", ".join(sorted(names))) if names else _said("none")


def _moment(scene: _Scene) -> Reason:
    at = scene.situation
    return Reason("at", _awaited(scene.rule.triggers), _happened(at.event, at.zone, at.dwell_s))


@lru_cache(4096)
def _awaited(triggers: tuple[Trigger, ...]) -> Words:
    """Most offers of a book wait for another moment, and their wording never changes: hence kept."""
    return in_each(lambda language: " | ".join(_trigger(trigger, language) for trigger in triggers))


@lru_cache(16)
def _happened(event: str, zone: str | None, dwell_s: float) -> Words:
    key = "when_for" if event == "dwell" else "when"
    return in_each(
        lambda language: phrase(
            key,
            language,
            event=event,
            zones=zone or phrase("nothing_here", language),
            duration=f"{number_text(dwell_s, language)}s",
        )
    )


def _trigger(trigger: Trigger, language: Language) -> str:
    zones = ", ".join(sorted(trigger.zones)) or phrase("anywhere", language)
    event = "returns" if trigger.returns else trigger.event
    if trigger.of:
        event += f" ({', '.join(sorted(trigger.of))})"
    key = "when_for" if trigger.dwell_s else "when"
    return phrase(key, language, event=event, zones=zones, duration=duration_text(trigger.dwell_s))


def _validity(scene: _Scene) -> Reason:
    rule, zone = scene.rule, scene.book.zone
    early = scene.situation.at_s < rule.from_s
    moment = bound_text(rule.from_s, zone) if early else bound_text(rule.until_s, zone, is_end=True)
    now = scene.local.moment.strftime("%Y-%m-%d %H:%M")
    return Reason("from" if early else "until", _said("from" if early else "until", moment=moment), _same(now))


def _hours(scene: _Scene) -> Reason:
    return Reason("hours", _said("open"), _same(f"{scene.local.weekday} {scene.local.moment:%H:%M}"))


def _quiet(scene: _Scene) -> Reason:
    return Reason("quiet", _said("not_quiet"), _same(f"{scene.local.moment:%H:%M}"))


def _consent(scene: _Scene) -> Reason:
    return Reason(
        "purpose",
        _said("consent", purpose=", ".join(sorted(scene.rule.purposes - scene.situation.purposes))),
        _listed(scene.situation.purposes),
    )


def _answered(scene: _Scene) -> Reason:
    asked = scene.rule.asks
    answer = scene.view.values.get(asked.attribute, "") if asked is not None else ""
    return Reason(f"{scene.rule.offer.kind}.attribute", _said("unanswered"), _same(answer))


def _cooldown(scene: _Scene) -> Reason:
    what, seconds = cooling(scene.rule, scene.view) or ("seen", 0.0)
    path = f"cooldown.{'shown' if what == 'seen' else what}"
    times = count_happenings(scene.view.happenings(scene.rule.id), what, scene.view.at_s - seconds)
    return Reason(path, _said("cooled", what=what, duration=duration_text(seconds)), _said("times", count=times))


def _limit(scene: _Scene) -> Reason:
    rule = scene.rule
    limits = (*rule.limits, *rule.shared_limits, *rule.voucher_limits)
    limit = reached(limits, scene.situation, scene.view, scene.local) or _crowded_out(scene) or limits[0]
    return _limit_reason(limit, scene)


def _crowded_out(scene: _Scene) -> LimitRule | None:
    beside = [chosen.offer for chosen in (*scene.decision.chosen, *scene.decision.ghosts)]
    return crowded_out(scene.rule, beside, scene.book, scene.situation, scene.view, scene.local)


def _limit_reason(limit: LimitRule, scene: _Scene) -> Reason:
    def window(language: Language) -> str:
        if limit.per_visit:
            return phrase("visit", language)
        if limit.every is not None:
            return phrase("every", language, window=limit.every)
        return duration_text(limit.within_s) if limit.within_s < math.inf else phrase("ever", language)

    expected = in_each(lambda language: phrase("less_than", language, most=limit.at_most, what=limit.what, window=window(language)))
    times = counted(limit, scene.situation, scene.view, scene.local)
    return Reason(limit.path, expected, _said("times", count=times))


def _exhausted(scene: _Scene) -> Reason:
    return Reason("caps", _said("left"), _said("gone"))


def _attention(scene: _Scene) -> Reason:
    return Reason("attention", _said("tokens", tokens=float(scene.rule.attention)), _number(scene.situation.attention))


def _passed(scene: _Scene) -> set[str]:
    """The offers that took part in the arbitration."""
    return {verdict.offer for verdict in scene.decision.verdicts if verdict.gate in _ARBITRATION}


def _yielded(scene: _Scene) -> Reason:
    others = scene.rule.yields_to & _passed(scene)
    return Reason("yields_to", _said("without", offers=", ".join(sorted(scene.rule.yields_to))), _listed(others))


def _tier(scene: _Scene) -> Reason:
    competing = _passed(scene) - {verdict.offer for verdict in scene.decision.verdicts if verdict.gate is Gate.YIELDED}
    best = min(rule.tier for rule in scene.book.rules if rule.id in competing)
    return Reason("tier", _said("tier", tier=best), _said("tier", tier=scene.rule.tier))


def _silence(scene: _Scene) -> Reason:
    _, priority, affinity = candidate(scene.rule, scene.situation, unnamed_affinity(scene.situation))
    return Reason("priority", _said("above", score=float(scene.book.document.silence)), _number(priority * affinity))


def _group(scene: _Scene) -> Reason:
    full = reached(scene.rule.shared_limits, scene.situation, scene.view, scene.local) or _crowded_out(scene)
    if full is not None and full.scope.startswith("group/"):
        return _limit_reason(full, scene)
    name = scene.rule.offer.group or ""
    most = scene.book.document.groups[name].at_most
    return Reason(f"groups.{name}", _said("room", most=most, group=name), _winners(scene))


def _rank(scene: _Scene) -> Reason:
    return Reason("priority", _said("places", places=scene.book.document.offers_per_move), _winners(scene))


def _winners(scene: _Scene) -> Words:
    return _listed([chosen.offer for chosen in (*scene.decision.chosen, *scene.decision.ghosts)])


def _ghost(scene: _Scene) -> Reason:
    return Reason("test" if scene.decision.group != "control" else "control_share", _said("group"), _said("control"))


def _chosen(scene: _Scene) -> Reason:
    return Reason("", _said("every_gate"), _said("every_gate"))


def _condition(scene: _Scene) -> Reason:
    """Only for a condition without comparisons, which is always true; explain.py names the comparison otherwise."""
    return Reason("if", _said("all_of"), _said("unknown"))


_ARBITRATION = frozenset({Gate.YIELDED, Gate.TIER, Gate.SILENCE, Gate.GROUP, Gate.RANK, Gate.GHOST, Gate.CHOSEN})
_REASONS: dict[Gate, Callable[[_Scene], Reason]] = {
    Gate.MOMENT: _moment,
    Gate.VALIDITY: _validity,
    Gate.HOURS: _hours,
    Gate.QUIET: _quiet,
    Gate.CONSENT: _consent,
    Gate.ANSWERED: _answered,
    Gate.CONDITION: _condition,
    Gate.UNKNOWN: _condition,
    Gate.COOLDOWN: _cooldown,
    Gate.LIMIT: _limit,
    Gate.EXHAUSTED: _exhausted,
    Gate.ATTENTION: _attention,
    Gate.YIELDED: _yielded,
    Gate.TIER: _tier,
    Gate.SILENCE: _silence,
    Gate.GROUP: _group,
    Gate.RANK: _rank,
    Gate.GHOST: _ghost,
    Gate.CHOSEN: _chosen,
}
