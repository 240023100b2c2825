"""Brain volumes of a functional scan, and a picture of its slices."""
