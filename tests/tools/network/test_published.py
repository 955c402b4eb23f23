"""The network that is timed for comparison: logits and intermediates of the official code, its work, and variants that must be wrong."""

import json
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from asarm_tools.checkpoints.tensor_file import read_tensors
from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.network import published
from asarm_tools.network.published import PublishedModel, barred_by_order
from asarm_tools.network.two_stream import TwoStreamModel

from official import published_questions, questions, worst_difference

TOLERANCE = 1e-5
LENGTH, TARGETS = 12, 5  # of case05.draft


@pytest.fixture
def model(tiny):
    return PublishedModel(read_model(str(tiny), torch.float64)).eval()


def test_logits_are_those_of_the_official_code(model, tiny):
    """Of all cases: without a given token too, as the mask is the recorded one."""
    asked = published_questions(tiny)
    assert len(asked) == 32
    assert worst_difference(model, asked) < 1e-7  # 3e-15 with the sine of PyTorch 1.13


def test_masks_are_those_of_the_official_code(tiny):
    recorded = read_tensors(tiny / "cases.safetensors")
    for case in json.loads((tiny / "cases.json").read_text())["cases"]:
        prefix, length = f"case{case['index']:02d}.", case["seq_len"]
        order = torch.from_numpy(recorded[prefix + "sigma"])[None].long()
        for kind, decided in (("draft", case["n"]), ("oracle", length)):
            found = barred_by_order(order, (order < case["start"]).long(), decided)
            assert torch.equal(found[0], torch.from_numpy(recorded[f"{prefix}{kind}_perm_mask"]).float())


@pytest.mark.parametrize("kind", ["draft", "oracle"])
def test_intermediates_of_case_05_are_those_of_the_official_code(model, tiny, kind, monkeypatch):
    """Of all rows: content of the last layer, and attention of the query stream where no target is."""
    recorded = {name.split(".", 1)[1]: torch.from_numpy(array) for name, array in
                read_tensors(tiny / "debug_case05.safetensors").items() if name.startswith(kind)}
    question = published_questions(tiny)[f"case05.{kind}"]
    seen = record(model, monkeypatch)
    with torch.no_grad():
        model(*question.inputs)
    for layer in range(3):
        for stream, part in (("h", 0), ("g", 1)):
            same(seen["attention"][2 * layer + part][0], recorded[f"attn_{stream}{layer}"])
            same(seen["output"][2 * layer + part][:, 0], recorded[f"{stream}{layer + 1}"])
    if kind == "oracle":
        same(seen["by_distance"][0][0], recorded["layer0.content.bd_shifted"])
        by_content = seen["scores"][0][0] * model.config.d_head ** 0.5 - seen["by_distance"][0][0]
        visible = by_content > -published.BARRED_SCORE / 2
        assert visible.any(-1).all()
        same(by_content[visible], recorded["layer0.content.ac"][visible])


def same(found: torch.Tensor, recorded: torch.Tensor) -> None:
    assert found.shape == recorded.shape
    assert (found - recorded).abs().max() < TOLERANCE


def record(model, monkeypatch) -> dict[str, list[torch.Tensor]]:
    """Scores, attention and output of each layer, the content stream before the query stream, and the shifted position scores."""
    seen = {name: [] for name in ("scores", "attention", "output", "by_distance")}
    for layer in model.transformer.layer:
        layer.ff.register_forward_hook(lambda _, inputs, output: seen["output"].append(output))
        layer.rel_attn.softmax.register_forward_hook(
            lambda _, inputs, output: [seen["scores"].append(inputs[0]), seen["attention"].append(output)] and None)
    original = published.shift
    monkeypatch.setattr(published, "shift", lambda scores: seen["by_distance"].append(original(scores)) or seen["by_distance"][-1])
    return seen


def test_position_encoding_is_that_of_the_official_code(model, tiny):
    recorded = torch.from_numpy(read_tensors(tiny / "debug_case05.safetensors")["pos_emb"])
    found = published.position_encoding(LENGTH, model.config, torch.zeros(1, dtype=torch.float64))
    assert found.shape == (2 * LENGTH, 1, 32)
    assert (found[:, 0] - recorded).abs().max() < 1e-6


def test_distances_beyond_the_clamp_are_one(tiny):
    free = read_model(str(tiny), torch.float64)
    clamped = TwoStreamModel(replace(free.config, clamp_len=3)).double().eval()
    clamped.load_state_dict(free.state_dict())
    with torch.no_grad():
        expected, other = (network(*questions(tiny)["case10.oracle"].inputs) for network in (clamped, free))
        found = PublishedModel(clamped)(*published_questions(tiny)["case10.oracle"].inputs)
    assert (found - expected).abs().max() < 1e-9
    assert (found - other).abs().max() > 0.01


def test_batch_does_not_change_results(model, tiny):
    inputs = published_questions(tiny)["case10.oracle"].inputs
    ids, barred, mapping = inputs
    other = [ids.flip(1), barred.flip(1, 2), mapping.flip(2)]
    with torch.no_grad():
        together = model(*(torch.cat(pair) for pair in zip(inputs, other)))
        alone = torch.cat((model(*inputs), model(*other)))
    assert (alone[0] - alone[1]).abs().max() > TOLERANCE
    assert (together - alone).abs().max() < 1e-12


def shift_off_by_one(model, monkeypatch):
    original = published.shift
    monkeypatch.setattr(published, "shift", lambda scores: original(scores.roll(1, 3)))


def no_shift(model, monkeypatch):
    monkeypatch.setattr(published, "shift", lambda scores: scores[..., :scores.shape[2]])


def distances_ascending(model, monkeypatch):
    original = published.position_encoding
    monkeypatch.setattr(published, "position_encoding", lambda *given: original(*given).flip(0))


def content_blind_to_itself(model, monkeypatch):
    monkeypatch.setattr(published, "opened", lambda mask: mask)


def query_sees_itself(model, monkeypatch):
    original, opened = published.both_streams, published.opened
    monkeypatch.setattr(published, "both_streams", lambda *given: original(*given[:5], opened(given[5]), given[6]))


def nothing_barred(model, monkeypatch):
    monkeypatch.setattr(published, "BARRED_SCORE", 0)


def swapped_biases(model, monkeypatch):
    for layer in model.transformer.layer:
        layer.rel_attn.r_w_bias, layer.rel_attn.r_r_bias = layer.rel_attn.r_r_bias, layer.rel_attn.r_w_bias


def targets_exchanged(model, monkeypatch):
    original = model.forward
    monkeypatch.setattr(model, "forward", lambda ids, barred, mapping: original(ids, barred, mapping.flip(1)))


@pytest.mark.parametrize("variant, recorded", [
    (shift_off_by_one, 0.39), (no_shift, 0.74), (distances_ascending, 0.79), (content_blind_to_itself, 2.0), (query_sees_itself, 1.5),
    (nothing_barred, 3.1), (swapped_biases, 0.48), (targets_exchanged, 1.8)])
def test_wrong_variants_are_seen(model, tiny, monkeypatch, variant, recorded):
    """The control: the tolerance tells every likely mistake from the right network. recorded is its rough size."""
    variant(model, monkeypatch)
    worst = worst_difference(model, published_questions(tiny))
    print(f"{variant.__name__}: {worst:.3g}")
    assert worst > TOLERANCE
    assert worst > recorded / 4


def work(model, inputs, monkeypatch) -> int:
    """Multiplications of one call in einsums and linear layers."""
    counts, einsum = [], torch.einsum

    def counted(equation: str, *operands: torch.Tensor) -> torch.Tensor:
        sizes: dict[str, int] = {}
        for letters, operand in zip(equation.split("->")[0].split(","), operands):
            sizes.update({letter: max(size, sizes.get(letter, 1)) for letter, size in zip(letters, operand.shape)})
        counts.append(torch.Size(sizes.values()).numel())
        return einsum(equation, *operands)

    hooks = [module.register_forward_hook(lambda module, given, _: counts.append(given[0].numel() * module.out_features))
             for module in model.modules() if isinstance(module, torch.nn.Linear)]
    with monkeypatch.context() as patch, torch.no_grad():
        patch.setattr(torch, "einsum", counted)
        model(*inputs)
    for hook in hooks:
        hook.remove()
    return sum(counts)


def published_work(config, length: int, targets: int) -> int:
    """The same by hand, for a batch of one."""
    width = config.d_model
    projections = (4 * length + 2 * length + 2 * targets) * width ** 2  # q, k, v, o of content; r of 2 S distances; q, o of targets
    attention = 2 * (length + 2 * length + length) * length * width  # in each stream S rows by content, by distance, and of values
    mapping = 2 * targets * length * width
    feed_forward = 2 * (length + targets) * width * config.d_inner
    encoding = 2 * length * width // 2
    return config.n_layer * (projections + attention + mapping + feed_forward) + encoding + targets * width * config.vocab_size


@pytest.mark.parametrize("name", ["case05.draft", "case10.oracle"])
def test_work_is_that_of_the_published_code(model, tiny, monkeypatch, name):
    inputs = published_questions(tiny)[name].inputs
    assert work(model, inputs, monkeypatch) == published_work(model.config, inputs[0].shape[1], inputs[2].shape[1])


def spared_distance(model, monkeypatch):
    """The distance S, which no row has to any key."""
    encoding, shift = published.position_encoding, published.shift
    monkeypatch.setattr(published, "position_encoding", lambda *given: encoding(*given)[1:])
    monkeypatch.setattr(published, "shift", lambda scores: shift(F.pad(scores, (1, 0))))


def spared_last_content(model, monkeypatch):
    """Its feed-forward, of more rows than there are targets."""
    last = model.transformer.layer[-1].ff
    original = last.forward
    monkeypatch.setattr(last, "forward", lambda rows: rows if len(rows) > TARGETS else original(rows))


def spared_position_keys(model, monkeypatch):
    """Made once and kept."""
    original, kept = published.heads, {}

    def heads(rows, weight):
        if len(rows) <= LENGTH:
            return original(rows, weight)
        if weight not in kept:
            kept[weight] = original(rows, weight)
        return kept[weight]

    monkeypatch.setattr(published, "heads", heads)


@pytest.mark.parametrize("variant", [spared_distance, spared_last_content, spared_position_keys])
def test_spared_work_is_seen(model, tiny, monkeypatch, variant):
    """The control: networks that do less for the same logits."""
    question = published_questions(tiny)["case05.draft"]
    variant(model, monkeypatch)
    assert worst_difference(model, {"case05.draft": question}) < 1e-7
    assert work(model, question.inputs, monkeypatch) < published_work(model.config, LENGTH, TARGETS)
