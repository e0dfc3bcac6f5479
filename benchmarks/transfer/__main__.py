"""Transfer learning: 257 photos, 4,000 pictures against a bare forward pass, and a race against fine-tuning.

    python -m benchmarks.transfer                              all three parts
    python -m benchmarks.transfer --only photos                one of photos, large, race
    python -m benchmarks.transfer --only race --sets scenes --racers head,timm
    python -m benchmarks.transfer --quick                      few pictures and epochs: does it run at all?

See photos.py, large.py and race.py for what is measured. Environments of the peers are made from the package index when
they are first needed. Each run is written to --record as it ends, and what is there is not done again.
"""

import tempfile
from pathlib import Path

from benchmarks.journal import Journal
from benchmarks.machine import machine
from benchmarks.options import names, parser
from benchmarks.peers.environments import cache
from benchmarks.transfer import large, photos, race

PARTS = ("photos", "large", "race")


def main() -> None:
    words = parser(__doc__, "0,1,2,3,4")
    words.add_argument("--only", choices=PARTS, help="one of the parts")
    words.add_argument("--record", type=Path, default=cache() / "transfer.jsonl", help="file of runs that are done")
    words.add_argument("--sets", type=names(race.SETS), default=["clothes"], help="of the race, with commas")
    words.add_argument("--racers", type=names(race.RACERS), default=list(race.RACERS), help="with commas")
    words.add_argument("--training", type=int, default=2_000, help="training pictures of the race")
    words.add_argument("--pictures", type=int, default=4_000, help="of the part large")
    words.add_argument("--quick", action="store_true", help="one seed, 200 and 300 pictures, 3 epochs")
    choices = words.parse_args()
    if choices.quick:
        choices.seeds, choices.training, choices.pictures = [0], 300, 200
    record = choices.record.with_suffix(".quick.jsonl") if choices.quick else choices.record
    print(machine())
    journal = Journal(record)
    parts = [choices.only] if choices.only else PARTS
    with tempfile.TemporaryDirectory() as folder:
        if "photos" in parts:
            photos.main(choices.seeds, journal, Path(folder))
        if "large" in parts:
            large.main(choices.pictures, journal, Path(folder))
        if "race" in parts:
            lengths = race.QUICK_LENGTHS if choices.quick else race.LENGTHS
            for name in choices.sets:
                terms = race.Terms(name, choices.training, lengths, Path(folder))
                race.main(terms, choices.racers, choices.seeds, journal)


if __name__ == "__main__":
    main()
