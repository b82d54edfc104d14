"""A simulated Caspian with known truth: ships, voyages, radio, switch-offs, and the feed they give.

SIMULATED: no ship in it exists. It reads `geo/`, routes for itself, and shares no code with the
stages that are measured against it.

One way through it:

    setting, model, truth       what settings, ships and truth tables are made of
    waters*                     ports, mesh, rivers and canals, ways between places
    calendar, closures          seasons, ice convoys, groundings
    vessels, roster, identities the ships and what they call themselves
    voyages                     a ship's whole plan, from trades, stays, legs, halts, sailing,
                                logbook; rounds, cruises and towing for those that do not trade
    switching*, quota           when sets are off; exact numbers of dark calls
    radio                       who hears what, from stations, passes, outages, growth, sending,
                                hearing, reports, beacons
    noise                       interference, late and repeated rows, wrong clocks
    rows, feedfiles             provider files: canonical, nmea_*, dma_rows
    settings, life, known       a world's settings; one ship's life; its known ports
    true_rows, quota_fill, world  truth tables, exact quotas, the whole world
"""
