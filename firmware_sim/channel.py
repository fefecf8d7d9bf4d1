"""The radio between a phone and the scanners: distance, walls, shadows that hang in space, the carrier's body, fading, loss.

Blind spots, so that nobody trusts it for more: no reflections that depend on the room's shape, no other people's bodies as moving
shadows, no Wi-Fi bursts, one antenna pattern (round) for every phone and scanner, no firmware that merges or delays reports.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_sim.scanners import Receivers
from gateway.zones import geometry
from gateway.zones.plan import StorePlan

Floats = NDArray[np.float64]
CHANNELS = 3
"""BLE advertises on 37, 38 and 39; a scanner listens on one of them at a time."""
PACKET_S = 376e-6
"""Air time of a legacy advertisement of 37 bytes at 1 Mbit/s."""


@dataclass(frozen=True, slots=True)
class Air:
    """The channel's parameters."""

    at_1m_dbm: float = -59.0
    exponent: float = 2.3
    shadow_spread_db: float = 4.0
    shadow_reach_m: float = 2.5
    body_loss_db: float = 8.0
    height_m: float = 1.2
    """Scanners hang this much above the phones."""
    rician_k: float = 2.0
    fade_reach_m: float = 0.06
    """Half a wavelength: so far apart two fades are independent."""
    fade_lasts_s: float = 3.0
    """A standing phone's fade changes this fast: hands and other people move."""
    loss: float = 1 / 3
    """Receptions lost whatever their strength: scan gaps, other radios."""
    sensitivity_dbm: float = -94.0
    capture: float = 0.5
    """Share of overlapping packets in which neither survives."""


class RadioChannel:
    """Maps of mean loss for one shop, and receptions drawn from them."""

    CELL_M = 0.25

    def __init__(
        self, plan: StorePlan, receivers: Receivers, air: Air, low: Floats, high: Floats, rng: np.random.Generator
    ) -> None:
        self._air, self._receivers, self._rng, self._low = air, receivers, rng, low - 1.0
        shape = np.ceil((high - low + 2.0) / self.CELL_M).astype(int)
        xs, ys = (self._low[i] + (np.arange(shape[i]) + 0.5) * self.CELL_M for i in range(2))
        points = np.stack(np.meshgrid(xs, ys, indexing="ij"), -1).reshape(-1, 2)
        self._shape = shape
        self._mean_dbm = np.stack([self._map(plan, points, at) for at in receivers.at]).reshape(len(receivers.at), *shape)
        self._mean_dbm += receivers.gain_db[:, None, None]
        self._fade: NDArray[np.complex128] = np.zeros((0, len(receivers.at), CHANNELS), dtype=complex)

    def _map(self, plan: StorePlan, points: Floats, at: Floats) -> Floats:
        distance = np.sqrt(((points - at) ** 2).sum(1) + self._air.height_m**2)
        level = self._air.at_1m_dbm - 10 * self._air.exponent * np.log10(distance)
        for a, b, loss_db in plan.barriers():
            level -= loss_db * geometry.crossings(points, np.broadcast_to(at, points.shape), a, b)
        return np.asarray(level + self._shadow().ravel())

    def _shadow(self) -> Floats:
        """A Gaussian field with the wanted spread and reach, by filtering white noise in the frequency domain."""
        shape = self._shape
        kx, ky = np.fft.fftfreq(shape[0], self.CELL_M), np.fft.fftfreq(shape[1], self.CELL_M)
        reach = self._air.shadow_reach_m / np.sqrt(2)
        weight = np.exp(-((np.pi * reach) ** 2) * (kx[:, None] ** 2 + ky[None, :] ** 2))
        field = np.fft.ifft2(np.fft.fft2(self._rng.normal(size=shape)) * weight).real
        return np.asarray(field / field.std() * self._air.shadow_spread_db)

    def mean_dbm(self, at: Floats) -> Floats:
        """Mean level at points (n, 2) for every scanner, shape (n, scanners), before body, fading and the phone's offset."""
        cells = np.clip(((at - self._low) / self.CELL_M).astype(int), 0, self._shape - 1)
        return np.asarray(self._mean_dbm[:, cells[:, 0], cells[:, 1]].T)

    def drift(self, moved_m: Floats, dt_s: float) -> None:
        """Let the fades change as the devices moved (n,) metres in dt_s seconds."""
        shape = (len(moved_m), len(self._receivers.at), CHANNELS)
        if len(self._fade) != len(moved_m):
            self._fade = self._scatter(shape)
        kept = np.exp(-moved_m / self._air.fade_reach_m - dt_s / self._air.fade_lasts_s)[:, None, None]
        self._fade = kept * self._fade + np.sqrt(1 - kept**2) * self._scatter(shape)

    def _scatter(self, shape: tuple[int, ...]) -> NDArray[np.complex128]:
        pair = self._rng.normal(scale=np.sqrt(0.5), size=(*shape, 2))
        return np.asarray(pair[..., 0] + 1j * pair[..., 1])

    def receive(
        self,
        device: NDArray[np.intp],
        level_db: Floats,
        at: Floats,
        heading: Floats,
        packets_per_s: float,
        alive: NDArray[np.bool_],
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]:
        """Receptions of one packet per entry of `device`: indices of packets, of scanners, and RSSI in whole dBm.

        `level_db` is each packet's transmit offset, `at` (n, 2) and `heading` (n,) its carrier's place and direction in radians.
        """
        air, rng = self._air, self._rng
        away = self._receivers.at[None, :, :] - at[:, None, :]
        facing = np.cos(np.arctan2(away[..., 1], away[..., 0]) - heading[:, None])
        channel = rng.integers(CHANNELS, size=(len(device), len(self._receivers.at)))
        fade = self._fade[device[:, None], np.arange(len(self._receivers.at))[None, :], channel]
        amplitude = (np.sqrt(air.rician_k) + fade) / np.sqrt(air.rician_k + 1)
        fading_db = 20 * np.log10(np.abs(amplitude) + 1e-3)
        rssi = self.mean_dbm(at) + level_db[:, None] - air.body_loss_db * (1 - facing) / 2 + fading_db
        heard = rng.random(rssi.shape) < 1 / (1 + np.exp(-(rssi - air.sensitivity_dbm) / 1.5))
        survives = (1 - air.loss) * np.exp(-2 * packets_per_s * PACKET_S * air.capture)
        heard &= (rng.random(rssi.shape) < survives) & alive[None, :]
        packet, scanner = np.nonzero(heard)
        return packet, scanner, np.rint(np.clip(rssi[packet, scanner], -127, 20)).astype(int)
