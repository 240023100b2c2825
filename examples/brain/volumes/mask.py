"""Which voxels are brain: brighter than Otsu's threshold (IEEE Trans. SMC 9, 62-66, 1979)."""

import numpy


def brain(volume):
    """A boolean array of the volume's shape."""
    return volume > threshold(volume)


def threshold(volume, bins=256):
    """The intensity that separates two classes with the largest variance between them."""
    counts, edges = numpy.histogram(volume, bins)
    middles = (edges[:-1] + edges[1:]) / 2
    below = numpy.cumsum(counts)
    above = below[-1] - below
    sums = numpy.cumsum(counts * middles)
    with numpy.errstate(invalid="ignore", divide="ignore"):
        difference = sums / below - (sums[-1] - sums) / above
    return middles[numpy.nanargmax(below * above * difference**2)]
