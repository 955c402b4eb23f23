using AsArm.Assd.DraftHeads;

namespace AsArm.Assd.Tests.Support;

/// <summary>The formula of docs/draft-head-format.md once more, by loops in float64, where n-grams put no unlikely token on the shortlist.</summary>
internal static class ReferenceHead
{
    /// <summary>[V] the draft.</summary>
    /// <param name="head">The weights.</param>
    /// <param name="row">[V] the row that is corrected, a distribution.</param>
    /// <param name="state">[S] the state of its query.</param>
    /// <param name="context">The tokens one and two positions before the target, and a rejected one; -1 where there is none.</param>
    /// <param name="temperature">T.</param>
    /// <param name="odds">[V] the odds of n-grams; null for none.</param>
    public static double[] Draft(
        DraftHeadWeights head, IReadOnlyList<double> row, IReadOnlyList<float> state, IReadOnlyList<int> context, double temperature = 1, IReadOnlyList<double>? odds = null)
    {
        int rank = head.OutputBias.Length, hidden = head.HiddenBias.Length;
        double[] input = [.. state.Select(value => (double)value), .. context.SelectMany((token, place) => Embedding(head, token, place))];
        var layer = new double[hidden];
        for (int h = 0; h < hidden; h++)
        {
            double sum = head.HiddenBias[h];
            for (int i = 0; i < input.Length; i++)
                sum += head.Hidden[(h * input.Length) + i] * input[i];
            layer[h] = sum / (1 + Math.Exp(-sum));
        }

        double[] output = [.. Enumerable.Range(0, rank).Select(r => head.OutputBias[r] + layer.Select((value, h) => value * head.Output[(r * hidden) + h]).Sum())];
        double[] exponents = [.. row.Select((_, token) => (Correction(head, output, token) / temperature) + (head.NgramExponent * Math.Log(odds?[token] ?? 1)))];
        bool[] listed = [.. row.Select(probability => probability >= 1.0 / 512)];
        double mass = row.Where((_, token) => listed[token]).Sum();
        double others = row.Select((probability, token) => listed[token] ? probability * exponents[token] / mass : 0).Sum();
        double[] weights = [.. row.Select((probability, token) => probability * Math.Exp(listed[token] ? exponents[token] : others))];
        return [.. weights.Select(weight => weight / weights.Sum())];
    }

    private static double Correction(DraftHeadWeights head, double[] output, int token) =>
        head.OutputScales[token] * output.Select((value, r) => value * head.OutputEmbedding[(token * output.Length) + r]).Sum();

    private static double[] Embedding(DraftHeadWeights head, int token, int place)
    {
        int rank = head.OutputBias.Length;
        return [.. Enumerable.Range(0, rank).Select(r =>
            token < 0 ? (double)head.MissingTokens[(place * rank) + r] : head.InputScales[token] * (double)head.InputEmbedding[(token * rank) + r])];
    }
}
