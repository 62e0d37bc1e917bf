"""What leaves the building: tiles, checkpoints in another place, cosignatures of witnesses; and how sure one may be."""
