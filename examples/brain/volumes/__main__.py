"""volumes OUT [SCAN ...]: writes OUT/volumes.tsv and OUT/slices.png."""

import pathlib
import sys

import nibabel

from . import mask, picture

tests = pathlib.Path(nibabel.__file__).parent / "tests" / "data"


def main(out, *scans):
    out = pathlib.Path(out)
    scans = [pathlib.Path(scan) for scan in scans] or [tests / "example4d.nii.gz", tests / "anatomical.nii"]
    rows, pictures = [], []
    for scan in scans:
        image = nibabel.load(scan)
        data = image.get_fdata(dtype="float32")
        series = data if data.ndim == 4 else data[..., None]
        voxel = float(abs(nibabel.affines.voxel_sizes(image.affine).prod()))
        for index in range(series.shape[3]):
            inside = mask.brain(series[..., index])
            rows.append((scan.name, index, int(inside.sum()), inside.sum() * voxel / 1000))
        pictures.append(picture.mosaic(series[..., 0]))
    with open(out / "volumes.tsv", "w") as table:
        print("scan", "volume", "voxels", "millilitres", sep="\t", file=table)
        for scan, index, voxels, millilitres in rows:
            print(scan, index, voxels, f"{millilitres:.3f}", sep="\t", file=table)
    picture.write(out / "slices.png", picture.stack(pictures))
    print(f"{len(rows)} volumes of {len(scans)} scans")


main(*sys.argv[1:])
