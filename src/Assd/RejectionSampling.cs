using System.Numerics.Tensors;

namespace AsArm.Assd;

/// <summary>
/// The rejection maths of speculative sampling (Leviathan et al. 2023, arXiv 2211.17192; Guo &amp; Ermon 2025, Algorithm 1): a
/// proposal from the draft p is kept with probability min(1, q/p), else replaced by a draw from normalise(max(q - p, 0)). What
/// comes out has law q, whatever p is. Coins are arguments.
/// </summary>
public static class RejectionSampling
{
    /// <summary>Whether a proposal is kept.</summary>
    /// <param name="coin">Uniform in [0, 1).</param>
    /// <param name="draft">p of the proposed token, positive since it was drawn from p.</param>
    /// <param name="oracle">q of the proposed token.</param>
    public static bool Accepts(double coin, double draft, double oracle) => coin * draft < oracle;

    /// <summary>The token that replaces a rejected proposal.</summary>
    /// <param name="oracle">q [V].</param>
    /// <param name="draft">p [V].</param>
    /// <param name="residual">[V] room for max(q - p, 0), unnormalised; must not overlap the others.</param>
    /// <param name="coin">Uniform in [0, 1).</param>
    public static int Replace(ReadOnlySpan<float> oracle, ReadOnlySpan<float> draft, Span<float> residual, double coin)
    {
        TensorPrimitives.Subtract(oracle, draft, residual);
        TensorPrimitives.Max(residual, 0f, residual);
        // p = q up to rounding leaves nothing; a rejection there has a probability of the size of that rounding.
        return Probabilities.Sample(TensorPrimitives.Max<float>(residual) > 0 ? residual : oracle, coin);
    }
}
