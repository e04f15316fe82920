"""The simulated hardware of a station: one world, and behind every wire of the plan its twin.

Used alike in virtual time (null modems) and by the real world process (pseudo-terminals): the caller gives a function
that opens the device's end of a wire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from boards.compiled import HouseMeter, MeterWires, OutletWires, WirePlan, WireSpec
from evse.core.config import StationConfig
from evse.core.lines import InputLine, LineFunction
from evse.records import dataclass
from hal.frames.front_end_messages import INPUT_COUNT, Capability
from hal.scheduling import Stepped, Waker
from hal.twins.front_end import DEFAULT_FIRMWARE, FirmwareIdentity, FrontEndTwin
from hal.twins.pn532 import Pn532Twin
from hal.wires import ByteLink
from hal.world.attachments import Attachments, LineSwitch
from hal.world.contacts import ContactKind, WiredContact
from hal.world.outlet import OutletSetup, OutletWorld
from hal.world.station import StationWorld
from hal.world.wifi import WifiCard

if TYPE_CHECKING:
    from hal.twins.modbus_meter import ModbusMeterTwin

_CONTACT_OF: Final = {
    LineFunction.BREAKER_TRIPPED: ContactKind.BREAKER,
    LineFunction.KEY_LOCKED: ContactKind.KEY,
    LineFunction.PUSH_BUTTON: ContactKind.BUTTON,
    LineFunction.X1_ENABLE: ContactKind.X1,
    LineFunction.SERVICE_BUTTON: ContactKind.SERVICE_BUTTON,
}
"""Functions whose contact belongs to a device of the station; every other line is wired by the installer."""
RESERVE_QUIRK = "lock_opens_on_power_loss"


def wired_contacts(lines: Iterable[InputLine]) -> tuple[WiredContact, ...]:
    """The contacts of the devices that a board's table of lines names."""
    return tuple(
        WiredContact(_CONTACT_OF[line.function], line.number, line.normally_open)
        for line in lines
        if line.function in _CONTACT_OF
    )


def closed_at_rest(lines: Iterable[InputLine]) -> tuple[int, ...]:
    """The lines on which the installer has wired a normally closed contact: it is closed while nothing acts."""
    return tuple(line.number for line in lines if line.function not in _CONTACT_OF and not line.normally_open)


@dataclass(frozen=True, slots=True)
class DeviceEnd:
    """The device's end of one wire: its link, how to pull the plug, and whom to wake when bytes arrive."""

    link: ByteLink
    switch: LineSwitch
    attach: Callable[[Stepped], None]


OpenDeviceEnd = Callable[[WireSpec], DeviceEnd]


class SimulatedHardware:
    """World and twins of one station. ``local_interlock`` false gives dumb front ends (the lease only)."""

    def __init__(
        self,
        config: StationConfig,
        plan: WirePlan,
        waker: Waker,
        open_device_end: OpenDeviceEnd,
        *,
        local_interlock: bool = True,
        now_us: int = 0,
    ) -> None:
        reserve = RESERVE_QUIRK in plan.quirks
        setups = [
            OutletSetup(
                phases=outlet.phases,
                has_lock=outlet.has_lock,
                attached_cable=outlet.attached_cable,
                lock_reserve=reserve,
                has_shutter=outlet.has_shutter,
                has_mode3=outlet.has_mode3,
                has_domestic=outlet.has_domestic,
                input_count=INPUT_COUNT,
                contacts=wired_contacts(outlet.lines),
                closed_at_rest=closed_at_rest(outlet.lines),
                dip=wires.dip,
                has_x2=wires.x2,
                phase_switch=wires.phase_switch,
            )
            for outlet, wires in zip(config.outlets, plan.outlets, strict=True)
        ]
        self.world = StationWorld(setups, now_us)
        self.world.wifi = WifiCard(now_us) if plan.wifi_card else None
        self.world.use_waker(waker)
        self._waker = waker
        self._open = open_device_end
        self._local_interlock = local_interlock
        self.front_ends: dict[int, FrontEndTwin] = {}
        self.readers: dict[int, Pn532Twin] = {}
        self.meters: dict[str, ModbusMeterTwin] = {}
        for wires in plan.outlets:
            self._attach(wires)
        if plan.house is not None and plan.house.wire is not None:
            self._attach_house(plan.house, plan.house.wire)

    def _attach(self, wires: OutletWires) -> None:
        outlet = self.world.outlet(wires.number)
        end = self._open(wires.front_end)
        fitted = Capability.SHUTTER if outlet.setup.has_shutter else Capability.NONE
        if outlet.setup.has_domestic:
            fitted |= Capability.DOMESTIC
        fitted |= Capability.DIP_SWITCHES if wires.dip else Capability.NONE
        fitted |= Capability.DISPLAY if wires.display else Capability.NONE
        fitted |= Capability.X2 if wires.x2 else Capability.NONE
        firmware = FirmwareIdentity(
            unique_id=f"TWIN{wires.number:04d}".encode(),
            phases=outlet.setup.phases,
            capabilities=DEFAULT_FIRMWARE.capabilities | fitted,
        )
        front_end = FrontEndTwin(end.link, outlet, self._waker, self._local_interlock, firmware=firmware)
        end.attach(front_end)
        self.front_ends[wires.number] = front_end
        attached = Attachments(front_end=front_end, front_end_line=end.switch)
        if wires.reader is not None:
            reader_end = self._open(wires.reader)
            reader = Pn532Twin(reader_end.link, self._waker)
            reader_end.attach(reader)
            self.readers[wires.number] = reader
            attached.reader = attached.reader_switch = reader
            attached.reader_line = reader_end.switch
        if wires.meter is not None and wires.meter.wire is not None:
            self._attach_meter(wires.meter, wires.meter.wire, outlet, attached)
        outlet.attached = attached

    def _attach_meter(self, wires: MeterWires, wire: WireSpec, outlet: OutletWorld, attached: Attachments) -> None:
        # The Modbus library is loaded only where there is a meter.
        from hal.frames.modbus import Framing
        from hal.twins.modbus_meter import ModbusMeterTwin
        from hal.world.meter_taps import OutletTap

        end, gateway = self._open(wire), wires.gateway is not None
        framing = Framing.TCP if gateway else Framing.RTU
        meter = ModbusMeterTwin(
            *(end.link, wires.map, wires.simulated_unit, OutletTap(outlet, wires.terminals), self._waker, framing),
            gateway=gateway,
        )
        end.attach(meter)
        self.meters[wire.name] = meter
        attached.meter, attached.meter_line = meter, end.switch

    def _attach_house(self, house: HouseMeter, wire: WireSpec) -> None:
        from hal.frames.modbus import Framing
        from hal.twins.modbus_meter import ModbusMeterTwin
        from hal.world.meter_taps import HouseTap

        end = self._open(wire)
        meter = ModbusMeterTwin(
            end.link, house.map, house.unit, HouseTap(self.world, house.settings.meter_phases), self._waker, Framing.TCP
        )
        end.attach(meter)
        self.meters[wire.name] = meter
        self.world.house_meter = meter

    def components(self) -> list[tuple[Stepped, str]]:
        """Everything a scheduler has to step, in a fixed order, with names."""
        found: list[tuple[Stepped, str]] = [(self.world, "world")]
        found += [(twin, f"outlet-{number}/front-end twin") for number, twin in self.front_ends.items()]
        found += [(twin, f"outlet-{number}/reader twin") for number, twin in self.readers.items()]
        found += [(twin, f"{name} twin") for name, twin in self.meters.items()]
        return found
