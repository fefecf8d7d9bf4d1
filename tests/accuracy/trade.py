"""Draws the trade between delay and false entries over the one setting that governs it, drawn as SVG."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.settings import ZonesSettings
from tests.accuracy.scenes import Scene, scenes

COSTS = (2.0, 4.0, 9.0, 20.0, 50.0)
COLOURS = ("#00aa66", "#0066cc", "#aa33cc", "#cc6600", "#555555", "#bb2222")
WIDTH, HEIGHT, LEFT, BOTTOM = 640, 400, 60, 50
LONGEST_S, MOST_PER_H = 6.0, 120.0

Curves = dict[str, list[tuple[float, float, float]]]


def curves(follow: Callable[..., Any], score: Callable[..., Any]) -> Curves:
    """For each scene (plan only): (false_entry_cost, median delay in s, false entries per hour)."""
    return {scene.name: [(cost, *_at(scene, cost, follow, score)) for cost in COSTS] for scene in scenes()}


def _at(scene: Scene, cost: float, follow: Callable[..., Any], score: Callable[..., Any]) -> tuple[float, float]:
    settings = ZonesSettings(false_entry_cost=cost)
    measures = score(scene, lambda plan, heard, passage: follow(plan, heard, settings, None)).measures()
    return measures["delay_s"], measures["false_per_h"]


def drawing(points: Curves) -> str:
    """Draw the curves as an SVG document."""

    def x(delay_s: float) -> float:
        return LEFT + min(delay_s, LONGEST_S) / LONGEST_S * (WIDTH - LEFT - 150)

    def y(per_h: float) -> float:
        return HEIGHT - BOTTOM - min(per_h, MOST_PER_H) / MOST_PER_H * (HEIGHT - BOTTOM - 20)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="{HEIGHT - 8}">median delay of an entry, s</text>',
        f'<text transform="translate(14 {HEIGHT - BOTTOM}) rotate(-90)">false entries per shopper-hour</text>',
    ]
    foot = HEIGHT - BOTTOM + 18
    lines += [f'<text x="{x(tick):.0f}" y="{foot}" text-anchor="middle">{tick}</text>' for tick in range(int(LONGEST_S) + 1)]
    for tick in range(0, int(MOST_PER_H) + 1, 20):
        lines.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.0f}" text-anchor="end">{tick}</text>')
        lines.append(f'<path d="M{LEFT} {y(tick):.0f}H{x(LONGEST_S):.0f}" stroke="#ddd"/>')
    for number, (name, curve) in enumerate(points.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x(delay):.1f},{y(per_h):.1f}" for _, delay, per_h in curve)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines += [
            f'<circle cx="{x(delay):.1f}" cy="{y(per_h):.1f}" r="3" fill="{colour}"><title>{name}: {cost:g}</title></circle>'
            for cost, delay, per_h in curve
        ]
        lines.append(f'<text x="{WIDTH - 135}" y="{40 + 18 * number}" fill="{colour}">{name}</text>')
    return "\n".join([*lines, "</svg>", ""])
