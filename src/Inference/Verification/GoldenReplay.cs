using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Verification;

/// <summary>Replays recorded inputs through a model and compares its logits with the recorded ones.</summary>
internal static class GoldenReplay
{
    /// <summary>Replays all cases of a file, in the order of their names.</summary>
    /// <param name="model">The model to check.</param>
    /// <param name="path">A golden.safetensors as docs/model-format.md describes it.</param>
    /// <param name="cancellationToken">Stops between cases.</param>
    /// <exception cref="ModelFolderException">The file is damaged or empty, or does not match the model.</exception>
    public static IReadOnlyList<GoldenDifference> Run(IAnySubsetModel model, string path, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        Safetensors file = Safetensors.Open(path);
        string[] cases = [.. file.Names.Where(name => name.EndsWith(".logits", StringComparison.Ordinal)).Select(name => name[..^7]).Order(StringComparer.Ordinal)];
        if (cases.Length == 0)
            throw new ModelFolderException($"{path} contains no case.");
        var differences = new List<GoldenDifference>();
        foreach (string name in cases)
        {
            try
            {
                differences.Add(Replay(model, file, name, cancellationToken));
            }
            catch (ArgumentException error)
            {
                throw new ModelFolderException($"{path}: case {name} does not match the model: {error.Message.ReplaceLineEndings(" ")}", error);
            }
        }

        return differences;
    }

    private static GoldenDifference Replay(IAnySubsetModel model, Safetensors file, string name, CancellationToken cancellationToken)
    {
        int[] tokens = Read(file, name + ".input_ids", model.VocabularySize);
        int[] ranks = Read(file, name + ".order", tokens.Length);
        int[] prompt = Read(file, name + ".prompt_mask", 2);
        int given = prompt.Sum();
        int[] positions = Read(file, name + ".target_positions", ranks.Length), horizons = Read(file, name + ".target_horizons", ranks.Length + 1);
        float[] expected = file.Read<float>(name + ".logits");
        if (positions.Length == 0)
            throw new ArgumentException("it has no queries");
        if (ranks.Length != tokens.Length || positions.Length != horizons.Length || expected.Length != (long)positions.Length * model.VocabularySize)
            throw new ArgumentException("the sizes of its tensors disagree");
        if (!prompt.SequenceEqual(ranks.Select(rank => rank < given ? 1 : 0)))
            throw new ArgumentException("its given tokens do not have the first ranks");

        Order order = Order.FromRanks(ranks, given);
        var state = new SequenceState(order, tokens, model.VocabularySize, positions.Length);
        for (int rank = given; rank < order.Length; rank++)
            state.SetToken(rank, tokens[order.Positions[rank]]);
        state.BeginForwardPass(horizons.Max());
        for (int i = 0; i < positions.Length; i++)
            state.AddQuery(new Conditional(ranks[positions[i]], horizons[i]));
        model.Evaluate([state], cancellationToken);
        model.Release(state);

        return new GoldenDifference(name, MaxDifference(state.Logits, expected), DistributionDifference.Of(state.Logits, expected, model.VocabularySize));
    }

    private static float MaxDifference(ReadOnlySpan<float> logits, ReadOnlySpan<float> expected)
    {
        float max = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            float difference = Math.Abs(logits[i] - expected[i]);
            if (!(difference <= max)) // true for NaN too
                max = float.IsNaN(difference) ? float.PositiveInfinity : difference;
        }

        return max;
    }

    private static int[] Read(Safetensors file, string name, int limit) => Array.ConvertAll(
        file.Read<long>(name),
        value => value >= 0 && value < limit ? (int)value : throw new ArgumentException($"{name} contains {value}, allowed is 0..{limit - 1}"));
}
