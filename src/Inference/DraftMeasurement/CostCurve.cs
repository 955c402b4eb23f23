using AsArm.Assd.Models;

namespace AsArm.Inference.DraftMeasurement;

/// <summary>Milliseconds of a forward pass with a full cache: a fixed part and a part per token, fitted to passes of several shapes by turns.</summary>
/// <remarks>
/// Of each shape the fastest pass counts: what else the machine does only ever makes a pass slower, and by more the longer it is, so that
/// on a busy machine times tell more of the others than of the network.
/// </remarks>
internal sealed class CostCurve
{
    // What samplers ask of each sequence: one token of each kind, several drafts and a bonus query, draft queries with few new tokens.
    private static readonly (int Content, int Queries)[] s_shapes = [(1, 1), (2, 2), (3, 3), (4, 4), (6, 6), (9, 9), (1, 5), (2, 5), (3, 7)];

    // Two figures that differ by noise only are mostly the same in these steps.
    private static readonly double[] s_steps = [1, 1.5, 2, 3, 5, 7, 10];

    private const double Cheapest = 0.1, Dearest = 1000; // overheads that are told apart

    private readonly (int Content, int Queries)[] _shapes;
    private readonly double[] _times;

    private CostCurve((int Content, int Queries)[] shapes, double[] times)
    {
        (_shapes, _times) = (shapes, times);
        double[] fit = LeastSquares.Fit([.. shapes.Select(one => new double[] { 1, one.Content, one.Queries })], times);
        (Fixed, ContentToken, QueryToken) = (fit[0], fit[1], fit[2]);
    }

    /// <summary>A pass without tokens.</summary>
    public double Fixed { get; }

    /// <summary>A token that is encoded, in each sequence of the batch.</summary>
    public double ContentToken { get; }

    /// <summary>A conditional that is asked, likewise.</summary>
    public double QueryToken { get; }

    /// <summary>The fixed part in tokens of either kind; infinite where tokens cost nothing that can be measured.</summary>
    public double Overhead => ContentToken + QueryToken > 0 ? Math.Max(0, Fixed) / ((ContentToken + QueryToken) / 2) : double.PositiveInfinity;

    /// <summary>The same to the next of 1, 1.5, 2, 3, 5, 7 and their multiples by ten, from 0.1 to 1000.</summary>
    public double RoundedOverhead => Rounded(Overhead);

    /// <summary>Each shape that was measured, its time and the fit.</summary>
    public IEnumerable<(int Content, int Queries, double Measured, double Fitted)> Points =>
        _shapes.Select((shape, i) => (shape.Content, shape.Queries, _times[i], Of(shape.Content, shape.Queries)));

    public double WorstResidual => Points.Max(point => Math.Abs(point.Measured - point.Fitted));

    /// <summary>Measures.</summary>
    /// <param name="model">Not to be used by others meanwhile.</param>
    /// <param name="positions">Tokens of a sequence, at least 12.</param>
    /// <param name="batch">Sequences of a pass.</param>
    /// <param name="rounds">Passes of each shape.</param>
    /// <param name="cancellationToken">Stops within a pass.</param>
    public static CostCurve Measure(IAnySubsetModel model, int positions, int batch, int rounds, CancellationToken cancellationToken = default)
    {
        var timer = new ForwardPassTimer(model, positions, batch, s_shapes.Max(shape => shape.Queries));
        List<double>[] passes = [.. s_shapes.Select(_ => new List<double>())];
        try
        {
            for (int round = -3; round < rounds; round++)
            {
                for (int i = 0; i < passes.Length; i++)
                {
                    double one = timer.Time(model, s_shapes[i].Content, s_shapes[i].Queries, cancellationToken);
                    if (round >= 0) // earlier ones only warm up
                        passes[i].Add(one);
                }
            }
        }
        finally
        {
            timer.Release(model);
        }

        return new CostCurve(s_shapes, [.. passes.Select(one => one.Min())]);
    }

    public double Of(int content, int queries) => Fixed + content * ContentToken + queries * QueryToken;

    /// <summary>The next of a few steps, by ratio.</summary>
    internal static double Rounded(double value)
    {
        double within = Math.Clamp(value, Cheapest, Dearest), unit = Math.Pow(10, Math.Floor(Math.Log10(within)));
        return Math.Round(s_steps.MinBy(step => Math.Abs(Math.Log(step * unit / within))) * unit, 3);
    }
}
