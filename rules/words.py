"""Every sentence the engine says to a shop, in Dutch and English."""

from __future__ import annotations

from typing import Literal

from rules.decision import Gate

Language = Literal["nl", "en"]
LANGUAGES: tuple[Language, ...] = ("nl", "en")
Words = dict[Language, str]

GATES: dict[Gate, Words] = {
    Gate.MOMENT: {
        "nl": "Dit is niet het moment (plaats of gebeurtenis) van dit aanbod.",
        "en": "This is not the offer's moment (place or event).",
    },
    Gate.VALIDITY: {"nl": "Het aanbod loopt nog niet of niet meer.", "en": "The offer has not begun, or has ended."},
    Gate.HOURS: {"nl": "De winkel is gesloten.", "en": "The shop is closed."},
    Gate.QUIET: {"nl": "Het is nu een stil uur.", "en": "These are quiet hours."},
    Gate.CONSENT: {
        "nl": "De klant gaf geen toestemming voor dit doel.",
        "en": "The shopper gave no consent for this purpose.",
    },
    Gate.ANSWERED: {"nl": "De klant heeft deze vraag al beantwoord.", "en": "The shopper already answered this question."},
    Gate.CONDITION: {"nl": "Een voorwaarde is niet waar.", "en": "A condition is not true."},
    Gate.UNKNOWN: {
        "nl": "Een gegeven ontbreekt of is verouderd, dus de voorwaarde is onbekend.",
        "en": "A fact is missing or stale, so the condition is unknown.",
    },
    Gate.COOLDOWN: {"nl": "De afkoeltijd loopt nog.", "en": "The cool-down has not passed."},
    Gate.LIMIT: {"nl": "De grens voor deze klant is bereikt.", "en": "The limit for this shopper is reached."},
    Gate.EXHAUSTED: {"nl": "Het maximum van deze actie is uitgegeven.", "en": "All of this offer has been given out."},
    Gate.ATTENTION: {
        "nl": "De klant heeft hiervoor te weinig aandacht over.",
        "en": "Too little is left in the shopper's attention budget.",
    },
    Gate.YIELDED: {"nl": "Het aanbod wijkt voor een ander aanbod.", "en": "The offer gives way to another one."},
    Gate.TIER: {"nl": "Een aanbod uit een hogere laag gaat voor.", "en": "An offer of a higher tier goes first."},
    Gate.SILENCE: {"nl": "Stilte is hier meer waard.", "en": "Silence is worth more here."},
    Gate.GROUP: {"nl": "De groep van dit aanbod is vol.", "en": "The offer's group is full."},
    Gate.RANK: {"nl": "Een ander aanbod staat hoger.", "en": "Another offer ranks higher."},
    Gate.GHOST: {
        "nl": "Gekozen, maar niet gedaan: de klant zit in een controlegroep.",
        "en": "Chosen but not made: the shopper is in a control group.",
    },
    Gate.CHOSEN: {"nl": "Gekozen.", "en": "Chosen."},
}

PROBLEMS: dict[str, Words] = {
    "too_large": {"nl": "het boek is {size} bytes, hooguit {most}", "en": "the book is {size} bytes, at most {most} are read"},
    "too_deep": {"nl": "dieper genest dan {most} lagen", "en": "nested deeper than {most} levels"},
    "too_many": {"nl": "meer dan {most} waarden", "en": "more than {most} values"},
    "anchor": {"nl": "ankers en verwijzingen (& en *) mogen niet", "en": "anchors and aliases (& and *) are not allowed"},
    "tag": {"nl": "de tag `{tag}` mag niet", "en": "the tag `{tag}` is not allowed"},
    "key": {"nl": "een sleutel is hier gewone tekst", "en": "a key is plain text here"},
    "twice": {"nl": "`{key}` staat hier twee keer", "en": "`{key}` stands here twice"},
    "syntax": {"nl": "geen leesbare YAML: {why}", "en": "not readable YAML: {why}"},
    "unreadable": {"nl": "kan het bestand niet lezen: {why}", "en": "can't read the file: {why}"},
    "missing": {"nl": "`{key}` ontbreekt", "en": "`{key}` is missing"},
    "translation": {"nl": "de tekst in `{key}` ontbreekt", "en": "the words in `{key}` are missing"},
    "unknown_key": {"nl": "onbekend woord `{key}`", "en": "unknown word `{key}`"},
    "wrong_choice": {"nl": "`{value}` mag hier niet, wel: {allowed}", "en": "`{value}` is not allowed here; allowed: {allowed}"},
    "wrong_value": {"nl": "`{value}` past hier niet", "en": "`{value}` doesn't fit here"},
    "text_expected": {"nl": "`{value}` is geen tekst; zet aanhalingstekens", "en": "`{value}` is no text; put it in quotes"},
    "number_expected": {"nl": "`{value}` is geen getal", "en": "`{value}` is no number"},
    "out_of_range": {"nl": "`{value}` valt buiten de grenzen: {bounds}", "en": "`{value}` is out of bounds: {bounds}"},
    "id_expected": {
        "nl": "`{value}` is geen naam: kleine letters, cijfers, - en _, hooguit 64",
        "en": "`{value}` is no id: lower case letters, digits, - and _, at most 64",
    },
    "list_expected": {"nl": "hier hoort een lijst", "en": "a list belongs here"},
    "map_expected": {"nl": "hier horen sleutels met waarden", "en": "keys with values belong here"},
    "duration": {
        "nl": "`{value}` is geen duur; schrijf bijvoorbeeld 15s, 90m, 2h, 30d of 4w",
        "en": "`{value}` is no duration; write 15s, 90m, 2h, 30d or 4w",
    },
    "hours_span": {"nl": "`{value}` is geen tijdvak; schrijf 09:00-18:00", "en": "`{value}` is no span; write 09:00-18:00"},
    "moment_time": {
        "nl": "`{value}` is geen datum of tijdstip; schrijf 2026-12-05 of 2026-12-05T17:30",
        "en": "`{value}` is no date or time; write 2026-12-05 or 2026-12-05T17:30",
    },
    "timezone": {"nl": "onbekende tijdzone `{value}`", "en": "unknown time zone `{value}`"},
    "same_id": {"nl": "de naam `{id}` is al gebruikt", "en": "the id `{id}` is used before"},
    "section_missing": {"nl": "een aanbod van soort {kind} heeft `{section}` nodig", "en": "a {kind} offer needs `{section}`"},
    "section_extra": {"nl": "`{section}` hoort niet bij soort {kind}", "en": "`{section}` doesn't belong to a {kind} offer"},
    "exactly_one": {"nl": "schrijf precies één van: {keys}", "en": "write exactly one of: {keys}"},
    "unknown_zone": {"nl": "onbekende zone `{value}`", "en": "unknown zone `{value}`"},
    "unknown_offer": {"nl": "onbekend aanbod `{value}`", "en": "unknown offer `{value}`"},
    "unknown_category": {"nl": "onbekende categorie `{value}`", "en": "unknown category `{value}`"},
    "unknown_group": {"nl": "onbekende groep `{value}`", "en": "unknown group `{value}`"},
    "unknown_attribute": {"nl": "onbekend kenmerk `{value}`", "en": "unknown attribute `{value}`"},
    "unknown_field": {"nl": "onbekend veld `{value}`", "en": "unknown field `{value}`"},
    "unknown_function": {"nl": "onbekende functie `{value}`", "en": "unknown function `{value}`"},
    "unknown_operator": {"nl": "onbekende vergelijking `{value}`", "en": "unknown comparison `{value}`"},
    "field_taken": {"nl": "`{value}` bestaat al als veld", "en": "`{value}` already is a field"},
    "not_in_domain": {
        "nl": "`{value}` is geen waarde van {field}; wel: {allowed}",
        "en": "`{value}` is no value of {field}; allowed: {allowed}",
    },
    "wrong_type": {"nl": "`{value}` is geen {type}, wat {field} vraagt", "en": "`{value}` is no {type}, which {field} needs"},
    "operator_type": {
        "nl": "`{operator}` gaat niet met {field} ({type}); wel: {allowed}",
        "en": "`{operator}` doesn't work on {field} ({type}); allowed: {allowed}",
    },
    "condition_syntax": {"nl": "geen leesbare voorwaarde: {why}", "en": "not a readable condition: {why}"},
    "condition_word": {
        "nl": "`{value}` mag niet in een voorwaarde; wel: and, or, not, vergelijkingen en de eigen functies",
        "en": "`{value}` is not allowed in a condition; allowed: and, or, not, comparisons and the engine's own functions",
    },
    "condition_spelling": {"nl": "`{value}` is hier geen woord", "en": "`{value}` is no word here"},
    "condition_quotes": {
        "nl": "zet een datum of tijd tussen aanhalingstekens: `{value}`",
        "en": "put a date or time in quotes: `{value}`",
    },
    "condition_comment": {
        "nl": "opmerkingen (#) mogen niet in een voorwaarde; zet ze op een eigen regel erboven",
        "en": "comments (#) are not allowed inside a condition; put them on a line of their own above it",
    },
    "empty_list": {"nl": "`{operator} []` is nooit of altijd waar", "en": "`{operator} []` is never or always true"},
    "whole_days": {
        "nl": "`{value}` is geen aantal hele dagen; schrijf bijvoorbeeld 14d of 2w",
        "en": "`{value}` is no number of whole days; write 14d or 2w",
    },
    "condition_size": {"nl": "de voorwaarde is te groot: hooguit {most}", "en": "the condition is too large: at most {most}"},
    "condition_shape": {
        "nl": "een voorwaarde is tekst, of een van: {keys}",
        "en": "a condition is text, or one of: {keys}",
    },
    "ends_before_start": {
        "nl": "het einde {until} ligt niet na het begin {start}",
        "en": "the end {until} is not after the start {start}",
    },
    "pool_short": {
        "nl": "{codes} codes voor een maximum van {most}: te weinig",
        "en": "{codes} codes for a cap of {most}: too few",
    },
    "pool_uncapped": {
        "nl": "een lijst codes vraagt `caps.issues` (hooguit {codes}) zonder `every`",
        "en": "a pool of codes needs `caps.issues` (at most {codes}) without `every`",
    },
    "pool_twice": {"nl": "code `{code}` staat twee keer in de lijst", "en": "code `{code}` stands in the pool twice"},
    "loop": {"nl": "deze aanbiedingen wijken voor elkaar in een kring: {loop}", "en": "these offers give way in a circle: {loop}"},
    "placeholder": {"nl": "onbekende invulling `{{{value}}}`", "en": "unknown placeholder `{{{value}}}`"},
    "placeholder_empty": {
        "nl": "`{{{value}}}` is hier leeg: het aanbod heeft het niet",
        "en": "`{{{value}}}` is empty here: the offer has none",
    },
    "was_price": {
        "nl": "een van-prijs heeft zijn bron nodig (`was_price.source`)",
        "en": "a was-price needs its source (`was_price.source`)",
    },
    "was_price_low": {"nl": "de van-prijs is niet hoger dan de prijs", "en": "the was-price is not above the price"},
    "crowd_small": {"nl": "`people` is minstens {least} bij soort crowd", "en": "`people` is at least {least} for a crowd"},
    "friend_consent": {
        "nl": "een aanbeveling van een vriend noemt in `consent` het kenmerk (flag) dat beiden toestemden",
        "en": "a friend's recommendation names in `consent` the flag attribute that says both consented",
    },
    "question_supplier": {
        "nl": "`{value}` wordt niet door de klant zelf gegeven (supplier: shopper)",
        "en": "`{value}` is not supplied by the shopper (supplier: shopper)",
    },
    "question_unread": {
        "nl": "geen voorwaarde of tekst leest `{value}`: vraag niet wat niemand gebruikt",
        "en": "no condition or text reads `{value}`: don't ask what nobody uses",
    },
    "share_code": {
        "nl": "een persoonlijke code is generated (`codes: {{generated: 8}}`)",
        "en": "a personal code is generated (`codes: {{generated: 8}}`)",
    },
    "budget_cost": {
        "nl": "een budget in geld vraagt `{section}.cost`: wat één verzilvering hooguit kost",
        "en": "a budget in money needs `{section}.cost`: the most that one redemption costs",
    },
    "case_words": {"nl": "dit is geen oordeel: `{value}`; wel: {allowed}", "en": "`{value}` is no verdict; allowed: {allowed}"},
}

PHRASES: dict[str, Words] = {
    "all_of": {"nl": "alles bekend", "en": "all known"},
    "known": {"nl": "{field} bekend", "en": "{field} known"},
    "unknown": {"nl": "onbekend", "en": "unknown"},
    "nothing_here": {"nl": "nergens", "en": "nowhere"},
    "anywhere": {"nl": "overal", "en": "anywhere"},
    "when": {"nl": "{event} in {zones}", "en": "{event} in {zones}"},
    "when_for": {"nl": "{event} in {zones}, {duration} lang", "en": "{event} in {zones} for {duration}"},
    "from": {"nl": "vanaf {moment}", "en": "from {moment}"},
    "until": {"nl": "tot {moment}", "en": "until {moment}"},
    "open": {"nl": "open", "en": "open"},
    "not_quiet": {"nl": "buiten de stille uren", "en": "outside quiet hours"},
    "consent": {"nl": "toestemming voor {purpose}", "en": "consent to {purpose}"},
    "none": {"nl": "geen", "en": "none"},
    "unanswered": {"nl": "nog geen antwoord", "en": "no answer yet"},
    "cooled": {"nl": "niet {what} in {duration}", "en": "not {what} within {duration}"},
    "less_than": {"nl": "minder dan {most} × {what} ({window})", "en": "less than {most} × {what} ({window})"},
    "times": {"nl": "{count} ×", "en": "{count} ×"},
    "visit": {"nl": "dit bezoek", "en": "this visit"},
    "ever": {"nl": "ooit", "en": "ever"},
    "within": {"nl": "{duration}", "en": "{duration}"},
    "every": {"nl": "per {window}", "en": "per {window}"},
    "left": {"nl": "nog uit te geven", "en": "some left"},
    "gone": {"nl": "op", "en": "all gone"},
    "tokens": {"nl": "minstens {tokens} aandacht", "en": "at least {tokens} attention"},
    "without": {"nl": "zonder {offers}", "en": "without {offers}"},
    "tier": {"nl": "laag {tier}", "en": "tier {tier}"},
    "above": {"nl": "score boven {score}", "en": "score above {score}"},
    "room": {"nl": "hooguit {most} uit {group}", "en": "at most {most} of {group}"},
    "places": {"nl": "bij de eerste {places}", "en": "among the first {places}"},
    "group": {"nl": "niet in de controlegroep", "en": "not in a control group"},
    "control": {"nl": "in de controlegroep", "en": "in a control group"},
    "every_gate": {"nl": "elke poort", "en": "every gate"},
    "count": {"nl": "{what}({offer}{within}) {operator} {value}", "en": "{what}({offer}{within}) {operator} {value}"},
    "any_offer": {"nl": "elk aanbod", "en": "any offer"},
}


def phrase(key: str, language: Language, **values: object) -> str:
    """A short piece of an explanation."""
    return PHRASES[key][language].format(**values)
