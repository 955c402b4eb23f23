using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>
/// A text with gaps that have to meet conditions, and few enough tokens for its joint distribution to be enumerated through ONNX: the conditional distribution is that of all
/// fillings which meet them, renormalised. Nothing of what finds allowed tokens takes part in it.
/// </summary>
/// <param name="Markup">The text.</param>
/// <param name="Tokens">The only tokens that are not banned.</param>
/// <param name="IsMet">Whether the texts of the gaps meet the conditions.</param>
internal sealed record ConditionedTask(string Markup, string[] Tokens, Func<string[], bool> IsMet)
{
    /// <summary>Sharper than the random network is, so that tokens are far from independent.</summary>
    private const double Temperature = 0.4;

    public static TextInfiller Infiller { get; } = TextInfiller.Open(Files.Text);

    private static InfillTokenizer Tokenizer { get; } = InfillTokenizer.Open(ModelFolder.Open(Files.Text));

    public int[] Ids => [.. Tokens.Select(text => Enumerable.Range(0, Tokenizer.VocabularySize).First(token => Tokenizer.PieceOf(token) == text.Replace(' ', '\u2581')))];

    public InfillOptions Options => new() { Temperature = Temperature, BannedTokens = [.. Enumerable.Range(0, Tokenizer.VocabularySize).Except(Ids)] };

    /// <summary>Draws samples.</summary>
    /// <param name="options">Of the requests, but for the seed.</param>
    /// <param name="count">Number of samples.</param>
    public InfillResult[] Sample(InfillOptions options, int count) =>
        [.. Infiller.InfillBatch([.. Enumerable.Range(0, count).Select(seed => new InfillRequest(Markup, options with { Seed = seed }))])];

    /// <summary>Samples against the enumerated distribution.</summary>
    /// <param name="results">The samples.</param>
    /// <param name="lengths">Fillings by their numbers of tokens, with p(N); null for the numbers of the markup.</param>
    public GoodnessOfFitResult Compare(InfillResult[] results, (int[] Tokens, double Probability)[]? lengths = null)
    {
        Dictionary<string, double> expected = Enumerate(lengths ?? [([.. InfillPrompt.Parse(Markup).Segments.OfType<TextSegment.Gap>().Select(gap => (int)gap.Specification.MinTokens!)], 1)]);
        string[] keys = [.. expected.Keys];
        var counts = new int[keys.Length];
        foreach (InfillResult result in results)
            counts[Array.IndexOf(keys, KeyOf(result.Gaps.SelectMany(gap => gap.Tokens.Select(token => token.Id))))]++;
        return GoodnessOfFit.Compare(counts, [.. keys.Select(key => expected[key])]);
    }

    /// <summary>The distribution of the tokens of all gaps given the conditions.</summary>
    public Dictionary<string, double> Enumerate((int[] Tokens, double Probability)[] lengths)
    {
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(Files.Text));
        var joint = new Dictionary<string, double>();
        foreach ((int[] counts, double probability) in lengths)
        {
            int next = 0;
            InfillText text = InfillText.Encode(
                [.. InfillPrompt.Parse(Markup).Segments.Select(segment => segment is TextSegment.Gap ? new TextSegment.Gap(counts[next++]) : segment)],
                new SegmentEncoder(Tokenizer, ModelFolder.Open(Files.Text).Manifest, GapSpacing.AsTyped));
            var order = Order.LeftToRight(text.Given);
            InfillOptions options = Options with { BannedTokensAt = text.BannedAt, BannedTokens = [.. Options.BannedTokens] };
            int[] tokens = text.Tokens;
            var committed = new bool[tokens.Length];
            Array.Fill(committed, true);
            foreach (int[] filling in Sequences(order.TargetCount))
            {
                for (int i = 0; i < filling.Length; i++)
                    tokens[order.Positions[order.GivenCount + i]] = filling[i];
                if (!IsMet(text.DecodeGaps(tokens, committed)))
                    continue;
                double log = JointDensity.LogProbabilities(model, order, tokens, options).Sum();
                if (double.IsFinite(log))
                    joint[KeyOf(filling)] = probability * Math.Exp(log);
            }
        }

        double sum = joint.Values.Sum();
        Console.WriteLine($"{Markup}: {joint.Count} fillings of probability {sum:F4} together");
        return joint.ToDictionary(entry => entry.Key, entry => entry.Value / sum);
    }

    private IEnumerable<int[]> Sequences(int length) => length == 0 ? [[]]
        : Sequences(length - 1).SelectMany(before => Ids.Select(token => (int[])[.. before, token]));

    private static string KeyOf(IEnumerable<int> tokens) => string.Join(',', tokens);
}
