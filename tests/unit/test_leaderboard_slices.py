import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.leaderboard.cells.slices import DURATION_BINS, SNR_BINS, duration_bin, slices, snr_bin
from audiobench_pytest.leaderboard.statistics.intervals import intervals
from audiobench_pytest.types import Quantity, SliceResult

WER = Quantity("wer")
N = Quantity("n", unit="", higher_is_better=True)


def values(sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    units = sums["units"]
    rates = np.where(units > 0, 100.0 * sums["errors"] / np.where(units > 0, units, 1.0), np.nan)
    return {"wer": rates, "n": sums["n"]}


def random_set(seed: int, size: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    errors, units = rng.integers(0, 6, size), rng.integers(1, 25, size)
    return {"errors": errors.astype(float), "units": units.astype(float), "n": np.ones(size)}


def names(found: list[SliceResult]) -> list[tuple[str, str, int]]:
    return [(one.key, one.name, one.samples) for one in found]


def test_a_slice_has_the_values_and_intervals_of_a_set_of_its_own() -> None:
    columns = random_set(1, 30)
    gender = ["f" if k % 3 else "m" for k in range(30)]
    speakers = np.arange(30) // 3 % 5
    found = slices(columns, {"gender": gender}, values, [WER, N], clusters=speakers)
    assert names(found) == [("gender", "f", 20), ("gender", "m", 10)]
    for one in found:
        rows = [k for k in range(30) if gender[k] == one.name]
        part = {name: column[rows] for name, column in columns.items()}
        assert one.values[0].quantity == WER
        assert one.values[0].value == pytest.approx(100 * part["errors"].sum() / part["units"].sum())
        ends = intervals(part, values, speakers[rows], quantities=[Quantity("wer")])["wer"]
        assert (one.values[0].low, one.values[0].high) == ends
        assert one.values[1].value == len(rows)
        assert one.values[0].worst is None


@given(st.lists(st.sampled_from(["", "en", "zh", "ko"]), min_size=1, max_size=20))
@settings(max_examples=25, deadline=None)
def test_the_slices_of_a_key_make_up_the_whole(languages: list[str]) -> None:
    columns = random_set(2, len(languages))
    found = slices(columns, {"language": languages}, values, [N], resamples=5)
    if len(set(languages)) == 1:
        assert found == []
    else:
        assert sum(one.samples for one in found) == len(languages)
        assert sum(one.values[0].value for one in found) == len(languages)  # type: ignore[misc]


def test_samples_that_say_nothing_are_a_slice_and_come_last() -> None:
    found = slices(random_set(3, 5), {"accent": ["zulu", "", "irish", "", "zulu"]}, values, [WER], resamples=5)
    assert names(found) == [("accent", "irish", 1), ("accent", "zulu", 2), ("accent", "unknown", 2)]


def test_a_key_in_which_all_are_alike_is_left_out() -> None:
    keys = {"language": ["en"] * 4, "accent": [""] * 4, "gender": ["f", "f", "m", "m"]}
    assert [one.key for one in slices(random_set(4, 4), keys, values, [WER], resamples=5)] == ["gender", "gender"]


def test_bins_come_in_order_of_size() -> None:
    seconds = [31.0, 12.0, 1.0, 7.0, math.nan, 3.0, 25.0]
    found = slices(random_set(5, 7), {"duration": [duration_bin(one) for one in seconds]}, values, [WER], resamples=5)
    assert [one.name for one in found] == ["< 2 s", "2-5 s", "5-10 s", "10-20 s", "20-30 s", ">= 30 s", "unknown"]


def test_what_one_speaker_tells_of_an_accent_has_no_interval() -> None:
    speakers = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])
    accent = ["scottish"] * 3 + ["irish"] * 6
    found = {
        one.name: one.values[0] for one in slices(random_set(6, 9), {"a": accent}, values, [WER], clusters=speakers)
    }
    assert found["scottish"].low is None
    assert found["irish"].low is not None


def test_a_slice_per_speaker_draws_the_speakers_samples() -> None:
    columns = random_set(7, 12)
    speakers = np.arange(12) % 3
    found = slices(columns, {"speaker": [f"s{k}" for k in speakers]}, values, [WER], clusters=speakers)
    assert len(found) == 3
    for number, one in enumerate(found):
        part = {name: column[number::3] for name, column in columns.items()}
        ends = intervals(part, values, quantities=[Quantity("wer")])["wer"]
        assert (one.values[0].low, one.values[0].high) == ends
        assert ends is not None


def test_a_slice_that_nothing_defines_has_no_value() -> None:
    columns = {"errors": np.array([1.0, 2, 3]), "units": np.array([0.0, 4, 8]), "n": np.ones(3)}
    found = slices(columns, {"k": ["a", "b", "b"]}, values, [WER], resamples=5)
    assert (found[0].values[0].value, found[0].values[0].low) == (None, None)
    assert found[1].values[0].value == pytest.approx(100 * 5 / 12)


def test_an_interval_stays_within_what_the_quantity_can_be() -> None:
    columns = {"errors": np.array([0.0, 0, 0, 1] * 2), "units": np.full(8, 10.0), "n": np.ones(8)}
    found = slices(columns, {"k": list("aaaabbbb")}, values, [WER])
    assert [one.values[0].low for one in found] == [0.0, 0.0]


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'gender' has 2 texts"):
        slices(random_set(8, 3), {"gender": ["f", "m"]}, values, [WER])


@pytest.mark.parametrize(
    ("seconds", "name"),
    [
        (0.01, "< 2 s"),
        (1.999, "< 2 s"),
        (2.0, "2-5 s"),
        (5.0, "5-10 s"),
        (19.99, "10-20 s"),
        (30.0, ">= 30 s"),
        (math.inf, ">= 30 s"),
        (0.0, ""),
        (-1.0, ""),
        (math.nan, ""),
    ],
)
def test_duration_bins(seconds: float, name: str) -> None:
    assert duration_bin(seconds) == name


@pytest.mark.parametrize(
    ("db", "name"),
    [
        (-5.0, "< 0 dB"),
        (-math.inf, "< 0 dB"),
        (0.0, "0-5 dB"),
        (9.9, "5-10 dB"),
        (20.0, "20-30 dB"),
        (30.0, ">= 30 dB"),
        (math.inf, ">= 30 dB"),
        (math.nan, ""),
    ],
)
def test_snr_bins(db: float, name: str) -> None:
    assert snr_bin(db) == name


@given(st.floats(0.001, 100), st.floats(0.001, 100))
@settings(deadline=None)
def test_a_longer_sample_is_never_in_an_earlier_bin(one: float, other: float) -> None:
    shorter, longer = sorted((one, other))
    assert DURATION_BINS.index(duration_bin(shorter)) <= DURATION_BINS.index(duration_bin(longer))
    assert SNR_BINS.index(snr_bin(shorter)) <= SNR_BINS.index(snr_bin(longer))
