using AsArm.Assd.Models;

namespace AsArm.Inference.DraftMeasurement;

/// <summary>
/// A linear model of the time of a forward pass in milliseconds, with a filled cache: a fixed part and a part per processed token, fitted to
/// measured passes of several shapes.
/// </summary>
/// <remarks>The fastest pass of each shape is used: other load on the machine only makes passes slower.</remarks>
internal sealed class CostCurve
{
    // Passes as samplers make them, per sequence: one token of each kind, several draft tokens and a bonus query, draft queries with few new tokens.
    private static readonly (int Content, int Queries)[] s_shapes = [(1, 1), (2, 2), (3, 3), (4, 4), (6, 6), (9, 9), (1, 5), (2, 5), (3, 7)];

    // Coarse, so that measurements that differ by noise mostly round to the same value.
    private static readonly double[] s_roundValues = [1, 1.5, 2, 3, 5, 7, 10];

    private const double MinOverhead = 0.1, MaxOverhead = 1000;

    private readonly (int Content, int Queries)[] _shapes;
    private readonly double[] _times;

    private CostCurve((int Content, int Queries)[] shapes, double[] times)
    {
        (_shapes, _times) = (shapes, times);
        double[] fit = LeastSquares.Fit([.. shapes.Select(one => new double[] { 1, one.Content, one.Queries })], times);
        (Fixed, ContentToken, QueryToken) = (fit[0], fit[1], fit[2]);
    }

    /// <summary>The fixed part.</summary>
    public double Fixed { get; }

    /// <summary>The part per content position, of each sequence of the batch.</summary>
    public double ContentToken { get; }

    /// <summary>The part per query position, of each sequence of the batch.</summary>
    public double QueryToken { get; }

    /// <summary>The fixed part in units of one processed token; infinite where the cost of tokens is too small to be measured.</summary>
    public double Overhead => ContentToken + QueryToken > 0 ? Math.Max(0, Fixed) / ((ContentToken + QueryToken) / 2) : double.PositiveInfinity;

    /// <summary>The overhead rounded to 1, 1.5, 2, 3, 5 or 7 times a power of ten, from 0.1 to 1000.</summary>
    public double RoundedOverhead => Rounded(Overhead);

    /// <summary>The measured and the fitted time of each shape.</summary>
    public IEnumerable<(int Content, int Queries, double Measured, double Fitted)> Points =>
        _shapes.Select((shape, i) => (shape.Content, shape.Queries, _times[i], Of(shape.Content, shape.Queries)));

    /// <summary>The largest difference between a measured and its fitted time.</summary>
    public double WorstResidual => Points.Max(point => Math.Abs(point.Measured - point.Fitted));

    /// <summary>Measures the passes of a model.</summary>
    /// <param name="model">Must not be used by others meanwhile.</param>
    /// <param name="positions">Length of a sequence in tokens, at least 12.</param>
    /// <param name="batch">Number of sequences in a pass.</param>
    /// <param name="repetitions">Number of passes of each shape.</param>
    /// <param name="cancellationToken">Stops during a pass.</param>
    public static CostCurve Measure(IAnySubsetModel model, int positions, int batch, int repetitions, CancellationToken cancellationToken = default)
    {
        var timer = new ForwardPassTimer(model, positions, batch, s_shapes.Max(shape => shape.Queries));
        List<double>[] passes = [.. s_shapes.Select(_ => new List<double>())];
        try
        {
            for (int repetition = -3; repetition < repetitions; repetition++)
            {
                for (int i = 0; i < passes.Length; i++)
                {
                    double time = timer.Time(model, s_shapes[i].Content, s_shapes[i].Queries, cancellationToken);
                    if (repetition >= 0) // earlier ones are for warming up
                        passes[i].Add(time);
                }
            }
        }
        finally
        {
            timer.Release(model);
        }

        return new CostCurve(s_shapes, [.. passes.Select(one => one.Min())]);
    }

    /// <summary>The fitted time of a pass with so many content and query positions per sequence.</summary>
    public double Of(int content, int queries) => Fixed + content * ContentToken + queries * QueryToken;

    /// <summary>The nearest round value, by ratio.</summary>
    internal static double Rounded(double overhead)
    {
        double within = Math.Clamp(overhead, MinOverhead, MaxOverhead), unit = Math.Pow(10, Math.Floor(Math.Log10(within)));
        return Math.Round(s_roundValues.MinBy(value => Math.Abs(Math.Log(value * unit / within))) * unit, 3);
    }
}
