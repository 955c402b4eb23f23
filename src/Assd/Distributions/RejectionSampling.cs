using System.Numerics.Tensors;

namespace AsArm.Assd.Distributions;

/// <summary>
/// The acceptance and residual formulas of speculative sampling (Leviathan et al. 2023, arXiv 2211.17192; Guo &amp; Ermon 2025,
/// Algorithm 1): a draft token drawn from p is accepted with probability min(1, q/p), otherwise replaced by a draw from max(q - p, 0),
/// normalised. The resulting token has distribution q, whatever p is. Random numbers are arguments.
/// </summary>
public static class RejectionSampling
{
    /// <summary>Whether a draft token is accepted.</summary>
    /// <param name="uniform">Uniform in [0, 1).</param>
    /// <param name="draft">p of the draft token, positive since it was drawn from p.</param>
    /// <param name="oracle">q of the draft token.</param>
    public static bool Accepts(double uniform, double draft, double oracle) => uniform * draft < oracle;

    /// <summary>Draws the token that replaces a rejected draft token.</summary>
    /// <param name="oracle">q [V].</param>
    /// <param name="draft">p [V].</param>
    /// <param name="residual">[V], overwritten with max(q - p, 0), unnormalised; must not overlap the others.</param>
    /// <param name="uniform">Uniform in [0, 1).</param>
    public static int Replace(ReadOnlySpan<float> oracle, ReadOnlySpan<float> draft, Span<float> residual, double uniform)
    {
        TensorPrimitives.Subtract(oracle, draft, residual);
        TensorPrimitives.Max(residual, 0f, residual);
        // p = q up to rounding leaves no residual; the probability of a rejection is then of the size of that rounding.
        return Probabilities.Sample(TensorPrimitives.Max<float>(residual) > 0 ? residual : oracle, uniform);
    }

    /// <summary>Draws the token that replaces a rejected draft token, from a residual in float64.</summary>
    /// <param name="residual">[V] max(q - p, 0), unnormalised.</param>
    /// <param name="total">
    /// Its sum. 0 means p = q up to rounding, and then q is sampled: the probability of a rejection is then of the size of that rounding.
    /// </param>
    /// <param name="oracle">q [V].</param>
    /// <param name="uniform">Uniform in [0, 1).</param>
    internal static int SampleResidual(ReadOnlySpan<double> residual, double total, ReadOnlySpan<float> oracle, double uniform) =>
        total > 0 ? DoubleWeights.Sample(residual, uniform * total) : Probabilities.Sample(oracle, uniform);
}
