"""SPDL as its example of image loading: sources in batches, decoded and resized in threads; an epoch a line of input.

After github.com/facebookresearch/spdl, examples/image_dataloading.py, without a GPU and without the black bars by which
that keeps the shape of a picture. It needs the libraries of FFmpeg.
"""

import argparse
import json
import random
import sys
from pathlib import Path

import numpy as np
import spdl.io
from spdl.pipeline import PipelineBuilder


def epoch(files: list[str], size: int, batch: int, threads: int) -> dict[str, float]:
    """How many pictures came, and the mean of their pixels."""
    random.shuffle(files)
    square = f"scale={size}:{size}:flags=bilinear,format=pix_fmts=rgb24"

    def load(paths: list[str]) -> np.ndarray:
        found = spdl.io.load_image_batch(paths, width=None, height=None, pix_fmt=None, filter_desc=square)
        return spdl.io.to_numpy(found)

    steps = PipelineBuilder().add_source(files).aggregate(batch).pipe(load, concurrency=threads).add_sink(threads)
    pipeline, count, total = steps.build(num_threads=threads), 0, 0.0
    with pipeline.auto_stop():
        for pictures in pipeline:
            count += len(pictures)
            total += float(pictures[:, ::8, ::8].mean()) * len(pictures)
    return {"pictures": count, "mean": total / count}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder", type=Path)
    words.add_argument("--size", type=int, default=224)
    words.add_argument("--batch", type=int, default=50)
    words.add_argument("--threads", type=int, default=2)
    given = words.parse_args()
    files = sorted(map(str, given.folder.rglob("*.jpg")))
    for _ in sys.stdin:
        print(json.dumps(epoch(files, given.size, given.batch, given.threads)), flush=True)


if __name__ == "__main__":
    main()
