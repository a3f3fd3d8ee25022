"""Truncated back-propagation: lanes hold every step once, the memory goes on, and gradients stop where they should.

Axes: B batch (lanes), T time, F features, C targets, K features known of steps to come, H horizon, U units.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.batches import SeriesLaneLoader
from rnnlab.errors import SpecError
from rnnlab.experiment import Experiment, cross_check, load_experiment
from rnnlab.places import Places
from rnnlab.plan import FILLER, LaneBatch, plan_lanes
from rnnlab.prediction import Predictor
from rnnlab.preparation import Pipeline
from rnnlab.rundir import RunDir, read_arrays
from rnnlab.training import prepare, train
from rnnlab.transforms import TRANSFORMS
from rnnlab.windows import FUTURE, SEQUENCE, SeriesLanes, Tiles

from .lane_cases import HORIZON, LENGTHS, make_lane_case, train_in_a_process
from .test_replicas import largest_difference
from .test_resume import CutAfter, PowerCut, assert_same_result
from .test_windows import make_split

lengths_of_series = st.lists(st.integers(0, 40), min_size=1, max_size=8).map(lambda each: np.array(each, np.int64))
lane_counts, segment_sizes = st.integers(1, 9), st.integers(1, 50)
seeds, epochs = st.integers(0, 2**31 - 1), st.integers(0, 1000)

Row = tuple[int, int, int, bool]  # series, begin, length, reset


def lanes_of(plan: list[LaneBatch]) -> list[list[Row]]:
    """Return the segments of each lane, in order; fillers stand for nothing."""
    lanes: list[list[Row]] = [[] for _ in plan[0].indices]
    for batch in plan:
        for lane, *row in zip(lanes, batch.indices, batch.begins, batch.lengths, batch.resets, strict=True):
            if row[0] != FILLER:
                lane.append((*map(int, row[:3]), bool(row[3])))
    return lanes


# The plan.


@given(lengths_of_series, lane_counts, segment_sizes, st.integers(1, 4), seeds, epochs)
def test_every_step_of_every_series_comes_exactly_once(
    lengths: np.ndarray, lanes: int, steps: int, multiple: int, seed: int, epoch: int
) -> None:
    seen = [np.zeros(length, int) for length in lengths]
    for batch in plan_lanes(lengths, lanes, steps, multiple, seed, epoch):
        for series, begin, length in zip(batch.indices, batch.begins, batch.lengths, strict=True):
            if series == FILLER:
                assert length == 0
                continue
            assert 0 < length <= steps
            assert begin + length <= lengths[series], "a segment crosses a series' end"
            seen[series][begin : begin + length] += 1
    assert all((each == 1).all() for each in seen)


@given(lengths_of_series, lane_counts, segment_sizes, st.integers(1, 4), seeds, epochs)
def test_segments_of_a_lane_follow_each_other_and_begin_anew_only_with_a_series_or_the_lane(
    lengths: np.ndarray, lanes: int, steps: int, multiple: int, seed: int, epoch: int
) -> None:
    plan = plan_lanes(lengths, lanes, steps, multiple, seed, epoch)
    for lane in lanes_of(plan) if plan else []:
        for number, (series, begin, _, reset) in enumerate(lane):
            assert reset == (begin == 0 or number == 0)
            if number:
                before, start, count, _ = lane[number - 1]
                ended = start + count == lengths[before]
                assert begin == 0 if ended else (before, start + count) == (series, begin)
                assert ended or count == steps, "a state would go on from the padding"


@given(lengths_of_series, lane_counts, segment_sizes, st.integers(1, 4), seeds, epochs)
def test_every_batch_has_the_same_rows_a_multiple_and_lanes_are_equally_long(
    lengths: np.ndarray, lanes: int, steps: int, multiple: int, seed: int, epoch: int
) -> None:
    plan = plan_lanes(lengths, lanes, steps, multiple, seed, epoch)
    rows = {len(batch.indices) for batch in plan}
    assert len(rows) <= 1
    assert all(each % multiple == 0 and each < lanes + multiple for each in rows)
    assert {batch.width for batch in plan} <= {steps}
    totals = [sum(row[2] for row in lane) for lane in lanes_of(plan)] if plan else [0]
    used = [total for total in totals if total]
    assert len(used) == min(lanes, lengths.sum())
    assert not used or max(used) - min(used) <= 1
    assert sum(batch.valid_steps(lengths) for batch in plan) == lengths.sum()


@given(lengths_of_series, lane_counts, segment_sizes, seeds, epochs)
def test_the_plan_is_a_function_of_its_arguments(
    lengths: np.ndarray, lanes: int, steps: int, seed: int, epoch: int
) -> None:
    one = plan_lanes(lengths.copy(), lanes, steps, 2, seed, epoch)
    np.random.seed(1)  # noqa: NPY002 - what the global generator holds must not matter
    other = plan_lanes(lengths, lanes, steps, 2, seed, epoch)
    assert len(one) == len(other)
    assert not one or lanes_of(one) == lanes_of(other)


def test_epochs_and_seeds_cut_elsewhere_and_in_another_order() -> None:
    lengths = np.array([50, 40, 30, 60, 20])
    plans = [lanes_of(plan_lanes(lengths, 3, 7, 1, seed, epoch)) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    begins = [{(lane[0][0], lane[0][1]) for lane in plan} for plan in plans]
    assert len({frozenset(each) for each in begins}) == 3
    orders = [[row[0] for lane in plan for row in lane if row[1] == 0] for plan in plans]
    assert orders[0] != orders[1]


def test_no_steps_make_no_batches() -> None:
    assert plan_lanes(np.zeros(3, np.int64), 4, 8, 1, 0, 0) == []


# The batches.

CHAINS: dict[str, list[dict[str, Any]]] = {
    "filled and scaled": [{"name": "impute", "indicator": True}, {"name": "standardize"}],
    "by series": [{"name": "impute"}, {"name": "standardize", "over": "series"}],
    "differences": [{"name": "impute"}, {"name": "difference", "lag": 3}, {"name": "standardize"}],
    "differences twice": [{"name": "impute"}, {"name": "difference"}, {"name": "difference", "lag": 2}],
}
SPLIT_LENGTHS = (20, 4, 33, 0, 9, 2)  # one is empty, and one has fewer steps than are lost


def make_lanes(chain: str, gaps: float = 0.2, known: bool = True) -> tuple[SeriesLanes, Pipeline]:
    split = make_split(SPLIT_LENGTHS, gaps=gaps, calendar=known)
    transforms = [TRANSFORMS.parse(each) for each in CHAINS[chain]]
    pipeline = Pipeline.fit(transforms, Tiles(split, None, 1))
    lost = sum(transform.lost for transform in transforms)
    return SeriesLanes(pipeline.prepare(split), split, HORIZON, lost), pipeline


def batches_of(lanes: SeriesLanes, count: int = 3, steps: int = 5) -> list[tuple[LaneBatch, dict[str, np.ndarray]]]:
    plan = plan_lanes(lanes.lengths, count, steps, 2, seed=4, epoch=1)
    loader = SeriesLaneLoader(lanes, {"scale": np.arange(len(lanes) + 1.0)})
    loaded = [{name: value.numpy() for name, value in batch.items()} for batch in loader.load(plan)]
    return list(zip(plan, loaded, strict=True))


def prepared_alone(lanes: SeriesLanes, pipeline: Pipeline, series: int) -> np.ndarray:
    """Return the prepared steps of one series, (T, F'), of an application to this series and nothing else."""
    raw = lanes.series.rows(series, 0, int(lanes.series.lengths[series]))
    fields, lengths = pipeline.apply({SEQUENCE: raw[np.newaxis]}, np.array([len(raw)]), np.array([series]))
    assert int(lengths[0]) == len(raw) - lanes.lost
    return np.asarray(fields[SEQUENCE])[0, : int(lengths[0])]


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("known", [True, False])
def test_a_batch_holds_what_reading_each_series_step_by_step_gives(chain: str, known: bool) -> None:
    lanes, pipeline = make_lanes(chain, known=known)
    lost, targets, rows_seen = lanes.lost, 2, 0
    for batch, loaded in batches_of(lanes):
        for row, (series, begin, length) in enumerate(zip(batch.indices, batch.begins, batch.lengths, strict=True)):
            if series == FILLER:
                assert loaded["weights"][row] == loaded["lengths"][row] == 0
                continue
            rows_seen += 1
            alone, raw = prepared_alone(lanes, pipeline, series), lanes.series.read(series)[SEQUENCE]
            assert (loaded["lengths"][row], loaded["weights"][row], loaded["series"][row]) == (length, 1, series)
            assert loaded["scale"][row] == series
            np.testing.assert_allclose(loaded[SEQUENCE][row, :length], alone[begin : begin + length], atol=1e-6)
            assert not loaded[SEQUENCE][row, length:].any()
            np.testing.assert_array_equal(loaded["observed"][row], loaded[SEQUENCE][row, :, :targets])
            np.testing.assert_array_equal(loaded["raw"][row, : length + lost], raw[begin : begin + length + lost])
            assert loaded["raw_lengths"][row] == length + lost
            for step in range(length):
                there = ~np.isnan(raw[begin + lost + step, :targets])
                np.testing.assert_array_equal(loaded["known"][row, step], there)
            assert not loaded["known"][row, length:].any()
            begun = (~np.isnan(raw[lost : lost + begin, :targets])).any(axis=0)
            np.testing.assert_array_equal(loaded["begun"][row], begun)
            for ahead in range(HORIZON):
                step = begin + length + ahead
                truth = raw[step + lost, :targets] if step < len(alone) else np.full(targets, np.nan)
                np.testing.assert_array_equal(loaded["targets"][row, ahead], truth)
                expected = np.where(np.isnan(truth), np.nan, alone[step, :targets] if step < len(alone) else np.nan)
                np.testing.assert_allclose(loaded["ahead"][row, ahead], expected, atol=1e-6)
                count = sum(field.shape[0] for field in lanes.signature.inputs if field.name == FUTURE)
                first = raw.shape[1] - count
                future = alone[step, first : raw.shape[1]] if step < len(alone) else np.zeros(count)
                np.testing.assert_allclose(loaded[FUTURE][row, ahead], future, atol=1e-6)
    assert rows_seen > 10


@pytest.mark.parametrize("chain", CHAINS)
def test_prepared_targets_ahead_come_back_in_their_own_unit(chain: str) -> None:
    lanes, pipeline = make_lanes(chain, gaps=0.0)
    found = 0
    for _, loaded in batches_of(lanes):
        restored = np.asarray(pipeline.restore({"values": loaded["ahead"]}, loaded)["values"])
        np.testing.assert_allclose(restored, loaded["targets"], rtol=1e-4)
        found += int((~np.isnan(restored)).sum())
    assert found > 20


def test_a_series_that_is_shorter_than_what_transforms_take_has_no_steps() -> None:
    lanes, _ = make_lanes("differences")
    np.testing.assert_array_equal(lanes.lengths, [17, 1, 30, 0, 6, 0])
    assert not {3, 5} & {int(index) for batch, _ in batches_of(lanes) for index in batch.indices}


# The network.

NETWORKS: dict[str, dict[str, Any]] = {
    "simple": {"cell": "simple", "units": [5]},
    "gru": {"cell": "gru", "units": [5]},
    "lstm": {"cell": "lstm", "units": [5]},
    "two layers of gru, residual": {"cell": "gru", "units": [4, 6], "residual": True},
    "two layers of lstm": {"cell": "lstm", "units": [4, 5]},
    "two layers of simple": {"cell": "simple", "units": [4, 5]},
    "layer normalization": {"cell": "gru", "units": [5], "layer_normalization": True},
    "two layers of lstm, layer normalization": {"cell": "lstm", "units": [4, 5], "layer_normalization": True},
    "unrolled": {"cell": "lstm", "units": [5], "unroll": True},
}


def prepared_case(folder: Path, **rest: Any) -> tuple[Experiment, Any]:
    experiment = make_lane_case(folder, **rest)
    return experiment, prepare(experiment, experiment.data.splits(Places(folder, folder)))


def both_networks(experiment: Experiment, prepared: Any) -> tuple[Any, Any]:
    """Return the network that carries states, and the one that does not, of the same weights."""
    from rnnlab.network import build_network

    stateful = build_network(experiment, prepared.pipeline.signature, stateful=True)
    plain = build_network(experiment, prepared.pipeline.signature)
    random = np.random.default_rng(0)
    values = [each + random.normal(scale=0.3, size=each.shape).astype(np.float32) for each in plain.get_weights()]
    for network in (stateful, plain):
        network.set_weights(values)
    return stateful, plain


def inputs_of(network: Any, fields: dict[str, Any]) -> dict[str, Any]:
    import tensorflow as tf

    return {name: tf.convert_to_tensor(fields[name], network.input[name].dtype) for name in network.input}


def compare_piece(plain: Any, whole: np.ndarray, found: list[np.ndarray], future: np.ndarray, training: bool) -> None:
    """Compare what the segments of one piece of a series answered, with one forward over the whole piece."""
    fields = {SEQUENCE: whole[np.newaxis], "lengths": [len(whole)], FUTURE: future[np.newaxis]}
    expected = plain(inputs_of(plain, fields), training=training).numpy()[0]
    np.testing.assert_allclose(np.concatenate(found), expected, atol=1e-5)


@pytest.mark.parametrize(("model", "training"), [*((each, True) for each in NETWORKS), ("lstm", False), ("gru", False)])
def test_segments_with_carried_states_answer_as_one_forward_over_all(model: str, training: bool, tmp_path) -> None:
    """From the lane's first step on, or the series' first one, which shows as well that resets forget everything."""
    experiment, prepared = prepared_case(
        tmp_path,
        lengths=(23, 3, 17),
        data={"calendar": {"features": ["day_of_week"]}},
        model=NETWORKS[model],
        transforms=[{"name": "impute"}],
    )
    stateful, plain = both_networks(experiment, prepared)
    lanes = prepared.splits["train"]
    plan = plan_lanes(lanes.lengths, 2, 5, 1, 0, 0)
    batches = SeriesLaneLoader(lanes, {}).load(plan)
    pieces: list[list[np.ndarray]] = [[], []]  # of each lane, since its memory was last empty
    begins, continued = [0, 0], 0
    sizes = {name: size.shape[1] for name, size in stateful.input.items() if name.startswith("state_")}
    states = {name: np.full((2, size), 9.0, np.float32) for name, size in sizes.items()}
    for number, (batch, loaded) in enumerate(zip(plan, batches, strict=True)):
        kept = 1 - loaded["resets"].numpy()[:, np.newaxis]
        fields = {**loaded, **{name: values * kept for name, values in states.items()}}
        result = stateful(inputs_of(stateful, fields), training=training)
        states = {name: result[name].numpy() for name in sizes}
        for row, (series, begin, length) in enumerate(zip(batch.indices, batch.begins, batch.lengths, strict=True)):
            if series == FILLER:
                continue
            if batch.resets[row]:
                pieces[row], begins[row] = [], begin
            pieces[row].append(result["outputs"].numpy()[row, :length])
            continued += not batch.resets[row]
            if number + 1 == len(plan) or plan[number + 1].resets[row]:
                whole = lanes.read(series)[SEQUENCE][begins[row] : begin + length]
                compare_piece(plain, whole, pieces[row], loaded[FUTURE].numpy()[row], training)
    assert continued > 3


def make_stepper(experiment: Experiment, prepared: Any, network: Any) -> Any:
    import tensorflow as tf

    from rnnlab.training.step import Objective, Stepper

    target = prepared.raw["train"].signature.known_target
    objective = Objective(experiment.task, prepared.learnt, experiment.task.metrics(target), prepared.pipeline)
    optimizer = experiment.training.build_optimizer()
    optimizer.build(network.trainable_variables)
    strategy = tf.distribute.get_strategy()
    return Stepper(network, optimizer, objective, experiment.training, strategy, experiment.seed)


def test_a_segment_longer_than_the_series_is_ordinary_back_propagation(tmp_path) -> None:
    experiment, prepared = prepared_case(tmp_path, model={"cell": "lstm", "units": [4]})
    stateful, plain = both_networks(experiment, prepared)
    lanes = prepared.splits["train"]
    before = plain.get_weights()
    for network in (stateful, plain):
        stepper = make_stepper(experiment, prepared, network)
        for update, batch in enumerate(SeriesLaneLoader(lanes, {}).load(plan_lanes(lanes.lengths, 4, 64, 1, 0, 0))):
            stepper.train(batch, update, 0.0, {})
    for ours, theirs, start in zip(stateful.get_weights(), plain.get_weights(), before, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
        assert np.abs(ours - start).max() > 1e-3


def plain_epoch(lanes: SeriesLanes, plan: list[LaneBatch], cell: str, weights: list[np.ndarray], rate: float) -> Any:
    """Train an epoch by the book: Keras' own layer row by row, the state a constant, the loss a loop over pairs."""
    import keras
    import tensorflow as tf

    kind = {"simple": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[cell]
    layer, dense = kind(5, return_sequences=True, return_state=True), keras.layers.Dense(HORIZON * 2)
    layer.build((None, None, 3))
    dense.build((None, 5))
    layer.set_weights(weights[:-2])
    dense.set_weights(weights[-2:])
    variables = [each.value for each in (*layer.weights, *dense.weights)]
    sizes = 2 if cell == "lstm" else 1
    states = [[tf.zeros((1, 5))] * sizes for _ in plan[0].indices]
    for batch in plan:
        with tf.GradientTape() as tape:
            total, count = 0.0, 0
            for row, (series, begin, length) in enumerate(zip(batch.indices, batch.begins, batch.lengths, strict=True)):
                if series == FILLER:
                    continue
                steps, raw = lanes.read(series)[SEQUENCE], lanes.series.target_values(series)
                state = [tf.zeros((1, 5))] * sizes if batch.resets[row] else states[row]
                outputs, *states[row] = layer(steps[np.newaxis, begin : begin + length], initial_state=state)
                forecasts = tf.reshape(dense(outputs[0]), (length, HORIZON, 2))
                for step in range(length):
                    for ahead in range(HORIZON):
                        at = begin + step + 1 + ahead
                        for target in range(2):
                            if at < len(raw) and not np.isnan(raw[at, target]):
                                total += (forecasts[step, ahead, target] - steps[at, target]) ** 2
                                count += 1
            mean = total / count
        gradients = tape.gradient(mean, variables)
        for variable, gradient in zip((*layer.weights, *dense.weights), gradients, strict=True):
            variable.assign(variable - rate * gradient)
    return [*layer.get_weights(), *dense.get_weights()]


@pytest.mark.parametrize("cell", ["simple", "gru", "lstm"])
def test_an_epoch_is_that_of_a_plain_loop_whose_gradients_stop_at_the_segment(cell: str, tmp_path) -> None:
    experiment, prepared = prepared_case(tmp_path, model={"cell": cell}, training={"epochs": 1})
    from rnnlab.network import build_network

    start = build_network(experiment, prepared.pipeline.signature, stateful=True).get_weights()
    run = RunDir.create(tmp_path / "run")
    train(experiment, run, Places(tmp_path, tmp_path))
    lanes = prepared.splits["train"]
    plan = plan_lanes(lanes.lengths, 4, 8, 1, experiment.seed, 0)
    assert any((batch.indices == FILLER).any() for batch in plan)
    expected = plain_epoch(lanes, plan, cell, start, 0.1)
    found = Predictor.load(run.path).network.get_weights()
    for ours, theirs, before in zip(found, expected, start, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
        assert np.abs(ours - before).max() > 1e-3


def test_what_is_filled_in_from_later_is_asked_only_where_the_series_has_not_begun(tmp_path) -> None:
    """A segment that begins with missing values goes on from known ones: its first steps count, too."""
    from rnnlab.training.step import Objective

    experiment, prepared = prepared_case(tmp_path)
    task, known = experiment.task, np.zeros((2, 8, 2), bool)
    known[:, 3:] = True  # the first three steps of the segment are missing
    batch = {
        SEQUENCE: np.ones((2, 8, 3), np.float32),
        "ahead": np.ones((2, HORIZON, 2), np.float32),
        "observed": np.ones((2, 8, 2), np.float32),
        "known": known,
        "lengths": np.array([8, 8], np.int32),
        "weights": np.ones(2, np.float32),
        "begun": np.array([[True, False], [False, False]]),
    }
    objective = Objective(task, prepared.learnt, {}, prepared.pipeline)
    _, weights = task.losses(np.zeros((2, 8, HORIZON, 1, 2), np.float32), batch, prepared.learnt)
    asked = np.asarray(weights).any(axis=2)  # (B, T, C)
    np.testing.assert_array_equal(asked[0, :, 0], [False, True, *[True] * 6])  # what follows the first step is missing
    np.testing.assert_array_equal(asked[0, :, 1], [False, False, False, *[True] * 5])  # each target has its own begin
    np.testing.assert_array_equal(asked[1], [[False] * 2] * 3 + [[True] * 2] * 5)
    assert float(objective.loss(np.zeros((2, 8, HORIZON, 1, 2), np.float32), batch)[1]) == np.asarray(weights).sum()


# The training.


def train_lanes(folder: Path, name: str = "run", **rest: Any) -> RunDir:
    run = RunDir.create(folder / name)
    train(make_lane_case(folder, **rest), run, Places(folder, folder))
    return run


def train_on_replicas(folder: Path) -> dict[str, RunDir]:
    """Train on 1 and 2 replicas, whole and in two parts; 3 lanes are filled up to 4 rows."""
    found, requests = {}, []
    for accumulate in (1, 2):
        training = {"accumulate": accumulate, "batch_size": 3}
        model = {"cell": "lstm", "units": [5]}
        one, two = f"1x{accumulate}", f"2x{accumulate}"
        found[one] = train_lanes(folder, one, model=model, training={**training, "devices": "cpu"})
        found[two] = RunDir(folder / two)
        on_two = {"training": {**training, "devices": {"replicas": 2}}, "model": model}
        requests.append({"folder": str(folder), "run": str(folder / two), **on_two})
    result = train_in_a_process(*requests)
    assert result.returncode == 0, result.stderr
    return found


@pytest.mark.slow
def test_replicas_and_parts_train_the_same_weights(tmp_path) -> None:
    runs = train_on_replicas(tmp_path)
    one = runs.pop("1x1")
    for name, other in runs.items():
        assert other.read_manifest()["hardware"]["replicas"] == int(name[0])
        assert largest_difference(read_arrays(other.state), read_arrays(one.state)) <= 1e-6
    assert len(runs) == 3
    assert len(plan_lanes(np.array(LENGTHS), 3, 8, 2, 3, 0)[0].indices) == 4


RANDOM = {
    "model": {"cell": "lstm", "units": [4], "dropout": 0.3, "recurrent_dropout": 0.2},
    "training": {"epochs": 3, "save_every": {"steps": 2}, "optimizer": {"name": "adam", "learning_rate": 0.01}},
}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> RunDir:
    return train_lanes(tmp_path_factory.mktemp("unbroken"), **RANDOM)


@pytest.mark.parametrize("cuts", [[3], [6, 5]], ids=str)
def test_a_cut_training_goes_on_with_what_it_remembered(cuts: list[int], unbroken: RunDir, tmp_path) -> None:
    run, experiment = RunDir.create(tmp_path / "run"), make_lane_case(tmp_path, **RANDOM)
    for number, cut in enumerate(cuts):
        with pytest.raises(PowerCut):
            train(experiment, run, Places(tmp_path, tmp_path), CutAfter(cut), resume=number > 0)
    carried = {name: values for name, values in read_arrays(run.state).items() if name.startswith("carried/")}
    if cuts == [3]:  # saved after the second step of the first epoch
        assert [values.shape for values in carried.values()] == [(4, 4), (4, 4)]
        assert all(np.abs(values).max() > 0 for values in carried.values())
    train(experiment, run, Places(tmp_path, tmp_path), resume=True)
    assert_same_result(run, unbroken)


@pytest.mark.slow
def test_a_killed_process_goes_on_with_what_it_remembered(unbroken: RunDir, tmp_path) -> None:
    request = {"folder": str(tmp_path), "run": str(tmp_path / "run"), **RANDOM}
    assert train_in_a_process({**request, "kill_after": 4}).returncode == -9
    finished = train_in_a_process({**request, "resume": True})
    assert finished.returncode == 0, finished.stderr
    assert_same_result(RunDir(tmp_path / "run"), unbroken)


def test_the_run_answers_as_one_forward_over_the_whole_history(tmp_path) -> None:
    from rnnlab.export import export

    transforms = [{"name": "impute"}, {"name": "difference"}, {"name": "standardize"}]
    case = {"transforms": transforms, "task": {"min_history": 4}}
    run = train_lanes(tmp_path, **case)
    predictor = Predictor.load(run.path)
    experiment, prepared = prepared_case(tmp_path, **case)
    stateful, _ = both_networks(experiment, prepared)
    stateful.set_weights(predictor.network.get_weights())
    lanes = prepared.splits["train"]
    longest = lanes.read(0)[SEQUENCE]
    states = {name: np.zeros((1, 5), np.float32) for name in stateful.input if name.startswith("state_")}
    for begin in range(0, len(longest), 8):  # in segments, as in training
        segment = longest[np.newaxis, begin : begin + 8]
        fields = {SEQUENCE: segment, "lengths": np.array([segment.shape[1]]), **states}
        result = stateful(inputs_of(stateful, fields), training=False)
        states = {name: result[name] for name in states}
    values = result["outputs"].numpy()[:, -1]  # (1, H, 1, C)
    raw = lanes.series.rows(0, 0, LENGTHS[0])
    batch = {"raw": raw[np.newaxis], "raw_lengths": np.array([len(raw)], np.int32), "series": np.array([0], np.int32)}
    expected = np.asarray(predictor.pipeline.restore({"values": values[:, :, 0]}, batch)["values"])
    np.testing.assert_allclose(predictor.predict([raw])["values"], expected, rtol=1e-5)
    _, difference = export(predictor, "saved_model")
    assert difference < 1e-5


def test_batches_that_are_scored_are_of_any_width(tmp_path) -> None:
    """A window of all history is as long as its origin is late."""
    from rnnlab.evaluation import evaluate
    from rnnlab.history import read_history

    data = {"validation": {"by": "cut", "cut": 9}}
    training = {"buckets": {"shapes": 4}, "best": {"monitor": "val_loss"}, "epochs": 1}
    run = train_lanes(tmp_path, data=data, training=training)
    predictor = Predictor.load(run.path)
    assert len(predictor.widths) == 4
    scores = evaluate(predictor, Places(tmp_path, tmp_path), "validation", figures=False).metrics
    assert read_history(run.history)[0]["val_mae"] == pytest.approx(scores["mae"], rel=1e-5)


def test_seasonal_differences_of_carbon_dioxide(tmp_path) -> None:
    """A year is lost to them, so two are read at least; weeks are missing."""
    (tmp_path / "co2.yaml").write_text(
        "data: {source: series, dataset: co2, test: 30, validation: {cut: 30}}\n"
        "transforms: [impute, {name: difference, lag: 52}, standardize]\n"
        "task: {kind: forecasting, history: all, min_history: 104, horizon: 4}\n"
        "model: {architecture: stacked_rnn, cell: gru, units: [3]}\n"
        "head: {name: per_step, hidden_units: 0}\n"
        "training: {epochs: 1, batch_size: 8, tbptt: {steps: 64}}\n"
    )
    run = RunDir.create(tmp_path / "run")
    train(load_experiment(tmp_path / "co2.yaml"), run, Places(tmp_path, tmp_path))
    from rnnlab.history import read_history

    (row,) = read_history(run.history)
    assert row["val_mae"] < 5  # ppm: without what the differences were taken of, it would be some 350
    assert row["mae"] < 5


# The spec.

GOOD = {
    "data": "{source: series, dataset: co2}",
    "task": "{kind: forecasting, history: all, horizon: 3}",
    "model": "{architecture: stacked_rnn}",
    "head": "{name: per_step}",
    "training": "{tbptt: {steps: 8}}",
}
RNN, FORECAST = "architecture: stacked_rnn", "kind: forecasting, horizon: 3"
MISTAKES = [
    ({"model": f"{{{RNN}, bidirectional: true}}"}, "3:8: model: per_step needs steps that see no later one"),
    (
        {"model": "{architecture: conv_rnn, blocks: [{filters: 4, padding: causal}]}"},
        "training.tbptt: 'conv_rnn', as it is set, carries no state; use stacked_rnn",
    ),
    ({"model": "{architecture: seq2seq}", "head": "null"}, "training.tbptt: 'seq2seq' does not forecast at every step"),
    ({"head": "{name: direct}"}, "training.tbptt: needs a head that asks every step, such as per_step"),
    (
        {"task": f"{{{FORECAST}, history: 9}}"},
        "training.tbptt: needs language_modeling, or forecasting with history: all, which read from the beginning",
    ),
    (
        {
            "data": "{source: npz, train: a.npz}",
            "task": "{kind: classification}",
            "head": "{name: classes}",
        },
        "training.tbptt: needs language_modeling, or forecasting with history: all, which read from the beginning",
    ),
    (
        {"task": f"{{{FORECAST}, history: all, season: 52, seasonal_mean: 1}}"},
        "task.seasonal_mean: would look back within a segment of training.tbptt alone",
    ),
    ({"task": f"{{{FORECAST}, history: all, stride: 2}}"}, "task.stride: does nothing beside training.tbptt"),
    ({"training": "{tbptt: {steps: 8}, batch_steps: 99}"}, "training.batch_steps: does nothing beside tbptt"),
    (
        {"training": "{tbptt: {steps: 8}, examples_per_epoch: 99}"},
        "training.examples_per_epoch: does nothing while 'tbptt' is {'steps': 8}",
    ),
    ({"training": "{tbptt: {}}"}, "training.tbptt.steps: required key is missing"),
    ({"training": "{tbptt: {steps: 0}}"}, "training.tbptt.steps: expected a value greater than or equal to 1"),
    (
        {"transforms": "[impute, {name: truncate, max_length: 50, keep: end}]"},
        "transforms.1: truncate leaves steps out that training.tbptt reads",
    ),
    (
        {"transforms": "[impute, {name: difference, lag: 52}]"},
        "task: the transforms leave nothing of a window, which may have 1 steps; ask for min_history of 53 or more",
    ),
]


def write_spec(folder: Path, changed: dict[str, str]) -> Path:
    path = folder / "a.yaml"
    path.write_text("".join(f"{name}: {values}\n" for name, values in {**GOOD, **changed}.items()))
    return path


@pytest.mark.parametrize(("changed", "told"), MISTAKES, ids=[told for _, told in MISTAKES])
def test_a_mistake_is_one_clear_line(changed: dict[str, str], told: str, tmp_path) -> None:
    with pytest.raises(SpecError) as error:
        load_experiment(write_spec(tmp_path, changed))
    (line,) = error.value.mistakes
    assert told in line


def test_without_a_mistake_there_is_none(tmp_path) -> None:
    assert cross_check(load_experiment(write_spec(tmp_path, {}))) == []
