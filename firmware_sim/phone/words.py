"""Every word the phone says, for its script."""

from __future__ import annotations

from rules.texts import LANGUAGES, N_, Language, in_each, own_name, text

WORDS = {
    "title": N_("Your shop"),
    "empty": N_("Nothing yet. Walk through the shop: what fits you appears here."),
    "consent": N_("Recognise me in the shop and give me offers"),
    "away": N_("No connection"),
    "here": N_("Connected"),
    "look": N_("Have a look"),
    "later": N_("Not now"),
    "redeem": N_("Redeem at the till"),
    "share": N_("Share"),
    "shared": N_("Shared"),
    "looked": N_("Looked at"),
    "redeemed": N_("Redeemed"),
    "dismissed": N_("Put away"),
    "answered": N_("Thank you for your answer"),
    "until": N_("Valid until"),
}


def spoken_words() -> dict[Language, dict[str, str]]:
    """Return the words of each language, with the language to switch to next and what that one calls itself."""
    return in_each(_words)


def _words(language: Language) -> dict[str, str]:
    following = LANGUAGES[(LANGUAGES.index(language) + 1) % len(LANGUAGES)]
    said = {name: text(language, message) for name, message in WORDS.items()}
    return said | {"otherCode": following.value, "other": own_name(following)}
