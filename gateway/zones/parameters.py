"""What the tracker assumes of phones, people and radio in every shop; each with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelParameters:
    """Holds what is assumed of phones and people in every shop; taken from the literature, not fitted to one place."""

    fading_db: float = 3.0
    """Spread of a single reading around its place's mean (Rician, K about 2)."""
    body_db: float = 2.5
    """Amplitude of the body's shadow as a cosine over direction: 5 dB between front and back of who walks."""
    body_spread_db: float = 2.5
    """Of that amplitude from one to the next, each component: hands, bags and back pockets, and robots that have no body."""
    phone_spread_db: float = 6.0
    """Phones differ by this before anything was heard of one."""
    phone_known_db: float = 2.0
    """However long a phone is heard, its offset is never known better than this: pockets and hands."""
    fades_standing_s: float = 15.0
    """Belief about somebody who stands fades this slowly: the same error is heard again and again, but nothing changes."""
    fades_walking_s: float = 4.0
    """And about somebody who walks: a shadow is 2 to 4 m long."""
    plan_spread_db: float = 6.0
    """Levels spread like this where only the plan is known. Where more is known, belief of who walks fades slower,"""
    fades_most: float = 2.0
    """by the ratio of the variances, but at most so many times."""
    walks_off_s: float = 20.0
    """Mean time somebody stands."""
    stops_s: float = 8.0
    """Mean time somebody walks without a stop."""
    stops_between: float = 0.25
    """Stops between zones, for one in a zone: people stop at things, and things are in zones."""
    heading_kept_s: float = 3.5
    """Mean time somebody who walks keeps their heading."""
    veers_share: float = 0.75
    """Share of the changes of heading that go to a neighbouring one; the others lead anywhere."""
    walk_change_db2: float = 30.0
    """Variance that two seconds of walking add to the change of a scanner's mean level."""
    gait_share: float = 0.2
    """Neighbouring scanners change together: the evidence for walking counts for this part."""
    gait_most: float = 3.0
    """And at most so much (log odds) in a step."""
    strongest_softness_db: float = 4.0
    """Softness of `which scanner hears best`: that order survives errors of the modelled levels."""
    strongest_share: float = 0.2
    """Part of the evidence that comes from that order, the rest from the levels."""
    deaf_dbm: float = -88.0
    """At this mean level half of the packets are lost: fading and body push many below a scanner's -94."""
    deaf_slope_db: float = 5.0
    """So many dB above it the odds of being heard are e times better."""
    silence_share: float = 0.25
    """Silence has many reasons that nobody modelled: its evidence counts for this part."""
    packets_per_s: float = 2.0
    """Before a phone was heard: packets a second that a near scanner reports of it. Then it is measured,"""
    packets_prior_s: float = 2.0
    """this guess counting as so many seconds of hearing by one near scanner."""
    packets_fade_s: float = 30.0
    """What was measured of a phone's rate is forgotten this fast: screens go dark, bags close."""
    range_spread_m: float = 0.3
    """A measured distance is never better than this: where in the cell, and which way round the body, nobody knows."""
    bearing_spread_deg: float = 5.0
    """Nor a measured bearing."""
