"""Medians of windows, ratios of pairs, and how sure they are."""
import random
import statistics

RESAMPLES = 2000


def values(windows, cell, rival, key="cpu_us", with_faults=False):
    """By round. Windows that missed their rate are void."""
    found = {}
    for window in windows:
        is_good = with_faults or not window["fault"]
        if window["cell"] == cell and window["rival"] == rival and is_good and window.get(key) is not None:
            found[window["round"]] = window[key]
    return found


def interval(numbers):
    """Of the median, 90 %, by bootstrap; the seed is fixed, so that a report can be repeated."""
    dice = random.Random(1)
    medians = sorted(statistics.median(dice.choices(numbers, k=len(numbers))) for _ in range(RESAMPLES))
    return medians[int(0.05 * RESAMPLES)], medians[int(0.95 * RESAMPLES) - 1]


def ratio(ours, theirs, base=None):
    """Of the windows that stood next to each other. `base` by round is taken from both before."""
    ratios = []
    for round_number in sorted(set(ours) & set(theirs) & (set(base) if base else set(ours))):
        less = base[round_number] if base else 0
        if theirs[round_number] - less > 0:
            ratios.append((ours[round_number] - less) / (theirs[round_number] - less))
    if not ratios:
        return None
    return {"median": statistics.median(ratios), "interval": interval(ratios), "pairs": len(ratios)}
