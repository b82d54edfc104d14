"""Section 3: what is assumed, what is sourced, what is left out."""

from __future__ import annotations

ASSUMED = """\
## 3. What is assumed and what is sourced

Every setting of section 5 names its source, or says "judgement" with a reason.

**Sourced.** What sets send, when, and on which grid: ITU-R M.1371-5 (class A and B, types 5 and 24
every 6 minutes, type 27 beyond the reach of stations, base stations, aids). Shore, waterways, ports
and roads, and the dates of seasons and closures that are listed: `geo/`. How many Russian and
Iranian merchants there are: Table 5. Draughts the canals allow, river-sea ships of 7 to 11 kn,
passes of 8 to 14 minutes: issue of the simulator. 4.5 days through hard ice: METHOD 3. Draughts
sent in about half of the visits, destinations right in about half: METHOD 6.

**Set with a published figure.** What satellites lose (collisions, passes, whole days), the spread
of antennas and the private factor were chosen so that daily silences come out near METHOD's
warning (b). Ships keep outside the oil fields, so that distances come out near METHOD 5's.

**Judgement, all the rest.** Above all:
- *Stations*: places, ranges, edges, ducts, failures; few and weak on the Iranian and Turkmen
  shores. Hardly anything is published, and how many stays go unheard follows from it.
- *`private_shape`*: the over-dispersion of reception. One Gamma factor a stay or leg on all
  receptions of a vessel (berth, heading, cranes), of which no other ship can bear witness. The
  smaller the shape, the more an honest silence looks like a set that is off.
- *Antennas*: log-normal, and some sets that hardly anybody hears.
- *Trades and habits*: which ports a ship goes to and how often, stays, queues, lay-up between
  charters. Ships are laid up so often because only so their calls a year come out as wished.
- *Switch-offs*: how often, how long, by whom; failures; small craft that save power; warships.
- *Noise*: GNSS interference, wrong clocks, late and repeated rows, garbled values, shared MMSIs.

**Left out.**
- A ship-to-ship transfer has no partner: a vessel lies alone at sea, and no second set is off.
- Vessels do not meet: no berth is taken because another lies there (queues are drawn), nobody
  slows down for a neighbour, but for a tow and its tug.
- Ice at sea and in the northern ports: it is in the Volga-Caspian canal alone, with convoys. No
  tides, no low water. A gale is drawn leg by leg and strikes one ship.
- Ships deeper than the canal. Some tankers between Aktau, Turkmenbashi, Baku and Makhachkala are
  larger and deeper; here every merchant would fit the Volga-Caspian canal.
- Cargo: a ship leaves a port laden or light by the country alone, whatever it came with.
- Most of the traffic of the rivers: ships that pass the Volga-Don canal and never see the Caspian.
- Terrain, and messages that collide at shore stations. A pass hears the whole basin alike.
- Positions falsified while the set is on, stolen identities, ships without a set (METHOD 9).
- What a master thinks: switching off does not depend on who listens, on weather or inspections.
- Beyond the region a vessel sails to one point in the Black Sea or at Samara, and comes back.\
"""
