"""What a page shows of a decision about transfer, with something in every place."""

from ravine.report.transfer import Cell, Contestant, Depth, Measured, Transfer


def transfer_example() -> Transfer:
    return Transfer(
        verdict="Ravine trained the last stage of the body and a head: it is right on 4.1 points more of the pictures.",
        remarks=("The textbook’s table alone would have said to train the whole body.",),
        contestants=contestants_example(),
        margin=0.003,
        confidence=0.95,
        seconds=431.0,
        rule="What trains least is taken unless another beats it.",
        measured=measured_example(),
    )


def measured_example() -> Measured:
    accuracies = ((0.31, 0.38), (0.44, 0.52), (0.58, 0.66), (0.71, 0.79), (0.69, 0.77), (0.66, 0.74))
    names = (*(f"stage {place}" for place in range(1, 6)), "last")
    gradients = (0.0021, 0.0034, 0.0062, 0.0118, 0.0097, 0.0041)
    widths = (16, 24, 40, 112, 320, 1280)
    return Measured(
        small=(Cell("train a head on the last features", by_number=True), Cell("train a head on an earlier stage")),
        large=(Cell("train the head and the last stages"), Cell("train the head and all stages", measured=True)),
        sentences=("The features of stage 4 tell the classes apart best.", "Accuracy hardly rises any more."),
        depths=tuple(
            Depth(name, width, *pair, gradient)
            for name, width, pair, gradient in zip(names, widths, accuracies, gradients, strict=True)
        ),
        peak=3,
        chance=0.14,
        sizes=((230, 0.702), (460, 0.731), (920, 0.738), (1840, 0.741)),
        seconds=(("features", 21.3), ("probes", 3.2), ("size", 1.4), ("gradients", 9.8)),
    )


def contestants_example() -> tuple[Contestant, ...]:
    last, best = "head on the last features", "head on the best depths"
    return (
        Contestant(last, "beaten", "", False, True, 1840, 0.741, 0.812, seconds=2.1),
        Contestant(best, "no clear gain", "stage 4", False, False, 1840, 0.752, 0.779, 0.011, -0.004, 0.026, 9.4),
        Contestant("last stage", "chosen", "", True, False, 1840, 0.782, 0.701, 0.041, 0.012, 0.07, 131.0, "last1"),
        Contestant("whole body", "failed", "its loss was not finite at step 40"),
        Contestant("from scratch", "not raced, for want of time", "it would have taken 14 min; 3 min were left"),
    )
