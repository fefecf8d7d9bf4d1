"""The reward of an invitation: promised to who invited, once what earned it can't be undone any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway import promise_states
from gateway.offers import codes
from gateway.offers.issuing import announce
from gateway.storage import Connection, pending_rewards, promises
from gateway.storage.pending_rewards import PendingRewardRecord
from gateway.storage.promises import PromiseRecord
from rules import BasketTerms, code_key
from rules.texts import N_, known_language, text

EARNED_BY = {"share": "redeemed", "review": "reviewed"}
"""What each kind of invitation is rewarded for: a friend redeemed its personal code, or the review was written."""
PAID_PER_RUN = 100
"""Rewards that one look pays: bounds how long the writer is held."""
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


def earn(
    connection: Connection, invitation: PromiseRecord, what: str, at_s: float, issuer: Issuer, by: str | None = None
) -> str | None:
    """Reward an invitation for what just happened to it, once it can't be undone any more; the id of a reward promised at once.

    A friend's purchase may come back, so its reward waits (`wait_s`); a review stands. Nobody rewards themselves: `by` is who used
    the invitation, where that is known. None: there is no reward, it is not for this, it waits, or who invited was erased.
    """
    reward = invitation.reward
    if reward is None or invitation.shopper is None or EARNED_BY[reward["to"]] != what or by == invitation.shopper:
        return None
    if reward["wait_s"] <= 0:
        return _pay(connection, invitation, at_s, issuer)
    pending_rewards.put(connection, PendingRewardRecord(invitation.id, invitation.shopper, at_s + reward["wait_s"]))
    return None


def pay_due(connection: Connection, now_s: float, issuer: Issuer) -> int:
    """Promise the rewards that have waited long enough; how many."""
    paid = 0
    for pending in pending_rewards.due(connection, now_s, PAID_PER_RUN):
        pending_rewards.drop(connection, pending.invitation)
        invitation = promises.hold(connection, pending.invitation)
        if invitation is not None and _pay(connection, invitation, now_s, issuer) is not None:
            paid += 1
    return paid


def _pay(connection: Connection, invitation: PromiseRecord, at_s: float, issuer: Issuer) -> str | None:
    """Promise the reward of an invitation. It holds no cap of its own: there are never more rewards than invitations."""
    reward = invitation.reward
    if reward is None or invitation.shopper is None or not promises.take_reward(connection, invitation.id):
        return None
    language = known_language(invitation.language)
    ends_at_s = at_s + issuer.reward_days * DAY_S
    code = issuer.new_code(codes.SHORTEST)
    promise = invitation._replace(
        id=issuer.new_id(at_s),
        zone=None,
        offer=f"{invitation.offer}.reward"[:64],
        kind="voucher",
        content={"title": text(language, _TITLE), "body": text(language, _BODY)},
        value=reward["worth"],
        terms=BasketTerms().as_message(),
        code=code,
        code_key=code_key(code),
        shared=0,
        reward=None,
        at_s=at_s,
        expires_at_s=ends_at_s,
        ends_at_s=ends_at_s,
        takings=(),
        spent_cents=0,
        state=promise_states.RESERVED,
        state_at_s=at_s,
    )
    announce(connection, promise, {}, issuer.source)
    return promise.id
