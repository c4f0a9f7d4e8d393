"""Check-up of a network before any map: what stands in the way, what follows, and what to do."""
