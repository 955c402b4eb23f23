using System.Globalization;
using AsArm.Inference.Gaps;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Perf.Results;

namespace AsArm.Perf.Lengths;

/// <summary>
/// `perf -- lengths TEXT COUNT FILE`: the evidence of 1 to 16 tokens for COUNT true gaps of each kind, with their greedy fillings, as JSON lines that
/// tools/train/lengths.py makes a table of. A run that was stopped goes on where FILE ends.
/// `perf -- lengths --prior TEXT COUNT`: the shares of the lengths of true gaps, each kind alike.
/// </summary>
internal static class LengthsMeasurement
{
    private const int Lengths = 16;
    private const int SuffixTokens = 20;

    public static int Run(string[] arguments)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        bool isPrior = arguments is ["--prior", _, _];
        string[] values = isPrior ? arguments[1..] : arguments;
        if (values.Length != (isPrior ? 2 : 3) || !int.TryParse(values[1], out int count) || count < 1 || !File.Exists(values[0]))
        {
            Console.Error.WriteLine("perf -- lengths TEXT COUNT FILE, or --prior TEXT COUNT: a text, documents split by <|endoftext|>, the number of gaps of each kind, and a file that is written.");
            return 2;
        }

        using var infiller = TextInfiller.Open(Path.Combine(Exports.RepositoryRoot(), "models", "english-18m"));
        List<TrueGap> gaps = GapCutter.Cut(File.ReadAllText(values[0]), count, seed: 1);
        if (isPrior)
            PrintPrior(infiller, gaps);
        else
            Measure(infiller, gaps, values[2]);
        return 0;
    }

    private static void Measure(TextInfiller infiller, List<TrueGap> gaps, string file)
    {
        int done = File.Exists(file) ? File.ReadLines(file).Count() : 0;
        using StreamWriter output = File.AppendText(file);
        output.AutoFlush = true;
        double[] prior = LengthPrior.Learnt.LogProbabilities([.. Enumerable.Range(1, Lengths)]);
        foreach (TrueGap gap in gaps.Skip(done))
        {
            GapEvidence? found = GapEvidence.Of(infiller, gap, Lengths, fillings: 1, SuffixTokens);
            output.WriteLine(ResultFile.Line(new LengthsRow(gap, found?.Length, found is null ? null : prior, found?.Evidence.LogJoints, found?.Evidence.LogConditionals, found?.Texts)));
        }
    }

    private static void PrintPrior(TextInfiller infiller, List<TrueGap> gaps)
    {
        var encoder = new SegmentEncoder(infiller.InfillTokenizer, infiller.Folder.Manifest, GapSpacing.AsTyped);
        int[] lengths = [.. gaps.Select(gap => GapEvidence.LengthOf(encoder, gap)).OfType<int>()];
        for (int length = 1; length <= lengths.Max(); length++)
            Console.WriteLine($"{length} {(double)lengths.Count(other => other == length) / lengths.Length:F4}");
    }
}
