"""The graph with a cache gives the answers of PyTorch's stateless network over random histories; bits of a row are its own; mistakes of a runtime show."""

from dataclasses import replace

import numpy as np
import pytest

from asarm_tools.checkpoints.checkpoint import read_weights, write_weights
from asarm_tools.checkpoints.torch_model import to_module
from asarm_tools.export import command as export
from asarm_tools.graphs.contract import CACHED_FILE, cache_ports
from asarm_tools.network.weights import Weights

from exports import fresh_weights, write_graphs
from graph_session import Session, needs_a_runtime, needs_onnxruntime
from histories import KINDS, NOBODY, STEP, Cache, Call, Forgetful, Sequence, play, stacked
from official import questions

pytestmark = needs_a_runtime

TOLERANCES = {"tiny": 1e-5, "micro": 3e-4}  # roundings of float32, which the large weights of micro let grow
SEEN = 0.1  # a mistake of a runtime must be far beyond
LENGTH = 24
ROOM = 32


@pytest.fixture(scope="module", params=["tiny", "micro"])
def name(request):
    return request.param


@pytest.fixture(scope="module")
def tolerance(name):
    return TOLERANCES[name]


@pytest.fixture(scope="module")
def weights(name, golden):
    return read_weights(str(golden / name))


@pytest.fixture(scope="module")
def model(weights):
    return to_module(weights).double()


@pytest.fixture(scope="module")
def run(weights, tmp_path_factory):
    with started(weights, tmp_path_factory.mktemp("graphs")) as session:
        yield session.run


def started(weights: Weights, folder, length: int = LENGTH) -> Session:
    write_graphs(folder, weights, length)
    return Session(folder / CACHED_FILE)


def sequences(kind: str, count: int, seed: int, vocabulary: int, lengths=(3, LENGTH + 1), kept=Sequence) -> list[Sequence]:
    generator = np.random.default_rng(seed)
    return [kept(generator, kind, int(generator.integers(*lengths)), vocabulary) for _ in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_call_of_a_history_is_answered_as_without_a_cache(model, run, tolerance, kind):
    whole = replaced = 0
    for seed in range(12):
        (alone,) = sequences(kind, 1, seed, model.config.vocab_size)
        assert play(model, run, [alone], alone.length // STEP * STEP + STEP, calls=30) < tolerance
        whole, replaced = whole + (alone.decided == alone.length), replaced + alone.replaced
    assert whole >= 6 and replaced >= 60  # histories that end, and tokens that were encoded and then rejected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("room", [ROOM, 3 * STEP])
def test_sequences_of_other_length_and_state_share_calls(model, run, tolerance, kind, room):
    """With padding rows, spare targets, sequences that wait and positions of the cache that nobody has written."""
    for seed in range(4):
        together = sequences(kind, 5, seed, model.config.vocab_size, lengths=(2, LENGTH + 1))
        assert len({sequence.length for sequence in together}) > 1
        assert play(model, run, together, room, calls=20) < tolerance


def test_logits_of_a_first_call_are_those_of_the_official_code(golden, tmp_path):
    folder, weights, worst = golden / "tiny", read_weights(str(golden / "tiny")), 0.0
    asked = questions(folder)
    config = weights.config
    with started(weights, tmp_path, 64) as session:
        for question in asked.values():
            ids, order, prompt, places, horizons = (part.numpy() for part in question.inputs)
            length = ids.shape[1]
            room = length // STEP * STEP + STEP
            past = np.pad(order, ((0, 0), (0, room - length)), constant_values=NOBODY)
            seen = np.where(prompt > 0, prompt.sum(), order + 1)
            nothing = np.zeros((1, config.n_head, room, config.d_head), np.float32)
            rows = dict(zip(("input_ids", "content_positions", "content_horizons", "target_positions", "target_horizons", "past_ranks"),
                            (ids, np.arange(length)[None], seen, places, horizons, past)))
            found = session.run({**rows, **dict.fromkeys(cache_ports(config.n_layer)[0], nothing)})
            worst = max(worst, float(np.abs(found["logits"] - question.logits.numpy()).max()))
            head = found["target_states"] @ weights["transformer.word_embedding.weight"].T + weights["lm_loss.bias"]
            assert np.abs(found["logits"] - head).max() < 1e-5
    assert len(asked) == 26
    assert worst < TOLERANCES["tiny"]


def test_distances_beyond_the_clamp_are_one(golden, tmp_path):
    free = read_weights(str(golden / "tiny"))
    clamped = Weights(replace(free.config, clamp_len=3), free.tensors)
    with started(clamped, tmp_path) as session:
        for seed, kind in enumerate(KINDS):
            for weights, passes in ((clamped, True), (free, False)):
                together = sequences(kind, 3, seed, 64, lengths=(8, LENGTH + 1))
                worst = play(to_module(weights).double(), session.run, together, ROOM, calls=20)
                assert worst < TOLERANCES["tiny"] if passes else worst > SEEN


def test_a_longer_table_of_distances_changes_nothing(weights, model, run, tolerance, tmp_path):
    with started(weights, tmp_path, 3 * LENGTH) as longer:
        assert play(model, longer.run, sequences("random", 4, 1, model.config.vocab_size), ROOM, calls=20) < tolerance
        inputs = state(model.config, "random", 1)[0]
        assert np.array_equal(longer.run(inputs)["logits"], run(inputs)["logits"])


def state(config, kind: str, seed: int, count: int = 5, room: int = ROOM) -> tuple[dict[str, np.ndarray], list[Sequence], list]:
    """A call in the middle of histories, with a cache that holds what it should in size: the answer's bits, not its value, are asked for."""
    together = sequences(kind, count, seed, config.vocab_size)
    for _ in range(4):
        for sequence in together:
            sequence.move()
            calls = [sequence.call(room) for sequence in together]
    cache = Cache(config, count, room)
    ports = [port / np.float32(100) for port in cache.ports]
    return {**stacked(together, calls), **dict(zip(cache.names, ports))}, together, calls


def one(inputs: dict[str, np.ndarray], row: int, sequence, call) -> dict[str, np.ndarray]:
    """A sequence of a batch by itself, without padding rows and spare targets."""
    cache = {name: array[row:row + 1] for name, array in inputs.items() if array.ndim == 4}
    return {**stacked([sequence], [call]), **cache}


def longer(inputs: dict[str, np.ndarray], more: int) -> dict[str, np.ndarray]:
    """The cache with more positions, which hold anything; the spare one stays where it was."""
    result = dict(inputs)
    for name, array in inputs.items():
        if array.ndim == 4:
            result[name] = np.concatenate((array, np.full((*array.shape[:2], more, array.shape[3]), 7, array.dtype)), 2)
    result["past_ranks"] = np.pad(inputs["past_ranks"], ((0, 0), (0, more)), constant_values=NOBODY)
    return result


def same_bits(found, other, row: int, call, room: int) -> bool:
    """Of the targets of one sequence and of its cache, but for the spare position."""
    targets = call.ranks.size
    logits = [np.array_equal(found[name][row, :targets], other[name][0, :targets]) for name in ("logits", "target_states")]
    cache = [np.array_equal(found[name][row, :, :room - 1], other[name][0, :, :room - 1]) for name in found if name.startswith("present")]
    return all(logits) and all(cache)


@needs_onnxruntime
@pytest.mark.parametrize("kind", KINDS)
def test_bits_of_a_row_are_the_same_alone_and_in_a_batch(weights, run, kind):
    for seed in range(6):
        inputs, together, calls = state(weights.config, kind, seed)
        found = run(inputs)
        for row, (sequence, call) in enumerate(zip(together, calls)):
            assert same_bits(found, run(one(inputs, row, sequence, call)), row, call, ROOM), (seed, row, call.rows.size, call.ranks.size)


@needs_onnxruntime
@pytest.mark.parametrize("more", [STEP, 2 * STEP, 6 * STEP])
def test_bits_of_a_row_are_the_same_with_a_longer_cache(weights, run, more):
    for seed in range(4):
        inputs, _, calls = state(weights.config, "random", seed)
        found = run(inputs)
        stretched = run(longer(inputs, more))
        for row, call in enumerate(calls):
            assert same_bits(found, {name: array[row:row + 1] for name, array in stretched.items()}, row, call, ROOM)


@pytest.fixture(params=["fp32", "fp16", "int8", "int4"])
def rounded(request, tmp_path, output, call):
    """A network whose matrices fill whole blocks, in a precision: its weights, the type of its cache, and a run of its graph."""
    weights = fresh_weights(96, deviation=0.1, d_model=128, n_layer=2, n_head=4, d_inner=256)
    write_weights(str(tmp_path / "checkpoint"), weights)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--maximum-length", LENGTH, "--precision", request.param) == 0
    with Session(output / CACHED_FILE) as session:
        yield weights, np.float16 if request.param == "fp16" else np.float32, session.run


def of_type(inputs: dict[str, np.ndarray], kind: type) -> dict[str, np.ndarray]:
    return {name: array.astype(kind) if array.ndim == 4 else array for name, array in inputs.items()}


@needs_onnxruntime
def test_bits_of_a_row_are_its_own_in_every_precision(rounded):
    """Alone, in a batch, and with a longer cache. Products of float16 on CPUs have other kernels for a single row: sequences with one new row are left out."""
    weights, kind, run = rounded
    compared = 0
    for seed in range(4 if kind is np.float32 else 16):
        inputs, together, calls = state(weights.config, "random", seed)
        inputs = of_type(inputs, kind)
        found, stretched = run(inputs), run(longer(inputs, 2 * STEP))
        for row, (sequence, asked) in enumerate(zip(together, calls)):
            assert same_bits(found, {name: array[row:row + 1] for name, array in stretched.items()}, row, asked, ROOM), (seed, row)
            if kind is np.float32 or asked.rows.size > 1:
                assert same_bits(found, run(one(inputs, row, sequence, asked)), row, asked, ROOM), (seed, row)
                compared += 1
    assert compared >= 8


@needs_onnxruntime
def test_a_call_repeated_on_a_cache_that_holds_its_tokens_has_the_same_bits(rounded):
    """Whether a key is new or cached makes no difference: all rows at first, then the last two, with the same targets."""
    weights, kind, run = rounded
    past_names, present_names = cache_ports(weights.config.n_layer)
    for seed in range(4):
        (sequence,) = sequences("random", 1, seed, 96, lengths=(12, LENGTH))
        end = sequence.given + 3 if sequence.given + 3 < sequence.length else sequence.length - 1
        ranks = np.arange(end, sequence.length)
        past, nothing = sequence.past(ROOM, end), Cache(weights.config, 1, ROOM, kind)
        first = Call(ranks, np.full_like(ranks, end), np.arange(end), past)
        found = run({**stacked([sequence], [first]), **dict(zip(nothing.names, nothing.ports))})
        cache = dict(zip(past_names, (found[name] for name in present_names)))
        again = run({**stacked([sequence], [Call(ranks, first.horizons, np.arange(end - 2, end), past)]), **cache})
        assert same_bits(found, again, 0, first, ROOM)
        damaged = {**cache, past_names[1]: cache[past_names[1]] * kind(1.01)}  # the control: the cache is read
        assert not np.array_equal(run({**stacked([sequence], [Call(ranks, first.horizons, np.arange(end - 2, end), past)]), **damaged})["logits"], found["logits"])


@needs_onnxruntime
def test_a_change_of_one_bit_shows(weights, run):
    """The control of both: the last bit of a cached value that the targets see."""
    inputs, together, calls = state(weights.config, "random", 1)
    found, changed = run(inputs), 0
    for row, (sequence, call) in enumerate(zip(together, calls)):
        seen = np.setdiff1d(np.arange(call.horizons.max()), call.rows)
        if seen.size:
            other = one(inputs, row, sequence, call)
            name = "past_key_values.0.value"
            other[name] = other[name].copy()
            vector = other[name][0, :, sequence.positions[seen[0]]]
            other[name][0, :, sequence.positions[seen[0]]] = np.nextafter(vector, np.float32(np.inf))
            assert not same_bits(found, run(other), row, call, ROOM)
            changed += 1
    assert changed >= 1


def test_a_rejected_token_that_stays_shows(model, run):
    """Its rank is still in past_ranks, and it is not encoded anew."""
    together = sequences("random", 5, 1, model.config.vocab_size, kept=Forgetful)
    assert play(model, run, together, ROOM, calls=20) > SEEN
    assert sum(sequence.replaced for sequence in together) > 10


def own_ranks(inputs) -> np.ndarray:
    return np.take_along_axis(inputs["past_ranks"], inputs["content_positions"], 1)


def one_more_shown(inputs, _):
    inputs["past_ranks"] -= 1


def one_more_hidden(inputs, _):
    inputs["past_ranks"] += 1


def given_tokens_causal(inputs, _):
    inputs["content_horizons"] = np.minimum(inputs["content_horizons"], own_ranks(inputs) + 1)


def decided_tokens_seen_by_given_ones(inputs, sequences):
    inputs["content_horizons"] = np.maximum(inputs["content_horizons"], [[sequence.known] for sequence in sequences])


def rows_not_in_place(inputs, _):
    np.put_along_axis(inputs["past_ranks"], inputs["content_positions"], NOBODY, 1)


def padding_rows_seen(inputs, _):
    inputs["past_ranks"][:, -1] = 0


def padding_rows_at_the_first_position(inputs, _):
    inputs["content_positions"][own_ranks(inputs) == NOBODY] = 0


def unwritten_positions_seen(inputs, _):
    inputs["past_ranks"][inputs["past_ranks"] == NOBODY] = 0


def keys_at_the_next_position(inputs, _):
    inputs["content_positions"] = (inputs["content_positions"] + 1).clip(max=ROOM - 1)


@pytest.mark.parametrize("mistake", [
    one_more_shown, one_more_hidden, given_tokens_causal, decided_tokens_seen_by_given_ones, rows_not_in_place, padding_rows_seen,
    padding_rows_at_the_first_position, unwritten_positions_seen, keys_at_the_next_position])
def test_mistakes_of_a_runtime_show(model, run, tolerance, mistake):
    """The control: the tolerance tells the likely mistakes of a runtime from the right inputs."""
    def played(**options):
        return play(model, run, sequences("random", 5, 1, model.config.vocab_size), ROOM, calls=20, **options)

    worst = played(change=mistake)
    print(f"{mistake.__name__}: {worst:.3g}")
    assert worst > SEEN
    assert played() < tolerance


