namespace AsArm.Assd.Samplers.Fused;

/// <summary>How the draft tokens of a speculation step are verified. Both methods are exact.</summary>
public enum VerificationMethod
{
    /// <summary>One after another: each is accepted with probability min(1, q/p) (Leviathan et al. 2023, arXiv 2211.17192).</summary>
    TokenWise,

    /// <summary>
    /// Block verification (Sun et al. 2024, arXiv 2403.10444): all together, which accepts at least as many on average. The draft tokens
    /// behind the accepted ones have influenced the outcome, so they must not be used again.
    /// </summary>
    Block,
}
