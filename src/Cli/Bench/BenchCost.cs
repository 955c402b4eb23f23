using System.Diagnostics;
using AsArm.Assd;
using AsArm.Inference;

namespace AsArm.Cli;

/// <summary>What a call costs beside its rows, in rows, as <see cref="InfillOptions.CallCostInRows" /> wants it.</summary>
internal static class BenchCost
{
    private const int Few = 2; // content rows, and as many query rows
    private const int Many = 6;
    private const int Turns = 60;

    /// <summary>Times calls of few and of many rows by turns.</summary>
    public static double Measure(IAnySubsetModel model, CancellationToken cancellation)
    {
        int length = Math.Min(64, model.MaximumLength);
        bool[] given = [.. Enumerable.Range(0, length).Select(position => position < length - Many - 1)];
        var call = new SequenceCall(Order.LeftToRight(given), new int[length], model.VocabularySize, Many);
        var times = new Dictionary<int, List<double>> { [Few] = [], [Many] = [] };
        try
        {
            for (int turn = 0; turn < 2 * Turns; turn++)
            {
                int rows = turn % 2 == 0 ? Few : Many;
                Plan(call, rows, turn);
                long start = Stopwatch.GetTimestamp();
                model.Evaluate([call], cancellation);
                times[rows].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }
        finally
        {
            model.Release(call);
        }

        double few = Median(times[Few]), row = (Median(times[Many]) - few) / (2 * (Many - Few));
        return few / row - 2 * Few;
    }

    /// <summary>Every call has its first proposal changed, so that all its content rows are encoded anew.</summary>
    private static void Plan(SequenceCall call, int rows, int turn)
    {
        int decided = call.Order.GivenCount;
        for (int i = 0; i < rows; i++)
            call.SetToken(decided + i, (turn + i) % Math.Min(7, call.VocabularySize));
        call.Begin(decided + rows);
        for (int i = 0; i < rows; i++)
            call.Ask(new Conditional(decided + i, decided + i));
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
