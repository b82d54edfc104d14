"""A simulated Caspian with known truth: ships, voyages, radio, switch-offs, and the feed they give.

SIMULATED: no ship in it exists. It reads `geo/`, routes for itself, and shares no code with the
stages that are measured against it.
"""
