"""AIS tracking gaps and dark port calls on the Caspian Sea and the Volga-Don waterway."""
