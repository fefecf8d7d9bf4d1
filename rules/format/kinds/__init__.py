"""The kinds of offer, one module each: its section of the book, what is checked there, what its card holds, says and promises.

A new kind is a module here with a line in KINDS, its name in schema_parts and its section in document.Offer, its place in the
message contract, and its texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules.format.kinds.invitation import InvitationKind
from rules.format.kinds.kind import OfferKind
from rules.format.kinds.plain import ContentKind, StaffCallKind
from rules.format.kinds.question import QuestionKind
from rules.format.kinds.social_proof import SocialProofKind
from rules.format.kinds.voucher import VoucherKind

KINDS: Mapping[str, OfferKind[Any]] = {
    kind.name: kind for kind in (VoucherKind(), ContentKind(), SocialProofKind(), QuestionKind(), InvitationKind(), StaffCallKind())
}
