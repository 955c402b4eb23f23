"""The PyTorch network against the official code: logits, intermediates, an exact joint, and variants that must be wrong."""

import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from asarm_tools.checkpoints.tensor_file import read_tensors
from asarm_tools.checkpoints.torch_model import read_model
from asarm_tools.network import two_stream

from official import has_recorded_sines, questions, worst_difference

TOLERANCE = 1e-5


@pytest.fixture
def model(tiny):
    return read_model(str(tiny), torch.float64)


def test_logits_are_those_of_the_official_code(model, tiny):
    asked = questions(tiny)
    assert len(asked) == 26
    assert worst_difference(model, asked) < 1e-7  # 3e-15 with the sine of PyTorch 1.13


@pytest.mark.parametrize("kind", ["draft", "oracle"])
def test_intermediates_of_case_05_are_those_of_the_official_code(model, tiny, kind, monkeypatch):
    recorded = {name.split(".", 1)[1]: torch.from_numpy(array) for name, array in
                read_tensors(tiny / "debug_case05.safetensors").items() if name.startswith(kind)}
    question = questions(tiny)[f"case05.{kind}"]
    length, targets = question.inputs[0].shape[1], question.inputs[3][0]
    seen = record(model, monkeypatch)
    with torch.no_grad():
        logits = model(*question.inputs)
    # Content rows of undecided tokens, which nobody reads, see other rows in the reference's draft mask.
    decided = (question.inputs[1] < question.inputs[4].max() if kind == "draft" else question.inputs[1] >= 0)[0]
    same(logits[0], recorded["logits"])
    same(seen["output"][2][0], recorded["g3"])
    for layer in range(3):
        content = length if layer < 2 else 0  # the last layer has query rows only
        attention, rows = seen["attention"][layer][0], seen["rows"][layer][0]
        same(attention[:, content:], recorded[f"attn_g{layer}"][:, targets])  # there with a query row for every position
        same(rows[content:], recorded[f"g{layer}"])
        same(seen["content"][layer][0, decided], recorded[f"h{layer}"][decided])
        if layer < 2:
            same(attention[:, :length][:, decided], recorded[f"attn_h{layer}"][:, decided])
    if kind == "oracle":
        check_scores_of_layer_0(model, seen, recorded, length)


def same(found: torch.Tensor, recorded: torch.Tensor) -> None:
    assert found.shape == recorded.shape
    assert (found - recorded).abs().max() < TOLERANCE


def record(model, monkeypatch) -> dict[str, list[torch.Tensor]]:
    """Rows, content and output of each layer, attention and scores before it, and the shifted position scores."""
    seen = {name: [] for name in ("rows", "content", "output", "attention", "scores", "by_distance")}
    for layer in model.transformer.layer:
        layer.register_forward_hook(lambda _, inputs, output: [seen["rows"].append(inputs[0]), seen["content"].append(inputs[1]),
                                                               seen["output"].append(output)] and None)
        layer.rel_attn.softmax.register_forward_hook(
            lambda _, inputs, output: [seen["scores"].append(inputs[0]), seen["attention"].append(output)] and None)
    original = two_stream.take_distances
    monkeypatch.setattr(two_stream, "take_distances", lambda scores, distance: seen["by_distance"].append(
        original(scores, distance)) or seen["by_distance"][-1])
    return seen


def check_scores_of_layer_0(model, seen, recorded, length):
    """ac (by content) and bd (by distance, shifted) of the content rows, before the scale."""
    by_distance = seen["by_distance"][0][0, :, :length]
    same(by_distance, recorded["layer0.content.bd_shifted"])
    scores = seen["scores"][0][0, :, :length]
    visible = scores > two_stream.HIDDEN_SCORE / 2
    by_content = scores * model.config.d_head ** 0.5 - by_distance
    assert visible.any(-1).all()
    same(by_content[visible], recorded["layer0.content.ac"][visible])


def test_relative_encoding_is_that_of_the_official_code(model, tiny):
    recorded = read_tensors(tiny / "debug_case05.safetensors")["pos_emb"]  # distances 12 .. -11
    found = two_stream.relative_encoding(12, model.config, torch.zeros(1, dtype=torch.float64))  # -11 .. 11
    assert np.abs(found.flip(0).numpy() - recorded[1:]).max() < 1e-6


@pytest.mark.parametrize("task", ["A", "B", "C"])
def test_product_of_conditionals_is_the_enumerated_joint(tiny, micro, task):
    model = read_model(str(micro), torch.float64)
    recorded = read_tensors(micro / "exact.safetensors")
    order, prompt = (torch.from_numpy(recorded[f"{task}.{name}"]).long() for name in ("sigma", "prompt"))
    given = int((prompt != 6).sum())
    targets = order.argsort()[given:]
    gaps = targets.sort().values
    values = torch.tensor(list(itertools.product(range(8), repeat=len(targets))))  # axes are gaps by ascending position
    ids = prompt.repeat(len(values), 1)
    ids[:, gaps] = values
    batch = [ids, *(row.expand(len(values), -1) for row in (order, (order < given).long(), targets, order[targets]))]
    with torch.no_grad():
        logits = torch.cat([model(*(part[begin:begin + 512] for part in batch)) for begin in range(0, len(values), 512)])
    logits[..., 6] = -torch.inf
    chosen = logits.log_softmax(-1).gather(2, ids[:, targets, None]).sum((1, 2))
    joint = chosen.exp().reshape([8] * len(targets)).numpy()
    assert abs(joint.sum() - 1) < 1e-12
    assert np.abs(joint - recorded[f"{task}.joint_renormalised"]).max() < (1e-8 if has_recorded_sines(tiny) else 1e-6)  # 3e-15 and 1.4e-7


def padded(inputs: list[torch.Tensor], length: int, targets: int) -> list[torch.Tensor]:
    """Longer by undecided positions of the last ranks, and by further questions about position 0."""
    ids, order, prompt, positions, horizons = inputs
    more = length - ids.shape[1]
    ranks = torch.arange(ids.shape[1], length)[None]
    return [F.pad(ids, (0, more), value=5), torch.cat((order, ranks), 1), F.pad(prompt, (0, more)),
            F.pad(positions, (0, targets - positions.shape[1])), F.pad(horizons, (0, targets - horizons.shape[1]), value=1)]


def test_padding_and_batch_do_not_change_results(model, tiny):
    asked = questions(tiny)
    pair = [asked["case05.oracle"], asked["case11.draft"]]
    rows = [padded(question.inputs, 43, 17) for question in pair]
    with torch.no_grad():
        together = model(*(torch.cat(parts) for parts in zip(*rows)))
        for row, question in enumerate(pair):
            alone = model(*question.inputs)[0]
            assert (together[row, :alone.shape[0]] - alone).abs().max() < 1e-12


def test_gradient_of_take_distances_is_that_of_gather():
    length, generator = 9, torch.Generator().manual_seed(1)
    scores = torch.randn(2, 3, 5, 2 * length - 1, generator=generator, dtype=torch.float64, requires_grad=True)
    rows = torch.randint(0, length, (2, 5), generator=generator)
    distance = rows[:, :, None] - torch.arange(length)
    weights = torch.randn(2, 3, 5, length, generator=generator, dtype=torch.float64)
    (two_stream.take_distances(scores, distance) * weights).sum().backward()
    found, scores.grad = scores.grad, None
    index = (distance + length - 1)[:, None].expand(-1, 3, -1, -1)
    (scores.gather(3, index) * weights).sum().backward()
    assert torch.equal(found, scores.grad)


def negated_distance(model, monkeypatch):
    original = two_stream.take_distances
    monkeypatch.setattr(two_stream, "take_distances", lambda scores, distance: original(scores, -distance))


def distance_off_by_one(model, monkeypatch):
    original = two_stream.relative_encoding
    monkeypatch.setattr(two_stream, "relative_encoding", lambda length, *rest: original(length + 1, *rest)[2:])


def cosines_first(model, monkeypatch):
    original = two_stream.relative_encoding
    monkeypatch.setattr(two_stream, "relative_encoding", lambda *given: original(*given).roll(model.config.d_model // 2, 1))


def interleaved(model, monkeypatch):
    original, half = two_stream.relative_encoding, model.config.d_model // 2
    monkeypatch.setattr(two_stream, "relative_encoding",
                        lambda *given: original(*given).unflatten(1, (2, half)).transpose(1, 2).flatten(1))


def approximate_gelu(model, monkeypatch):
    original = F.gelu
    monkeypatch.setattr(F, "gelu", lambda rows: original(rows, approximate="tanh"))


def swapped_biases(model, monkeypatch):
    for layer in model.transformer.layer:
        layer.rel_attn.r_w_bias, layer.rel_attn.r_r_bias = layer.rel_attn.r_r_bias, layer.rel_attn.r_w_bias


def no_scale(model, monkeypatch):
    for layer in model.transformer.layer:
        for parameter in (layer.rel_attn.q, layer.rel_attn.r_w_bias, layer.rel_attn.r_r_bias):
            parameter.data *= model.config.d_head ** 0.5


def larger_epsilon(model, monkeypatch):
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = 1e-5


def content_blind_to_itself(model, monkeypatch):
    original = two_stream.content_visibility
    monkeypatch.setattr(two_stream, "content_visibility", lambda order, prompt: original(
        order, prompt) & ~torch.eye(order.shape[1], dtype=torch.bool))


def query_sees_itself(model, monkeypatch):
    original = model.forward
    monkeypatch.setattr(model, "forward", lambda *inputs: original(*inputs[:4], inputs[4] + 1))


@pytest.mark.parametrize("variant, recorded", [
    (negated_distance, 0.79), (distance_off_by_one, 0.39), (cosines_first, 0.60), (interleaved, 0.74), (approximate_gelu, 1.1e-3),
    (swapped_biases, 0.48), (no_scale, 1.4), (larger_epsilon, 1.6e-4), (content_blind_to_itself, 2.0), (query_sees_itself, 1.5)])
def test_wrong_variants_are_seen(model, tiny, monkeypatch, variant, recorded):
    """The control: the tolerance tells every likely mistake from the right network. recorded is its rough size."""
    variant(model, monkeypatch)
    worst = worst_difference(model, questions(tiny))
    print(f"{variant.__name__}: {worst:.3g}")
    assert worst > TOLERANCE
    assert worst > recorded / 4
