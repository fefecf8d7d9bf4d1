"""The reward of an invitation: promised to who invited, in the transaction in which the friend's code or the review came in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway import promise_states
from gateway.offers import codes
from gateway.offers.issuing import announce
from gateway.storage import Connection, promises
from gateway.storage.promises import PromiseRecord
from rules.texts import N_, known_language, text

REWARDED_BY = frozenset({"redeemed", "reviewed"})
"""What makes an invitation one that was used: a friend redeemed its personal code, or the review was written."""
DAY_S = 86_400.0

_TITLE = N_("Thank you for recommending us")
_BODY = N_("This is your reward.")


@dataclass(frozen=True, slots=True)
class Issuer:
    """What a promise that the ledger makes by itself is written with."""

    source: str
    new_id: Callable[[float], str]
    new_code: Callable[[int], str]
    reward_days: int


def give(connection: Connection, invitation: PromiseRecord, at_s: float, issuer: Issuer) -> str | None:
    """Promise the reward of an invitation, once; its promise's id.

    None: there is none, it was given before, or who invited has been erased. It holds no cap of its own: there are never more
    rewards than invitations.
    """
    if invitation.shopper is None or not promises.take_reward(connection, invitation.id):
        return None
    language = known_language(invitation.language)
    ends_at_s = at_s + issuer.reward_days * DAY_S
    reward = invitation._replace(
        id=issuer.new_id(at_s),
        zone=None,
        offer=f"{invitation.offer}.reward"[:64],
        kind="voucher",
        content={"title": text(language, _TITLE), "body": text(language, _BODY)},
        value=invitation.reward,
        code=issuer.new_code(codes.SHORTEST),
        shared=0,
        reward=None,
        at_s=at_s,
        expires_at_s=ends_at_s,
        ends_at_s=ends_at_s,
        takings=(),
        state=promise_states.RESERVED,
        state_at_s=at_s,
    )
    announce(connection, reward, {}, issuer.source)
    return reward.id
